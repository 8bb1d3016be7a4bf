//! Which company a key belongs to.

use std::fmt;

/// The provider's id of a company, without any prefix of its URN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyId(String);

impl CompanyId {
    /// Longest id accepted, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Takes an id of 1 to 128 letters, digits, `-`, `_` or `.`. A UUID is kept in lower case,
    /// because it is written in both; any other id is taken to the letter. `None` for anything else: an id becomes part of a
    /// path, so nothing that means something there may pass.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !text.bytes().all(|b| b == b'.');
        fits.then(|| Self(if is_uuid(text) { text.to_ascii_lowercase() } else { text.to_owned() }))
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

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_climb_out_of_a_path_is_no_company() {
        for bad in ["", "..", ".", "a/b", "a%2fb", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(CompanyId::parse(bad), None, "{bad}");
        }
        assert_eq!(CompanyId::parse("AB-12").unwrap().as_str(), "AB-12");
    }

    #[test]
    fn only_a_uuid_means_the_same_in_capitals() {
        let parse = |text: &str| CompanyId::parse(text).unwrap();
        let uuid = "0b7c1a2e-3d4f-4a6b-8c9d-0e1f2a3b4c5d";
        assert_eq!(parse(uuid), parse(&uuid.to_uppercase()));
        assert_ne!(parse("acme-7"), parse("ACME-7"));
    }
}
