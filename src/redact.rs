//! Secrets in memory and errors in print: what may be shown, and nothing more.

use std::error::Error;
use std::fmt;

use secrecy::{ExposeSecret, SecretBox, SecretString};
use zeroize::Zeroizing;

/// One provider key in plain text. It has no printable form, is never cloned, and its memory is
/// overwritten when it is dropped.
pub struct ApiKey(SecretBox<String>);

impl ApiKey {
    /// A key that the configuration holds.
    pub fn of(secret: &SecretString) -> Self {
        Self::new(secret.expose_secret().to_owned())
    }

    /// Takes ownership of the text without copying it; `text` must already be clean
    /// (see `provider::format`).
    pub fn new(text: String) -> Self {
        Self(SecretBox::new(Box::new(text)))
    }

    /// The key itself. Only `provider` (to send it) and `vault` (to seal it) have a reason to ask.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text once more, to be offered as if it had just been pasted.
    pub fn to_be_offered(&self) -> Zeroizing<String> {
        Zeroizing::new(self.expose().to_owned())
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

/// Text that came from outside, without anything that a terminal would obey or that turns the
/// direction of writing.
pub fn printable(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || bidi(c) { '\u{fffd}' } else { c }).collect()
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
    fn a_name_cannot_move_the_cursor_or_turn_the_line_round() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\nd"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the store did not answer")]
        struct Outer(#[source] std::fmt::Error);
        assert!(chain(&Outer(std::fmt::Error)).starts_with("the store did not answer: "));
    }
}
