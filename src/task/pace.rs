//! How fast routine checks may begin: so that neither a start, nor the end of an outage, nor a budget
//! that was waited for, asks a whole fleet at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Routine checks may always begin at this rate, however small the fleet: below it nobody calls them a
/// burst, and a fleet that is being imported does not outrun what is known of it.
const LEAST: f64 = 100.0;
/// They may begin at so many times the rate at which the fleet falls due: what is late is made up for
/// as fast as the rest is asked.
const TIMES: f64 = 2.0;
/// So much of that rate may begin at once: what falls due in one slot of the crew starts together. A
/// tenth of a second then sees at most what one and a half may hold, three times the usual.
const AT_ONCE: Duration = Duration::from_millis(50);

/// The pace of one process: a generic cell rate algorithm over the beginnings of routine checks.
#[derive(Debug)]
pub struct Pace {
    beat: Mutex<Beat>,
    pressed: Notify,
}

#[derive(Debug)]
struct Beat {
    /// The time between two checks at the highest rate.
    step: Duration,
    /// When everything that began would have begun, had each kept its distance.
    arrived: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        let beat = Beat { step: step(LEAST), arrived: Instant::now() };
        Self { beat: Mutex::new(beat), pressed: Notify::new() }
    }
}

impl Pace {
    /// So many tenants are asked within `interval`.
    pub fn know(&self, tenants: u32, interval: TimeDelta) {
        let interval = interval.to_std().unwrap_or_default().as_secs_f64().max(0.001);
        self.beat().step = step((TIMES * f64::from(tenants) / interval).max(LEAST));
    }

    /// Waits until one more check may begin. Those who wait are not in line: one at a time is to.
    pub(super) async fn turn(&self) {
        while let Err(at) = self.try_turn() {
            // The fleet may have grown since it was counted.
            self.pressed.notify_one();
            sleep_until(at).await;
        }
    }

    /// Begins one more check, if it may begin now; else says when to try again: not at the first
    /// moment, but when as many may begin as ever may at once.
    pub(super) fn try_turn(&self) -> Result<(), Instant> {
        self.beat().take(Instant::now())
    }

    /// Waits until somebody has to wait for a turn.
    pub async fn pressed(&self) {
        self.pressed.notified().await;
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beat {
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let arrived = self.arrived.max(now);
        if arrived - now >= AT_ONCE.max(self.step) {
            return Err(arrived);
        }
        self.arrived = arrived + self.step;
        Ok(())
    }
}

fn step(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(tenants: u32) -> Beat {
        let pace = Pace::default();
        pace.know(tenants, TimeDelta::minutes(1));
        pace.beat.into_inner().unwrap()
    }

    /// When each of so many checks begins, by the millisecond, if all have waited from the beginning on.
    fn beginnings(beat: &mut Beat, checks: usize) -> Vec<u128> {
        let begun = Instant::now();
        beat.arrived = begun;
        let mut now = begun;
        (0..checks)
            .map(|_| {
                while let Err(at) = beat.take(now) {
                    now = at;
                }
                (now - begun).as_millis()
            })
            .collect()
    }

    #[test]
    fn a_backlog_never_puts_more_than_three_times_the_usual_into_a_tenth_of_a_second() {
        // 10,000 in a minute: 16.7 in a tenth of a second.
        let begun = beginnings(&mut beat(10_000), 5_000);
        let busiest = (0..begun.len())
            .map(|first| begun[first..].iter().take_while(|at| **at < begun[first] + 100).count())
            .max();
        assert!((34..=51).contains(&busiest.unwrap()), "{busiest:?}");
    }

    #[test]
    fn a_backlog_is_made_up_for_at_twice_the_usual_rate() {
        let begun = beginnings(&mut beat(10_000), 5_000);
        let seconds = begun.last().unwrap() / 1_000;
        assert!((14..=15).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_small_fleet_begins_a_hundred_in_a_second() {
        let begun = beginnings(&mut beat(3), 100);
        assert!((900..=1_000).contains(begun.last().unwrap()), "{begun:?}");
    }

    #[test]
    fn time_that_was_not_used_is_not_saved_up_for_a_burst() {
        let mut beat = beat(12_000);
        let later = Instant::now() + Duration::from_mins(1);
        let at_once = (0..1_000).take_while(|_| beat.take(later).is_ok()).count();
        assert_eq!(at_once, 20);
    }
}
