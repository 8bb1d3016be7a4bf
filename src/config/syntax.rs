//! From the text of a TOML file to its values, with the line of each.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::error::ConfigError;
use super::keys;
use super::layer::{Entry, Layer};
use super::source::Source;
use super::written::{Written, quoted};

/// The values in `text`, whose source `source_at` makes of their line. Refuses keys that do not
/// exist, and never repeats a value: the text may hold secrets.
pub(super) fn parse(
    text: &str,
    path: &Path,
    source_at: impl Fn(usize) -> Source,
) -> Result<Layer, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| no_toml(text, path, &error))?;
    let source_of = |value: &Spanned<DeValue<'_>>| source_at(line_at(text, value.span().start));
    let unknown = |section: Option<&str>, name: &str, value: &Spanned<DeValue<'_>>| {
        let (key, value) = first_key_in(section, name, value);
        ConfigError::UnknownKey { origin: source_of(value), nearest: keys::nearest(&key), key }
    };
    let mut layer = Layer::new();
    for (name, value) in table.get_ref() {
        let Some(section) = keys::find_section(name.get_ref()) else {
            return Err(unknown(None, name.get_ref(), value));
        };
        let Some(entries) = value.get_ref().as_table() else {
            return Err(ConfigError::Refused {
                key: section,
                origin: source_of(value),
                must: format!("be a section, written `[{section}]`"),
                found: None,
            });
        };
        for (name, value) in entries {
            let Some(key) = keys::find(&format!("{section}.{}", name.get_ref())) else {
                return Err(unknown(Some(section), name.get_ref(), value));
            };
            let written = Written::from_toml(value.get_ref());
            let source = source_of(value);
            layer.insert(key.name, Entry { written, source });
        }
    }
    Ok(layer)
}

/// Keeps the parser's own words only: its error prints the line at fault, secrets and all.
fn no_toml(text: &str, path: &Path, error: &Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    ConfigError::Syntax {
        path: path.to_owned(),
        line: line_at(text, start),
        column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
        message: error.message().to_owned(),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count() + 1
}

/// The first key in what may be a table, by its path, because a section alone says too little to
/// guess what was meant by it.
fn first_key_in<'a, 'i>(
    section: Option<&str>,
    name: &str,
    mut value: &'a Spanned<DeValue<'i>>,
) -> (String, &'a Spanned<DeValue<'i>>) {
    let mut path = section.map_or_else(String::new, |section| format!("{section}."));
    path.push_str(&segment(name));
    for _ in 0..3 {
        let table = value.get_ref().as_table();
        let Some((name, inner)) = table.and_then(|table| table.iter().next()) else {
            break;
        };
        path.push('.');
        path.push_str(&segment(name.get_ref()));
        value = inner;
    }
    (path, value)
}

fn segment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 80 && !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let path = Path::new("k.toml");
        let at = |line| Source::File { path: path.to_owned(), line };
        let result = parse(text, path, at).map(|_| ());
        result.unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_key_that_was_meant() {
        for (text, said) in [
            (
                "[watch]\n\nintervall = \"5m\"",
                "file k.toml, line 3: there is no key `watch.intervall`; \
                 did you mean `watch.interval`?",
            ),
            (
                "interval = \"5m\"",
                "file k.toml, line 1: there is no key `interval`; did you mean `watch.interval`?",
            ),
            (
                "\n[wach]\ninterval = \"5m\"",
                "file k.toml, line 3: there is no key `wach.interval`; \
                 did you mean `watch.interval`?",
            ),
            (
                "[policy.rejection]\nleast = 5",
                "file k.toml, line 2: there is no key `policy.rejection.least`; \
                 did you mean `policy.rejections`?",
            ),
            (
                "\"watch.interval\" = \"5m\"",
                "file k.toml, line 1: there is no key `\"watch.interval\"`; \
                 did you mean `watch.interval`?",
            ),
            (
                "[[wach]]",
                "file k.toml, line 1: there is no key `wach`; did you mean `watch.interval`?",
            ),
        ] {
            assert_eq!(error_of(text), said);
        }
    }

    #[test]
    fn a_section_that_is_a_value_is_refused() {
        let said = "file k.toml, line 2: `watch` must be a section, written `[watch]`";
        assert_eq!(error_of("\nwatch = \"5m\""), said);
        assert_eq!(error_of("\n[[watch]]\ninterval = \"5m\""), said);
    }

    #[test]
    fn what_is_no_toml_is_refused_by_place_and_without_its_text() {
        for text in [
            "[keyring]\nmaster_key = hunter2",
            "[keyring]\nmaster_key = \"hunter2",
            "[keyring]\nmaster_key = \"\\qhunter2\"",
            "[keyring]\nmaster_key = \"x\"\nmaster_key = \"hunter2\"",
            "[keyring]\nmaster_key = \"\"\"\nhunter2",
            "[keyring]\nmaster_key hunter2",
            "[keyring]\nmaster_key = \"x\" hunter2",
            "[keyring]\nmaster_key = 12hunter2",
            "hunter2",
        ] {
            let error = error_of(text);
            assert!(error.starts_with("file k.toml, line "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(
            error_of("[keyring]\nmaster_key = hunter2"),
            "file k.toml, line 2, column 14: \
             string values must be quoted, expected literal string"
        );
    }

    #[test]
    fn a_file_nested_without_end_is_refused_and_does_not_exhaust_the_stack() {
        for text in [
            format!("[watch]\ninterval = {}", "[".repeat(500_000)),
            format!("[watch]\ninterval = {}", "{a=".repeat(300_000)),
            format!("{} = 1", vec!["a"; 500_000].join(".")),
            format!("[{}]", vec!["a"; 500_000].join(".")),
        ] {
            assert!(error_of(&text).len() < 500);
        }
    }
}
