//! All that can be changed about one tenant, in 64 bits, so that a million of them are 8 MB and a
//! request reads its tenant in one load.

use serde::{Deserialize, Serialize};

use super::scope::Scopes;

/// Whether the current key of a tenant is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is.
    Works,
    /// It was withdrawn. On the wire this is a 401, like [`KeyState::Expired`].
    Revoked,
    /// Its time ran out.
    Expired,
}

/// Whom a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One company: the usual key.
    Company,
    /// An organisation to which the tenant's company belongs.
    Organisation,
    /// An organisation to which the tenant's company does not belong.
    ForeignOrganisation,
}

/// The state of the installation behind `/v1/installations/me`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstallationStatus {
    /// In use; the state at the start.
    Activated,
    /// Switched off.
    Inactive,
    /// Allowed, not yet set up.
    Authorized,
    /// Waiting for the integration.
    PendingIntegration,
    /// Broken; see the error code.
    Error,
    /// A status that no client knows: answered as `ON_HOLIDAY`.
    #[serde(rename = "unknown")]
    Unknown,
    /// There is no installation: 404.
    #[serde(rename = "none")]
    None,
}

impl InstallationStatus {
    const ALL: [Self; 7] = [
        Self::Activated,
        Self::Inactive,
        Self::Authorized,
        Self::PendingIntegration,
        Self::Error,
        Self::Unknown,
        Self::None,
    ];

    /// What the answer says, if there is an installation at all.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Activated => Some("ACTIVATED"),
            Self::Inactive => Some("INACTIVE"),
            Self::Authorized => Some("AUTHORIZED"),
            Self::PendingIntegration => Some("PENDING_INTEGRATION"),
            Self::Error => Some("ERROR"),
            Self::Unknown => Some("ON_HOLIDAY"),
            Self::None => None,
        }
    }
}

/// Why an installation does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstallationError {
    /// The customer has not booked it.
    NotEntitled,
    /// Its credentials are refused.
    AuthError,
    /// A code that no client knows: answered as `OUT_OF_COFFEE`.
    #[serde(rename = "unknown")]
    Unknown,
}

impl InstallationError {
    /// What the answer says.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NotEntitled => "NOT_ENTITLED",
            Self::AuthError => "AUTH_ERROR",
            Self::Unknown => "OUT_OF_COFFEE",
        }
    }
}

/// One tenant's changeable state, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenant {
    pub(super) scopes: Scopes,
    pub(super) generation: u16,
    pub(super) key: KeyState,
    pub(super) reach: Reach,
    pub(super) other_client: bool,
    /// The company is looked up in the table of moves.
    pub(super) moved: bool,
    pub(super) installation: InstallationStatus,
    pub(super) error: Option<InstallationError>,
}

impl Tenant {
    /// What the seed gives everybody, at some generation.
    pub(super) const fn at_start(generation: u16) -> Self {
        Self {
            scopes: Scopes::DEFAULT,
            generation,
            key: KeyState::Works,
            reach: Reach::Company,
            other_client: false,
            moved: false,
            installation: InstallationStatus::Activated,
            error: None,
        }
    }

    /// Into 64 bits.
    pub(super) fn pack(self) -> u64 {
        let error = match self.error {
            None => 0,
            Some(InstallationError::NotEntitled) => 1,
            Some(InstallationError::AuthError) => 2,
            Some(InstallationError::Unknown) => 3,
        };
        u64::from(self.scopes.0)
            | u64::from(self.generation) << 16
            | (self.key as u64) << 32
            | (self.reach as u64) << 34
            | u64::from(self.other_client) << 36
            | u64::from(self.moved) << 37
            | (self.installation as u64) << 40
            | error << 44
    }

    /// Out of 64 bits.
    pub(super) fn unpack(bits: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "16 bits each are wanted")]
        let (scopes, generation) = (Scopes(bits as u16), (bits >> 16) as u16);
        Self {
            scopes,
            generation,
            key: match bits >> 32 & 3 {
                0 => KeyState::Works,
                1 => KeyState::Revoked,
                _ => KeyState::Expired,
            },
            reach: match bits >> 34 & 3 {
                0 => Reach::Company,
                1 => Reach::Organisation,
                _ => Reach::ForeignOrganisation,
            },
            other_client: bits >> 36 & 1 == 1,
            moved: bits >> 37 & 1 == 1,
            installation: InstallationStatus::ALL[((bits >> 40 & 7) as usize).min(6)],
            error: match bits >> 44 & 3 {
                0 => None,
                1 => Some(InstallationError::NotEntitled),
                2 => Some(InstallationError::AuthError),
                _ => Some(InstallationError::Unknown),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_survives_packing() {
        let errors = [
            None,
            Some(InstallationError::NotEntitled),
            Some(InstallationError::AuthError),
            Some(InstallationError::Unknown),
        ];
        for key in [KeyState::Works, KeyState::Revoked, KeyState::Expired] {
            for reach in [Reach::Company, Reach::Organisation, Reach::ForeignOrganisation] {
                for installation in InstallationStatus::ALL {
                    for error in errors {
                        for flag in [false, true] {
                            let tenant = Tenant {
                                scopes: Scopes(0xa5c3),
                                generation: 0xbeef,
                                key,
                                reach,
                                other_client: flag,
                                moved: !flag,
                                installation,
                                error,
                            };
                            assert_eq!(Tenant::unpack(tenant.pack()), tenant);
                        }
                    }
                }
            }
        }
    }
}
