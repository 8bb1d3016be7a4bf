//! A sealed key: what the store keeps of a tenant's key, and what it is sealed for.

use std::{fmt, mem};

use ring::aead::LessSafeKey;
use zeroize::Zeroize;

use crate::ids::TenantId;
use crate::redact::ApiKey;
use crate::vault::associated;
use crate::vault::envelope;
use crate::vault::error::VaultError;

/// The number of a keyring row, never used again within a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key was sealed for. A key sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A tenant's live key, used for its probes.
    LiveKey,
    /// A key that was offered and is being tried while the live one stays in place.
    Quarantine,
    /// An accepted key on its way to the integration.
    HandOver,
}

impl Purpose {
    /// The byte that stands for it in associated data, for ever.
    pub const fn code(self) -> u8 {
        match self {
            Self::LiveKey => 1,
            Self::Quarantine => 2,
            Self::HandOver => 3,
        }
    }
}

/// Whose key it is, which one, and what it may be used for. It comes from the row that the key is
/// used for, never from beside the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// The provider's name in the configuration, such as `pleo`.
    pub provider: &'a str,
    /// The tenant.
    pub tenant: TenantId,
    /// Which of the tenant's keys, counted up at each replacement.
    pub generation: u32,
    /// What it may be used for.
    pub purpose: Purpose,
}

/// A key that only the keyring can open.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Format version, key id, nonce, ciphertext, tag: complete in itself.
    pub bytes: Vec<u8>,
    /// The key id that is also in `bytes`, for a column of its own.
    pub key_id: KeyId,
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, key_id } = self;
        write!(f, "SealedKey({} bytes under key {key_id})", bytes.len())
    }
}

/// The version of the format written; the module's text describes it.
const FORMAT: u8 = 1;

pub(super) fn seal(
    with: &LessSafeKey,
    key_id: KeyId,
    context: &SealContext<'_>,
    key: &ApiKey,
) -> Result<SealedKey, VaultError> {
    let [a, b, c, d] = key_id.0.to_be_bytes();
    let bytes = envelope::close(
        with,
        &[FORMAT, a, b, c, d],
        &associated::of_sealed_key(FORMAT, context, key_id),
        key.expose().as_bytes(),
    )?;
    Ok(SealedKey { bytes, key_id })
}

/// Which key the bytes say they were sealed under, and what follows. Only opening proves it.
pub(super) fn split(sealed: &[u8]) -> Result<(KeyId, &[u8]), VaultError> {
    let (&format, rest) = sealed.split_first().ok_or(VaultError::DoesNotOpen)?;
    if format != FORMAT {
        return Err(VaultError::UnknownFormat(format));
    }
    let (id, body) = rest.split_first_chunk::<4>().ok_or(VaultError::DoesNotOpen)?;
    Ok((KeyId(u32::from_be_bytes(*id)), body))
}

pub(super) fn open(
    with: &LessSafeKey,
    key_id: KeyId,
    context: &SealContext<'_>,
    body: &[u8],
) -> Result<ApiKey, VaultError> {
    let associated = associated::of_sealed_key(FORMAT, context, key_id);
    let mut plain = envelope::open(with, &associated, body).ok_or(VaultError::DoesNotOpen)?;
    // The buffer that was decrypted in becomes the text; on both ways out it is overwritten once.
    match String::from_utf8(mem::take(&mut *plain)) {
        Ok(text) => Ok(ApiKey::new(text)),
        Err(not_text) => {
            not_text.into_bytes().zeroize();
            Err(VaultError::DoesNotOpen)
        }
    }
}
