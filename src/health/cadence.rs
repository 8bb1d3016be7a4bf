//! When to ask a tenant next.

use chrono::{DateTime, TimeDelta, Utc};

use super::evidence::{Evidence, Finding};
use super::policy::Policy;
use super::state::{Doubt, Health, ReconnectCause, Status, Trouble};

/// When the next probe of a tenant is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Not before then.
    At(DateTime<Utc>),
    /// Not until a person acts.
    Never,
}

/// A tenant's own place within the interval: stable over restarts and replicas, and even over the
/// fleet, because ids are random.
pub fn phase(tenant: i64, interval: TimeDelta) -> TimeDelta {
    let micros = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
    TimeDelta::microseconds(tenant.rem_euclid(micros))
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

/// When to ask next, after `evidence` has led to `next`.
pub fn next(
    next: &Health,
    evidence: &Evidence,
    policy: &Policy,
    phase: TimeDelta,
    now: DateTime<Utc>,
) -> Due {
    let step = policy.confirm_after[0];
    let at = match &next.status {
        Status::Paused { until, .. } => return until.map_or(Due::Never, Due::At),
        Status::Disabled(_) => return Due::Never,
        // Whoever resumes a tenant wants to see what is true now.
        _ if matches!(evidence.finding, Finding::Operator(_)) => now,
        Status::NeedsReconnection { returning: Some(_), .. }
        | Status::Degraded(Trouble::Key { returning: Some(_), .. }) => evidence.began + step,
        Status::NeedsReconnection { cause: ReconnectCause::WrongCompany(_), doubt, .. }
        | Status::Degraded(
            Trouble::Key { doubt, .. } | Trouble::Unreachable { doubt: Some(doubt) },
        )
        | Status::Pending { doubt: Some(doubt) }
        | Status::Healthy { doubt: Some(doubt) } => {
            confirmation(doubt, policy).max(retry(next, evidence, policy))
        }
        // Something else than what was told: confirmed as quickly as a first failure.
        Status::NeedsReconnection { doubt, .. } if doubt.count.get() < policy.rejections => {
            confirmation(doubt, policy).max(retry(next, evidence, policy))
        }
        Status::NeedsReconnection { .. } => evidence.began + policy.dead_interval,
        Status::Pending { doubt: None } => retry(next, evidence, policy),
        Status::Healthy { doubt: None }
        | Status::Degraded(Trouble::Unreachable { doubt: None }) => {
            routine(now, policy.interval, phase)
        }
    };
    let asked_to_wait = match &evidence.finding {
        Finding::Inconclusive(why) => why.retry_after(),
        Finding::Accepted | Finding::Failed(_) | Finding::Operator(_) => None,
    };
    Due::At(at.max(now + asked_to_wait.unwrap_or_default()))
}

/// The n-th failure is followed by the n-th step, counted from the first failure. After the last
/// step the routine interval goes on, except that the end of the span that is still waited for is
/// not overslept.
fn confirmation(doubt: &Doubt, policy: &Policy) -> DateTime<Utc> {
    let steps = &policy.confirm_after;
    let nth = usize::try_from(doubt.count.get()).unwrap_or(usize::MAX);
    let least = doubt.last + steps[0];
    let planned = if let Some(step) = steps.get(nth - 1) {
        doubt.first + *step
    } else {
        let later = doubt.last + policy.interval;
        [policy.span, policy.alone_span]
            .map(|span| doubt.first + span)
            .into_iter()
            .find(|end| *end > doubt.last)
            .map_or(later, |end| later.min(end))
    };
    planned.max(least)
}

/// An answer that says nothing is asked for again after as long as the silence has lasted: at
/// least the first step, at most the interval. So the pause doubles by itself.
fn retry(next: &Health, evidence: &Evidence, policy: &Policy) -> DateTime<Utc> {
    let step = policy.confirm_after[0].min(policy.interval);
    match &evidence.finding {
        Finding::Inconclusive(_) => {
            let silent = next.silent_since.map_or(step, |since| evidence.began - since);
            evidence.began + silent.clamp(step, policy.interval.max(step))
        }
        Finding::Accepted | Finding::Failed(_) | Finding::Operator(_) => evidence.began,
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::{Failure, Generation};
    use super::super::inconclusive::Inconclusive;
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    fn doubt(count: u32, last: i64) -> Doubt {
        let mut doubt = Doubt::begin(Failure::Rejected, at(0));
        for n in 1..count {
            let began = if n + 1 == count { at(last) } else { at(i64::from(n)) };
            doubt = Doubt::extend(Some(&doubt), Failure::Rejected, began);
        }
        doubt
    }

    #[test]
    fn confirmations_follow_the_steps_and_then_the_interval_but_never_oversleep_the_span() {
        let policy = Policy::default();
        let times: Vec<_> = [(1, 0), (2, 1), (3, 4), (4, 11), (5, 26), (6, 41), (7, 56)]
            .map(|(count, last)| (confirmation(&doubt(count, last), &policy) - at(0)).num_minutes())
            .to_vec();
        assert_eq!(times, [1, 4, 11, 26, 41, 56, 60]);
    }

    #[test]
    fn a_late_confirmation_does_not_bunch_the_next_one_up() {
        let policy = Policy::default();
        assert_eq!(confirmation(&doubt(2, 20), &policy), at(21));
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
    fn a_pause_asked_for_by_the_provider_is_kept() {
        let health = Health::pending(at(0), None);
        let evidence = Evidence {
            generation: Generation::FIRST,
            began: at(0),
            finding: Finding::Inconclusive(Inconclusive::RateLimited {
                retry_after: Some(TimeDelta::minutes(40)),
            }),
        };
        let due = next(&health, &evidence, &Policy::default(), TimeDelta::zero(), at(0));
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
            };
            let after = retry(&health, &evidence, &policy);
            pauses.push((after - began).num_minutes());
            began = after;
        }
        assert_eq!(pauses, [1, 1, 2, 4, 8, 15, 15]);
    }
}
