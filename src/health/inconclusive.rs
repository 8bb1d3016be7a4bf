//! Why an answer says nothing about a key, and whose fault that is.

use std::fmt;

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
    /// 429: fewer calls are asked for.
    RateLimited,
    /// Any 5xx.
    ServerError,
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
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
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

    /// Whether the same question may be answered a moment later, without anybody's help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited | Self::ServerError | Self::TimedOut | Self::Disconnected => true,
            Self::Forbidden
            | Self::Redirected
            | Self::Nonsense
            | Self::UnexpectedStatus
            | Self::Contradiction
            | Self::Tls
            | Self::OurRequest
            | Self::UnknownResource
            | Self::OtherClient
            | Self::OtherMethod
            | Self::KeyUnavailable => false,
        }
    }

    /// Whose fault it is. Never the customer's.
    pub fn blame(&self) -> Blame {
        match self {
            Self::RateLimited
            | Self::ServerError
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
}

impl fmt::Display for Inconclusive {
    /// A sentence part: `the provider asked for fewer calls (429)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimited => "the provider asked for fewer calls (429)",
            Self::ServerError => "the provider had a fault of its own (5xx)",
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
