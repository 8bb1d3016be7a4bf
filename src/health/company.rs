//! Which company a key belongs to.

use std::fmt;

/// The provider's id of a company, without any prefix of its URN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyId(String);

impl CompanyId {
    /// Longest id accepted, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Takes an id of 1 to 128 letters, digits, `-`, `_` or `.`; letters are compared in lower
    /// case, because UUIDs are written in both. `None` for anything else: an id becomes part of a
    /// path, so nothing that means something there may pass.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !text.bytes().all(|b| b == b'.');
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_climb_out_of_a_path_is_no_company() {
        for bad in ["", "..", ".", "a/b", "a%2fb", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(CompanyId::parse(bad), None, "{bad}");
        }
        assert_eq!(CompanyId::parse("AB-12").unwrap().as_str(), "ab-12");
    }
}
