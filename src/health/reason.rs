//! Why a decision was made, in a sentence that can be read out.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::bound::Alone;
use super::evidence::Failure;
use super::inconclusive::Inconclusive;
use super::state::DisabledCause;

/// Why a decision came out as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The first probe that was ever accepted.
    FirstAccepted,
    /// Nothing new, and that is good.
    StillAccepted,
    /// A failure was not confirmed.
    DoubtCleared,
    /// A key that had failed is accepted again.
    Recovered,
    /// A key that comes and goes was accepted once; a second time is wanted.
    AcceptedOnceWhileFlapping,
    /// A tenant that alone got no usable answer gets one again.
    AnsweredAgain,
    /// A failure that is not certain yet.
    Confirming {
        /// The latest failure.
        failure: Failure,
        /// How many of its kind in a row.
        count: u32,
        /// How many it takes.
        of: u32,
        /// Over how long at least.
        span: TimeDelta,
        /// Why the longer bound holds, where it does.
        alone: Option<Alone>,
    },
    /// A failure became certain.
    BoundReached {
        /// The latest failure.
        failure: Failure,
        /// How many of its kind in a row.
        count: u32,
        /// Over how long.
        over: TimeDelta,
        /// Why it was judged by the longer bound, where it was.
        alone: Option<Alone>,
    },
    /// A failure that many others share at the same time, so that it is believed of none.
    Held {
        /// The latest failure.
        failure: Failure,
        /// How many of its kind in a row.
        count: u32,
    },
    /// Nothing new, and that is bad.
    StillFailing,
    /// The answer says nothing of the key.
    Inconclusive(Inconclusive),
    /// Others get answers, and this tenant has had none for long.
    UnreachableAlone {
        /// The latest of them.
        why: Inconclusive,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Newer evidence had been heard already.
    Overtaken,
    /// The integration uses another key than the one that this is about.
    OutOfStep,
    /// So it was known already.
    StillOutOfStep,
    /// The integration uses the key that is held here.
    InStep,
    /// The evidence is about a key that has been replaced.
    OtherGeneration,
    /// The tenant is paused or disabled.
    NotWatched,
    /// A person paused the tenant.
    Paused,
    /// A person resumed it.
    Resumed,
    /// A person resumed what was not paused.
    NotPaused,
    /// A person ended the use of the key.
    Disabled(DisabledCause),
    /// A new key was accepted and has taken the place of the one before.
    Replaced,
    /// The same, of a tenant that stays paused.
    ReplacedWhilePaused,
    /// A person bound the tenant to another company, and its key is accepted for that one.
    Rebound,
    /// The same, without a key that is.
    ReboundWithoutKey,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstAccepted => f.write_str("the key was accepted for the first time"),
            Self::StillAccepted => f.write_str("the key is accepted"),
            Self::DoubtCleared => f.write_str("the key is accepted; the failure before was a slip"),
            Self::Recovered => f.write_str("the key is accepted again"),
            Self::AcceptedOnceWhileFlapping => {
                f.write_str("the key is accepted again, but comes and goes: one more is awaited")
            }
            Self::AnsweredAgain => f.write_str("the provider answers for this tenant again"),
            Self::Confirming { failure, count, of, span, alone } => {
                write!(
                    f,
                    "the provider {failure}, {count} of {of} needed over at least {}",
                    Plain(*span)
                )?;
                f.write_str(match alone {
                    Some(Alone::Fleet) => "; nothing to compare with, so the longer bound holds",
                    Some(Alone::Source) => {
                        "; not compared with the integration, so the longer bound holds"
                    }
                    None => "; other keys are accepted",
                })
            }
            Self::BoundReached { failure, count, over, alone } => {
                write!(f, "the provider {failure}, {count} times in {}", Plain(*over))?;
                f.write_str(match alone {
                    Some(Alone::Fleet) => "; judged alone, by the longer bound",
                    Some(Alone::Source) => {
                        "; not compared with the integration, so judged by the longer bound"
                    }
                    None => "; other keys are accepted",
                })
            }
            Self::Held { failure, count } => write!(
                f,
                "the provider {failure}, {count} in a row, but too many other keys fail at the \
                 same time: held until it clears up"
            ),
            Self::StillFailing => f.write_str("nothing has changed"),
            Self::Inconclusive(why) => write!(f, "{why}; this says nothing about the key"),
            Self::UnreachableAlone { why, since } => {
                write!(
                    f,
                    "others get answers, this tenant none since {}: {why}",
                    since.format("%H:%M:%S UTC")
                )
            }
            Self::Overtaken => f.write_str("newer evidence had been heard already"),
            Self::OutOfStep => f.write_str(
                "the integration uses another key: nothing that is said of this one counts",
            ),
            Self::StillOutOfStep => f.write_str(
                "the integration still uses another key: nothing counts until that one is taken",
            ),
            Self::InStep => f.write_str("the integration uses this key"),
            Self::OtherGeneration => f.write_str("the key has been replaced since"),
            Self::NotWatched => f.write_str("the tenant is not being watched"),
            Self::Paused => f.write_str("paused by an operator"),
            Self::Resumed => f.write_str("resumed by an operator"),
            Self::NotPaused => f.write_str("it was not paused"),
            Self::Replaced => f.write_str("a new key was accepted in place of the one before"),
            Self::ReplacedWhilePaused => {
                f.write_str("a new key was accepted in place of the one before; still paused")
            }
            Self::Rebound => f.write_str(
                "the tenant was bound to another company, and its key is accepted for that one",
            ),
            Self::ReboundWithoutKey => {
                f.write_str("the tenant was bound to another company, and has no key for that one")
            }
            Self::Disabled(DisabledCause::Compromised) => {
                f.write_str("the key may have leaked and is not used any more")
            }
            Self::Disabled(DisabledCause::Declined) => {
                f.write_str("the customer no longer uses the integration")
            }
        }
    }
}

/// A span as people say it: `11 minutes`, `40 seconds`, `6 hours`.
pub struct Plain(pub TimeDelta);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.num_seconds().max(0);
        let (number, unit) = match seconds {
            0..100 => (seconds, "second"),
            100..6_000 => ((seconds + 30) / 60, "minute"),
            6_000..172_800 => ((seconds + 1_800) / 3_600, "hour"),
            _ => ((seconds + 43_200) / 86_400, "day"),
        };
        let plural = if number == 1 { "" } else { "s" };
        write!(f, "{number} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_to_the_unit_people_would_use() {
        let plain = |seconds| Plain(TimeDelta::seconds(seconds)).to_string();
        assert_eq!(plain(1), "1 second");
        assert_eq!(plain(75), "75 seconds");
        assert_eq!(plain(660), "11 minutes");
        assert_eq!(plain(21_600), "6 hours");
        assert_eq!(plain(259_200), "3 days");
    }
}
