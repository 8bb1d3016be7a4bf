//! The keyring: every data key of an installation, unwrapped and ready for use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::error::Unspecified;
use ring::hmac;

use crate::redact::ApiKey;
use crate::vault::comparison::ComparisonKey;
use crate::vault::error::VaultError;
use crate::vault::fingerprint;
use crate::vault::fingerprint::Fingerprint;
use crate::vault::master::MasterKey;
use crate::vault::material::LENGTH;
use crate::vault::material::Material;
use crate::vault::seal;
use crate::vault::seal::KeyId;
use crate::vault::seal::SealContext;
use crate::vault::seal::SealedKey;
use crate::vault::wrap;
use crate::vault::wrap::Role;
use crate::vault::wrap::WrappedKey;

/// Seals, opens and fingerprints. A clone is another handle on the same keys.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

/// What `keyring status` shows: nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringStatus {
    /// The key that seals now.
    pub sealing: KeyId,
    /// Every row held, by id.
    pub keys: Vec<KeyStatus>,
}

/// One row of the keyring without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The row's id.
    pub id: KeyId,
    /// What its key is for.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it seals nothing new.
    pub retired_at: Option<DateTime<Utc>>,
}

struct Keys {
    sealing: BTreeMap<KeyId, LessSafeKey>,
    fingerprint: hmac::Key,
    audit: hmac::Key,
    link: hmac::Key,
    status: KeyringStatus,
}

/// What the check row wraps.
const KNOWN: &[u8; LENGTH] = b"keypulse: this master key opens!";

