//! Waiting for what must come, with a bound: a slow machine is no failure, a hung program is one.

use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);
const STEP: Duration = Duration::from_millis(20);

/// Waits until something is true. Panics when it does not become so, with what `otherwise` can
/// tell.
pub fn until(what: &str, mut holds: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) {
    let waited = within(PATIENCE, &mut holds);
    assert!(waited, "{what}: not within {} seconds\n{}", PATIENCE.as_secs(), otherwise());
}

/// Waits until something is true, but no longer than this; says whether it is.
pub fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(STEP);
    }
    true
}
