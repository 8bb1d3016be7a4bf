//! Is it the key, or is it the provider? Judged from what the rest of the fleet sees.
//!
//! Counts in, and what was believed before; out comes what is believed now, with its reason. Nothing
//! is remembered here: whoever asks keeps the [`Sky`].

use std::fmt;

use super::sky::{Author, Incident, Sky, Terms};
use chrono::{DateTime, Utc};

/// Fewer tenants than this cannot serve as each other's control.
pub const LEAST_FLEET: u32 = 20;
/// Fewer accepted keys than this prove nothing about the provider, however large the fleet.
pub const LEAST_ACCEPTED: u32 = 10;
/// Fewer tenants than this failing together are single cases in a fleet of any size.
const LEAST_MANY: u32 = 5;
/// One tenant in this many failing together is weather.
const MANY_SHARE: u32 = 5;
/// So many failing together may be the first of many.
const LEAST_SOME: u32 = 3;
/// One tenant in this many failing together may be the first of many.
const SOME_SHARE: u32 = 10;

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
    /// It has lasted, or a person says so: failures are held, and a sample is asked for all.
    Incident,
}

impl Weather {
    /// Every one, from good to bad.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Unknown, Self::Suspected, Self::Incident];

    /// The one word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Unknown => "unknown",
            Self::Suspected => "suspected",
            Self::Incident => "incident",
        }
    }

    /// Whether failures are held.
    pub fn holds(self) -> bool {
        match self {
            Self::Clear | Self::Unknown => false,
            Self::Suspected | Self::Incident => true,
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
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

impl Class {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Refused, Self::Silent];

    /// The one word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Silent => "silent",
        }
    }

    /// The class of that word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

/// What the key of the integrator's own company was found to be, lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Canary {
    /// There is none, or it was not asked lately.
    #[default]
    Unheard,
    /// It is accepted.
    Accepted,
    /// It fails in this class.
    Fails(Class),
}

/// The sample of those that are held, as far as it was asked lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many gave an answer of either sort.
    pub heard: u32,
    /// How many of those were accepted.
    pub accepted: u32,
}

/// What bears on one class: distinct tenants, each within the time that [`Terms`] say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Are being watched at all.
    pub watched: u32,
    /// Had their key accepted within the time in which everybody is asked, and nothing held against
    /// it since.
    pub accepted: u32,
    /// Are failing in this class, and are not decided yet or were decided just now.
    pub failing: u32,
    /// Were asked within one confirmation, whatever was answered, with all that are failing.
    pub asked: u32,
    /// Are held, if the weather is bad.
    pub held: u32,
    /// The control.
    pub canary: Canary,
    /// The sample of those that are held.
    pub sample: Sample,
}

/// What is believed now, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is believed.
    pub next: Sky,
    /// Why.
    pub because: Because,
}

/// The reason of a [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Fewer than [`LEAST_FLEET`] tenants are watched, and no canary is heard.
    TooFew {
        /// How many are.
        watched: u32,
    },
    /// Fewer than [`LEAST_ACCEPTED`] keys were accepted meanwhile.
    TooFewAccepted {
        /// How many were.
        accepted: u32,
    },
    /// Too many failing together for single cases, or the control fails with them.
    TooManyTogether {
        /// How many fail.
        failing: u32,
        /// How many tenants were asked.
        asked: u32,
    },
    /// More failing together than single cases are, and fewer than make a fault certain.
    SomeTogether {
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
    /// The control is well.
    CanaryAccepted,
    /// The incident goes on: it was declared, or the sample is not accepted yet, or not for long.
    NotOver {
        /// How many of the sample were heard.
        heard: u32,
        /// How many of those were accepted.
        accepted: u32,
    },
    /// The sample was accepted for long enough, or the time is over for which it was declared.
    Over,
}

impl Because {
    /// What is believed for this reason where nothing was believed before.
    fn weather(self) -> Weather {
        match self {
            Self::TooFew { .. } | Self::TooFewAccepted { .. } | Self::SomeTogether { .. } => {
                Weather::Unknown
            }
            Self::TooManyTogether { .. } => Weather::Suspected,
            Self::OthersAccepted { .. } | Self::CanaryAccepted => Weather::Clear,
            Self::NotOver { .. } => Weather::Incident,
            Self::Over => Weather::Unknown,
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { watched } => {
                write!(f, "only {watched} tenants are watched, and no canary is heard")
            }
            Self::TooFewAccepted { accepted } => write!(f, "only {accepted} were accepted lately"),
            Self::TooManyTogether { failing, asked } => {
                write!(f, "{failing} of {asked} asked fail together")
            }
            Self::SomeTogether { failing, asked } => {
                write!(
                    f,
                    "{failing} of {asked} asked fail together: it may be the beginning of more"
                )
            }
            Self::OthersAccepted { accepted } => write!(f, "{accepted} others were accepted"),
            Self::CanaryAccepted => f.write_str("the canary is accepted"),
            Self::NotOver { heard, accepted } => {
                write!(f, "of the sample {accepted} of {heard} are accepted")
            }
            Self::Over => f.write_str("it is over"),
        }
    }
}