impl Keyring {
    /// A new keyring: one key of each role and the known value, to be stored in one transaction.
    pub fn create(
        master: &MasterKey,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<WrappedKey>), VaultError> {
        let wrapping = master.wrapping()?;
        // Whole seconds, so that every database gives back the moment that the row is bound to.
        let now = now.trunc_subsecs(0);
        let rows = (1..)
            .zip(Role::ALL)
            .map(|(id, role)| match role {
                Role::Check => wrap::wrap(&wrapping, KeyId(id), role, now, KNOWN),
                Role::Seal | Role::Fingerprint | Role::Audit | Role::Link => {
                    let fresh = Material::random()?;
                    wrap::wrap(&wrapping, KeyId(id), role, now, fresh.expose())
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Through the same door as at every start: what is stored is known to open.
        Ok((Self::open(master, &rows)?, rows))
    }

    /// Unwraps the stored rows, all or none. A wrong master key is told apart from a damaged row:
    /// under the right one the known value opens, or, if that is the damaged row, another does.
    pub fn open(master: &MasterKey, rows: &[WrappedKey]) -> Result<Self, VaultError> {
        if rows.is_empty() {
            return Err(VaultError::NoKeyring);
        }
        refuse_repeated(rows)?;
        only(rows, Role::Check)?;
        let wrapping = master.wrapping()?;
        let opened: BTreeMap<KeyId, Material> = rows
            .iter()
            .filter_map(|row| {
                let plain = wrap::unwrap(&wrapping, row)?;
                (row.role != Role::Check || plain.expose() == KNOWN).then_some((row.id, plain))
            })
            .collect();
        if opened.is_empty() {
            return Err(VaultError::WrongMasterKey);
        }
        let plain = |row: &WrappedKey| {
            opened.get(&row.id).ok_or(VaultError::DamagedRow { id: row.id, role: row.role })
        };
        for row in rows {
            plain(row)?;
        }
        let mac = |role| -> Result<hmac::Key, VaultError> {
            Ok(hmac::Key::new(hmac::HMAC_SHA256, plain(only(rows, role)?)?.expose()))
        };
        let sealing = rows
            .iter()
            .filter(|row| row.role == Role::Seal)
            .map(|row| Ok((row.id, cipher(plain(row)?)?)))
            .collect::<Result<_, VaultError>>()?;
        Ok(Self(Arc::new(Keys {
            sealing,
            fingerprint: mac(Role::Fingerprint)?,
            audit: mac(Role::Audit)?,
            link: mac(Role::Link)?,
            status: status_of(rows)?,
        })))
    }

    /// Seals a key so that it opens only under the same context.
    pub fn seal(&self, context: &SealContext<'_>, key: &ApiKey) -> Result<SealedKey, VaultError> {
        let id = self.0.status.sealing;
        seal::seal(self.sealing_key(id)?, id, context, key)
    }

    /// Opens a sealed key for exactly this context. [`VaultError::UnknownKeyId`] is our own fault;
    /// so is everything else here, but that one says which row is missing.
    pub fn open_sealed(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<ApiKey, VaultError> {
        let (id, body) = seal::split(sealed)?;
        seal::open(self.sealing_key(id)?, id, context, body)
    }

    /// Seals the same key anew with the key that seals now. Nobody else sees it on the way.
    pub fn reseal(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<SealedKey, VaultError> {
        self.seal(context, &self.open_sealed(context, sealed)?)
    }

    /// The key that these bytes say they need and that is not held here.
    pub fn lacks(&self, sealed: &[u8]) -> Option<KeyId> {
        let (id, _) = seal::split(sealed).ok()?;
        (!self.0.sealing.contains_key(&id)).then_some(id)
    }

    /// A new sealing key with an id that was never used, to be stored as a row. It seals once this
    /// keyring is opened again with that row.
    pub fn next_sealing_key(
        &self,
        master: &MasterKey,
        now: DateTime<Utc>,
    ) -> Result<WrappedKey, VaultError> {
        // Ids are given upwards and the sealing key is never removed, so the highest id ever given
        // is still there.
        let highest = self.0.status.keys.iter().map(|key| key.id.0).max();
        let id = highest.unwrap_or(0).checked_add(1).ok_or(VaultError::NoIdLeft)?;
        let fresh = Material::random()?;
        let now = now.trunc_subsecs(0);
        wrap::wrap(&master.wrapping()?, KeyId(id), Role::Seal, now, fresh.expose())
    }

    /// The same rows wrapped by another master key: same keys, same ids, same times. All or none.
    pub fn rewrap(
        former: &MasterKey,
        next: &MasterKey,
        rows: &[WrappedKey],
    ) -> Result<Vec<WrappedKey>, VaultError> {
        let before = Self::open(former, rows)?;
        let (from, to) = (former.wrapping()?, next.wrapping()?);
        let rewrapped = rows
            .iter()
            .map(|row| {
                let damaged = VaultError::DamagedRow { id: row.id, role: row.role };
                let plain = wrap::unwrap(&from, row).ok_or(damaged)?;
                let again = wrap::wrap(&to, row.id, row.role, row.created_at, plain.expose())?;
                Ok(WrappedKey { retired_at: row.retired_at, ..again })
            })
            .collect::<Result<Vec<_>, VaultError>>()?;
        // Through the same door as at every start: what is stored is known to open.
        let after = Self::open(next, &rewrapped)?;
        if after.status() == before.status() { Ok(rewrapped) } else { Err(VaultError::Refused) }
    }

    /// The same for equal keys, for as long as this keyring lives.
    pub fn fingerprint(&self, key: &ApiKey) -> Fingerprint {
        fingerprint::of(&self.0.fingerprint, key)
    }

    /// What the integration and keypulse compare keys by, for as long as this keyring lives.
    pub fn comparison_key(&self) -> ComparisonKey {
        ComparisonKey::of(&self.0.fingerprint)
    }

    /// HMAC-SHA-256 under the audit key. The caller makes the message unambiguous.
    pub fn audit_mac(&self, message: &[u8]) -> [u8; 32] {
        fingerprint::mac(&self.0.audit, message)
    }

    /// HMAC-SHA-256 under the link key. The caller makes the message unambiguous.
    pub fn link_mac(&self, message: &[u8]) -> [u8; 32] {
        fingerprint::mac(&self.0.link, message)
    }

    /// Which keys are held and which one seals.
    pub fn status(&self) -> KeyringStatus {
        self.0.status.clone()
    }

    fn sealing_key(&self, id: KeyId) -> Result<&LessSafeKey, VaultError> {
        let held = &self.0.sealing;
        held.get(&id).ok_or(VaultError::UnknownKeyId(id))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyringStatus { sealing, keys } = &self.0.status;
        write!(f, "Keyring({} rows, sealing with {sealing})", keys.len())
    }
}

/// Two rows of one id, or of a role other than [`Role::Seal`], would leave it to chance which counts.
fn refuse_repeated(rows: &[WrappedKey]) -> Result<(), VaultError> {
    for (position, row) in rows.iter().enumerate() {
        let twice = |other: &WrappedKey| {
            other.id == row.id || (other.role == row.role && row.role != Role::Seal)
        };
        if rows.iter().take(position).any(twice) {
            let (id, role) = (row.id, row.role);
            return Err(VaultError::RepeatedRow { id, role });
        }
    }
    Ok(())
}

fn only(rows: &[WrappedKey], role: Role) -> Result<&WrappedKey, VaultError> {
    let mut of_role = rows.iter().filter(|row| row.role == role);
    of_role.next().ok_or(VaultError::MissingRow(role))
}

fn status_of(rows: &[WrappedKey]) -> Result<KeyringStatus, VaultError> {
    let sealing = rows
        .iter()
        .filter(|row| row.role == Role::Seal && row.retired_at.is_none())
        .map(|row| row.id)
        .max()
        .ok_or(VaultError::MissingRow(Role::Seal))?;
    let mut keys: Vec<KeyStatus> = rows
        .iter()
        .map(|row| KeyStatus {
            id: row.id,
            role: row.role,
            created_at: row.created_at,
            retired_at: row.retired_at,
        })
        .collect();
    keys.sort_by_key(|key| key.id);
    Ok(KeyringStatus { sealing, keys })
}

pub(super) fn cipher(plain: &Material) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, plain.expose())
        .map(LessSafeKey::new)
        .map_err(|Unspecified| VaultError::Refused)
}
