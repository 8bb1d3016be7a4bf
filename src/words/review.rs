//! What the texts of a folder lack, have too much, or cannot show, compared with the English ones.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::Arg;
use super::ENGLISH;
use super::Words;
use super::built_in::FILES;
use super::catalogue::{self, Catalogue};
use super::folder::Added;
use super::text;

/// One language of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Its tag.
    pub language: String,
    /// What is to be named, by file; a file with nothing is not there.
    pub files: Vec<Reviewed>,
}

/// One file: one of the folder, or one that the English texts have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// Its name.
    pub file: String,
    /// Texts that the English file of this name has and the language has nowhere.
    pub lacks: Vec<String>,
    /// Texts that nobody asks for.
    pub extra: Vec<String>,
    /// Texts that are not shown, or say less than they should.
    pub wrong: Vec<Wrong>,
}

/// A text with a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// Its name.
    pub id: String,
    /// What is wrong, to be read after the name.
    pub why: String,
}

impl Review {
    /// Whether there is nothing to name.
    pub fn is_complete(&self) -> bool {
        self.files.is_empty()
    }

    /// Says once, in the log, that English is shown in places.
    pub(super) fn warn(&self) {
        let count = |of: fn(&Reviewed) -> usize| self.files.iter().map(of).sum::<usize>();
        let lacking = count(|file| file.lacks.len());
        let wrong = count(|file| file.wrong.len());
        if lacking + wrong > 0 {
            tracing::warn!(
                language = self.language,
                "the language {} lacks {lacking} texts, and {wrong} have a fault: others are shown in \
                 their place; `keypulse words check` names them",
                self.language
            );
        }
    }
}

/// Every language that was added, compared with English as it is built in.
pub(super) fn of(words: &Words, added: &[Added]) -> Vec<Review> {
    let Some(english) = english(words) else { return Vec::new() };
    let mut reviews = Vec::new();
    for one in added {
        let language = one.id.to_string();
        let own = words.0.languages.get(&language).and_then(|found| found.chain.first());
        if let Some(own) = own {
            let files = compared(one, own, english);
            reviews.push(Review { language, files });
        }
    }
    reviews
}

/// English as it is built in: the last that every language falls back to.
fn english(words: &Words) -> Option<&Catalogue> {
    let chain = &words.0.languages.get(ENGLISH)?.chain;
    chain.last().map(AsRef::as_ref)
}

fn compared(added: &Added, own: &Catalogue, english: &Catalogue) -> Vec<Reviewed> {
    let mut files: BTreeMap<String, Reviewed> = BTreeMap::new();
    for (file, ids) in english_files() {
        let lacks: Vec<_> = ids.into_iter().filter(|id| !own.has(id)).collect();
        if !lacks.is_empty() {
            files.entry(file.clone()).or_default().lacks = lacks;
        }
    }
    for (file, resource) in &added.files {
        for (id, _) in text::names(resource).filter(|(id, _)| !id.starts_with('-')) {
            let found = files.entry(file.clone()).or_default();
            match english.messages().get(&id) {
                None => found.extra.push(id),
                Some(known) => {
                    found.wrong.extend(fault(&id, own, known).map(|why| Wrong { id, why }));
                }
            }
        }
    }
    let named =
        |one: &Reviewed| !(one.lacks.is_empty() && one.extra.is_empty() && one.wrong.is_empty());
    files.into_iter().map(|(file, found)| Reviewed { file, ..found }).filter(named).collect()
}

/// The messages of each English file.
fn english_files() -> Vec<(String, Vec<String>)> {
    let english = FILES.iter().find(|(tag, _)| *tag == ENGLISH);
    let mut found = Vec::new();
    for (path, source) in english.into_iter().flat_map(|(_, files)| files.iter()) {
        let path = Path::new(path);
        if let Ok(resource) = text::parse(path, (*source).to_owned()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let ids = text::names(&resource).map(|(id, _)| id).filter(|id| !id.starts_with('-'));
            found.push((name, ids.collect()));
        }
    }
    found
}

/// What is wrong with the text of that name, which English tells these variables.
fn fault(id: &str, own: &Catalogue, known: &BTreeSet<String>) -> Option<String> {
    let listed = |names: Vec<&String>| {
        names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ")
    };
    let Some(used) = own.messages().get(id) else {
        return Some("has no text of its own".to_owned());
    };
    let unknown: Vec<_> = used.difference(known).collect();
    if !unknown.is_empty() {
        return Some(format!("is never told {}", listed(unknown)));
    }
    let told = |arg| {
        let args: Vec<_> = known.iter().map(|name| (name.as_str(), arg)).collect();
        own.say(id, &catalogue::tame(&args)).is_some()
    };
    if !told(Arg::Text("1")) && !told(Arg::Number(1)) {
        return Some("refers to something that is not there".to_owned());
    }
    let unsaid: Vec<_> = known.difference(used).collect();
    (!unsaid.is_empty()).then(|| format!("does not say {}", listed(unsaid)))
}