/// Judges one class of failure.
pub fn judge(
    class: Class,
    counts: &Counts,
    before: &Sky,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Verdict {
    let because = look(class, counts);
    match *before {
        Sky::Clear { .. } | Sky::Unknown { .. } => fresh(because, before, now),
        Sky::Suspected { since, failing, asked } => match because {
            Because::TooManyTogether { failing: more, asked: of } => {
                let (failing, asked) = worse((failing, asked), (more, of));
                // A clock that was set back makes nobody wait longer than one step.
                let lasted = now - since >= terms.confirm || now < since;
                let next = if lasted || counts.canary == Canary::Fails(class) {
                    let quiet = None;
                    let (by, until) = (Author::Judge, None);
                    Sky::Incident(Incident {
                        since,
                        confirmed: now,
                        failing,
                        asked,
                        by,
                        until,
                        quiet,
                    })
                } else {
                    Sky::Suspected { since, failing, asked }
                };
                Verdict { next, because }
            }
            // Neither worse nor over: not for longer than it takes to see a fault grow.
            Because::SomeTogether { .. } if now - since < terms.span && now >= since => {
                Verdict { next: *before, because }
            }
            _ => fresh(because, before, now),
        },
        Sky::Incident(incident) => during(class, counts, incident, because, terms, now),
    }
}

/// Where no hold stands, or one ends: what is seen is what is believed.
fn fresh(because: Because, before: &Sky, now: DateTime<Utc>) -> Verdict {
    let next = match (because, before) {
        (Because::TooManyTogether { failing, asked }, _) => {
            Sky::Suspected { since: now, failing, asked }
        }
        _ if before.weather() == because.weather() => *before,
        _ if because.weather() == Weather::Clear => Sky::Clear { since: now },
        _ => Sky::Unknown { since: now },
    };
    Verdict { next, because }
}

/// An incident ends by those who were held, and not by what is seen of the others.
fn during(
    class: Class,
    counts: &Counts,
    incident: Incident,
    because: Because,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Verdict {
    let over = Verdict { next: Sky::Unknown { since: now }, because: Because::Over };
    if incident.until.is_some_and(|until| until <= now) {
        return over;
    }
    let Sample { heard, accepted } = counts.sample;
    let well = counts.canary != Canary::Fails(class)
        && if heard == 0 {
            counts.held == 0
        } else {
            accepted.saturating_mul(5) >= heard.saturating_mul(4)
        };
    // What was declared ends when it was said, or when somebody says so.
    let quiet = (well && incident.by == Author::Judge)
        .then(|| incident.quiet.filter(|quiet| *quiet <= now).unwrap_or(now));
    if quiet.is_some_and(|quiet| now - quiet >= terms.quiet) {
        return over;
    }
    let (mut failing, mut asked) = (incident.failing, incident.asked);
    if let Because::TooManyTogether { failing: more, asked: of } = because {
        (failing, asked) = worse((failing, asked), (more, of));
    }
    let next = Sky::Incident(Incident { failing, asked, quiet, ..incident });
    Verdict { next, because: Because::NotOver { heard, accepted } }
}

/// The number that tells more of what is going on.
fn worse(one: (u32, u32), other: (u32, u32)) -> (u32, u32) {
    if other.0 > one.0 { other } else { one }
}

/// What is seen at this moment.
fn look(class: Class, counts: &Counts) -> Because {
    let Counts { watched, accepted, failing, asked, canary, .. } = *counts;
    let fails = canary == Canary::Fails(class);
    let many = LEAST_MANY.max(asked.div_ceil(MANY_SHARE));
    let some = LEAST_SOME.max(asked.div_ceil(SOME_SHARE));
    let together = Because::TooManyTogether { failing, asked };
    // A control that fails with others is no single case; one that fails alone is our own trouble.
    if fails && failing >= asked.div_ceil(SOME_SHARE).max(1) {
        together
    } else if watched < LEAST_FLEET && canary != Canary::Accepted {
        Because::TooFew { watched }
    } else if failing >= many {
        together
    } else if failing >= some {
        Because::SomeTogether { failing, asked }
    } else if accepted >= LEAST_ACCEPTED && watched >= LEAST_FLEET {
        Because::OthersAccepted { accepted }
    } else if canary == Canary::Accepted {
        Because::CanaryAccepted
    } else {
        Because::TooFewAccepted { accepted }
    }
}

#[cfg(test)]
mod tests;
