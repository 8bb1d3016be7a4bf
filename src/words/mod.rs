//! What customers read, in their language: texts, dates and lists. The texts lie in
//! `config/locales/<language>/*.ftl` and are compiled in; a folder of the operator's adds languages
//! and replaces single texts. See ADR 0024.

mod accept;
mod built_in;
mod catalogue;
mod error;
mod folder;
mod hours;
mod review;
mod text;
mod time;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use fluent_bundle::FluentArgs;

pub use error::WordsError;
pub use hours::Hours;
pub use review::{Review, Reviewed, Wrong};

use accept::Wish;
use catalogue::Catalogue;

/// The language that is always there and complete.
const ENGLISH: &str = "en";
/// What stands where a text cannot be shown in any language.
const MISSING: &str = "words-missing";

/// All texts in all languages. Cheap to clone.
#[derive(Clone)]
pub struct Words(Arc<All>);

struct All {
    /// By tag; `en` is among them.
    languages: BTreeMap<String, Language>,
}

/// One language: where its texts are looked for, and how its dates and lists are written.
struct Language {
    locale: icu_locale_core::Locale,
    /// The language itself first, English as built in last.
    chain: Vec<Arc<Catalogue>>,
}

/// One language of those [`Words`].
#[derive(Clone)]
pub struct Tongue {
    words: Words,
    tag: String,
}

/// What a text is told.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// A name, an address, a text that is ready.
    Text(&'a str),
    /// A count, which plural forms go by.
    Number(i64),
}

impl Words {
    /// The languages that are compiled in.
    pub fn built_in() -> Self {
        Self::of(&[])
    }

    /// The same, and over them the texts in `dir`, laid out as `<language>/*.ftl`.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or is too large, a name that leads out of it or is no language,
    /// a file that does not keep to the syntax: with file, line and fault.
    pub fn load(dir: Option<&Path>) -> Result<Self, WordsError> {
        let Some(dir) = dir else { return Ok(Self::built_in()) };
        let added = folder::read(dir)?;
        let words = Self::of(&added);
        for review in review::of(&words, &added) {
            review.warn();
        }
        Ok(words)
    }

    /// What the texts in `dir` lack or have too much, for whoever writes them; language by language,
    /// and only those of the folder.
    ///
    /// # Errors
    ///
    /// As for [`Words::load`].
    pub fn review(dir: &Path) -> Result<Vec<Review>, WordsError> {
        let added = folder::read(dir)?;
        Ok(review::of(&Self::of(&added), &added))
    }

    fn of(added: &[folder::Added]) -> Self {
        Self(Arc::new(All { languages: built_in::over(added) }))
    }

    /// The tags of all languages, in order.
    pub fn languages(&self) -> Vec<&str> {
        self.0.languages.keys().map(String::as_str).collect()
    }

    /// For people: the tenant's language where there is one, else the browser's, else English.
    pub fn choose(&self, tenant_locale: Option<&str>, accept_language: Option<&str>) -> Tongue {
        self.first(&[Wish::Tag(tenant_locale), Wish::Header(accept_language)])
    }

    /// For programs: the language that was asked for, else what `Accept-Language` names, else the
    /// tenant's, else English.
    pub fn choose_for_program(
        &self,
        asked: Option<&str>,
        accept_language: Option<&str>,
        tenant_locale: Option<&str>,
    ) -> Tongue {
        self.first(&[Wish::Tag(asked), Wish::Header(accept_language), Wish::Tag(tenant_locale)])
    }

    fn first(&self, wishes: &[Wish<'_>]) -> Tongue {
        let tags = self.languages();
        let chosen = wishes.iter().find_map(|wish| wish.granted(&tags)).unwrap_or(ENGLISH);
        Tongue { tag: chosen.to_owned(), words: self.clone() }
    }
}

impl Tongue {
    /// The tag of this language, for `lang` and `Content-Language`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The text of this name. Where this language has none, or one that cannot be shown, it is the
    /// next one's in the chain, and the built-in English at last.
    pub fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let args = catalogue::tame(args);
        let from = |id: &str, args: &FluentArgs<'_>| {
            self.chain().iter().find_map(|catalogue| catalogue.say(id, args))
        };
        from(id, &args).unwrap_or_else(|| {
            tracing::error!(id, language = self.tag, "a text cannot be shown in any language");
            from(MISSING, &FluentArgs::new()).unwrap_or_default()
        })
    }

    /// The same of texts alone.
    pub fn say_texts(&self, id: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<_> = args.iter().map(|(name, text)| (*name, Arg::Text(text))).collect();
        self.say(id, &args)
    }

    /// Whether this language itself has a text of this name.
    pub fn has(&self, id: &str) -> bool {
        self.chain().first().is_some_and(|own| own.has(id))
    }

    /// The day, with its weekday and without the year, where `zone` is. A zone that is not known
    /// counts as UTC.
    pub fn day(&self, at: DateTime<Utc>, zone: Option<&str>) -> String {
        time::day(self.locale(), at, zone)
    }

    /// Weekday, date, time and the zone that they are in.
    pub fn moment(&self, at: DateTime<Utc>, zone: Option<&str>) -> String {
        time::moment(self.locale(), at, zone)
    }

    /// Several things that all count, as a sentence lists them.
    pub fn list(&self, items: &[&str]) -> String {
        time::list(self.locale(), items)
    }

    fn chain(&self) -> &[Arc<Catalogue>] {
        self.language().map_or(&[], |language| &language.chain)
    }

    fn locale(&self) -> Option<&icu_locale_core::Locale> {
        self.language().map(|language| &language.locale)
    }

    fn language(&self) -> Option<&Language> {
        self.words.0.languages.get(&self.tag)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Words").field(&self.languages()).finish()
    }
}

impl fmt::Debug for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tongue").field(&self.tag).finish()
    }
}

#[cfg(test)]
mod tests;
