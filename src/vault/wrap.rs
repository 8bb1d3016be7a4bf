//! A row of the keyring: one data key, wrapped by the master key.

use std::fmt;

use chrono::{DateTime, Utc};
use ring::aead::LessSafeKey;

use crate::vault::associated;
use crate::vault::envelope;
use crate::vault::error::VaultError;
use crate::vault::material::LENGTH;
use crate::vault::material::Material;
use crate::vault::seal::KeyId;

/// What a row's key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Seals tenants' keys. There may be several; the newest that is not retired seals.
    Seal,
    /// Makes fingerprints. Never changes, or equal keys would no longer be noticed.
    Fingerprint,
    /// Chains the audit trail.
    Audit,
    /// Derives the customers' links.
    Link,
    /// No key but a known value, which says whether the master key is the right one.
    Check,
}

impl Role {
    /// Every role, in the order of a new keyring's rows.
    pub const ALL: [Self; 5] =
        [Self::Seal, Self::Fingerprint, Self::Audit, Self::Link, Self::Check];

    /// The byte that stands for it in the store and in associated data, for ever.
    pub const fn code(self) -> u8 {
        match self {
            Self::Seal => 1,
            Self::Fingerprint => 2,
            Self::Audit => 3,
            Self::Link => 4,
            Self::Check => 5,
        }
    }

    /// The role that a byte from the store stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Fingerprint => "fingerprint",
            Self::Audit => "audit",
            Self::Link => "link",
            Self::Check => "check",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the store keeps: one row per data key, and the known value.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Unique within the keyring, whatever the role.
    pub id: KeyId,
    /// What the key is for.
    pub role: Role,
    /// The key, readable only with the master key.
    pub wrapped: Vec<u8>,
    /// In whole seconds. The row is bound to it: it must come back from the store as it went in.
    pub created_at: DateTime<Utc>,
    /// Since when it seals nothing new. It still opens what it sealed for as long as the row is
    /// there; deleting the row makes that unreadable.
    pub retired_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedKey")
            .field("id", &self.id.0)
            .field("role", &self.role)
            .field("created_at", &self.created_at)
            .field("retired_at", &self.retired_at)
            .finish_non_exhaustive()
    }
}

/// The version of the format written: `version | nonce | ciphertext | tag`.
const FORMAT: u8 = 1;

/// Wraps 32 bytes into a row.
pub(super) fn wrap(
    wrapping: &LessSafeKey,
    id: KeyId,
    role: Role,
    created_at: DateTime<Utc>,
    plain: &[u8; LENGTH],
) -> Result<WrappedKey, VaultError> {
    let associated = associated::of_wrapped_key(FORMAT, role, id, created_at);
    Ok(WrappedKey {
        id,
        role,
        wrapped: envelope::close(wrapping, &[FORMAT], &associated, plain)?,
        created_at,
        retired_at: None,
    })
}

/// The 32 bytes of a row; nothing when the row was changed or another master key wrapped it.
pub(super) fn unwrap(wrapping: &LessSafeKey, row: &WrappedKey) -> Option<Material> {
    let (&format, body) = row.wrapped.split_first()?;
    if format != FORMAT {
        return None;
    }
    let associated = associated::of_wrapped_key(FORMAT, row.role, row.id, row.created_at);
    Material::copied(&envelope::open(wrapping, &associated, body)?)
}
