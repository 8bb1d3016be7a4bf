//! Asks a provider whether a key still works, and says what the answers mean.
//!
//! All that is particular to one provider is data ([`profile`]); what an answer means is one pure
//! function per call ([`classify`]), put in order by [`examine`]; only [`client`] touches the
//! network. It knows no tenants, no database and no schedule.

pub mod classify;
pub mod client;
pub mod examine;
pub mod format;
pub mod profile;
pub mod refusal;
mod telling;

#[cfg(test)]
mod table;

pub use classify::{Answer, Body, Expected, Reply, Seen, Subject, company_name};
pub use client::{Client, ClientError, Limits};
pub use examine::{Call, CallKind, Examination, Step};
pub use profile::{Profile, ProfileError};
pub use refusal::Refusal;
pub use telling::{Names, Say, Taken, Told};
