//! The operator's folder of texts: bounded, and nothing outside it is read.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluent_bundle::FluentResource;
use unic_langid::LanguageIdentifier;

use super::error::WordsError;
use super::text;

/// Languages in a folder, and files in a language.
const ENTRIES: usize = 100;
/// Bytes in a file; all texts of a language together are a tenth of it.
const BYTES: u64 = 512 * 1024;

/// One language that the folder holds texts of.
pub(super) struct Added {
    pub id: LanguageIdentifier,
    /// By file name.
    pub files: Vec<(String, Arc<FluentResource>)>,
}

impl Added {
    pub fn resources(&self) -> impl Iterator<Item = &Arc<FluentResource>> {
        self.files.iter().map(|(_, resource)| resource)
    }
}

/// Everything in `dir`, laid out as `<language>/*.ftl`. What begins with a dot is left alone.
pub(super) fn read(dir: &Path) -> Result<Vec<Added>, WordsError> {
    let root = dir.canonicalize().map_err(|source| failed(dir, source))?;
    let (mut added, mut seen) = (Vec::new(), BTreeSet::new());
    for path in entries(dir)? {
        inside(&root, &path)?;
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Ok(id) = name.parse::<LanguageIdentifier>() else {
            return Err(WordsError::Language { path });
        };
        if !seen.insert(id.to_string()) {
            return Err(WordsError::LanguageTwice { path });
        }
        let files = language(&root, &path)?;
        if !files.is_empty() {
            added.push(Added { id, files });
        }
    }
    Ok(added)
}

fn language(root: &Path, dir: &Path) -> Result<Vec<(String, Arc<FluentResource>)>, WordsError> {
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for path in entries(dir)? {
        if path.extension().is_none_or(|extension| extension != "ftl") {
            continue;
        }
        inside(root, &path)?;
        let resource = text::parse(&path, contents(&path)?)?;
        for (id, line) in text::names(&resource) {
            if !seen.insert(id.clone()) {
                return Err(WordsError::Twice { path, line, id });
            }
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, Arc::new(resource)));
    }
    Ok(files)
}

/// What lies in `dir`, by name.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, WordsError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| failed(dir, source))? {
        let entry = entry.map_err(|source| failed(dir, source))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if found.len() == ENTRIES {
            return Err(WordsError::TooMuch { path: dir.to_owned(), bound: "100 entries" });
        }
        found.push(entry.path());
    }
    found.sort();
    Ok(found)
}

/// A link may lead to another place in the folder, as they do in mounted volumes, and no further.
fn inside(root: &Path, path: &Path) -> Result<(), WordsError> {
    let real = path.canonicalize().map_err(|source| failed(path, source))?;
    if real.starts_with(root) { Ok(()) } else { Err(WordsError::Outside { path: path.to_owned() }) }
}

fn contents(path: &Path) -> Result<String, WordsError> {
    let kind = fs::metadata(path).map_err(|source| failed(path, source))?;
    // Opening a pipe would wait for somebody to write.
    if !kind.is_file() {
        return Err(WordsError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| failed(path, source))?;
    if bytes.len() as u64 > BYTES {
        return Err(WordsError::TooMuch { path: path.to_owned(), bound: "512 KiB" });
    }
    String::from_utf8(bytes).map_err(|fault| {
        let line = text::line_of(fault.as_bytes(), fault.utf8_error().valid_up_to());
        WordsError::Encoding { path: path.to_owned(), line }
    })
}

fn failed(path: &Path, source: std::io::Error) -> WordsError {
    WordsError::Read { path: path.to_owned(), source }
}
