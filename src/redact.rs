//! Secrets in memory and errors in print: what may be shown, and nothing more.

use std::error::Error;
use std::fmt;

use secrecy::{ExposeSecret, SecretBox};

/// One provider key in plain text. It has no printable form, is never cloned, and its memory is
/// overwritten when it is dropped.
pub struct ApiKey(SecretBox<String>);

impl ApiKey {
    /// Takes ownership of the text without copying it; `text` must already be clean
    /// (see `provider::format`).
    pub fn new(text: String) -> Self {
        Self(SecretBox::new(Box::new(text)))
    }

    /// The key itself. Only `provider` (to send it) and `vault` (to seal it) have a reason to ask.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What a person may see: see [`mask`].
    pub fn masked(&self) -> String {
        mask(self.expose())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The last four characters behind an ellipsis; of a text shorter than 12 characters, nothing,
/// because four of them would give too much of it away.
pub fn mask(secret: &str) -> String {
    let length = secret.chars().count();
    if length < 12 {
        return "…".to_owned();
    }
    let tail: String = secret.chars().skip(length - 4).collect();
    format!("…{tail}")
}

/// An error and its sources in one line, each saying its own part: `a: b: c`.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_be_printed_by_accident() {
        let key = ApiKey::new("pls_0123456789_abcdef".to_owned());
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
        assert_eq!(key.masked(), "…cdef");
    }

    #[test]
    fn a_short_secret_shows_none_of_its_characters() {
        assert_eq!(mask("hunter2"), "…");
        assert_eq!(mask(""), "…");
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the store did not answer")]
        struct Outer(#[source] std::fmt::Error);
        assert!(chain(&Outer(std::fmt::Error)).starts_with("the store did not answer: "));
    }
}
