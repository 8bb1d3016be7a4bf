//! The permissions that a key can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Every scope known, in the order in which an answer lists them. `companies:read` and those from
/// `tax-codes:read` on are seen in clients, not documented.
const ALL: [&str; 16] = [
    "export-jobs:read",
    "export-jobs:write",
    "export-items:read",
    "users:read",
    "accounts:read",
    "vendors:read",
    "companies:read",
    "accounts:write",
    "vendors:write",
    "tax-codes:read",
    "tax-codes:write",
    "accounting-entries:read",
    "tag-groups:read",
    "tag-groups:write",
    "tag-group:read",
    "tag-group:write",
];

/// One permission, such as `companies:read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Scope(u8);

impl Scope {
    /// What `/v1/companies/{id}` asks for.
    pub(super) const COMPANIES_READ: Self = Self(6);

    /// Finds a scope by its name.
    pub fn parse(name: &str) -> Result<Self, UnknownScope> {
        (0_u8..)
            .zip(ALL)
            .find(|(_, known)| *known == name)
            .map(|(place, _)| Self(place))
            .ok_or(UnknownScope)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ALL[usize::from(self.0)]
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(name: String) -> Result<Self, UnknownScope> {
        Self::parse(&name)
    }
}

impl From<Scope> for &'static str {
    fn from(scope: Scope) -> Self {
        scope.name()
    }
}

/// The name is not that of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope, expected one of {}", ALL.join(", "))]
pub struct UnknownScope;

/// A set of scopes in 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scopes(pub(super) u16);

impl Scopes {
    /// What every key has at the start.
    pub(super) const DEFAULT: Self = Self(0b111_1111);

    /// Whether the set has this one.
    pub(super) const fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope.0 != 0
    }

    /// The set with one more.
    pub(super) const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope.0)
    }

    /// The set with one less.
    pub(super) const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !(1 << scope.0))
    }

    /// The scopes of the set.
    pub(super) fn iter(self) -> impl Iterator<Item = Scope> {
        (0_u8..16).map(Scope).filter(move |scope| self.has(*scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_key_has_the_seven_scopes_of_an_accounting_integration() {
        assert_eq!(
            Scopes::DEFAULT.to_string(),
            "export-jobs:read export-jobs:write export-items:read users:read accounts:read \
             vendors:read companies:read"
        );
    }

    #[test]
    fn a_scope_taken_away_is_gone_and_comes_back_alone() {
        let users = Scope::parse("users:read").unwrap();
        let less = Scopes::DEFAULT.without(users);
        assert!(!less.has(users));
        assert!(less.has(Scope::COMPANIES_READ));
        assert_eq!(less.with(users), Scopes::DEFAULT);
        assert_eq!(Scope::COMPANIES_READ.name(), "companies:read");
    }

    #[test]
    fn an_unknown_scope_is_refused_with_the_list_of_known_ones() {
        let refusal = Scope::parse("everything:write").unwrap_err().to_string();
        assert!(refusal.contains("companies:read"), "{refusal}");
    }
}
