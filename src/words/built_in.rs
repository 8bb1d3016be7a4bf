//! The texts that are compiled in, and what an operator's folder lays over them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fluent_bundle::FluentResource;
use unic_langid::LanguageIdentifier;

use super::ENGLISH;
use super::Language;
use super::catalogue::Catalogue;
use super::folder::Added;
use super::text;

macro_rules! files {
    ($language:literal: $($name:literal),+ $(,)?) => {
        ($language, &[$((
            concat!("config/locales/", $language, "/", $name),
            include_str!(concat!("../../config/locales/", $language, "/", $name)),
        )),+])
    };
}

/// A language and its files, each with its place in the repository.
type Files = (&'static str, &'static [(&'static str, &'static str)]);

/// To add a file, write it in all four languages and name it here in each.
pub(super) const FILES: &[Files] = &[
    files!("en": "mails.ftl", "pages.ftl", "refusals.ftl", "words.ftl"),
    files!("da": "mails.ftl", "pages.ftl", "refusals.ftl", "words.ftl"),
    files!("sv": "mails.ftl", "pages.ftl", "refusals.ftl", "words.ftl"),
    files!("de": "mails.ftl", "pages.ftl", "refusals.ftl", "words.ftl"),
];

/// All languages: those built in, with what was added laid over them and beside them.
pub(super) fn over(added: &[Added]) -> BTreeMap<String, Language> {
    let own: BTreeMap<String, Vec<Arc<FluentResource>>> = FILES
        .iter()
        .map(|(tag, files)| {
            // A test reads every file; one with a fault would lose that text, not the daemon.
            let texts = files.iter().filter_map(|(path, source)| {
                text::parse(Path::new(path), (*source).to_owned()).ok().map(Arc::new)
            });
            ((*tag).to_owned(), texts.collect())
        })
        .collect();
    let added: BTreeMap<String, Vec<Arc<FluentResource>>> =
        added.iter().map(|one| (one.id.to_string(), one.resources().cloned().collect())).collect();
    let tags = own.keys().chain(added.keys()).cloned();
    let mut catalogues = Shelf { own: &own, added: &added, made: BTreeMap::new() };
    tags.filter_map(|tag| {
        let id: LanguageIdentifier = tag.parse().ok()?;
        let chain = catalogues.chain(&tag, &id);
        let locale = super::time::locale(&tag);
        Some((tag, Language { locale, chain }))
    })
    .collect()
}

/// The catalogues that were made already: languages share those they fall back to.
struct Shelf<'a> {
    own: &'a BTreeMap<String, Vec<Arc<FluentResource>>>,
    added: &'a BTreeMap<String, Vec<Arc<FluentResource>>>,
    made: BTreeMap<(String, bool), Arc<Catalogue>>,
}

impl Shelf<'_> {
    /// The language with what was added, its parent language, then English; behind each that was
    /// changed, the same as it is built in, so that a changed text with a fault is not the end.
    fn chain(&mut self, tag: &str, id: &LanguageIdentifier) -> Vec<Arc<Catalogue>> {
        let parent = id.language.to_string();
        let mut chain: Vec<Arc<Catalogue>> = Vec::new();
        for tag in [tag, &parent, ENGLISH] {
            for changed in [true, false] {
                if let Some(one) = self.catalogue(tag, changed)
                    && !chain.iter().any(|other| Arc::ptr_eq(other, &one))
                {
                    chain.push(one);
                }
            }
        }
        chain
    }

    fn catalogue(&mut self, tag: &str, changed: bool) -> Option<Arc<Catalogue>> {
        let changed = changed && self.added.contains_key(tag);
        if let Some(made) = self.made.get(&(tag.to_owned(), changed)) {
            return Some(Arc::clone(made));
        }
        let id: LanguageIdentifier = tag.parse().ok()?;
        let parent = id.language.to_string();
        let mut resources = Vec::new();
        // A regional form stands on the whole language, so that its texts may refer to that.
        for tag in if parent == tag { vec![tag] } else { vec![parent.as_str(), tag] } {
            resources.extend(self.own.get(tag).into_iter().flatten().cloned());
            let added = self.added.get(tag).filter(|_| changed);
            resources.extend(added.into_iter().flatten().cloned());
        }
        if resources.is_empty() {
            return None;
        }
        let made = Arc::new(Catalogue::new(&id, &resources));
        self.made.insert((tag.to_owned(), changed), Arc::clone(&made));
        Some(made)
    }
}
