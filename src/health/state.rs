//! What we believe of one tenant.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

use super::company::CompanyId;
use super::evidence::{Failure, Generation, Permission};
use super::weather::Weather;

/// All that is believed of one tenant, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The belief.
    pub status: Status,
    /// Since when the status, with its cause, holds.
    pub since: DateTime<Utc>,
    /// The generation of the key that the belief is about.
    pub generation: Generation,
    /// When the key expires, as far as anybody said; the provider never tells.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the latest accepted probe began.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the present run of probes without a usable answer began.
    pub silent_since: Option<DateTime<Utc>>,
    /// When an episode last ended because the key was accepted again.
    pub recovered_at: Option<DateTime<Utc>>,
    /// When the sealed key was destroyed, if it was: then there is nothing to ask with.
    pub destroyed_at: Option<DateTime<Utc>>,
    /// How many episodes there have been; the last one is open while [`Status::episode_open`].
    pub episodes: u32,
}

/// What we believe. Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// No probe was ever accepted. Left by the first that is, or by failing to the bound.
    Pending {
        /// Failures so far.
        doubt: Option<Doubt>,
    },
    /// The latest that was said of the key is that it works; or it was said only once, or only of
    /// one kind once each, that it does not (then the tenant is *suspect*).
    Healthy {
        /// The failure that is being confirmed.
        doubt: Option<Doubt>,
    },
    /// Something is wrong, and it is not yet certain that only the customer can mend it.
    Degraded(Trouble),
    /// Only the customer (or an operator) can mend it. Left by an accepted probe.
    NeedsReconnection {
        /// Why.
        cause: ReconnectCause,
        /// The failures that led here, still counted.
        doubt: Doubt,
        /// The first acceptance of a key that flaps and must be accepted twice.
        returning: Option<DateTime<Utc>>,
    },
    /// A person stopped the watching. The state before is kept as it was.
    Paused {
        /// When it ends by itself.
        until: Option<DateTime<Utc>>,
        /// The state to go back to.
        frozen: Box<Frozen>,
    },
    /// No call is made with the key any more. Left only through a new key.
    Disabled(DisabledCause),
}

/// A state put aside by a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The state.
    pub status: Status,
    /// Since when it held.
    pub since: DateTime<Utc>,
}

/// What is wrong with a degraded tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The provider holds something against the key; an episode is open.
    Key {
        /// The failures so far.
        doubt: Doubt,
        /// The first acceptance of a key that flaps and must be accepted twice.
        returning: Option<DateTime<Utc>>,
    },
    /// This tenant alone gets no usable answer. Not about the key, so no episode.
    Unreachable {
        /// What was being confirmed when the answers stopped.
        doubt: Option<Doubt>,
    },
    /// The integration uses another key than the one held here, so nothing that is said of this one
    /// counts. Not about the customer, so no episode. Left when the two are the same again, or when
    /// the other key is taken.
    OutOfStep,
}

/// Failures of one kind in a row, with nothing conclusive between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The latest failure; all of them are of its kind.
    pub failure: Failure,
    /// How many.
    pub count: NonZeroU32,
    /// When the probe of the first one began.
    pub first: DateTime<Utc>,
    /// When the probe of the latest one began.
    pub last: DateTime<Utc>,
    /// Those of them that count to the bound; none while too many others failed alike.
    pub run: Option<Run>,
}

/// The latest failures of a [`Doubt`] that were heard under one weather. Failures heard while
/// nothing could be compared do not count to the shorter bound once it has cleared up: those still
/// failing then are confirmed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Under which weather.
    pub weather: Weather,
    /// How many.
    pub count: NonZeroU32,
    /// When the probe of the first one began.
    pub first: DateTime<Utc>,
}

impl Run {
    /// All failures of a doubt, as one run.
    pub fn of(doubt: &Doubt) -> Self {
        Self { weather: Weather::Unknown, count: doubt.count, first: doubt.first }
    }
}

impl Doubt {
    /// A first failure.
    pub fn begin(failure: Failure, began: DateTime<Utc>, weather: Weather) -> Self {
        let run = Self::run(None, began, weather);
        Self { failure, count: NonZeroU32::MIN, first: began, last: began, run }
    }

