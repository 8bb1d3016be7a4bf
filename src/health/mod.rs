//! The core: what evidence means for a tenant, who is owed what, and when to ask next.
//!
//! Everything here is a function of its arguments. It knows no database, no network, no clock and
//! no configuration file; it imports the standard library and the time crate only.
//!
//! Reading order: [`evidence`] (what can be learnt), [`state`] (what can be believed), [`mod@decide`]
//! (the rules between them), [`reason`] (their sentences), [`episode`] (their consequences),
//! [`cadence`] (when to ask next), [`weather`] (key or provider?), [`sky`] (what is believed of it), [`policy`] (how much it takes).

mod bound;
pub mod cadence;
mod close;
pub mod company;
mod compared;
pub mod decide;
pub mod episode;
pub mod evidence;
pub mod inconclusive;
pub mod paging;
pub mod policy;
pub mod reason;
mod rebound;
pub mod repair;
mod replaced;
pub mod scopes;
pub mod sky;
pub mod state;
pub mod telling;
pub mod weather;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod sentences;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod table;

pub use bound::Alone;
pub use cadence::Due;
pub use company::CompanyId;
pub use decide::{Decision, decide};
pub use episode::{Audience, CAUSES, Effect, Notice, Outcome, Stage};
pub use evidence::{
    Action, Evidence, Failure, Finding, Generation, NewKey, Permission, Rebinding, Standing,
};
pub use inconclusive::{Blame, Inconclusive};
pub use paging::{Heard, News, Stands, news};
pub use policy::{BadPolicy, Bounds, Policy};
pub use reason::Reason;
pub use repair::Repair;
pub use scopes::Scopes;
pub use sky::{Author, Incident, Sky, Terms};
pub use state::{DisabledCause, Doubt, Frozen, Health, ReconnectCause, Run, Status, Trouble};
pub use telling::{Go, MailStage, Over, Standings, Wait, expiry_due, may_go, reminder_due};
pub use weather::{Because, Canary, Class, Counts, Sample, Verdict, Weather, judge};
