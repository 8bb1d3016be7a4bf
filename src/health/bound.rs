//! How much evidence it takes to believe a failure.

use chrono::TimeDelta;

use super::evidence::Failure;
use super::policy::Policy;
use super::reason::Reason;
use super::state::Doubt;
use super::weather::Weather;

/// How much it takes to believe a failure.
pub struct Bound {
    count: u32,
    span: TimeDelta,
    alone: bool,
}

impl Bound {
    /// The bound for this failure under this weather.
    pub fn for_failure(failure: &Failure, weather: Weather, policy: &Policy) -> Self {
        match weather {
            Weather::Unknown => {
                Self { count: policy.alone_rejections, span: policy.alone_span, alone: true }
            }
            Weather::Clear => match failure {
                Failure::WrongCompany(_) => {
                    Self { count: 2, span: policy.wrong_company_span, alone: false }
                }
                Failure::Rejected | Failure::Disconnected | Failure::PermissionLost(_) => {
                    Self { count: policy.rejections, span: policy.span, alone: false }
                }
            },
        }
    }

    /// Whether these failures are enough.
    pub fn reached(&self, doubt: &Doubt) -> bool {
        doubt.count.get() >= self.count && doubt.last - doubt.first >= self.span
    }

    /// The reason while they are not.
    pub fn confirming(&self, doubt: &Doubt) -> Reason {
        Reason::Confirming {
            failure: doubt.failure.clone(),
            count: doubt.count.get(),
            of: self.count,
            span: self.span,
            alone: self.alone,
        }
    }

    /// The reason once they are.
    pub fn reached_reason(&self, doubt: &Doubt) -> Reason {
        Reason::BoundReached {
            failure: doubt.failure.clone(),
            count: doubt.count.get(),
            over: doubt.last - doubt.first,
            alone: self.alone,
        }
    }
}
