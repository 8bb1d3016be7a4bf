//! Where time comes from. Rules never ask for it: they are handed `now`.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Something that knows the time of day.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment; never earlier than an answer given before.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock, with backward steps held: while the machine says an earlier time than
/// before, the last time is repeated, so that no lease or span can run backwards.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest_micros: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let machine = Utc::now().timestamp_micros();
        let before = self.latest_micros.fetch_max(machine, Ordering::AcqRel);
        DateTime::from_timestamp_micros(machine.max(before)).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// A clock moved by hand, for rehearsals and tests.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self { micros: AtomicI64::new(start.timestamp_micros()) }
    }

    /// Moves the clock forward by `step`; a negative step is ignored.
    pub fn advance(&self, step: TimeDelta) {
        let micros = step.num_microseconds().unwrap_or(i64::MAX).max(0);
        self.micros.fetch_add(micros, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::Acquire))
            .unwrap_or(DateTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_repeats_its_last_answer_when_the_machine_steps_back() {
        let clock = SystemClock::default();
        let ahead = clock.now() + TimeDelta::hours(1);
        clock.latest_micros.store(ahead.timestamp_micros(), Ordering::Release);
        assert_eq!(clock.now().timestamp_micros(), ahead.timestamp_micros());
    }

    #[test]
    fn a_manual_clock_moves_only_forward_and_only_by_hand() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::minutes(5));
        clock.advance(TimeDelta::minutes(-9));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::minutes(5));
    }
}
