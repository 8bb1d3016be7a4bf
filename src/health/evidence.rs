//! What a probe or a person tells us of one tenant, classified.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

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
}

/// Which replacement of a tenant's key: 1 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The first key a tenant ever had.
    pub const FIRST: Self = Self(1);
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
}

impl Finding {
    /// Which weather bears on this finding; `None` where none does.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Failed(_) => Some(Class::Refused),
            Self::Inconclusive(why) if why.blame() != Blame::Ourselves => Some(Class::Silent),
            Self::Accepted | Self::Inconclusive(_) | Self::Operator(_) => None,
        }
    }

    /// The label of this finding in metrics and logs: `accepted`, `rejected`, `server_error`, ….
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed(failure) => failure.name(),
            Self::Inconclusive(why) => why.name(),
            Self::Operator(_) => "operator",
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
    pub const NAMES: [&'static str; 4] = [
        "rejected",
        "disconnected",
        "permission_lost",
        "wrong_company",
    ];

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

/// A set of scopes such as `export-jobs:read`, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The scopes of a text that separates them by white space.
    pub fn parse(text: &str) -> Self {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Those of `self` that `granted` lacks. `write` does not imply `read`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The scopes separated by single spaces, as [`Scopes::parse`] reads them.
    pub fn joined(&self) -> String {
        self.iter().collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

/// The provider's id of a company, without any prefix of its URN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyId(String);

impl CompanyId {
    /// Longest id accepted, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Takes an id of 1 to 128 letters, digits, `-`, `_` or `.`; letters are compared in lower
    /// case, because UUIDs are written in both. `None` for anything else: an id becomes part of a
    /// path, so nothing that means something there may pass.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !text.bytes().all(|b| b == b'.');
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose fault it is that an answer tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The provider answered, and not as documented.
    Provider,
    /// No answer arrived: the provider or any network between; it cannot be told which.
    Path,
    /// Our own configuration, keyring or request.
    Ourselves,
}

/// Why an answer, or its absence, says nothing about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inconclusive {
    /// 429; with the pause that was asked for, already capped.
    RateLimited {
        /// How long to wait, where the provider said so in a form that could be read.
        retry_after: Option<TimeDelta>,
    },
    /// Any 5xx; some carry `Retry-After` too.
    ServerError {
        /// How long to wait, where the provider said so in a form that could be read.
        retry_after: Option<TimeDelta>,
    },
    /// 403 to a call that needs no permission: a firewall or a fault, never a lost permission.
    Forbidden,
    /// A redirect, which is never followed.
    Redirected,
    /// 200 in another shape than documented: HTML, empty, compressed, cut off, without end.
    Nonsense,
    /// Any other status.
    UnexpectedStatus,
    /// Two calls of one probe contradict each other.
    Contradiction,
    /// No complete answer in time.
    TimedOut,
    /// No connection, or one that broke.
    Disconnected,
    /// No trust in the certificate, or no common protocol.
    Tls,
    /// 400: the request itself was wrong.
    OurRequest,
    /// 404 to the identity call: the base address is wrong.
    UnknownResource,
    /// The key belongs to another client than the one it was accepted for: a change of our own
    /// configuration, or of the provider's; the customer has changed nothing.
    OtherClient,
    /// The provider says that the call was authenticated by something that is no API key.
    OtherMethod,
    /// The stored key could not be opened.
    KeyUnavailable,
}

impl Inconclusive {
    /// Every label that [`Inconclusive::name`] can give.
    pub const NAMES: [&'static str; 15] = [
        "rate_limited",
        "server_error",
        "forbidden",
        "redirected",
        "nonsense",
        "unexpected_status",
        "contradiction",
        "timed_out",
        "disconnected_path",
        "tls",
        "our_request",
        "unknown_resource",
        "other_client",
        "other_method",
        "key_unavailable",
    ];

    /// The label of this finding.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::ServerError { .. } => "server_error",
            Self::Forbidden => "forbidden",
            Self::Redirected => "redirected",
            Self::Nonsense => "nonsense",
            Self::UnexpectedStatus => "unexpected_status",
            Self::Contradiction => "contradiction",
            Self::TimedOut => "timed_out",
            Self::Disconnected => "disconnected_path",
            Self::Tls => "tls",
            Self::OurRequest => "our_request",
            Self::UnknownResource => "unknown_resource",
            Self::OtherClient => "other_client",
            Self::OtherMethod => "other_method",
            Self::KeyUnavailable => "key_unavailable",
        }
    }

    /// Whose fault it is. Never the customer's.
    pub fn blame(&self) -> Blame {
        match self {
            Self::RateLimited { .. }
            | Self::ServerError { .. }
            | Self::Forbidden
            | Self::Redirected
            | Self::Nonsense
            | Self::UnexpectedStatus
            | Self::Contradiction => Blame::Provider,
            Self::TimedOut | Self::Disconnected | Self::Tls => Blame::Path,
            Self::OurRequest
            | Self::UnknownResource
            | Self::OtherClient
            | Self::OtherMethod
            | Self::KeyUnavailable => Blame::Ourselves,
        }
    }

    /// The pause that the provider asked for, if it did.
    pub fn retry_after(&self) -> Option<TimeDelta> {
        match self {
            Self::RateLimited { retry_after } | Self::ServerError { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for Inconclusive {
    /// A sentence part: `the provider asked for fewer calls (429)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimited { .. } => "the provider asked for fewer calls (429)",
            Self::ServerError { .. } => "the provider had a fault of its own (5xx)",
            Self::Forbidden => "403 to a call that needs no permission",
            Self::Redirected => "the provider pointed to another address; not followed",
            Self::Nonsense => "the answer was not in the documented shape",
            Self::UnexpectedStatus => "the answer had a status that is not documented",
            Self::Contradiction => "two answers of one check contradict each other",
            Self::TimedOut => "no complete answer in time",
            Self::Disconnected => "no connection, or one that broke",
            Self::Tls => "no secure connection could be made",
            Self::OurRequest => "the provider called our request malformed (400)",
            Self::UnknownResource => "the provider does not know the address (404)",
            Self::OtherClient => "the key was made for another client of the provider",
            Self::OtherMethod => "the provider did not take this for an API key",
            Self::KeyUnavailable => "the stored key could not be opened",
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_climb_out_of_a_path_is_no_company() {
        for bad in ["", "..", ".", "a/b", "a%2fb", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(CompanyId::parse(bad), None, "{bad}");
        }
        assert_eq!(CompanyId::parse("AB-12").unwrap().as_str(), "ab-12");
    }

    #[test]
    fn write_does_not_stand_in_for_read() {
        let required = Scopes::parse("export-jobs:read users:read");
        let granted = Scopes::parse("export-jobs:write users:read");
        assert_eq!(required.missing_from(&granted).joined(), "export-jobs:read");
    }
}
