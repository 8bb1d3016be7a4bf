//! Is it the key, or is it the provider? Judged from what the rest of the fleet sees.
//!
//! Counts in, verdict with its reason out: `clear`, because enough other keys were accepted
//! meanwhile; `suspected`, because too many fail alike; `unknown`, because nothing can be compared.

use std::fmt;

/// Fewer tenants than this cannot serve as each other's control.
pub const LEAST_FLEET: u32 = 20;
/// Fewer accepted keys than this prove nothing about the provider, however large the fleet.
pub const LEAST_ACCEPTED: u32 = 10;
/// Fewer tenants than this failing together are single cases in a fleet of any size.
const LEAST_MANY: u32 = 5;
/// One tenant in this many failing together is weather.
const MANY_SHARE: u32 = 5;

/// What we believe of the provider, as far as one class of failure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Enough others were accepted at the same time: a failure is the tenant's own.
    Clear,
    /// Nothing can be compared: the longer bound holds.
    Unknown,
    /// Too many fail together for single cases: whatever it is, it is not this tenant's key alone,
    /// and failures are held.
    Suspected,
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "clear",
            Self::Unknown => "unknown",
            Self::Suspected => "suspected",
        })
    }
}

/// Which failures are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The provider says something against the key.
    Refused,
    /// No usable answer.
    Silent,
}

/// How many distinct tenants, within the window that is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Are being watched at all.
    pub watched: u32,
    /// Had their key accepted, and nothing held against it since.
    pub accepted: u32,
    /// Are failing, and were not told so before: new cases, and all that are not decided yet.
    pub refused: u32,
    /// Get no usable answer.
    pub silent: u32,
}

/// A weather and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is believed.
    pub weather: Weather,
    /// Why.
    pub because: Because,
}

/// The reason of a [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Fewer than [`LEAST_FLEET`] tenants are watched.
    TooFew {
        /// How many are.
        watched: u32,
    },
    /// Fewer than [`LEAST_ACCEPTED`] keys were accepted meanwhile.
    TooFewAccepted {
        /// How many were.
        accepted: u32,
    },
    /// Too many failing together for single cases.
    TooManyTogether {
        /// How many fail.
        failing: u32,
        /// How many tenants were asked.
        asked: u32,
    },
    /// Nearly all others are well.
    OthersAccepted {
        /// How many were accepted.
        accepted: u32,
    },
}

/// Judges one class of failure.
pub fn judge(class: Class, counts: &Counts) -> Verdict {
    let Counts { watched, accepted, refused, silent } = *counts;
    let answered = accepted.saturating_add(refused);
    let (failing, asked) = match class {
        Class::Refused => (refused, answered),
        Class::Silent => (silent, answered.saturating_add(silent)),
    };
    let unknown = |because| Verdict { weather: Weather::Unknown, because };
    if watched < LEAST_FLEET {
        unknown(Because::TooFew { watched })
    } else if failing >= LEAST_MANY.max(asked.div_ceil(MANY_SHARE)) {
        Verdict {
            weather: Weather::Suspected,
            because: Because::TooManyTogether { failing, asked },
        }
    } else if accepted < LEAST_ACCEPTED {
        unknown(Because::TooFewAccepted { accepted })
    } else {
        Verdict { weather: Weather::Clear, because: Because::OthersAccepted { accepted } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(watched: u32, accepted: u32, refused: u32) -> Weather {
        let counts = Counts { watched, accepted, refused, silent: 0 };
        judge(Class::Refused, &counts).weather
    }

    #[test]
    fn a_fleet_of_nineteen_cannot_tell() {
        assert_eq!(refused(19, 18, 1), Weather::Unknown);
        assert_eq!(refused(20, 19, 1), Weather::Clear);
    }

    #[test]
    fn five_of_a_small_fleet_or_a_fifth_of_a_large_one_are_too_many_together() {
        assert_eq!(refused(24, 20, 4), Weather::Clear);
        assert_eq!(refused(25, 20, 5), Weather::Suspected);
        assert_eq!(refused(1_000, 801, 199), Weather::Clear);
        assert_eq!(refused(1_000, 800, 200), Weather::Suspected);
    }

    #[test]
    fn one_refusal_while_all_others_are_silent_proves_nothing() {
        let counts = Counts { watched: 500, accepted: 0, refused: 1, silent: 499 };
        let verdict = judge(Class::Refused, &counts);
        assert_eq!(verdict.because, Because::TooFewAccepted { accepted: 0 });
        assert_eq!(verdict.weather, Weather::Unknown);
    }

    #[test]
    fn silence_of_some_does_not_cloud_what_is_said_against_keys() {
        let counts = Counts { watched: 600, accepted: 30, refused: 1, silent: 500 };
        assert_eq!(judge(Class::Refused, &counts).weather, Weather::Clear);
        assert_eq!(judge(Class::Silent, &counts).weather, Weather::Suspected);
    }
}
