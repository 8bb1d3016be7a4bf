//! The form of a pasted key: cleans it, refuses only what cannot be one, and hints at the rest.
//!
//! What nobody can see is taken out wherever it stands; white space and quotes only where they stand
//! round the key. A space or a line end inside is refused, and so is `Bearer ` or `Basic ` before it:
//! what would be left may be half of something else, and whoever pasted it would not know why it
//! was not accepted.

use std::mem;

use zeroize::Zeroizing;

use crate::redact::ApiKey;

/// Longest key accepted, in bytes.
pub const MAX_BYTES: usize = 512;

/// Why a text cannot be a key. No variant carries any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing but white space.
    #[error("no key was given")]
    Empty,
    /// Over [`MAX_BYTES`].
    #[error("this is longer than any key (512 bytes): was something else copied along?")]
    TooLong,
    /// A space, tab or line break inside.
    #[error("a key is one word, and this has a space or a line break inside: copy it again, alone")]
    WhiteSpace,
    /// A control character.
    #[error("this contains a control character: copy the key again")]
    Control,
    /// Letters outside ASCII.
    #[error("this contains letters that no key has: copy the key again, without the text round it")]
    NotAscii,
    /// A colon, which would end the user name of HTTP Basic.
    #[error("this contains a colon: copy the key alone, without its name or an address")]
    Colon,
    /// It begins with the name of a scheme.
    #[error("this is a whole header: leave out the word before the key")]
    Scheme,
    /// It looks like a signed token.
    #[error("this is a sign-in token, not an API key")]
    Token,
    /// It looks like an address.
    #[error("this is an address, not a key")]
    Address,
}

/// A key with what a person should be told about it.
#[derive(Debug)]
pub struct Formed {
    /// The cleaned key.
    pub key: ApiKey,
    /// Whether it begins unlike the provider's other keys; worth a hint, never a refusal.
    pub unusual: bool,
}

/// Cleans and judges a pasted text. Zero-width characters go, and white space and quotes round it;
/// what is left must be able to be a key.
pub fn judge(pasted: &str, usual_prefixes: &[String]) -> Result<Formed, Unusable> {
    let mut cleaned = clean(pasted);
    let text = cleaned.as_str();
    if text.is_empty() {
        return Err(Unusable::Empty);
    }
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if lower.starts_with("bearer ") || lower.starts_with("basic ") {
        return Err(Unusable::Scheme);
    }
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Err(Unusable::Address);
    }
    if text.len() > MAX_BYTES {
        return Err(Unusable::TooLong);
    }
    if !text.is_ascii() {
        return Err(Unusable::NotAscii);
    }
    if text.bytes().any(|b| b.is_ascii_whitespace()) {
        return Err(Unusable::WhiteSpace);
    }
    if text.bytes().any(|b| b.is_ascii_control()) {
        return Err(Unusable::Control);
    }
    if text.contains(':') {
        return Err(Unusable::Colon);
    }
    if text.starts_with("eyJ") && text.bytes().filter(|b| *b == b'.').count() == 2 {
        return Err(Unusable::Token);
    }
    let unusual = !usual_prefixes.is_empty()
        && !usual_prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()));
    Ok(Formed { key: ApiKey::new(mem::take(&mut *cleaned)), unusual })
}

/// The text without what pasting puts round it and what nobody can see.
fn clean(pasted: &str) -> Zeroizing<String> {
    let quote = |c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»');
    let round = pasted.trim_matches(|c: char| c.is_whitespace() || is_unseen(c) || quote(c));
    // Room for all of it from the start, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(round.len()));
    text.extend(round.chars().filter(|c| !is_unseen(*c)));
    text
}

/// A character that takes no place: zero-width ones, marks of direction, the soft hyphen, the byte
/// order mark.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formed(text: &str) -> Result<String, Unusable> {
        judge(text, &["pls_".to_owned()]).map(|formed| formed.key.expose().to_owned())
    }

    #[test]
    fn what_pasting_puts_round_a_key_is_taken_off() {
        for pasted in [
            "pls_0a_1b",
            " pls_0a_1b\r\n",
            "\"pls_0a_1b\"",
            "“pls_0a_1b”",
            "\u{feff}pls_0a_1b\u{200b}",
            "'\tpls_0a_1b '",
        ] {
            assert_eq!(formed(pasted).unwrap(), "pls_0a_1b", "{pasted:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_reason() {
        let jwt = "eyJhbGciOi.eyJzdWIi.c2ln";
        let long = "x".repeat(513);
        for (pasted, why) in [
            ("", Unusable::Empty),
            ("  \u{200b}\n", Unusable::Empty),
            ("pls_0a 1b", Unusable::WhiteSpace),
            ("pls_0a\n1b", Unusable::WhiteSpace),
            ("pls_0a\u{7}1b", Unusable::Control),
            ("pls_0ä1b", Unusable::NotAscii),
            ("key:pls_0a", Unusable::Colon),
            ("Bearer pls_0a", Unusable::Scheme),
            ("bearer pls_0a", Unusable::Scheme),
            ("https://app.example/key", Unusable::Address),
            (jwt, Unusable::Token),
            (&long, Unusable::TooLong),
        ] {
            assert_eq!(formed(pasted).unwrap_err(), why, "{pasted:?}");
        }
    }

    #[test]
    fn what_nobody_can_see_is_taken_out_of_the_middle_too() {
        assert_eq!(formed("pls_\u{200b}0a\u{ad}_1\u{feff}b").unwrap(), "pls_0a_1b");
        assert_eq!(formed("pls_0a\u{200b} 1b").unwrap_err(), Unusable::WhiteSpace);
    }

    proptest! {
        #[test]
        fn whatever_stands_round_a_key_the_key_comes_out(
            key in "[A-Za-z0-9_.~/+=-]{1,200}",
            before in "[ \\t\\r\\n\"'`“”„«»\u{200b}\u{feff}\u{2060}]{0,12}",
            after in "[ \\t\\r\\n\"'`“”„«»\u{200b}\u{feff}\u{2060}]{0,12}",
        ) {
            prop_assume!(!key.starts_with("eyJ"));
            prop_assert_eq!(formed(&format!("{before}{key}{after}")).unwrap(), key);
        }

        #[test]
        fn what_was_cleaned_once_stays_as_it_is(pasted in "\\PC{0,60}|[ -~\u{200b}]{0,60}") {
            if let Ok(key) = formed(&pasted) {
                prop_assert_eq!(formed(&key).unwrap(), key.clone());
                prop_assert!(!key.is_empty() && key.len() <= MAX_BYTES);
                prop_assert!(key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
            }
        }

        #[test]
        fn nothing_but_what_is_invisible_is_left_out_of_the_middle(
            key in "[a-z0-9]{2,40}",
            at in 1_usize..40,
            unseen in "[\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}]{1,4}",
        ) {
            let at = at.min(key.len() - 1);
            prop_assert_eq!(formed(&format!("{}{unseen}{}", &key[..at], &key[at..])).unwrap(), key);
        }
    }

    #[test]
    fn an_unusual_beginning_is_a_hint_and_no_refusal() {
        let judged = judge("abc_0a_1b", &["pls_".to_owned()]).unwrap();
        assert!(judged.unusual);
        assert!(!judge("pls_0a_1b", &["pls_".to_owned()]).unwrap().unusual);
        assert!(!judge("abc_0a_1b", &[]).unwrap().unusual);
    }

    #[test]
    fn a_refusal_repeats_nothing_of_the_text() {
        let error = judge("secret stuff", &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