    /// One more failure: adds up with those of its kind, unless they are older than `stale`;
    /// begins anew otherwise.
    pub fn extend(
        before: Option<&Self>,
        failure: Failure,
        began: DateTime<Utc>,
        weather: Weather,
        stale: Option<TimeDelta>,
    ) -> Self {
        match before {
            Some(doubt)
                if doubt.failure.same_kind(&failure)
                    && stale.is_none_or(|stale| began - doubt.last <= stale) =>
            {
                Self {
                    failure,
                    count: doubt.count.saturating_add(1),
                    first: doubt.first,
                    last: began,
                    run: Self::run(doubt.run, began, weather),
                }
            }
            Some(_) | None => Self::begin(failure, began, weather),
        }
    }

    fn run(before: Option<Run>, began: DateTime<Utc>, weather: Weather) -> Option<Run> {
        let fresh = Run { weather, count: NonZeroU32::MIN, first: began };
        match (weather, before) {
            (Weather::Suspected | Weather::Incident, _) => None,
            (Weather::Clear, Some(Run { weather: Weather::Unknown, .. })) | (_, None) => {
                Some(fresh)
            }
            (Weather::Clear | Weather::Unknown, Some(run)) => {
                Some(Run { weather, count: run.count.saturating_add(1), first: run.first })
            }
        }
    }
}

/// Why only the customer can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReconnectCause {
    /// The key worked and is no longer accepted: revoked, rotated or deleted.
    Rejected,
    /// Like `Rejected`, after the expiry date that was stored for it.
    Expired,
    /// The key was never accepted since it was given to us.
    NeverAccepted,
    /// The installation was disconnected at the provider.
    Disconnected,
    /// "Grant access", not "a new key".
    PermissionLost(Permission),
    /// The key opens another company.
    WrongCompany(CompanyId),
}

/// Why no call is made any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledCause {
    /// The key may have leaked.
    Compromised,
    /// The customer no longer uses the integration.
    Declined,
}

impl Health {
    /// A tenant whose first key has just been given to us.
    pub fn pending(now: DateTime<Utc>, expires_at: Option<DateTime<Utc>>) -> Self {
        Self {
            status: Status::Pending { doubt: None },
            since: now,
            generation: Generation::FIRST,
            expires_at,
            accepted_at: None,
            silent_since: None,
            recovered_at: None,
            destroyed_at: None,
            episodes: 0,
        }
    }

    /// The beginning of the latest probe that said something about the key. Evidence that began no
    /// later is old news: it was overtaken, or is being told twice.
    pub fn heard_at(&self) -> Option<DateTime<Utc>> {
        let doubted = self.status.doubt().map(|doubt| doubt.last);
        doubted.max(self.accepted_at)
    }
}

