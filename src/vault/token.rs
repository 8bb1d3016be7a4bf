//! Tokens for the private API: drawn here, shown once, and known afterwards only by their hash.
//! A secret of 256 random bits cannot be guessed, so a fast hash is enough.

use std::fmt;

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ids::NoRandomness;
use crate::ids::random_bytes;

/// What every token begins with, so that people and secret scanners know it.
const PREFIX: &str = "kp_";
/// Digits of the secret: 32 bytes in hexadecimal.
const SECRET: usize = 64;
/// Digits of the checksum.
const CHECK: usize = 8;
/// What the checksum is taken over besides the secret.
const CHECKED: &str = "keypulse token check";

/// A token in plain text. It has no printable form; its memory is overwritten when it is dropped.
pub struct Token(SecretString);

/// What is kept of a token: enough to know it again, not enough to use it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// Why a text is no token. Nothing of the text is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not the form of a token.
    #[error("a token begins with kp_ and has 72 characters after that")]
    Form,
    /// The form is right and the checksum is not.
    #[error("the token has a typing error, or was copied in part")]
    Check,
}

impl Token {
    /// Draws a new one.
    pub fn draw() -> Result<Self, NoRandomness> {
        let bytes = Zeroizing::new(random_bytes::<32>()?);
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + SECRET + CHECK));
        text.push_str(PREFIX);
        push_hex(&mut text, bytes.as_slice());
        let check = check_of(&text[PREFIX.len()..]);
        push_hex(&mut text, &check);
        Ok(Self(SecretString::from(text.as_str())))
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose_secret())
    }

    /// The text, to be handed to whoever asked for the token, once.
    pub fn shown_once(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl TokenHash {
    /// The hash of a text that has the form of a token; a typing error is told from a wrong token
    /// without asking anybody.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let rest = text.strip_prefix(PREFIX).ok_or(BadToken::Form)?;
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if rest.len() != SECRET + CHECK || !rest.bytes().all(digits) {
            return Err(BadToken::Form);
        }
        let (secret, check) = rest.split_at(SECRET);
        let mut expected = String::with_capacity(CHECK);
        push_hex(&mut expected, &check_of(secret));
        if expected == check { Ok(Self::of(text)) } else { Err(BadToken::Check) }
    }

    /// A hash as the store kept it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes that the store keeps.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public name of the token: 16 digits of the hash. It says nothing about the secret.
    pub fn id(&self) -> String {
        let mut id = String::with_capacity(16);
        push_hex(&mut id, &self.0[..8]);
        id
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}…)", self.id())
    }
}

fn check_of(secret: &str) -> [u8; 4] {
    let text = Zeroizing::new(format!("{CHECKED}\n{secret}"));
    let mut check = [0; 4];
    check.copy_from_slice(&digest(&SHA256, text.as_bytes()).as_ref()[..4]);
    check
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_again_by_its_hash_and_no_other_is() {
        let (one, two) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert!(TokenHash::parse(one.shown_once()).unwrap().is(&one.hash()));
        assert!(!one.hash().is(&two.hash()));
        assert_eq!(one.shown_once().len(), 75);
        let kept = TokenHash::from_bytes(one.hash().as_bytes()).unwrap();
        assert!(kept.is(&one.hash()) && kept.id() == one.hash().id());
    }

    #[test]
    fn a_typing_error_anywhere_is_told_from_a_token() {
        let token = Token::draw().unwrap();
        let text = token.shown_once();
        for at in 3..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(TokenHash::parse(&wrong).unwrap_err(), BadToken::Check, "{at}");
        }
        for wrong in ["", "kp_", &text[1..], &text[..74], &format!("{text}0"), &text.to_uppercase()]
        {
            assert_eq!(TokenHash::parse(wrong).unwrap_err(), BadToken::Form);
        }
    }

    #[test]
    fn neither_a_token_nor_its_hash_can_be_printed_by_accident() {
        let token = Token::draw().unwrap();
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains(&token.shown_once()[3..20]), "{shown}");
    }
}
