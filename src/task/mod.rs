//! What runs by itself: asks who is due, decides, saves.
//!
//! The road of one check: [`watch`] claims who is due; a [`Checker`] asks the provider within the
//! [`budget`] (`probe`), then decides with `health` and saves with `store` (`settle`).

pub mod budget;
pub mod check;
pub mod cron;
pub mod measure;
mod probe;
mod settle;
pub mod watch;

pub use budget::{Budget, Scope};
pub use check::{Change, Checker, Observed};
pub use cron::Pokes;
pub use measure::{Measure, effective_interval};
pub use watch::Watch;
