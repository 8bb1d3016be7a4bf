//! How much evidence it takes to believe a failure.

use chrono::TimeDelta;

use super::evidence::{Failure, Standing};
use super::policy::Policy;
use super::reason::Reason;
use super::state::{Doubt, Run};
use super::weather::Weather;

/// Why the longer bound holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// There are too few other tenants to compare with, and no canary.
    Fleet,
    /// The source of the key could not be asked whether it is the one in use.
    Source,
}

/// How much it takes to believe a failure.
pub enum Bound {
    /// So many in a row, over so long.
    Reach {
        /// How many.
        count: u32,
        /// How long at least between the beginnings of the first and the last.
        span: TimeDelta,
        /// Why it takes so much, where it takes more than usual.
        alone: Option<Alone>,
    },
    /// However many: it fits a fault of the provider or of our own.
    Held,
}

impl Bound {
    /// The bound for this failure under this weather, of a key that stands so to its source.
    pub fn for_failure(
        failure: &Failure,
        weather: Weather,
        standing: Standing,
        policy: &Policy,
    ) -> Self {
        let alone = match (weather, standing) {
            (Weather::Suspected | Weather::Incident, _) => return Self::Held,
            (Weather::Unknown, _) => Some(Alone::Fleet),
            (Weather::Clear, Standing::NotCompared) => Some(Alone::Source),
            (Weather::Clear, Standing::Current | Standing::OutOfStep) => None,
        };
        let (count, span) = match failure {
            _ if alone.is_some() => (policy.alone_rejections, policy.alone_span),
            Failure::WrongCompany(_) => (2, policy.wrong_company_span),
            Failure::Rejected | Failure::Disconnected | Failure::PermissionLost(_) => {
                (policy.rejections, policy.span)
            }
        };
        Self::Reach { count, span, alone }
    }

    /// Whether the failures heard under this weather are enough.
    pub fn reached(&self, doubt: &Doubt) -> bool {
        match (self, &doubt.run) {
            (Self::Reach { count, span, .. }, Some(run)) => {
                run.count.get() >= *count && doubt.last - run.first >= *span
            }
            (Self::Reach { .. }, None) | (Self::Held, _) => false,
        }
    }

    /// Why a decision came out as it did: the bound was reached, is being waited for, or held.
    pub fn reason(&self, doubt: &Doubt) -> Reason {
        let failure = doubt.failure.clone();
        let heard = doubt.run.unwrap_or(Run::of(doubt));
        match *self {
            Self::Held => Reason::Held { failure, count: doubt.count.get() },
            Self::Reach { alone, .. } if self.reached(doubt) => Reason::BoundReached {
                failure,
                count: heard.count.get(),
                over: doubt.last - heard.first,
                alone,
            },
            Self::Reach { count: of, span, alone } => {
                Reason::Confirming { failure, count: heard.count.get(), of, span, alone }
            }
        }
    }
}
