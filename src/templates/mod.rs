//! Templates that an operator may replace: the built-in ones, those in a folder, and the rules that both
//! keep. All that can be wrong with one is found when it is read. What is written with them is their
//! owners' business.

pub mod brand;
mod error;
mod say;

use std::io::Read;
use std::path::Path;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::redact::printable;

pub use error::TemplateError;
pub use say::say;

/// What one template may cost, in steps of the engine.
const FUEL: u64 = 500_000;
/// The largest template of an operator's own, in bytes.
const LARGEST: u64 = 128 * 1024;

/// A template: what its file is called, and what it says.
pub type Named = (&'static str, &'static str);

/// Who reads what is made. Templates for different channels never meet: each has an environment of its
/// own, so that nothing that was written for one is read as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A browser or a mail reader: every value is escaped, whatever a template says.
    Html,
    /// Plain text: nothing is escaped, and no value can turn the direction of writing.
    Text,
    /// A program: every value is written as JSON, with its quotes.
    Json,
}

/// The texts of all templates: those in the folder take the place of the built-in ones.
pub fn read(
    built_in: &[Named],
    folder: Option<&Path>,
) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let mut all: Vec<_> = built_in.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    if let Some(folder) = folder {
        for (name, text) in own(built_in, folder)? {
            all.retain(|(known, _)| *known != name);
            all.push((name, text));
        }
    }
    Ok(all)
}

/// What makes texts of templates, for one channel.
pub fn environment(
    channel: Channel,
    texts: Vec<(&'static str, String)>,
) -> Result<Environment<'static>, TemplateError> {
    let mut all = Environment::new();
    all.set_undefined_behavior(UndefinedBehavior::Strict);
    all.set_fuel(Some(FUEL));
    // What a customer or a tenant is called is never markup, whatever a template says.
    all.remove_filter("safe");
    match channel {
        Channel::Html => {
            all.set_auto_escape_callback(|_| AutoEscape::Html);
            all.set_formatter(|out, state, value| {
                if !matches!(state.auto_escape(), AutoEscape::Html) {
                    let why = "escaping cannot be turned off";
                    return Err(Error::new(ErrorKind::InvalidOperation, why));
                }
                let value = if value.is_none() { &Value::UNDEFINED } else { value };
                minijinja::escape_formatter(out, state, value)
            });
        }
        Channel::Json => {
            all.set_auto_escape_callback(|_| AutoEscape::Json);
            all.set_formatter(|out, state, value| {
                if !matches!(state.auto_escape(), AutoEscape::Json) {
                    let why = "escaping cannot be turned off";
                    return Err(Error::new(ErrorKind::InvalidOperation, why));
                }
                minijinja::escape_formatter(out, state, value)
            });
        }
        Channel::Text => {
            all.set_auto_escape_callback(|_| AutoEscape::None);
            all.set_formatter(|out, _, value| {
                if value.is_undefined() {
                    return Err(Error::from(ErrorKind::UndefinedError));
                }
                if value.is_none() {
                    return Ok(());
                }
                let text = value.to_string();
                let lines: Vec<_> = text.split('\n').map(printable).collect();
                out.write_str(&lines.join("\n")).map_err(Error::from)
            });
        }
    }
    for (name, text) in texts {
        all.add_template_owned(name, text).map_err(|error| TemplateError::of(name, &error))?;
    }
    Ok(all)
}

/// The operator's templates: files of that folder itself, whose names are those of built-in ones.
fn own(built_in: &[Named], folder: &Path) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Read { path, source }
    };
    let unknown = |path| {
        let names: Vec<_> = built_in.iter().map(|(name, _)| *name).collect();
        TemplateError::Unknown { path, names: names.join(", ") }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(unknown(path));
        };
        // What editors and file systems leave lying about.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let Some((known, _)) = built_in.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(path));
        };
        // Not through a link: nothing outside of the folder is served.
        if !entry.file_type().map_err(failed(&path))?.is_file() {
            return Err(TemplateError::Form { path });
        }
        let mut text = Vec::new();
        let file = std::fs::File::open(&path).map_err(failed(&path))?;
        file.take(LARGEST + 1).read_to_end(&mut text).map_err(failed(&path))?;
        let text = String::from_utf8(text).ok().filter(|text| text.len() as u64 <= LARGEST);
        found.push((*known, text.ok_or(TemplateError::Form { path })?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
