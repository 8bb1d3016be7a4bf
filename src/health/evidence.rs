//! What a probe or a person tells us of one tenant, classified.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::company::CompanyId;
use super::inconclusive::{Blame, Inconclusive};
use super::scopes::Scopes;
use super::weather::Class;

/// One thing learnt of one tenant: what was found, about which generation of its key, and when the
/// call that found it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The generation of the key that was tried; evidence about another one is void.
    pub generation: Generation,
    /// When the first call of the probe was started, or when the person acted.
    pub began: DateTime<Utc>,
    /// What it says.
    pub finding: Finding,
    /// Whether that key is the one that the integration uses.
    pub standing: Standing,
    /// The pause that the provider asked for with any of the answers, already capped.
    pub pause: Option<TimeDelta>,
}

/// Which replacement of a tenant's key: 1 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The first key a tenant ever had.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// How the key that was tried stands to the one at its source, for what is said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is the same, or there is no other source than keypulse itself.
    #[default]
    Current,
    /// The source has another: whatever was said of this one says nothing of the customer.
    OutOfStep,
    /// The source could not be asked.
    NotCompared,
}

/// What evidence says. Only [`Finding::Failed`] can ever count against a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The key is valid, for the expected company, and may do all that is required.
    Accepted,
    /// The provider said something against the key itself.
    Failed(Failure),
    /// The answer, or the lack of one, says nothing about the key.
    Inconclusive(Inconclusive),
    /// A person decided.
    Operator(Action),
    /// A new key was offered and accepted in quarantine; the evidence's generation is the one that
    /// follows the present one.
    Replaced(NewKey),
    /// A person bound the tenant to another company.
    Rebound(Rebinding),
    /// Nobody was asked: the key was compared with the one at its source, and the evidence's
    /// standing says how that came out.
    Compared,
}

/// What is known of a key that was offered and accepted, beside its acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// When it expires, as far as anybody said.
    pub expires_at: Option<DateTime<Utc>>,
}

/// From which company to which a person bound a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// The company before.
    pub from: CompanyId,
    /// The company from now on.
    pub to: CompanyId,
    /// Whether the key of the evidence's generation was accepted for that one.
    pub accepted: bool,
}

impl Finding {
    /// Which weather bears on this finding; `None` where none does.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Failed(_) => Some(Class::Refused),
            Self::Inconclusive(why) if why.blame() != Blame::Ourselves => Some(Class::Silent),
            Self::Accepted
            | Self::Inconclusive(_)
            | Self::Operator(_)
            | Self::Replaced(_)
            | Self::Rebound(_)
            | Self::Compared => None,
        }
    }

    /// The label of this finding in metrics and logs: `accepted`, `rejected`, `server_error`, ….
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed(failure) => failure.name(),
            Self::Inconclusive(why) => why.name(),
            Self::Operator(_) => "operator",
            Self::Replaced(_) => "replaced",
            Self::Rebound(_) => "rebound",
            Self::Compared => "compared",
        }
    }
}

/// What the provider holds against a key. Failures of one kind in a row add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 401, or a 200 that says that nobody was authenticated.
    Rejected,
    /// The key is accepted, but the provider calls the installation disconnected.
    Disconnected,
    /// The key is accepted, but may no longer do something that is required of it.
    PermissionLost(Permission),
    /// The key is accepted, but belongs to this company instead of the expected one.
    WrongCompany(CompanyId),
}

impl Failure {
    /// Every label that [`Failure::name`] can give.
    pub const NAMES: [&'static str; 4] =
        ["rejected", "disconnected", "permission_lost", "wrong_company"];

    /// The label of this failure.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Disconnected => "disconnected",
            Self::PermissionLost(_) => "permission_lost",
            Self::WrongCompany(_) => "wrong_company",
        }
    }

    /// Whether the two add up. Permissions may differ from answer to answer; another foreign
    /// company is another finding.
    pub fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rejected, Self::Rejected)
            | (Self::Disconnected, Self::Disconnected)
            | (Self::PermissionLost(_), Self::PermissionLost(_)) => true,
            (Self::WrongCompany(one), Self::WrongCompany(two)) => one == two,
            (
                Self::Rejected
                | Self::Disconnected
                | Self::PermissionLost(_)
                | Self::WrongCompany(_),
                _,
            ) => false,
        }
    }
}

impl fmt::Display for Failure {
    /// Reads after "the provider": `the provider refused the key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected => f.write_str("refused the key"),
            Self::Disconnected => f.write_str("calls the installation disconnected"),
            Self::PermissionLost(permission) => write!(f, "no longer grants {permission}"),
            Self::WrongCompany(company) => write!(f, "named another company, {company}"),
        }
    }
}

/// What a key may no longer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// These required scopes are missing.
    Scopes(Scopes),
    /// The expected company is out of the key's reach.
    Company,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scopes(scopes) => scopes.fmt(f),
            Self::Company => f.write_str("access to the company"),
        }
    }
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Stop asking, until then or until resumed.
    Pause {
        /// When to go on by itself.
        until: Option<DateTime<Utc>>,
    },
    /// Go on after a pause.
    Resume,
    /// The key may have leaked.
    Compromise,
    /// The customer no longer uses the integration.
    Decline,
}
