//! What can be done to the world: the body of `POST /control/changes`.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::scope::Scope;
use super::tenant::{InstallationError, InstallationStatus};
use crate::redact::ApiKey;

/// One change, told apart by its field `do`. Tenants are counted from 1: tenant 3 is `erp-0003`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Withdraws the tenant's key.
    Revoke {
        /// Whose.
        tenant: u32,
    },
    /// Ends the key's time, whatever its date says.
    Expire {
        /// Whose.
        tenant: u32,
    },
    /// Makes the current key work again after `revoke` or `expire`; nothing else is undone.
    Restore {
        /// Whose.
        tenant: u32,
    },
    /// Gives the tenant a new key, which works; every older one is refused from now on.
    Rotate {
        /// Whose.
        tenant: u32,
    },
    /// Takes a permission from the key.
    RemoveScope {
        /// Whose.
        tenant: u32,
        /// Which.
        scope: Scope,
    },
    /// Gives the key a permission.
    AddScope {
        /// Whose.
        tenant: u32,
        /// Which.
        scope: Scope,
    },
    /// Makes the key one of another company.
    MoveCompany {
        /// Whose.
        tenant: u32,
        /// Where to; the tenant's own number moves it back.
        to: Company,
    },
    /// Makes the key one of an organisation.
    OrganisationKey {
        /// Whose.
        tenant: u32,
        /// Whether the tenant's company belongs to that organisation.
        reaches_company: bool,
    },
    /// Makes the key one of another client (another integration).
    OtherClient {
        /// Whose.
        tenant: u32,
    },
    /// Changes what `/v1/installations/me` says.
    Installation {
        /// Whose.
        tenant: u32,
        /// The new status; `none` for 404.
        status: InstallationStatus,
        /// The error code, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_code: Option<InstallationError>,
    },
    /// Puts everything about the tenant back to the start, except that a rotated key stays rotated.
    Reset {
        /// Whose.
        tenant: u32,
    },
    /// Begins a fault of the provider; the newest one that fits a request wins.
    Fault(Fault),
    /// Ends all faults; latency stays.
    ClearFaults {},
    /// Delays every answer; 0 ends it.
    Latency {
        /// By how much.
        ms: u32,
    },
}

/// A company, by number or id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a company is a number from 1 up or a UUID")]
pub enum Company {
    /// The company that the seed gave this tenant; a number beyond the tenants is a company that
    /// no tenant has.
    Number(u32),
    /// Any UUID.
    Id(String),
}

/// What came of a change.
#[derive(Debug)]
pub enum Applied {
    /// It holds from now on.
    Done,
    /// The tenant has this key now.
    Rotated {
        /// The new key.
        key: ApiKey,
    },
}

impl Applied {
    /// The new key, if the change made one.
    pub fn into_key(self) -> Option<ApiKey> {
        match self {
            Self::Done => None,
            Self::Rotated { key } => Some(key),
        }
    }
}

/// Why a change was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such tenant.
    #[error("there is no tenant {tenant}: they are counted from 1 to {tenants}")]
    Tenant {
        /// The number asked for.
        tenant: u32,
        /// How many there are.
        tenants: u32,
    },
    /// Not a company.
    #[error("`to` must be a company number from 1 up or a UUID")]
    Company,
    /// The tenant has had 65,536 keys.
    #[error("tenant {0} has had all the keys there are")]
    KeysUsedUp(u32),
    /// Not a share.
    #[error("`share` must be a number from 0 to 1")]
    Share,
    /// Two ways to choose tenants.
    #[error("give `share` or `tenants`, not both")]
    ShareAndTenants,
    /// Not a status that stands for a fault.
    #[error("`status` must be from 400 to 599")]
    Status,
    /// Nowhere to redirect to.
    #[error("`to` must be an http or https address")]
    Redirect,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Change, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_change_is_told_apart_by_do() {
        assert_eq!(read(r#"{"do":"revoke","tenant":3}"#), Ok(Change::Revoke { tenant: 3 }));
        assert_eq!(
            read(r#"{"do":"move_company","tenant":3,"to":4}"#),
            Ok(Change::MoveCompany { tenant: 3, to: Company::Number(4) })
        );
        assert_eq!(
            read(r#"{"do":"installation","tenant":3,"status":"none"}"#),
            Ok(Change::Installation {
                tenant: 3,
                status: InstallationStatus::None,
                error_code: None
            })
        );
        assert_eq!(read(r#"{"do":"clear_faults"}"#), Ok(Change::ClearFaults {}));
    }

    #[test]
    fn an_unknown_field_or_value_is_named_in_the_refusal() {
        for (text, named) in [
            (r#"{"do":"revoke","tenant":3,"tenent":4}"#, "tenent"),
            (r#"{"do":"revoke"}"#, "tenant"),
            (r#"{"do":"explode"}"#, "explode"),
            (r#"{"do":"clear_faults","now":true}"#, "now"),
            (r#"{"do":"add_scope","tenant":1,"scope":"all"}"#, "companies:read"),
            (r#"{"do":"fault","kind":"hang","shares":1}"#, "shares"),
            (r#"{"do":"fault","kind":"sulk"}"#, "sulk"),
            (r#"{"do":"fault","kind":{"slow":1}}"#, "expected unit"),
            (r#"{"do":"fault","kind":{"rate_limited":{"retry":1}}}"#, "retry"),
            (r#"{"do":"fault","kind":"hang","calls":"people"}"#, "introspect"),
            (r#"{"do":"move_company","tenant":3,"to":-4}"#, "company"),
            (r#"{"do":"installation","tenant":3,"status":"FINE"}"#, "ACTIVATED"),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(named), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_change_survives_writing_and_reading() {
        let scope = Scope::parse("users:read").unwrap();
        for change in [
            Change::RemoveScope { tenant: 1, scope },
            Change::OrganisationKey { tenant: 2, reaches_company: false },
            Change::Latency { ms: 30 },
        ] {
            let text = serde_json::to_string(&change).unwrap();
            assert_eq!(read(&text), Ok(change));
        }
    }
}
