//! The links that lead customers to a page. A link is derived, not stored: whoever has the keyring can
//! make the same one again for the next mail, and the database alone makes none.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::associated;
use super::fingerprint::sha256;
use super::keyring::Keyring;
use crate::ids::NoRandomness;
use crate::ids::random_bytes;

/// Bytes of a link's name, of its proof, and characters of both together.
const NAME: usize = 16;
const PROOF: usize = 32;
const TEXT: usize = 64;

/// The public name of a link: it says nothing of the proof and may stand in an address bar or a log.
/// 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(String);

/// What a link is for. None of it can be exchanged for another without another proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFor<'a> {
    /// The tenant that the page is about, or the one that an invited customer will be.
    pub seat: i64,
    /// The episode that it belongs to, where there is one.
    pub episode: Option<u32>,
    /// Who was given it.
    pub recipient: &'a str,
}

/// What stands behind the last `/` of a link: the name and its proof. It has no printable form.
pub struct LinkToken(SecretString);

/// The whole link, to be handed to whoever it is for. It has no printable form.
pub struct LinkUrl(SecretString);

impl LinkUrl {
    /// The text.
    pub fn shown(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for LinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkUrl(hidden)")
    }
}

impl LinkId {
    /// Draws a new one.
    pub fn draw() -> Result<Self, NoRandomness> {
        Ok(Self::of(&random_bytes::<NAME>()?))
    }

    /// A name as it stands in an address.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 2 * NAME && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What people tell each other: the first eight digits.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    fn of(bytes: &[u8; NAME]) -> Self {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
        Self(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
    }

    fn bytes(&self) -> [u8; NAME] {
        let digits = self.0.as_bytes();
        std::array::from_fn(|at| {
            let half = |b: u8| char::from(b).to_digit(16).unwrap_or(0);
            u8::try_from(half(digits[2 * at]) << 4 | half(digits[2 * at + 1])).unwrap_or(0)
        })
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LinkToken {
    /// The token of that link; the same each time, for as long as the keyring lives.
    pub fn derive(keyring: &Keyring, id: &LinkId, purpose: &LinkFor<'_>) -> Self {
        let name = id.bytes();
        let proof = Zeroizing::new(keyring.link_mac(&associated::of_link(
            &name,
            purpose.seat,
            purpose.episode,
            purpose.recipient,
        )));
        let bytes = Zeroizing::new([&name[..], &proof[..]].concat());
        let mut text = Zeroizing::new(String::with_capacity(TEXT));
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Self(SecretString::from(text.as_str()))
    }

    /// A text that has the form of a token, and the name that it gives. Whether it is one, only what
    /// was kept of it can say ([`LinkToken::is`]).
    pub fn parse(text: &str) -> Option<(LinkId, Self)> {
        if text.len() != TEXT {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let name: [u8; NAME] = bytes.get(..NAME)?.try_into().ok()?;
        (bytes.len() == NAME + PROOF).then(|| (LinkId::of(&name), Self(SecretString::from(text))))
    }

    /// What is kept of it: its SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.expose_secret().as_bytes())
    }

    /// Whether that was kept of it, in a time that does not tell where they differ.
    pub fn is(&self, kept: &[u8]) -> bool {
        self.hash().as_slice().ct_eq(kept).into()
    }

    /// The link below that address.
    pub fn url(&self, base: &str) -> LinkUrl {
        let base = base.trim_end_matches('/');
        LinkUrl(SecretString::from(format!("{base}/l/{}", self.shown())))
    }

    /// The text, for the cookie that stands for the link.
    pub fn shown(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::vault::MasterKey;

    fn keyring() -> Keyring {
        let master = MasterKey::generate().unwrap();
        Keyring::create(&master, DateTime::UNIX_EPOCH).unwrap().0
    }

    const PURPOSE: LinkFor<'_> = LinkFor { seat: 7, episode: Some(2), recipient: "support" };

    #[test]
    fn the_same_link_can_be_made_again_and_is_known_by_its_hash() {
        let (keyring, id) = (keyring(), LinkId::draw().unwrap());
        let token = LinkToken::derive(&keyring, &id, &PURPOSE);
        let again = LinkToken::derive(&keyring, &id, &PURPOSE);
        assert_eq!(token.shown(), again.shown());
        let (named, parsed) = LinkToken::parse(token.shown()).unwrap();
        assert!(named == id && parsed.is(&token.hash()));
    }

    #[test]
    fn a_link_for_anything_else_is_another_link() {
        let (keyring, id) = (keyring(), LinkId::draw().unwrap());
        let token = LinkToken::derive(&keyring, &id, &PURPOSE);
        let others = [
            LinkFor { seat: 8, ..PURPOSE },
            LinkFor { episode: None, ..PURPOSE },
            LinkFor { episode: Some(3), ..PURPOSE },
            LinkFor { recipient: "a@fjord.example", ..PURPOSE },
        ];
        for other in &others {
            assert!(!LinkToken::derive(&keyring, &id, other).is(&token.hash()), "{other:?}");
        }
        let elsewhere = LinkToken::derive(&self::keyring(), &id, &PURPOSE);
        assert!(!elsewhere.is(&token.hash()));
    }

    #[test]
    fn what_has_not_the_form_of_a_link_is_none_and_a_changed_one_is_not_it() {
        let token = LinkToken::derive(&keyring(), &LinkId::draw().unwrap(), &PURPOSE);
        let text = token.shown();
        for wrong in ["", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "?")] {
            assert!(LinkToken::parse(wrong).is_none(), "{}", wrong.len());
        }
        for at in 0..TEXT {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            let is = LinkToken::parse(&wrong).is_some_and(|(_, parsed)| parsed.is(&token.hash()));
            assert!(!is, "{at}");
        }
    }

    #[test]
    fn a_token_cannot_be_printed_by_accident() {
        let token = LinkToken::derive(&keyring(), &LinkId::draw().unwrap(), &PURPOSE);
        let url = token.url("https://connect.example/");
        assert_eq!(format!("{token:?} {url:?}"), "LinkToken(hidden) LinkUrl(hidden)");
        assert_eq!(url.shown(), format!("https://connect.example/l/{}", token.shown()));
    }

    #[test]
    fn a_name_reads_back_as_itself() {
        let id = LinkId::draw().unwrap();
        assert_eq!(LinkId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(LinkId::of(&id.bytes()), id);
        assert!(id.as_str().starts_with(id.short()));
        assert_eq!(LinkId::parse(&id.as_str().to_uppercase().replace('1', "G")), None);
    }
}
