//! How many calls began when: tenths of a second, the last two minutes of them, and the busiest
//! minute so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Buckets kept; a power of two above 1,200 (two minutes).
const BUCKETS: usize = 2_048;
/// Tenths of a second in a minute.
const MINUTE: u32 = 600;
/// A bucket this old is no longer added to, even by a thread that was held up.
const SETTLED: u32 = 20;

/// The busiest 60 seconds. Calls are counted in tenths of a second, so that the exact figure lies
/// between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Busiest {
    /// That many calls did begin within 60 seconds.
    pub at_least: u64,
    /// Within no 60 seconds did more begin.
    pub at_most: u64,
}

/// The buckets: the high half says which tenth of a second, the low half how many.
#[derive(Debug)]
pub(super) struct Window {
    buckets: Box<[AtomicU64]>,
    minutes: Mutex<Minutes>,
}

/// Sums over the minute that ends before `next`.
#[derive(Clone, Copy, Debug, Default)]
struct Minutes {
    next: u32,
    exact: u64,
    wide: u64,
    busiest: Busiest,
}

impl Window {
    /// Nothing counted.
    pub(super) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            minutes: Mutex::default(),
        }
    }

    /// Counts one call that began in this tenth of a second.
    pub(super) fn add(&self, tenth: u32) {
        let bucket = &self.buckets[tenth as usize % BUCKETS];
        loop {
            let seen = bucket.load(Ordering::Relaxed);
            if seen >> 32 == tag(tenth) {
                bucket.fetch_add(1, Ordering::Relaxed);
                return;
            }
            // The first call of a tenth looks back, before the bucket is used again.
            let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
            self.advance(&mut minutes, tenth.saturating_sub(SETTLED));
            let fresh = tag(tenth) << 32;
            // Whoever was quicker has done the same.
            let _ = bucket.compare_exchange(seen, fresh, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The busiest minute up to now.
    pub(super) fn busiest(&self, tenth: u32) -> Busiest {
        let mut minutes = *self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        self.advance(&mut minutes, tenth + 1);
        minutes.busiest
    }

    /// Calls in each of the last 120 seconds, oldest first; the last is the second that runs.
    pub(super) fn seconds(&self, tenth: u32) -> Vec<u64> {
        let current = tenth / 10;
        (0..120)
            .rev()
            .map(|ago| {
                current.checked_sub(ago).map_or(0, |second| {
                    (second * 10..second * 10 + 10).map(|tenth| self.count(tenth)).sum()
                })
            })
            .collect()
    }

    /// Calls in each of the last 1,200 tenths of a second, oldest first, without the one that runs.
    pub(super) fn tenths(&self, tenth: u32) -> Vec<u64> {
        (1..=2 * MINUTE)
            .rev()
            .map(|ago| tenth.checked_sub(ago).map_or(0, |tenth| self.count(tenth)))
            .collect()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in &self.buckets {
            bucket.store(0, Ordering::Relaxed);
        }
        *minutes = Minutes { next: minutes.next, ..Minutes::default() };
    }

    fn advance(&self, minutes: &mut Minutes, until: u32) {
        if until.saturating_sub(minutes.next) > 2 * MINUTE {
            // A long silence: finish the minute that was begun, then skip to the present one.
            self.step(minutes, minutes.next + MINUTE + 1);
            (minutes.next, minutes.exact, minutes.wide) = (until - MINUTE, 0, 0);
        }
        self.step(minutes, until);
    }

    fn step(&self, minutes: &mut Minutes, until: u32) {
        while minutes.next < until {
            let tenth = minutes.next;
            let came = self.count(tenth);
            let gone = |back: u32| tenth.checked_sub(back).map_or(0, |old| self.count(old));
            minutes.exact = (minutes.exact + came).saturating_sub(gone(MINUTE));
            minutes.wide = (minutes.wide + came).saturating_sub(gone(MINUTE + 1));
            minutes.busiest.at_least = minutes.busiest.at_least.max(minutes.exact);
            minutes.busiest.at_most = minutes.busiest.at_most.max(minutes.wide);
            minutes.next += 1;
        }
    }

    fn count(&self, tenth: u32) -> u64 {
        let bucket = self.buckets[tenth as usize % BUCKETS].load(Ordering::Relaxed);
        if bucket >> 32 == tag(tenth) { bucket & u64::from(u32::MAX) } else { 0 }
    }
}

/// What marks a bucket as this tenth's; zero marks one that was never used.
fn tag(tenth: u32) -> u64 {
    u64::from(tenth) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_busiest_minute_is_what_counting_by_hand_gives(
            steps in prop::collection::vec((0_u32..3_000, 1_u64..5), 1..60),
        ) {
            let window = Window::new();
            let (mut tenth, mut calls) = (0, Vec::new());
            for (step, count) in steps {
                tenth += step;
                for _ in 0..count {
                    window.add(tenth);
                    calls.push(tenth);
                }
            }
            let within = |span: u32| {
                calls
                    .iter()
                    .map(|from| calls.iter().filter(|c| (*from..from + span).contains(*c)).count())
                    .max()
                    .map_or(0, |most| most as u64)
            };
            let busiest = window.busiest(tenth);
            prop_assert_eq!(busiest.at_least, within(MINUTE));
            prop_assert_eq!(busiest.at_most, within(MINUTE + 1));
        }
    }

    #[test]
    fn a_burst_is_remembered_after_a_day_of_silence() {
        let window = Window::new();
        for _ in 0..500 {
            window.add(3);
        }
        window.add(864_000);
        assert_eq!(window.busiest(864_000).at_least, 500);
        window.clear();
        window.add(864_001);
        assert_eq!(window.busiest(864_002).at_most, 1);
    }

    #[test]
    fn the_last_two_minutes_are_told_by_the_second() {
        let window = Window::new();
        for tenth in [9, 10, 19, 1_199] {
            window.add(tenth);
        }
        let seconds = window.seconds(1_199);
        assert_eq!((seconds.len(), seconds[0], seconds[1], seconds[119]), (120, 1, 2, 1));
        assert_eq!(window.seconds(1_205)[..2], [2, 0]);
        let tenths = window.tenths(20);
        assert_eq!(
            (tenths.len(), &tenths[1_188..]),
            (1_200, &[0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1][..])
        );
    }

    #[test]
    fn threads_that_count_at_once_lose_nothing() {
        let (window, clock) = (Window::new(), AtomicU64::new(0));
        let count = || {
            for _ in 0..40_000 {
                let now = clock.fetch_add(1, Ordering::Relaxed) / 1_000;
                window.add(u32::try_from(now).unwrap());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(count);
            }
        });
        // By the bucket: a thread that is held up for two "seconds" of this quick clock counts in
        // its bucket, but too late for the minute.
        assert_eq!(window.seconds(160).iter().sum::<u64>(), 160_000);
    }
}
