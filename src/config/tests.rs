//! The manual against the schema.

use std::collections::BTreeSet;
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::keys::KEYS;
use super::*;

/// A commented-out key: `#` and the key, with no blank between; prose has one.
fn commented_out(line: &str) -> Option<&str> {
    let assignment = line.strip_prefix('#')?;
    let (key, _) = assignment.split_once(" = ")?;
    let named = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    named.then_some(assignment)
}

/// The manual with those commented-out keys taken in that `wanted` says.
fn manual(wanted: impl Fn(&str) -> bool) -> String {
    let lines = Config::defaults_text().lines().map(|line| {
        let assignment = commented_out(line).filter(|assignment| wanted(assignment));
        assignment.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_manual_documents_every_key_and_no_other() {
    // The parser refuses keys that are not known, so the other direction is what is left to ask.
    let path = Path::new("config/keypulse.toml");
    let all = syntax::parse(&manual(|_| true), path, |_| Source::Default).unwrap();
    let documented: BTreeSet<_> = all.keys().copied().collect();
    let known: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_manual_gives_default_unit_and_reason_of_every_key() {
    let mut comment = String::new();
    for line in Config::defaults_text().lines() {
        let assigns =
            commented_out(line).is_some() || line.contains(" = ") && !line.starts_with('#');
        if assigns {
            for word in ["# Default: ", ". Unit: ", "# Reason: "] {
                assert!(comment.contains(word), "{line} lacks {word:?}");
            }
            comment.clear();
        } else if line.is_empty() || line.starts_with('[') {
            comment.clear();
        } else {
            comment.push_str(line);
            comment.push('\n');
        }
    }
}

#[test]
fn every_example_of_the_manual_is_taken() {
    let optional: Vec<_> = Config::defaults_text().lines().filter_map(commented_out).collect();
    assert_eq!(optional.len(), 45);
    // The files that these name are not on every machine.
    let names_file = |line: &&&str| {
        let names = [
            "url_file",
            "fingerprint_token_file",
            "secret_file",
            "previous_secret_file",
            "key_file",
            "company_id",
            "password_file",
            "pagerduty_key_file",
            "slack_url_file",
            // Stands together with the file.
            "username",
        ];
        names.iter().any(|name| line.starts_with(name))
    };
    for one in optional.iter().filter(|line| !names_file(line)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Half a pair is refused.
        let tls = |line: &str| line.starts_with("tls_");
        // A page needs a product.
        let product = |line: &str| one.starts_with("url =") && line.starts_with("product =");
        // A letter needs a sender.
        let sender = |line: &str| {
            (one.starts_with("host =") || one.starts_with("dir =")) && line.starts_with("from =")
        };
        let wanted =
            |line: &str| line == *one || (tls(one) && tls(line)) || product(line) || sender(line);
        write(file.path(), manual(wanted)).unwrap();
        set_permissions(file.path(), Permissions::from_mode(0o600)).unwrap();
        // Some are for this custody only, and none is against it.
        let mirror = [("KEYPULSE__CUSTODY__MODE".into(), "mirror".into())];
        if let Err(error) = Config::load(Some(file.path()), mirror) {
            panic!("{one}: {error}");
        }
    }
}

#[test]
fn every_key_is_read_and_explained_once_in_the_order_of_the_manual() {
    let explained = Config::load(None, []).unwrap().explain();
    let explained: Vec<_> = explained.iter().map(|setting| &setting.key).collect();
    let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(explained, known);
}
