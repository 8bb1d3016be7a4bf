//! A row of the audit chain before it has its place there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ids::TenantId;

/// Longest text kept in a row, in characters.
const LONGEST: usize = 500;

/// Something to be written down: what was done to whom, and how it ended. Who does it and when, the
/// store knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub(in crate::store) action: &'static str,
    pub(super) tenant: Option<TenantId>,
    pub(super) generation: Option<u32>,
    pub(super) outcome: &'static str,
    pub(in crate::store) facts: BTreeMap<&'static str, Value>,
    pub(super) detail: BTreeMap<&'static str, Value>,
}

impl Draft {
    /// Something that was done; `action` is a word such as `key.replaced` that stays the same for
    /// ever.
    pub fn of(action: &'static str) -> Self {
        Self {
            action,
            tenant: None,
            generation: None,
            outcome: "done",
            facts: BTreeMap::new(),
            detail: BTreeMap::new(),
        }
    }

    /// To this tenant.
    #[must_use]
    pub fn about(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// With this of the tenant's keys.
    #[must_use]
    pub fn generation(mut self, generation: u32) -> Self {
        self.generation = Some(generation);
        self
    }

    /// How it ended, where it was not simply done: `refused`.
    #[must_use]
    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    /// A fact that is part of the chain and can never be erased: nothing personal. A long text is
    /// cut, and control characters are replaced.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.insert(name, clean(value.into()));
        self
    }

    /// Something that may be personal, and can be erased. Bounded like a fact.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail.insert(name, clean(value.into()));
        self
    }
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(list) => Value::Array(list.into_iter().take(LONGEST).map(clean).collect()),
        other => other,
    }
}

/// At most so many characters, none of which a terminal would obey or that turns the direction of
/// writing.
pub(super) fn plain(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| if c.is_control() || bidi(c) { '\u{fffd}' } else { c };
    text.chars().take(LONGEST).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_remark_is_cut_and_cannot_move_the_cursor() {
        let draft = Draft::of("x").detail("remark", "a\u{1b}[2J\u{202e}\n".repeat(200));
        let kept = draft.detail["remark"].as_str().unwrap();
        assert_eq!(kept.chars().count(), LONGEST);
        assert!(kept.starts_with("a\u{fffd}[2J\u{fffd}\u{fffd}a"), "{kept}");
    }

    #[test]
    fn texts_within_a_list_are_cut_as_well() {
        let draft = Draft::of("x").fact("set", vec!["y".repeat(900)]);
        assert_eq!(draft.facts["set"][0].as_str().unwrap().len(), LONGEST);
    }
}
