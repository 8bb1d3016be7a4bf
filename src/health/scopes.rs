//! What a key may do, in the provider's words.

use std::collections::BTreeSet;
use std::fmt;

/// A set of scopes such as `export-jobs:read`, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The longest text of granted scopes that is kept, in bytes.
    pub const MOST_KEPT: usize = 4_096;

    /// The scopes of a text that separates them by white space.
    pub fn parse(text: &str) -> Self {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Those of `self` that `granted` lacks. `write` does not imply `read`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }

    /// Whether this scope is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// These as they can be kept: without any that is no word of printable ASCII, and nothing where
    /// they would take more than [`Scopes::MOST_KEPT`] bytes. What a provider says has no bound.
    pub fn kept(&self) -> Option<String> {
        let word =
            |scope: &&str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        let kept = self.iter().filter(word).collect::<Vec<_>>().join(" ");
        (kept.len() <= Self::MOST_KEPT).then_some(kept)
    }

    /// The scopes separated by single spaces, as [`Scopes::parse`] reads them.
    pub fn joined(&self) -> String {
        self.iter().collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_grants_is_kept_as_words_that_any_database_takes() {
        let kept =
            |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Scopes>().kept();
        assert_eq!(
            kept(&["b:read", "a:read", "c\0", "two words", "ä"]),
            Some("a:read b:read".into())
        );
        assert_eq!(kept(&["", " ", "a\tb"]), Some(String::new()));
        assert_eq!(kept(&[&"x".repeat(Scopes::MOST_KEPT + 1)]), None);
    }

    #[test]
    fn write_does_not_stand_in_for_read() {
        let required = Scopes::parse("export-jobs:read users:read");
        let granted = Scopes::parse("export-jobs:write users:read");
        assert_eq!(required.missing_from(&granted).joined(), "export-jobs:read");
    }
}
