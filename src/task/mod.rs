//! What runs by itself: asks who is due, decides, saves.
//!
//! The road of one check: [`watch`] claims who is due and hands them to [`check`], which asks the
//! provider within the [`budget`], decides with `health`, and saves with `store`.

pub mod budget;
pub mod check;
pub mod watch;

pub use budget::{Budget, Scope};
pub use check::{Change, Checker, Observed};
pub use watch::Watch;
