//! What runs by itself: asks who is due, decides, saves.
//!
//! The road of one check: [`watch`] claims who is due; a [`Checker`] asks the provider within the
//! [`budget`] (`probe`), then decides with `health` and saves with `store` (`settle`).

pub mod budget;
pub mod check;
pub mod heartbeat;
mod probe;
pub mod pulse;
mod settle;
pub mod watch;
pub mod watchdog;

pub use budget::{Budget, Scope};
pub use check::{Change, Checker, Observed};
pub use heartbeat::Heartbeat;
pub use pulse::Pulse;
pub use watch::Watch;
