//! When to ask a tenant next.

use chrono::{DateTime, TimeDelta, Utc};

use super::evidence::{Evidence, Finding};
use super::inconclusive::Blame;
use super::policy::Policy;
use super::state::{Doubt, Health, ReconnectCause, Run, Status, Trouble};
use super::weather::Weather;

/// When the next probe of a tenant is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Not before then.
    At(DateTime<Utc>),
    /// Not until a person acts.
    Never,
}

/// A tenant's own place within the interval: stable over restarts and replicas, and even over the
/// fleet, because ids are random. It rises with the id, so that those who are due together are
/// neighbours wherever rows lie in the order of their ids: they are read and written together.
pub fn phase(tenant: i64, interval: TimeDelta) -> TimeDelta {
    let micros = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
    // Of 63 random bits, as much of the interval as they are of all.
    let share = (i128::from(tenant & i64::MAX) * i128::from(micros)) >> 63;
    TimeDelta::microseconds(i64::try_from(share).unwrap_or(0))
}

/// The first routine moment of `phase` after `now`.
pub fn routine(now: DateTime<Utc>, interval: TimeDelta, phase: TimeDelta) -> DateTime<Utc> {
    let micros = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
    let offset = phase.num_microseconds().unwrap_or(0);
    let since = (now.timestamp_micros() - offset).rem_euclid(micros);
    now + TimeDelta::microseconds(micros - since)
}

/// Which routine interval since 1970 a moment lies in, counted from the tenant's phase; calls that
/// are made only once in n probes go by it.
pub fn turn(at: DateTime<Utc>, interval: TimeDelta, phase: TimeDelta) -> i64 {
    let micros = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
    (at.timestamp_micros() - phase.num_microseconds().unwrap_or(0)).div_euclid(micros)
}

/// When to ask next, after `evidence`, heard under this weather, has led to `next`.
pub fn next(
    next: &Health,
    evidence: &Evidence,
    weather: Weather,
    policy: &Policy,
    phase: TimeDelta,
    now: DateTime<Utc>,
) -> Due {
    let silent = retry(next, evidence, policy);
    let at = match &next.status {
        Status::Disabled(_) => return Due::Never,
        // There is nothing left to ask with.
        _ if next.destroyed_at.is_some() => return Due::Never,
        Status::Paused { until, .. } => return until.map_or(Due::Never, Due::At),
        // Whoever resumes a tenant wants to see what is true now.
        _ if matches!(evidence.finding, Finding::Operator(_)) => now,
        Status::Degraded(Trouble::OutOfStep) => routine(now, policy.interval, phase),
        // So does whoever has put it in step again.
        _ if matches!(evidence.finding, Finding::Compared) => now,
        Status::NeedsReconnection { returning: Some(first), .. }
        | Status::Degraded(Trouble::Key { returning: Some(first), .. }) => {
            (*first.min(&now) + policy.confirm_after[0]).max(silent)
        }
        // What was told already is asked seldom; anything else is confirmed like a first failure.
        Status::NeedsReconnection { cause, doubt, .. }
            if cause.covers(&doubt.failure)
                && !matches!(cause, ReconnectCause::WrongCompany(_)) =>
        {
            evidence.began + policy.dead_interval
        }
        // A sample is asked for all, and the end of the incident brings this forward.
        _ if weather == Weather::Incident && is_held(&evidence.finding) => {
            evidence.began + policy.held_interval()
        }
        Status::NeedsReconnection { doubt, .. }
        | Status::Degraded(
            Trouble::Key { doubt, .. } | Trouble::Unreachable { doubt: Some(doubt) },
        )
        | Status::Pending { doubt: Some(doubt) }
        | Status::Healthy { doubt: Some(doubt) } => confirmation(doubt, policy, now).max(silent),
        Status::Pending { doubt: None } => silent,
        Status::Healthy { doubt: None }
        | Status::Degraded(Trouble::Unreachable { doubt: None }) => {
            routine(now, policy.interval, phase)
        }
    };
    Due::At(at.max(now + evidence.pause.unwrap_or_default()))
}

