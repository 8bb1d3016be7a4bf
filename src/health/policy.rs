//! How much evidence it takes, and how often to ask: the operator's choices, checked once.

use std::fmt;

use chrono::TimeDelta;

/// The bounds that [`decide`](mod@super::decide) and [`cadence`](super::cadence) work with. A value of
/// this type has passed [`Policy::check`]: its spans are positive, its steps rise, and one single
/// rejection is never enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(Bounds);

/// The plain numbers of a [`Policy`], not yet checked. [`Bounds::default`] holds the defaults that
/// `config/keypulse.toml` documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Time between two routine calls for one tenant.
    pub interval: TimeDelta,
    /// Failures of one kind in a row before a key is judged dead, the weather being clear.
    pub rejections: u32,
    /// Least time between the beginnings of the first and the last of those failures.
    pub span: TimeDelta,
    /// When to ask again after a first failure, counted from it.
    pub confirm_after: Vec<TimeDelta>,
    /// Like `rejections`, where nothing can be compared (weather unknown).
    pub alone_rejections: u32,
    /// Like `span`, where nothing can be compared.
    pub alone_span: TimeDelta,
    /// Least time between two answers that name the same foreign company.
    pub wrong_company_span: TimeDelta,
    /// Time between two calls for a key already judged dead.
    pub dead_interval: TimeDelta,
    /// How long one tenant alone may get no usable answer before it is shown as degraded.
    pub unreachable_after: TimeDelta,
    /// A key that fails again this soon after it came back must be accepted twice.
    pub flap_window: TimeDelta,
    /// How long failures are held before a person has to decide.
    pub max_hold: TimeDelta,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            interval: TimeDelta::minutes(15),
            rejections: 3,
            span: TimeDelta::minutes(10),
            confirm_after: vec![
                TimeDelta::minutes(1),
                TimeDelta::minutes(4),
                TimeDelta::minutes(11),
            ],
            alone_rejections: 5,
            alone_span: TimeDelta::minutes(60),
            wrong_company_span: TimeDelta::minutes(1),
            dead_interval: TimeDelta::hours(6),
            unreachable_after: TimeDelta::minutes(30),
            flap_window: TimeDelta::minutes(60),
            max_hold: TimeDelta::hours(24),
        }
    }
}

/// Why [`Bounds`] are no [`Policy`]. The first field is the configuration key at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPolicy {
    /// The full configuration key, such as `policy.rejections`.
    pub key: &'static str,
    /// What it must be, to be read after "must".
    pub must: &'static str,
}

impl fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must {}", self.key, self.must)
    }
}

impl std::error::Error for BadPolicy {}

impl Policy {
    /// Takes bounds that make sense together, and names the key of the first that does not.
    pub fn check(bounds: Bounds) -> Result<Self, BadPolicy> {
        let refuse = |key, must| Err(BadPolicy { key, must });
        let positive = |delta: TimeDelta| delta > TimeDelta::zero();
        if !positive(bounds.interval) {
            return refuse("watch.interval", "be longer than nothing");
        }
        if bounds.rejections < 2 {
            return refuse("policy.rejections", "be at least 2: one refusal is not a dead key");
        }
        if !positive(bounds.span) {
            return refuse("policy.span", "be longer than nothing");
        }
        if bounds.confirm_after.is_empty() {
            return refuse("policy.confirm_after", "name at least one time");
        }
        if !positive(bounds.confirm_after[0])
            || bounds.confirm_after.windows(2).any(|pair| pair[0] >= pair[1])
        {
            return refuse("policy.confirm_after", "rise from one time to the next");
        }
        if bounds.alone_rejections < bounds.rejections {
            return refuse("policy.alone_rejections", "be at least `policy.rejections`");
        }
        if bounds.alone_span < bounds.span {
            return refuse("policy.alone_span", "be at least `policy.span`");
        }
        if !positive(bounds.wrong_company_span) {
            return refuse("policy.wrong_company_span", "be longer than nothing");
        }
        if bounds.dead_interval < bounds.interval {
            return refuse("policy.dead_interval", "be at least `watch.interval`");
        }
        if !positive(bounds.unreachable_after) {
            return refuse("policy.unreachable_after", "be longer than nothing");
        }
        if bounds.flap_window < TimeDelta::zero() {
            return refuse("policy.flap_window", "not be negative");
        }
        if !positive(bounds.max_hold) {
            return refuse("policy.max_hold", "be longer than nothing");
        }
        Ok(Self(bounds))
    }
}

impl Policy {
    /// How old the latest failure may be for another one to add up with it: longer than any pause
    /// between two confirmations. What was said before a weekend, a long outage or a step of the
    /// clock says nothing about now.
    pub fn stale_after(&self) -> TimeDelta {
        let last_step = self.0.confirm_after.last().copied().unwrap_or_default();
        (self.0.interval.max(last_step) * 4).max(TimeDelta::minutes(1))
    }
}

impl Policy {
    /// Time between two calls for a tenant that is held in an incident, unless it is one of the sample.
    pub fn held_interval(&self) -> TimeDelta {
        self.0.interval * 4
    }
}

impl std::ops::Deref for Policy {
    type Target = Bounds;

    fn deref(&self) -> &Bounds {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_policy() {
        assert_eq!(Policy::check(Bounds::default()), Ok(Policy::default()));
    }

    #[test]
    fn a_policy_that_condemns_on_one_rejection_is_refused_by_name() {
        let bounds = Bounds { rejections: 1, ..Bounds::default() };
        assert_eq!(
            Policy::check(bounds).unwrap_err().to_string(),
            "`policy.rejections` must be at least 2: one refusal is not a dead key"
        );
    }

    #[test]
    fn steps_that_do_not_rise_are_refused_by_name() {
        let bounds = Bounds {
            confirm_after: vec![TimeDelta::minutes(4), TimeDelta::minutes(4)],
            ..Bounds::default()
        };
        assert_eq!(Policy::check(bounds).unwrap_err().key, "policy.confirm_after");
    }

    #[test]
    fn a_shorter_bound_for_those_judged_alone_is_refused_by_name() {
        let bounds = Bounds { alone_span: TimeDelta::minutes(9), ..Bounds::default() };
        assert_eq!(Policy::check(bounds).unwrap_err().key, "policy.alone_span");
    }
}
