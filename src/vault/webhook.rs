//! The secret that webhooks are signed with, as Standard Webhooks has it: `whsec_` and the base64 of
//! 24 to 64 bytes. While it is exchanged there are two, and each message has a signature by either.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::ids::NoRandomness;
use crate::ids::random_bytes;

use super::error::VaultError;
use super::file;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, at least and at most.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that webhooks are signed with. It has no printable form.
pub struct WebhookSecret(hmac::Key);

/// Why a text is no such secret. Nothing of the text is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not `whsec_` and the base64 of 24 to 64 bytes: make one with \
     `keypulse webhook secret --out FILE`"
)]
pub struct BadWebhookSecret;

impl WebhookSecret {
    /// The secret that a text holds.
    pub fn parse(text: &str) -> Result<Self, BadWebhookSecret> {
        let base64 = text.strip_prefix(PREFIX).ok_or(BadWebhookSecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(base64).map_err(|_| BadWebhookSecret)?);
        if !BYTES.contains(&bytes.len()) {
            return Err(BadWebhookSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The same of a text that is a secret already.
    pub fn read(text: &SecretString) -> Result<Self, BadWebhookSecret> {
        Self::parse(text.expose_secret())
    }

    /// The text of a fresh one.
    pub fn draw() -> Result<Zeroizing<String>, NoRandomness> {
        let bytes = Zeroizing::new(random_bytes::<32>()?);
        Ok(Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(bytes.as_slice()))))
    }

    /// Writes a fresh one into a new file that only its owner can use.
    pub fn write_new_file(path: &Path) -> Result<(), VaultError> {
        let text = Self::draw().map_err(|NoRandomness| VaultError::Refused)?;
        file::write_new(path, format!("{}\n", *text).as_bytes())
    }

    /// The signature of a message that is sent at this second: `v1,` and base64.
    pub fn sign(&self, id: &str, second: i64, body: &str) -> String {
        let signed = hmac::sign(&self.0, format!("{id}.{second}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(signed.as_ref()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_has_the_signature_that_it_gives() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{secret:?}").contains("MfKQ"));
    }

    #[test]
    fn the_reference_library_verifies_what_a_fresh_secret_signs_and_nothing_else() {
        let text = WebhookSecret::draw().unwrap();
        let signed = WebhookSecret::parse(&text).unwrap().sign("msg_1", 1_700_000_000, "{}");
        let reference = standardwebhooks::Webhook::new(&text).unwrap();
        assert_eq!(reference.sign("msg_1", 1_700_000_000, b"{}").unwrap(), signed);
        assert_ne!(reference.sign("msg_1", 1_700_000_000, b"[]").unwrap(), signed);
    }

    #[test]
    fn a_secret_that_is_cut_or_has_another_form_is_refused() {
        let text = WebhookSecret::draw().unwrap();
        let cut: String = text.chars().take(20).collect();
        for wrong in ["", "whsec_", "whsec_AAAA", &text[6..], &cut, &format!("{}!", *text)] {
            assert_eq!(WebhookSecret::parse(wrong).unwrap_err(), BadWebhookSecret);
        }
    }
}
