//! What runs by itself: asks who is due, decides, saves.
//!
//! The road of one check: [`watch`] claims who is due; a [`Checker`] asks the provider within the
//! [`budget`] (`probe`); a [`Settler`] decides with `health` and saves with `store`. What a person does
//! to a tenant joins the road there.

pub mod budget;
pub mod check;
mod probe;
mod settle;
pub mod watch;

pub use budget::{Budget, Scope};
pub use check::{Change, Checker, Observed};
pub use settle::Settler;
pub use watch::Watch;
