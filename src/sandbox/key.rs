//! Keys: made from the seed, and checked by making them again, so that a million of them take no
//! memory.

use ring::hmac;
use serde::Serialize;

use super::mix::{Scramble, mix};
use crate::redact::ApiKey;

/// How a key came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Made by Pleo when the customer connects the integration. Its real form is not published;
    /// the sandbox writes `pli_…`.
    Integrated,
    /// Made by the customer, with an expiry date and scopes of their choice: `pls_…`.
    Standalone,
}

impl KeyKind {
    /// Every fifth tenant has a Standalone key.
    pub(super) const fn of(number: u32) -> Self {
        if number.is_multiple_of(5) { Self::Standalone } else { Self::Integrated }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Integrated => "pli_",
            Self::Standalone => "pls_",
        }
    }
}

/// The tenant and generation that a key was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    /// The tenant.
    pub(super) number: u32,
    /// Which of its keys, counted from 0.
    pub(super) generation: u16,
}

/// Makes and reads keys.
#[derive(Debug)]
pub(super) struct Keys {
    scramble: Scramble,
    mac: hmac::Key,
}

/// `pls_`, 16 digits that carry the tenant, `_`, 32 digits that prove it.
const LENGTH: usize = 4 + 16 + 1 + 32;

impl Keys {
    /// The keys that belong to `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let mut secret = *b"keypulse sandbox keys 00000000";
        secret[22..].copy_from_slice(&seed.to_be_bytes());
        Self {
            scramble: Scramble::new(mix(seed ^ 0x4e5)),
            mac: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        }
    }

    /// The key of a tenant's generation.
    pub(super) fn make(&self, issued: Issued) -> ApiKey {
        let carried = self.scramble.hide(pack(issued));
        let mut text = String::with_capacity(LENGTH);
        text.push_str(KeyKind::of(issued.number).prefix());
        push_hex(&mut text, &carried.to_be_bytes());
        text.push('_');
        push_hex(&mut text, &self.proof(carried));
        ApiKey::new(text)
    }

    /// Whose key this is, if it was made here.
    pub(super) fn read(&self, presented: &[u8]) -> Option<Issued> {
        if presented.len() != LENGTH || presented[20] != b'_' {
            return None;
        }
        let carried = u64::from_be_bytes(hex(&presented[4..20])?);
        let packed = self.scramble.find(carried);
        let issued = Issued {
            number: u32::try_from(packed >> 32).ok()?,
            generation: u16::try_from(packed & u64::from(u32::MAX)).ok()?,
        };
        let whole = KeyKind::of(issued.number).prefix().as_bytes() == &presented[..4]
            && hex::<16>(&presented[21..])? == self.proof(carried);
        whole.then_some(issued)
    }

    fn proof(&self, carried: u64) -> [u8; 16] {
        let tag = hmac::sign(&self.mac, &carried.to_be_bytes());
        let mut proof = [0; 16];
        proof.copy_from_slice(&tag.as_ref()[..16]);
        proof
    }
}

fn pack(issued: Issued) -> u64 {
    u64::from(issued.number) << 32 | u64::from(issued.generation)
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Small letters only: a key is taken as it was given or not at all.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_key_leads_back_to_its_tenant_and_no_two_are_alike() {
        let keys = Keys::new(42);
        let mut seen = HashSet::new();
        for number in 1..=2_000 {
            for generation in [0, 1, u16::MAX] {
                let issued = Issued { number, generation };
                let key = keys.make(issued);
                assert_eq!(keys.read(key.expose().as_bytes()), Some(issued));
                assert!(seen.insert(key.expose().to_owned()));
            }
        }
    }

    #[test]
    fn a_key_with_any_character_changed_is_nobodys() {
        let keys = Keys::new(42);
        let key = keys.make(Issued { number: 5, generation: 0 });
        for place in 0..LENGTH {
            let mut forged = key.expose().as_bytes().to_vec();
            forged[place] = if forged[place] == b'0' { b'1' } else { b'0' };
            assert_eq!(keys.read(&forged), None, "place {place}");
        }
        assert_eq!(Keys::new(43).read(key.expose().as_bytes()), None);
        assert_eq!(keys.read(key.expose().to_uppercase().as_bytes()), None);
        assert_eq!(keys.read(b""), None);
    }

    #[test]
    fn every_fifth_key_is_standalone_in_the_form_that_clients_expect() {
        let keys = Keys::new(42);
        for number in 1..=20 {
            let key = keys.make(Issued { number, generation: 0 });
            assert_eq!(key.expose().starts_with("pls_"), number % 5 == 0);
        }
    }
}
