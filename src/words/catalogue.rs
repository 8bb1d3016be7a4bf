//! The texts of one language, and what becomes of one that cannot be shown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::Arg;
use super::variables;
use crate::redact;

/// The most that is shown of one argument: longer than any name or link.
const ARGUMENT: usize = 2_000;

/// The texts of one language.
pub(super) struct Catalogue {
    bundle: FluentBundle<Arc<FluentResource>>,
    /// What each message needs to be told, itself and through those that it refers to.
    messages: BTreeMap<String, BTreeSet<String>>,
}

impl Catalogue {
    /// All of `resources`; of two texts with one name the later counts.
    pub fn new(language: &LanguageIdentifier, resources: &[Arc<FluentResource>]) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![language.clone()]);
        // Marks of isolation would be copied out of a page together with a name or a key.
        bundle.set_use_isolating(false);
        // Nothing of that name can be there yet, which is the one way for this to fail.
        let _ = bundle.add_builtins();
        for resource in resources {
            bundle.add_resource_overriding(Arc::clone(resource));
        }
        Self { messages: variables::of(resources), bundle }
    }

    /// The messages, each with the variables that it needs.
    pub fn messages(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.messages
    }

    pub fn has(&self, id: &str) -> bool {
        self.messages.contains_key(id)
    }

    /// The text of that name; none where there is none or where anything in it is amiss.
    pub fn say(&self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let message = self.bundle.get_message(id)?;
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(message.value()?, Some(args), &mut faults);
        faults.is_empty().then(|| text.into_owned())
    }
}

/// Arguments as the library takes them. What came from outside can neither turn the direction of
/// writing nor fill a page.
pub(super) fn tame<'a>(args: &[(&'a str, Arg<'a>)]) -> FluentArgs<'a> {
    args.iter()
        .map(|(name, arg)| {
            let value = match *arg {
                Arg::Text(text) => FluentValue::String(Cow::Owned(tamed(text))),
                Arg::Number(number) => FluentValue::from(number),
            };
            (*name, value)
        })
        .collect()
}

fn tamed(text: &str) -> String {
    match text.char_indices().nth(ARGUMENT) {
        None => redact::printable(text),
        Some((end, _)) => format!("{}…", redact::printable(text.get(..end).unwrap_or_default())),
    }
}
