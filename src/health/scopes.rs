//! What a key may do, in the provider's words.

use std::collections::BTreeSet;
use std::fmt;

/// A set of scopes such as `export-jobs:read`, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
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
    fn write_does_not_stand_in_for_read() {
        let required = Scopes::parse("export-jobs:read users:read");
        let granted = Scopes::parse("export-jobs:write users:read");
        assert_eq!(required.missing_from(&granted).joined(), "export-jobs:read");
    }
}
