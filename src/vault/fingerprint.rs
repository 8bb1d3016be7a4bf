//! Fingerprints: how two equal keys are noticed without either being readable.

use std::fmt;

use ring::digest;
use ring::hmac;

use crate::redact::ApiKey;

/// HMAC-SHA-256 of a key under the keyring's fingerprint key, which rotation never changes: equal
/// keys of one installation have equal fingerprints, and those of two installations say nothing
/// about each other. The database holds it as the unique column that keeps one key to one tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// A fingerprint read back from the store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that the store keeps.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        let start = u32::from_be_bytes([a, b, c, d]);
        write!(to, "Fingerprint({start:08x}…)")
    }
}

/// The fingerprint of `key` under `with`.
pub(super) fn of(with: &hmac::Key, key: &ApiKey) -> Fingerprint {
    Fingerprint(mac(with, key.expose().as_bytes()))
}

/// SHA-256 of a message that holds no secret.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest::digest(&digest::SHA256, message).as_ref()) {
        *to = *from;
    }
    bytes
}

/// HMAC-SHA-256 of `message` under `with`, which must be a key for that.
pub(super) fn mac(with: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hmac::sign(with, message).as_ref()) {
        *to = *from;
    }
    bytes
}
