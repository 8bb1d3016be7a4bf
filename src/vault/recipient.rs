//! The public key that copies of keys are sealed to, as `age` writes it: `age1…`, an X25519 key in
//! Bech32. Public, so it may be shown; a secret key in its place is refused and never repeated.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest;
use ring::error::Unspecified;
use ring::rand::SystemRandom;

use crate::vault::error::BadRecipient;

/// Length of a public key and of a shared secret, in bytes.
pub(super) const POINT: usize = 32;
/// What the text of a public key begins with.
const HRP: &str = "age";
/// What the text of a secret key begins with, in small letters.
const SECRET: &str = "age-secret-key-";
/// A recipient is 62 characters long; more than this is another file.
const MOST: usize = 4 * 1024;
/// So many hexadecimal digits are compared by voice: 80 bits.
const SPOKEN: usize = 20;

/// Somebody that copies of keys are sealed to.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    point: [u8; POINT],
    text: String,
}

impl Recipient {
    /// Reads the one public key of a text; lines that begin with `#` and empty ones do not count.
    /// A key with which everybody would come to the same secret is refused.
    pub fn parse(text: &str) -> Result<Self, BadRecipient> {
        if text.len() > MOST {
            return Err(BadRecipient::TooLong);
        }
        // First of all, and anywhere: whatever else is wrong, this must be said.
        if text.to_ascii_lowercase().contains(SECRET) {
            return Err(BadRecipient::Secret);
        }
        let mut lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(BadRecipient::Empty)?;
        if lines.next().is_some() {
            return Err(BadRecipient::Several);
        }
        if !line.starts_with("age1") {
            return Err(BadRecipient::Other);
        }
        let read = CheckedHrpstring::new::<Bech32>(line).map_err(|_| BadRecipient::Checksum)?;
        let hrp = Hrp::parse_unchecked(HRP);
        let bytes: Vec<u8> = read.byte_iter().collect();
        let point = <[u8; POINT]>::try_from(bytes).map_err(|_| BadRecipient::Other)?;
        // Of other kinds of recipients the part before the last `1` is longer.
        if read.hrp() != hrp {
            return Err(BadRecipient::Other);
        }
        // One key has one text: neither bits left over nor capital letters.
        let written = bech32::encode::<Bech32>(hrp, &point).map_err(|_| BadRecipient::Checksum)?;
        if written != line {
            return Err(BadRecipient::Checksum);
        }
        agree(&point).map_err(|Unspecified| BadRecipient::Weak)?;
        Ok(Self { point, text: written })
    }

    /// What is compared by voice before keys are sealed to it: the first 20 hexadecimal digits of
    /// the SHA-256 of its text, in groups of four. `printf %s age1… | sha256sum` begins with them.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.text.as_bytes());
        let pairs = digest.as_ref().as_chunks::<2>().0.iter().take(SPOKEN / 4);
        let groups = pairs.map(|[one, other]| format!("{one:02x}{other:02x}"));
        groups.collect::<Vec<_>>().join(" ")
    }

    /// `age1…`
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn point(&self) -> &[u8; POINT] {
        &self.point
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.fingerprint())
    }
}

/// Whether an agreement with it is worth anything.
fn agree(point: &[u8; POINT]) -> Result<(), Unspecified> {
    let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())?;
    agree_ephemeral(own, &UnparsedPublicKey::new(&X25519, point), |_| ())
}

/// Base64 without padding, as the header of a file has it.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}
