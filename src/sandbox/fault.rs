//! Faults of the provider, as they are asked for.

use serde::{Deserialize, Serialize};

/// A fault and whom it hits. Without `share` and `tenants` it hits everybody, callers without a
/// key included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// The share of tenants that it hits, from 0 to 1: always the same ones, and those of a smaller
    /// share are among those of a larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The tenants that it hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<u32>>,
    /// The calls that it hits; all, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Calls>,
    /// When it ends by itself; never, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

impl Fault {
    /// A fault that hits every call of everybody until it is cleared.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, share: None, tenants: None, calls: None, for_ms: None }
    }

    /// The same for a share of the tenants.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { share: Some(share), ..self }
    }

    /// The same for these tenants.
    #[must_use]
    pub fn tenants(self, tenants: Vec<u32>) -> Self {
        Self { tenants: Some(tenants), ..self }
    }

    /// The same for one call.
    #[must_use]
    pub fn call(self, call: Call) -> Self {
        Self { calls: Some(Calls::One(call)), ..self }
    }

    /// The same for a while.
    #[must_use]
    pub fn for_ms(self, ms: u64) -> Self {
        Self { for_ms: Some(ms), ..self }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// This status with a small JSON body, instead of the true answer: 500, 503, 401, 403, 400, 404.
    Status(u16),
    /// 429.
    RateLimited {
        /// What the answer says about trying again.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// The request is taken and never answered.
    Hang,
    /// The true answer, a byte every half second.
    Slow,
    /// The connection is reset (TCP RST) once the request has been read.
    Reset,
    /// 200 with a login page.
    Html,
    /// `introspect` answers 200 with `authMethod: NONE`; the other calls are as ever.
    None,
    /// 200 without a body.
    Empty,
    /// 200 with a body that never ends, as fast as the caller reads.
    Endless,
    /// 200 with 64 KiB of gzip that unpack to 64 MiB, whether the caller asked for gzip or not.
    Compressed,
    /// 307 to the same path on another host.
    Redirect {
        /// The host, such as `https://elsewhere.example`.
        to: String,
    },
}

/// The `Retry-After` of a 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// No such header.
    #[default]
    None,
    /// A number of seconds.
    Seconds(u64),
    /// An HTTP date, one minute from now.
    Date,
    /// `Retry-After: a little later`.
    Nonsense,
}

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `/v1/introspect`.
    Introspect,
    /// `/v1/installations/me`.
    Installation,
    /// `/v1/companies/{id}`.
    Company,
    /// Anything else.
    Other,
}

/// One call or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`calls` is one of introspect, installation, company, other, or a list of them"
)]
pub enum Calls {
    /// Just this one.
    One(Call),
    /// Any of these.
    Any(Vec<Call>),
}

impl Calls {
    pub(super) fn has(&self, call: Call) -> bool {
        match self {
            Self::One(one) => *one == call,
            Self::Any(any) => any.contains(&call),
        }
    }
}

/// A fault in force, as `GET /control/world` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultView {
    /// The fault as it was begun.
    #[serde(flatten)]
    pub fault: Fault,
    /// How long it lasts yet, if it ends by itself.
    pub ms_left: Option<u64>,
    /// How many requests it has met.
    pub met: u64,
}
