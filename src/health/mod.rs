//! The core: what evidence means for a tenant, who is owed what, and when to ask next.
//!
//! Everything here is a function of its arguments. It knows no database, no network, no clock and
//! no configuration file; it imports the standard library and the time crate only.

pub mod policy;

pub use policy::{BadPolicy, Bounds, Policy};
