//! How much evidence it takes to believe a failure.

use chrono::TimeDelta;

use super::evidence::Failure;
use super::policy::Policy;
use super::reason::Reason;
use super::state::{Doubt, Run};
use super::weather::Weather;

/// How much it takes to believe a failure.
pub enum Bound {
    /// So many in a row, over so long.
    Reach {
        /// How many.
        count: u32,
        /// How long at least between the beginnings of the first and the last.
        span: TimeDelta,
        /// Whether nothing could be compared.
        alone: bool,
    },
    /// However many: it fits a fault of the provider or of our own.
    Held,
}

impl Bound {
    /// The bound for this failure under this weather.
    pub fn for_failure(failure: &Failure, weather: Weather, policy: &Policy) -> Self {
        match (weather, failure) {
            (Weather::Suspected, _) => Self::Held,
            (Weather::Unknown, _) => {
                Self::Reach { count: policy.alone_rejections, span: policy.alone_span, alone: true }
            }
            (Weather::Clear, Failure::WrongCompany(_)) => {
                Self::Reach { count: 2, span: policy.wrong_company_span, alone: false }
            }
            (
                Weather::Clear,
                Failure::Rejected | Failure::Disconnected | Failure::PermissionLost(_),
            ) => Self::Reach { count: policy.rejections, span: policy.span, alone: false },
        }
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
