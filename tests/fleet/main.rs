//! Real daemons on whole fleets, with what happens to machines: killed again and again, two on one
//! database, a disk that fills up, a clock that is set back. The sandbox is in this process.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

mod daemon;
mod database;
mod dice;
mod disk;
mod rig;
mod wait;

mod budget;
mod clock;
mod disabled;
mod full_disk;
mod killed;
mod shared;
mod weather;
