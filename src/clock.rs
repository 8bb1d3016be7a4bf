//! Where time comes from. Rules never ask for it: they are handed `now`.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use tracing::{info, warn};

/// Less than this is what clocks and threads differ by anyway; more is a step.
const STEP: TimeDelta = TimeDelta::seconds(1);
/// The same for a server, whose clock is read over a connection that may be slow.
const SERVER_STEP: TimeDelta = TimeDelta::seconds(15);
/// A measurement of a server's clock older than this is not trusted: no lease is taken by it.
const TRUSTED: Duration = Duration::from_secs(30);

/// How long the machine has been up. Unlike [`Instant`] it counts the time that the machine was
/// suspended: what was learnt before that is old.
pub fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Something that knows the time of day.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment; never earlier than an answer given before.
    fn now(&self) -> DateTime<Utc>;

    /// Whether leases may be taken by this clock.
    fn is_trusted(&self) -> bool {
        true
    }

    /// How far the answers are ahead of the clock that they come from, because it was set back.
    fn ahead(&self) -> TimeDelta {
        TimeDelta::zero()
    }
}

/// A moment, and when it was the present.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    time: DateTime<Utc>,
    at: Instant,
}

impl Anchor {
    fn carried(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.at.elapsed()).unwrap_or_default();
        whole_micros(self.time + elapsed)
    }
}

/// The machine's clock. When it steps back, time goes on from the last answer at the speed of the
/// monotonic clock until the machine has caught up: no lease or span runs backwards, and nothing
/// stands still. The step is logged once.
#[derive(Debug)]
pub struct SystemClock {
    latest: Mutex<Latest>,
}

/// The last answer, and whether the machine's clock is a step behind it.
#[derive(Debug)]
struct Latest {
    answer: Anchor,
    behind: bool,
}

impl Default for SystemClock {
    fn default() -> Self {
        let answer = Anchor { time: machine(), at: Instant::now() };
        Self { latest: Mutex::new(Latest { answer, behind: false }) }
    }
}

impl SystemClock {
    fn at(&self, machine: DateTime<Utc>) -> DateTime<Utc> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = machine >= latest.answer.time;
        let time = if is_later { machine } else { latest.answer.carried() };
        let before = latest.behind;
        latest.behind = time - machine > STEP;
        latest.answer = Anchor { time, at: Instant::now() };
        let behind = latest.behind;
        drop(latest);
        if behind && !before {
            warn!(
                "the machine's clock was set back by {} s: keypulse goes on as if it had not been, \
                 until the clock has caught up",
                (time - machine).num_seconds()
            );
        } else if before && !behind {
            info!("the machine's clock has caught up with what keypulse goes by");
        }
        time
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        self.at(machine())
    }

    fn ahead(&self) -> TimeDelta {
        (self.now() - machine()).max(TimeDelta::zero())
    }
}

fn machine() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    let now = Utc::now();
    whole_micros(now)
}

/// The store keeps microseconds; a finer moment would not be the same after it was read back.
fn whole_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

/// The clock of a database server, carried on by the monotonic clock between measurements, so that
/// processes on several machines agree. When it steps back, time goes on at half its speed until the
/// server has caught up: nothing stands still, and all processes agree again by themselves.
#[derive(Debug)]
pub struct ServerClock {
    measured: Mutex<Anchor>,
    latest: Mutex<Anchor>,
}

impl ServerClock {
    /// A clock that was just measured: `time` is what the server said, about the time `at`.
    pub fn new(time: DateTime<Utc>, at: Instant) -> Self {
        let measured = Anchor { time, at };
        Self { measured: Mutex::new(measured), latest: Mutex::new(measured) }
    }

    /// Takes a new measurement.
    pub fn measure(&self, time: DateTime<Utc>, at: Instant) {
        let measured = Anchor { time, at };
        let mut latest = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *latest, measured);
        drop(latest);
        let back = before.carried() - measured.carried();
        if back > SERVER_STEP {
            warn!(
                "the database server's clock was set back by {} s: keypulse goes on at half the \
                 speed until the clock has caught up",
                back.num_seconds()
            );
        }
    }

    fn measured(&self) -> Anchor {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ServerClock {
    fn now(&self) -> DateTime<Utc> {
        let server = self.measured().carried();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = TimeDelta::from_std(latest.at.elapsed() / 2).unwrap_or_default();
        let time = server.max(latest.time + slow);
        *latest = Anchor { time, at: Instant::now() };
        whole_micros(time)
    }

    fn is_trusted(&self) -> bool {
        self.measured().at.elapsed() <= TRUSTED
    }

    fn ahead(&self) -> TimeDelta {
        (self.now() - self.measured().carried()).max(TimeDelta::zero())
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

    #[tokio::test(start_paused = true)]
    async fn when_the_machine_steps_back_time_goes_on_at_its_usual_speed() {
        let clock = SystemClock::default();
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(30_000);
        assert_eq!(clock.at(noon), noon);
        tokio::time::advance(Duration::from_mins(1)).await;
        let back = noon - TimeDelta::hours(1);
        assert_eq!(clock.at(back), noon + TimeDelta::minutes(1));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(clock.at(back), noon + TimeDelta::minutes(2));
        let ahead = noon + TimeDelta::minutes(3);
        assert_eq!(clock.at(ahead), ahead, "once the machine has caught up, it leads again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_servers_clock_is_carried_on_and_loses_trust_when_it_is_not_measured_again() {
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = ServerClock::new(noon, Instant::now());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(clock.now(), noon + TimeDelta::seconds(30));
        assert!(clock.is_trusted());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!clock.is_trusted());
        clock.measure(noon + TimeDelta::seconds(20), Instant::now());
        assert!(clock.is_trusted());
        let later = noon + TimeDelta::milliseconds(30_500);
        assert_eq!(clock.now(), later, "never earlier than before, and never at a standstill");
    }

    #[tokio::test(start_paused = true)]
    async fn when_a_server_steps_back_time_goes_on_at_half_its_speed_until_both_agree() {
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = ServerClock::new(noon, Instant::now());
        assert_eq!(clock.now(), noon);
        clock.measure(noon - TimeDelta::minutes(10), Instant::now());
        for minute in 1..=20 {
            tokio::time::advance(Duration::from_mins(1)).await;
            assert_eq!(clock.now(), noon + TimeDelta::seconds(30) * minute);
            assert_eq!(clock.ahead(), TimeDelta::minutes(10) - TimeDelta::seconds(30) * minute);
        }
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(clock.now(), noon + TimeDelta::minutes(11));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_back_of_the_machine_is_told_until_it_has_caught_up() {
        let clock = SystemClock::default();
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(30_000);
        let is_behind = || clock.latest.lock().unwrap().behind;
        for (machine, behind) in [
            (noon, false),
            (noon - TimeDelta::milliseconds(900), false),
            (noon - TimeDelta::hours(1), true),
            (noon - TimeDelta::minutes(59), true),
            (noon, false),
        ] {
            clock.at(machine);
            assert_eq!(is_behind(), behind, "{machine}");
        }
    }

    #[test]
    fn no_moment_is_finer_than_the_store_can_keep() {
        let clock = SystemClock::default();
        assert!((0..1_000).all(|_| clock.now().timestamp_subsec_nanos().is_multiple_of(1_000)));
    }

    #[test]
    fn a_manual_clock_moves_only_forward_and_only_by_hand() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::minutes(5));
        clock.advance(TimeDelta::minutes(-9));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::minutes(5));
    }
}
