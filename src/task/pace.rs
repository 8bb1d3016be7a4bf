//! How fast what is late is made up for: so that neither a start, nor the end of an outage, asks a
//! whole fleet at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

/// Checks that are late begin at least at this rate, however small the fleet.
const LEAST: f64 = 20.0;
/// They come on top of those that are in time: so at most three times the usual rate in all.
const TIMES: f64 = 2.0;

/// The time between two checks that are late, in nanoseconds; shared.
#[derive(Debug)]
pub struct Pace(AtomicU64);

impl Default for Pace {
    fn default() -> Self {
        Self(AtomicU64::new(nanos(LEAST)))
    }
}

impl Pace {
    /// So many tenants are asked within `interval`.
    pub fn know(&self, tenants: u32, interval: TimeDelta) {
        let interval = interval.to_std().unwrap_or_default().as_secs_f64().max(0.001);
        let rate = (TIMES * f64::from(tenants) / interval).max(LEAST);
        self.0.store(nanos(rate), Ordering::Relaxed);
    }

    /// The time between two checks that are late.
    pub fn step(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Gives each check that is late its turn.
#[derive(Debug)]
pub struct Turns {
    next: Instant,
}

impl Default for Turns {
    fn default() -> Self {
        Self { next: Instant::now() }
    }
}

impl Turns {
    /// The next turn: never before `now`, and a step after the one before.
    pub fn take(&mut self, now: Instant, step: Duration) -> Instant {
        let turn = self.next.max(now);
        self.next = turn + step;
        turn
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn nanos(rate: f64) -> u64 {
    (1e9 / rate).clamp(1.0, 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_made_up_for_at_twice_the_usual_rate_and_at_twenty_a_second_at_least() {
        let pace = Pace::default();
        pace.know(18_000, TimeDelta::minutes(15));
        assert_eq!(pace.step(), Duration::from_millis(25));
        pace.know(20, TimeDelta::minutes(15));
        assert_eq!(pace.step(), Duration::from_millis(50));
    }

    #[test]
    fn time_that_was_not_used_is_not_saved_up_for_a_burst() {
        let (begun, step) = (Instant::now(), Duration::from_millis(10));
        let mut turns = Turns { next: begun };
        let later = begun + Duration::from_mins(1);
        let taken: Vec<_> = (0..3).map(|_| turns.take(later, step)).collect();
        assert_eq!(taken, [later, later + step, later + step * 2]);
    }
}
