//! The real program as an operator runs it: one daemon per file, the service manager, the health
//! check, the glance and the doctor. SQLite in folders of their own, the sandbox in this process.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

mod alone;
mod looking;
mod rig;
mod supervised;
