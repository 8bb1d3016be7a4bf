//! The cipher itself: `header | nonce | ciphertext | tag`, with no plaintext left behind.

use std::mem;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::error::Unspecified;
use zeroize::Zeroizing;

use crate::ids;
use crate::vault::error::VaultError;

/// Encrypts `plain` behind `header` under a fresh random nonce.
pub(super) fn close(
    key: &LessSafeKey,
    header: &[u8],
    associated: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let nonce = ids::random_bytes::<NONCE_LEN>()?;
    let start = header.len() + NONCE_LEN;
    // The whole length at once: a buffer that grew would leave the plaintext in its old place.
    let whole = start + plain.len() + AES_256_GCM.tag_len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(whole));
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(plain);
    let (_, text) = bytes.split_at_mut(start);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            text,
        )
        .map_err(|Unspecified| VaultError::Refused)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(mem::take(&mut *bytes))
}

/// Decrypts `nonce | ciphertext | tag` in the buffer it returns; nothing when anything was changed.
pub(super) fn open(
    key: &LessSafeKey,
    associated: &[u8],
    body: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = body.split_first_chunk::<NONCE_LEN>()?;
    let mut buffer = Zeroizing::new(text.to_vec());
    let length = key
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(associated),
            buffer.as_mut_slice(),
        )
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}
