//! What runs by itself: asks who is due, decides, saves.
//!
//! The road of one check: [`watch`] claims who is due; a `crew` has each asked at its time,
//! by a [`Checker`] within the [`budget`] and past the [`gate`] (`probe`); a [`Settler`] decides with `health` and saves with `store`. What a person does
//! to a tenant joins the road there.
//!
//! A key that lies elsewhere is read at its [`source`] first (`draw`), and a new one is put there
//! before it is used (`deposit`). A key that a person enters ([`enter`]) is tried beside it and joins it there as well.
//!
//! What is owed to the integration of such a key is sealed and fetched in [`handover`]; [`leave`] seals
//! all live keys at once.
//!
//! What is decided to be told is owed in the same transaction. One [`Lane`] for each endpoint of the
//! integration sends it; an [`Alarm`] tells the Alertmanager what stands on the [`Board`], a [`Pager`] a pager
//! or a chat what is new of it; a [`Postman`] carries the customers' mail,
//! which a [`Scribe`] writes, and [`Remind`] owes what is due by the clock.
//!
//! Apart from that road, a [`rotate`] exchanges the keyring beside running processes, each of which
//! notices by its [`KeyringSource`].

mod admit;
pub mod alarm;
pub mod board;
pub mod budget;
pub mod canary;
pub mod check;
mod check_now;
mod crew;
pub mod cron;
pub mod deliver;
mod deposit;
mod draw;
pub mod enter;
pub mod gate;
pub mod handover;
pub mod heartbeat;
pub mod keyring;
pub mod lease;
mod leases;
pub mod leave;
pub mod link;
pub mod listing;
pub mod look;
pub mod mail;
pub mod measure;
pub mod mirror;
pub mod pace;
pub mod pager;
mod probe;
pub mod prune;
pub mod publish;
pub mod pulse;
mod pushed;
pub mod rebind;
pub mod reconcile;
pub mod remind;
mod replace;
pub mod rotate;
pub mod scopes;
pub mod scribe;
mod settle;
pub mod source;
pub mod watch;
pub mod watchdog;
pub mod weather;
mod whose;
pub mod withdrawals;

pub use admit::{Admission, Newcomer};
pub use alarm::Alarm;
pub use board::{Board, Patience};
pub use budget::{Budget, Caller, Scope};
pub use canary::Canary;
pub use check::{Change, Checker, Observed};
pub use check_now::CheckNow;
pub use cron::Pokes;
pub use deliver::{Lane, Signer};
pub use enter::{Answer, EnterError, Found, Offer};
pub use gate::Gate;
pub use handover::{Copier, HandOverError, Origin};
pub use heartbeat::Heartbeat;
pub use keyring::{KeyringError, KeyringSource};
pub use lease::Lease;
pub use link::{Invited, Links, MadeLink};
pub use listing::{BadLines, Listing};
pub use mail::{Manners, Postman, Round};
pub use measure::{Measure, PUT_OFF_AFTER, effective_interval};
pub use mirror::Mirror;
pub use pager::Pager;
pub use publish::Publish;
pub use pulse::Pulse;
pub use rebind::{Rebind, Rebound};
pub use reconcile::Reconciler;
pub use remind::Remind;
pub use scopes::{Applied, Difference, Group, Impact, Plan, Requirement, Share};
pub use scribe::{Scribe, ScribeError};
pub use settle::Settler;
pub use source::Source;
pub use watch::Watch;
pub use weather::Judge;
pub use whose::Whose;
