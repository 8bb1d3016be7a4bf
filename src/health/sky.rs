//! What is believed of the provider, with what is true only then, and how long each of it takes.

use chrono::{DateTime, TimeDelta, Utc};

use super::policy::Policy;
use super::weather::Weather;

/// What is believed of the provider for one class of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sky {
    /// A failure is the tenant's own.
    Clear {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Nothing can be compared, or not enough.
    Unknown {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Many began to fail together. Ends by itself, or lasts and is an incident.
    Suspected {
        /// Since when.
        since: DateTime<Utc>,
        /// How many failed, at the worst.
        failing: u32,
        /// Of how many asked.
        asked: u32,
    },
    /// It lasts.
    Incident(Incident),
}

/// A fault of the provider, or of our own, that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Since when it was suspected, or declared.
    pub since: DateTime<Utc>,
    /// When that was confirmed.
    pub confirmed: DateTime<Utc>,
    /// How many failed, at the worst.
    pub failing: u32,
    /// Of how many asked.
    pub asked: u32,
    /// Who says so.
    pub by: Author,
    /// When it ends whatever is seen.
    pub until: Option<DateTime<Utc>>,
    /// Since when the sample of those held is accepted again.
    pub quiet: Option<DateTime<Utc>>,
}

/// Who says that there is an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The judge, from counts.
    Judge,
    /// A person.
    Operator,
}

impl Sky {
    /// What a decision goes by.
    pub fn weather(&self) -> Weather {
        match self {
            Self::Clear { .. } => Weather::Clear,
            Self::Unknown { .. } => Weather::Unknown,
            Self::Suspected { .. } => Weather::Suspected,
            Self::Incident(_) => Weather::Incident,
        }
    }

    /// Since when it holds.
    pub fn since(&self) -> DateTime<Utc> {
        match self {
            Self::Clear { since } | Self::Unknown { since } | Self::Suspected { since, .. } => {
                *since
            }
            Self::Incident(incident) => incident.since,
        }
    }
}

/// How long each of it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// One confirmation: whoever failed first reaches its bound after it. The share is of those who
    /// were asked within it.
    pub span: TimeDelta,
    /// The time in which everybody is asked, and whoever began to fail in it is new.
    pub window: TimeDelta,
    /// How long a suspicion lasts to be an incident.
    pub confirm: TimeDelta,
    /// How long the sample is accepted for an incident to be over.
    pub quiet: TimeDelta,
    /// Time between two calls for a tenant of the sample, and for the canary.
    pub step: TimeDelta,
}

impl Terms {
    /// The times that fit this policy. With its defaults: a span of 11 minutes, a window of 26,
    /// confirmed after one, over after five.
    pub fn of(policy: &Policy) -> Self {
        let last = policy.confirm_after.last().copied().unwrap_or_default();
        let step = policy.confirm_after.first().copied().unwrap_or_default();
        Self {
            span: policy.span.max(last),
            window: policy.interval.max(policy.span) + last,
            confirm: step,
            quiet: step * 5,
            step,
        }
    }

    /// How old an answer of the sample or the canary may be to count.
    pub fn fresh(&self) -> TimeDelta {
        (self.step * 4).max(TimeDelta::seconds(3))
    }
}
