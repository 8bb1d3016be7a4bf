//! How often in a row the provider has asked for fewer calls, and for how long nobody starts one then.

use chrono::TimeDelta;
use tokio::time::Instant;

use crate::store::MOST_HELD;

/// How often in a row the provider has asked for fewer calls.
#[derive(Debug)]
pub(super) struct Pushed {
    times: u32,
    until: Instant,
}

impl Pushed {
    /// Not yet, at this moment.
    pub(super) fn since(now: Instant) -> Self {
        Self { times: 0, until: now }
    }

    /// Whether asking now would be another time than the one before.
    pub(super) fn is_new(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// It answered without asking.
    pub(super) fn forget(&mut self) {
        self.times = 0;
    }

    /// It asks again at `now`: for how long nobody is to start a call. Calls that were under way
    /// together are refused together: however many, that is one time.
    pub(super) fn again(&mut self, pause: Option<TimeDelta>, now: Instant) -> TimeDelta {
        let new = self.is_new(now);
        if new {
            self.times = (self.times + 1).min(7);
        }
        let unsaid = TimeDelta::seconds(1 << self.times.saturating_sub(1));
        let pause = pause.unwrap_or(unsaid).min(MOST_HELD);
        if new {
            self.until = now + pause.to_std().unwrap_or_default();
        }
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn refusals_that_come_together_double_the_pause_once() {
        let begun = Instant::now();
        let mut pushed = Pushed::since(begun);
        let mut after = |seconds| {
            let now = begun + Duration::from_secs(seconds);
            (0..25).map(|_| pushed.again(None, now).num_seconds()).max()
        };
        assert_eq!([0, 1, 3, 7].map(&mut after), [Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!([15, 31, 63, 123].map(&mut after), [Some(16), Some(32), Some(60), Some(60)]);
    }
}
