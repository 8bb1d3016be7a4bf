//! Fingerprints: how two equal keys are noticed without either being readable.

use std::fmt::{self, Write as _};

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

/// SHA-256 of what comes piece by piece, such as a file.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Of nothing yet.
    pub fn begin() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// And of this.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest in hexadecimal digits.
    pub fn end(self) -> String {
        self.0.finish().as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Sha256")
    }
}

/// HMAC-SHA-256 of `message` under `with`, which must be a key for that.
pub(super) fn mac(with: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hmac::sign(with, message).as_ref()) {
        *to = *from;
    }
    bytes
}
