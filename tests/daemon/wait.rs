//! Waiting for what must come, with a bound, so that a slow machine is no failure and a hung
//! program is one.

use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);
const STEP: Duration = Duration::from_millis(40);

/// Asks until there is an answer.
///
/// Panics when it does not come, with what was waited for and what `otherwise` can tell.
pub fn until<T>(
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
    otherwise: impl FnOnce() -> String,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {} seconds\n{}",
            PATIENCE.as_secs(),
            otherwise()
        );
        sleep(STEP);
    }
}

/// The same for a condition.
pub fn until_true(what: &str, mut ask: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) {
    until(what, || ask().then_some(()), otherwise);
}
