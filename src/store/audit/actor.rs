//! Who does something: a kind and an opaque id, which are kept for ever, and what is personal, which
//! can be erased.

use std::collections::BTreeMap;

use serde_json::Value;

use super::draft::plain;

/// Who does something. Made once at the edge; a handle on the store carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) personal: BTreeMap<&'static str, Value>,
}

impl Actor {
    /// Somebody of this kind, such as `command` or `token`, with an id that names no person: it is
    /// part of the chain and cannot be erased.
    pub fn new(kind: &'static str, id: &str) -> Self {
        Self { kind, id: plain(id), personal: BTreeMap::new() }
    }

    /// The daemon of this process, by the id of the machine and the process.
    pub fn daemon(id: &str) -> Self {
        Self::new("daemon", id)
    }

    /// Its id, if it is of this kind.
    pub(in crate::store) fn id_as(&self, kind: &str) -> Option<&str> {
        (self.kind == kind).then_some(self.id.as_str())
    }

    /// The same with something personal, such as a name or an address; it can be erased.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.personal.insert(name, plain(value).into());
        self
    }
}

impl Default for Actor {
    /// A program that did not say who it is.
    fn default() -> Self {
        Self::new("unnamed", "")
    }
}