/// The n-th failure is followed by the n-th step, counted from the first failure. After the last
/// step the routine interval goes on, except that the end of the span that is still waited for is
/// not overslept. Counted are the failures that count to a bound, where there are any.
fn confirmation(doubt: &Doubt, policy: &Policy, now: DateTime<Utc>) -> DateTime<Utc> {
    let steps = &policy.confirm_after;
    let run = doubt.run.unwrap_or(Run::of(doubt));
    // A clock that was ahead must not keep a tenant from being asked.
    let (first, last) = (run.first.min(now), doubt.last.min(now));
    let nth = usize::try_from(run.count.get()).unwrap_or(usize::MAX);
    let planned = if let Some(step) = steps.get(nth - 1) {
        first + *step
    } else {
        let later = last + policy.interval;
        [policy.span, policy.alone_span]
            .map(|span| first + span)
            .into_iter()
            .find(|end| *end > last)
            .map_or(later, |end| later.min(end))
    };
    planned.max(last + steps[0])
}

/// Whether this is what an incident holds.
fn is_held(finding: &Finding) -> bool {
    match finding {
        Finding::Failed(_) => true,
        Finding::Inconclusive(why) => why.blame() != Blame::Ourselves,
        Finding::Accepted
        | Finding::Operator(_)
        | Finding::Replaced(_)
        | Finding::Rebound(_)
        | Finding::Compared => false,
    }
}

