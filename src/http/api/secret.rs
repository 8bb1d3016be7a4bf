//! A key as it comes in a body: overwritten when dropped, without a printable form, and never
//! written out again.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroizing;

/// A text that is never shown.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text, for whoever cleans and judges it as a key.
    pub fn pasted(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret(Zeroizing::new(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
                Ok(Secret(Zeroizing::new(text)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_body_cannot_be_printed_by_accident() {
        let secret: Secret = serde_json::from_str("\"pls_0123456789\"").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
        assert_eq!(secret.pasted(), "pls_0123456789");
    }

    #[test]
    fn what_is_no_text_is_no_key_and_is_not_repeated() {
        let error = serde_json::from_str::<Secret>("12345678").unwrap_err();
        assert!(error.is_data());
    }
}
