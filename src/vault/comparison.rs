//! Comparing keys with somebody who has them too, without either side showing one: both compute the
//! same keyed fingerprint and compare that.

use std::fmt;
use std::path::Path;

use ring::hmac;
use zeroize::Zeroizing;

use crate::redact::ApiKey;
use crate::vault::error::VaultError;
use crate::vault::file;
use crate::vault::fingerprint;
use crate::vault::fingerprint::Fingerprint;

/// What the comparison key is drawn from, together with the keyring's fingerprint key. No API key can
/// be this text, because none has a NUL: so it is the fingerprint of no key.
const LABEL: &[u8] = b"\0keypulse comparison key 1";

/// The key of [`ComparisonKey::fingerprint`]. It is drawn from the keyring's fingerprint key, so there
/// is no further secret to keep, and rotation does not change it. From it nobody comes back to that
/// one: whoever has it cannot compute the fingerprints that lie in the database.
pub struct ComparisonKey(Zeroizing<[u8; 32]>);

impl ComparisonKey {
    pub(super) fn of(fingerprints: &hmac::Key) -> Self {
        Self(Zeroizing::new(fingerprint::mac(fingerprints, LABEL)))
    }

    /// HMAC-SHA-256 of a key, which is what both sides compute.
    pub fn fingerprint(&self, key: &ApiKey) -> Fingerprint {
        fingerprint::of(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0), key)
    }

    /// Writes it into a new file that only its owner can read: one line of 64 hexadecimal digits.
    pub fn write_new_file(&self, path: &Path) -> Result<(), VaultError> {
        // Room for all of it from the start, so that no copy is left behind by growing.
        let mut line = Zeroizing::new(String::with_capacity(65));
        for byte in *self.0 {
            for digit in [byte >> 4, byte & 15] {
                line.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        line.push('\n');
        file::write_new(path, line.as_bytes())
    }
}

impl fmt::Debug for ComparisonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComparisonKey(hidden)")
    }
}
