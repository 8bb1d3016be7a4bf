//! Names of things, each a type of its own so that one cannot be passed for another.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

/// A tenant within this installation: 63 random bits, so that an id says nothing about how many
/// tenants there are or when one came, is known before its row is written (a sealed key names it),
/// and is never used again. Shown as 16 hexadecimal digits; people use the [`TenantRef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(i64);

impl TenantId {
    /// Draws a new id. Fails only when the operating system has no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let raw = i64::from_be_bytes(random_bytes::<8>()?);
        Ok(Self((raw & i64::MAX).max(1)))
    }

    /// An id read back from the store.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// The number that the store keeps.
    pub const fn raw(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The integration's own name for a tenant, such as `erp-483`: 1 to 128 printable ASCII characters
/// without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantRef(String);

impl TenantRef {
    /// Longest reference accepted, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks and takes a reference.
    pub fn parse(text: &str) -> Result<Self, BadRef> {
        if text.is_empty() {
            Err(BadRef::Empty)
        } else if text.len() > Self::MAX_BYTES {
            Err(BadRef::TooLong)
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(BadRef::Character)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The text of the reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no tenant reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRef {
    /// Nothing was given.
    #[error("a tenant reference must not be empty")]
    Empty,
    /// More than [`TenantRef::MAX_BYTES`].
    #[error("a tenant reference has at most 128 characters")]
    TooLong,
    /// A space, a control character or anything outside ASCII.
    #[error("a tenant reference is made of letters, digits and punctuation without spaces")]
    Character,
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// `N` bytes from the operating system's generator.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A fresh name of 128 random bits in hexadecimal, for messages and leases.
pub fn random_name() -> Result<String, NoRandomness> {
    Ok(random_bytes::<16>()?.iter().fold(String::with_capacity(32), |mut name, byte| {
        name.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        name.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        name
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_id_is_positive_and_shown_as_sixteen_digits() {
        for _ in 0..100 {
            let id = TenantId::random().unwrap();
            assert!(id.raw() > 0);
            assert_eq!(id.to_string().len(), 16);
        }
    }

    #[test]
    fn a_reference_with_a_space_or_a_line_break_is_refused() {
        assert_eq!(TenantRef::parse("erp 1"), Err(BadRef::Character));
        assert_eq!(TenantRef::parse("erp\n1"), Err(BadRef::Character));
        assert_eq!(TenantRef::parse(""), Err(BadRef::Empty));
        assert_eq!(TenantRef::parse(&"x".repeat(129)), Err(BadRef::TooLong));
        assert_eq!(TenantRef::parse("erp-483").unwrap().as_str(), "erp-483");
    }

    #[test]
    fn two_drawn_names_differ() {
        assert_ne!(random_name().unwrap(), random_name().unwrap());
        assert_eq!(random_name().unwrap().len(), 32);
    }
}