/// An answer that says nothing is asked for again after as long as the silence has lasted: at
/// least the first step, at most the interval. So the pause doubles by itself. A fault of our own
/// is not mended by asking: it waits for the interval.
fn retry(next: &Health, evidence: &Evidence, policy: &Policy) -> DateTime<Utc> {
    let step = policy.confirm_after[0].min(policy.interval);
    match &evidence.finding {
        Finding::Inconclusive(why) if why.blame() == Blame::Ourselves => {
            evidence.began + policy.interval
        }
        Finding::Inconclusive(_) => {
            let silent = next.silent_since.map_or(step, |since| evidence.began - since);
            evidence.began + silent.clamp(step, policy.interval)
        }
        Finding::Accepted
        | Finding::Failed(_)
        | Finding::Operator(_)
        | Finding::Replaced(_)
        | Finding::Rebound(_)
        | Finding::Compared => evidence.began,
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::{Failure, Generation, Standing};
    use super::super::inconclusive::Inconclusive;
    use super::*;

    const CLEAR: Weather = Weather::Clear;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    fn doubt(count: u32, last: i64) -> Doubt {
        let clear = Weather::Clear;
        let mut doubt = Doubt::begin(Failure::Rejected, at(0), clear);
        for n in 1..count {
            let began = if n + 1 == count { at(last) } else { at(i64::from(n)) };
            doubt = Doubt::extend(Some(&doubt), Failure::Rejected, began, clear, None);
        }
        doubt
    }

    #[test]
    fn confirmations_follow_the_steps_and_then_the_interval_but_never_oversleep_the_span() {
        let policy = Policy::default();
        let times: Vec<_> = [(1, 0), (2, 1), (3, 4), (4, 11), (5, 26), (6, 41), (7, 56)]
            .map(|(count, last)| {
                (confirmation(&doubt(count, last), &policy, at(last)) - at(0)).num_minutes()
            })
            .to_vec();
        assert_eq!(times, [1, 4, 11, 26, 41, 56, 60]);
    }

    #[test]
    fn a_span_that_has_just_ended_is_not_waited_for_any_more() {
        assert_eq!(confirmation(&doubt(4, 10), &Policy::default(), at(10)), at(25));
    }

    #[test]
    fn turns_count_the_intervals_of_a_tenants_own_phase() {
        let interval = TimeDelta::minutes(15);
        let phase = TimeDelta::minutes(4);
        let first = turn(at(4), interval, phase);
        assert_eq!(turn(at(3), interval, phase), first - 1);
        assert_eq!(turn(at(18), interval, phase), first);
        assert_eq!(turn(at(19), interval, phase), first + 1);
        assert_eq!(turn(routine(at(19), interval, phase), interval, phase), first + 2);
    }

    #[test]
    fn a_late_confirmation_does_not_bunch_the_next_one_up() {
        let policy = Policy::default();
        assert_eq!(confirmation(&doubt(2, 20), &policy, at(20)), at(21));
    }

    #[test]
    fn routine_moments_keep_their_phase_over_days() {
        let interval = TimeDelta::minutes(15);
        let phase = TimeDelta::minutes(4);
        assert_eq!(routine(at(0), interval, phase), at(4));
        assert_eq!(routine(at(4), interval, phase), at(19));
        assert_eq!(routine(at(18), interval, phase), at(19));
    }

    #[test]
    fn phases_spread_evenly_over_the_interval() {
        let interval = TimeDelta::minutes(15);
        let mut slots = [0_u32; 10];
        for n in 0..10_000_u64 {
            let id = i64::try_from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1).unwrap();
            let slot = phase(id, interval).num_milliseconds() * 10 / interval.num_milliseconds();
            slots[usize::try_from(slot).unwrap()] += 1;
        }
        assert!(slots.iter().all(|count| (800..1_200).contains(count)), "{slots:?}");
    }

    #[test]
    fn the_phase_rises_with_the_id_and_stays_within_the_interval() {
        let interval = TimeDelta::minutes(15);
        let ids = [0, 1, 1 << 40, 1 << 62, i64::MAX - 1, i64::MAX];
        let phases = ids.map(|id| phase(id, interval));
        assert!(phases.is_sorted(), "{phases:?}");
        assert_eq!(phases[3], interval / 2);
        assert!(phases[0] >= TimeDelta::zero() && phases[5] < interval, "{phases:?}");
        assert!(phase(-5, interval) < interval);
    }

    #[test]
    fn a_pause_asked_for_by_the_provider_is_kept() {
        let health = Health::pending(at(0), None);
        let evidence = Evidence {
            generation: Generation::FIRST,
            began: at(0),
            finding: Finding::Inconclusive(Inconclusive::RateLimited),
            standing: Standing::Current,
            pause: Some(TimeDelta::minutes(40)),
        };
        let due = next(&health, &evidence, CLEAR, &Policy::default(), TimeDelta::zero(), at(0));
        assert_eq!(due, Due::At(at(40)));
    }

    #[test]
    fn the_pause_after_silence_doubles_up_to_the_interval() {
        let policy = Policy::default();
        let mut health = Health::pending(at(0), None);
        health.silent_since = Some(at(0));
        let mut began = at(0);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let evidence = Evidence {
                generation: Generation::FIRST,
                began,
                finding: Finding::Inconclusive(Inconclusive::TimedOut),
                standing: Standing::Current,
                pause: None,
            };
            let after = retry(&health, &evidence, &policy);
            pauses.push((after - began).num_minutes());
            began = after;
        }
        assert_eq!(pauses, [1, 1, 2, 4, 8, 15, 15]);
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_does_not_keep_a_tenant_from_being_asked() {
        let year = 525_600;
        let due = confirmation(&doubt(2, year), &Policy::default(), at(3));
        assert!(due <= at(30), "{due}");
    }

    #[test]
    fn a_fault_of_our_own_is_not_asked_away_minute_by_minute() {
        let health = Health::pending(at(0), None);
        let evidence = Evidence {
            generation: Generation::FIRST,
            began: at(0),
            finding: Finding::Inconclusive(Inconclusive::OtherClient),
            standing: Standing::Current,
            pause: None,
        };
        let due = next(&health, &evidence, CLEAR, &Policy::default(), TimeDelta::zero(), at(0));
        assert_eq!(due, Due::At(at(15)));
    }
}