impl Status {
    /// Every word that [`Status::word`] can give, in the order of a healthy life.
    pub const WORDS: [&'static str; 6] =
        ["pending", "healthy", "degraded", "needs_reconnection", "paused", "disabled"];

    /// Every word with every cause that [`Status::cause`] can give it; an empty one where it needs
    /// none.
    pub const CAUSES: [(&'static str, &'static str); 17] = [
        ("pending", ""),
        ("healthy", ""),
        ("degraded", "rejected"),
        ("degraded", "disconnected"),
        ("degraded", "permission_lost"),
        ("degraded", "wrong_company"),
        ("degraded", "unreachable"),
        ("degraded", "out_of_step"),
        ("needs_reconnection", "rejected"),
        ("needs_reconnection", "expired"),
        ("needs_reconnection", "never_accepted"),
        ("needs_reconnection", "disconnected"),
        ("needs_reconnection", "permission_lost"),
        ("needs_reconnection", "wrong_company"),
        ("paused", ""),
        ("disabled", "compromised"),
        ("disabled", "declined"),
    ];

    /// The one word for this state, the same in every place where a state is shown.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Healthy { .. } => "healthy",
            Self::Degraded(_) => "degraded",
            Self::NeedsReconnection { .. } => "needs_reconnection",
            Self::Paused { .. } => "paused",
            Self::Disabled(_) => "disabled",
        }
    }

    /// The one word for its cause; `None` where a state needs none.
    pub fn cause(&self) -> Option<&'static str> {
        match self {
            Self::Pending { .. } | Self::Healthy { .. } | Self::Paused { .. } => None,
            Self::Degraded(Trouble::Key { doubt, .. }) => Some(doubt.failure.name()),
            Self::Degraded(Trouble::Unreachable { .. }) => Some("unreachable"),
            Self::Degraded(Trouble::OutOfStep) => Some("out_of_step"),
            Self::NeedsReconnection { cause, .. } => Some(cause.name()),
            Self::Disabled(cause) => Some(cause.name()),
        }
    }

    /// The failures being counted, of the state itself or of the one behind a pause.
    pub fn doubt(&self) -> Option<&Doubt> {
        match self {
            Self::Pending { doubt }
            | Self::Healthy { doubt }
            | Self::Degraded(Trouble::Unreachable { doubt }) => doubt.as_ref(),
            Self::Degraded(Trouble::Key { doubt, .. }) | Self::NeedsReconnection { doubt, .. } => {
                Some(doubt)
            }
            Self::Paused { frozen, .. } => frozen.status.doubt(),
            Self::Degraded(Trouble::OutOfStep) | Self::Disabled(_) => None,
        }
    }

    /// The first of the two acceptances that a flapping key needs, if it has come.
    pub fn returning(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Degraded(Trouble::Key { returning, .. })
            | Self::NeedsReconnection { returning, .. } => *returning,
            Self::Paused { frozen, .. } => frozen.status.returning(),
            Self::Pending { .. }
            | Self::Healthy { .. }
            | Self::Degraded(Trouble::Unreachable { .. } | Trouble::OutOfStep)
            | Self::Disabled(_) => None,
        }
    }

    /// Whether messages and links may hang on this state.
    pub fn episode_open(&self) -> bool {
        match self {
            Self::Degraded(Trouble::Key { .. })
            | Self::NeedsReconnection { .. }
            | Self::Disabled(DisabledCause::Compromised) => true,
            Self::Paused { frozen, .. } => frozen.status.episode_open(),
            Self::Pending { .. }
            | Self::Healthy { .. }
            | Self::Degraded(Trouble::Unreachable { .. } | Trouble::OutOfStep)
            | Self::Disabled(DisabledCause::Declined) => false,
        }
    }
}

impl fmt::Display for Status {
    /// `needs reconnection (permission lost: export-jobs:read)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))?;
        match self {
            Self::NeedsReconnection { cause: ReconnectCause::PermissionLost(lost), .. } => {
                write!(f, " (permission lost: {lost})")
            }
            Self::NeedsReconnection { cause: ReconnectCause::WrongCompany(found), .. } => {
                write!(f, " (wrong company: {found})")
            }
            Self::Healthy { doubt: Some(_) } => f.write_str(" (suspect)"),
            other => match other.cause() {
                Some(cause) => write!(f, " ({})", cause.replace('_', " ")),
                None => Ok(()),
            },
        }
    }
}

impl ReconnectCause {
    /// Whether this failure is what the cause already says.
    pub fn covers(&self, failure: &Failure) -> bool {
        match (self, failure) {
            (Self::WrongCompany(told), Failure::WrongCompany(found)) => told == found,
            (Self::WrongCompany(_), _) | (_, Failure::WrongCompany(_)) => false,
            (Self::NeverAccepted, _)
            | (Self::Rejected | Self::Expired, Failure::Rejected)
            | (Self::Disconnected, Failure::Disconnected)
            | (Self::PermissionLost(_), Failure::PermissionLost(_)) => true,
            (
                Self::Rejected | Self::Expired | Self::Disconnected | Self::PermissionLost(_),
                Failure::Rejected | Failure::Disconnected | Failure::PermissionLost(_),
            ) => false,
        }
    }

    /// The label of this cause.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::NeverAccepted => "never_accepted",
            Self::Disconnected => "disconnected",
            Self::PermissionLost(_) => "permission_lost",
            Self::WrongCompany(_) => "wrong_company",
        }
    }
}

impl DisabledCause {
    /// The label of this cause.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Declined => "declined",
        }
    }
}
