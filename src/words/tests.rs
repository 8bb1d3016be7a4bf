//! The texts themselves, and how one stands in for another.

mod choice;
mod dates;
mod folders;

use std::collections::BTreeSet;
use std::fs;

use chrono::TimeZone as _;
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn loaded(files: &[(&str, &str)]) -> Words {
    Words::load(Some(folder(files).path())).unwrap()
}

fn refused(files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    let error = Words::load(Some(dir.path())).unwrap_err();
    error.to_string().replace(dir.path().to_str().unwrap(), "")
}

fn tongue(words: &Words, tag: &str) -> Tongue {
    let tongue = words.choose(Some(tag), None);
    assert_eq!(tongue.tag(), tag);
    tongue
}

/// The texts of one language as it is built in.
fn built_in(words: &Words, tag: &str) -> Arc<Catalogue> {
    Arc::clone(&words.0.languages[tag].chain[0])
}

#[test]
fn every_file_that_is_built_in_can_be_read_and_no_text_is_written_twice() {
    for (tag, files) in built_in::FILES {
        let mut seen = BTreeSet::new();
        for (path, source) in *files {
            let resource = text::parse(Path::new(path), (*source).to_owned()).unwrap();
            for (id, line) in text::names(&resource) {
                assert!(seen.insert(id.clone()), "{tag}: {path}, line {line}: {id}");
            }
        }
    }
}

#[test]
fn every_file_in_the_repository_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named: BTreeSet<_> = built_in::FILES
        .iter()
        .flat_map(|(_, files)| files.iter().map(|(path, _)| root.join(path)))
        .collect();
    let mut there = BTreeSet::new();
    for language in fs::read_dir(root.join("config/locales")).unwrap() {
        for file in fs::read_dir(language.unwrap().path()).unwrap() {
            there.insert(file.unwrap().path());
        }
    }
    assert_eq!(named, there);
}

#[test]
fn all_languages_have_the_same_texts_and_tell_them_the_same() {
    let words = Words::built_in();
    assert_eq!(words.languages(), ["da", "de", "en", "sv"]);
    let english = built_in(&words, "en");
    for tag in words.languages() {
        let own = built_in(&words, tag);
        let ids = |catalogue: &Catalogue| catalogue.messages().keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&own), ids(&english), "{tag}");
        for (id, variables) in english.messages() {
            assert_eq!(own.messages().get(id), Some(variables), "{tag}: {id}");
        }
    }
}

#[test]
fn every_text_is_rendered_in_its_own_language_with_nothing_left_over() {
    let words = Words::built_in();
    for tag in words.languages() {
        let own = built_in(&words, tag);
        for (id, variables) in own.messages() {
            for arg in [Arg::Text("yes"), Arg::Text("no"), Arg::Number(1), Arg::Number(2)] {
                let args: Vec<_> = variables.iter().map(|name| (name.as_str(), arg)).collect();
                let text = own.say(id, &catalogue::tame(&args));
                let text = text.unwrap_or_else(|| panic!("{tag}: {id}"));
                assert!(!text.trim().is_empty(), "{tag}: {id}");
                assert!(!text.contains(['{', '}', '$']), "{tag}: {id}: {text}");
                assert!(!text.contains("  "), "{tag}: {id}: {text}");
                assert!(!text.contains('!'), "{tag}: {id}: {text}");
            }
        }
    }
}

#[test]
fn german_counts_one_and_many() {
    let words = loaded(&[(
        "de/more.ftl",
        "customers = { $count ->\n    [one] { $count } Kunde\n   *[other] { $count } Kunden\n}\n",
    )]);
    let german = tongue(&words, "de");
    let said = |count| german.say("customers", &[("count", Arg::Number(count))]);
    assert_eq!([said(0), said(1), said(2)], ["0 Kunden", "1 Kunde", "2 Kunden"]);
}

#[test]
fn a_language_that_is_added_as_files_alone_is_chosen_and_falls_back_text_by_text() {
    let words = loaded(&[
        ("fi/refusals.ftl", "refusal-key-empty = Avainta ei annettu.\n"),
        ("README.md", "not a language"),
        (".hidden/x.ftl", "a = { $"),
    ]);
    assert_eq!(words.languages(), ["da", "de", "en", "fi", "sv"]);
    let finnish = words.choose(None, Some("fi-FI, sv;q=0.5"));
    assert_eq!(finnish.tag(), "fi");
    assert_eq!(finnish.say("refusal-key-empty", &[]), "Avainta ei annettu.");
    assert!(finnish.has("refusal-key-empty"));
    assert!(!finnish.has("taken-same-next"));
    assert_eq!(finnish.say("taken-same-next", &[]), "There is nothing more to do.");
    let at = Utc.with_ymd_and_hms(2026, 11, 17, 8, 12, 0).unwrap();
    assert!(finnish.day(at, None).contains("marraskuuta"), "{}", finnish.day(at, None));
}

#[test]
fn a_regional_form_falls_back_to_its_language_first() {
    let words = loaded(&[("de-AT/refusals.ftl", "taken-same-next = Sie sind fertig.\n")]);
    let austrian = tongue(&words, "de-AT");
    assert_eq!(austrian.say("taken-same-next", &[]), "Sie sind fertig.");
    let german = tongue(&words, "de").say("refusal-key-empty", &[]);
    assert!(german.starts_with("Es wurde kein"), "{german}");
    assert_eq!(austrian.say("refusal-key-empty", &[]), german);
    assert_eq!(tongue(&words, "de").say("taken-same-next", &[]), "Es ist nichts weiter zu tun.");
}

#[test]
fn a_changed_text_takes_the_place_of_one_and_leaves_the_others() {
    let words = loaded(&[("en/mine.ftl", "taken-same-next = You are done.\n")]);
    let english = tongue(&words, "en");
    assert_eq!(english.say("taken-same-next", &[]), "You are done.");
    assert_eq!(english.say("refusal-key-empty", &[]), "No key was given. Nothing has changed.");
    // Who has none of their own reads the changed one.
    assert_eq!(
        loaded(&[("en/mine.ftl", "taken-same-next = You are done.\n"), ("fi/a.ftl", "a = b\n")])
            .choose(Some("fi"), None)
            .say("taken-same-next", &[]),
        "You are done."
    );
}

#[test]
fn a_changed_text_that_cannot_be_shown_leaves_the_one_that_is_built_in() {
    let broken = "taken-same-next = Frag { $nobody }.\nrefusal-key-empty = { -none }\n";
    let words = loaded(&[("de/mine.ftl", broken)]);
    let german = tongue(&words, "de");
    assert_eq!(german.say("taken-same-next", &[]), "Es ist nichts weiter zu tun.");
    assert!(german.say("refusal-key-empty", &[]).starts_with("Es wurde kein"));
}

#[test]
fn a_name_that_nobody_knows_and_an_argument_that_is_not_told_never_reach_a_customer() {
    let danish = tongue(&Words::built_in(), "da");
    for (id, args) in [
        ("no-such-text", &[][..]),
        ("", &[]),
        ("taken-same", &[]),
        ("taken-same", &[("provider", Arg::Text("Pleo"))]),
    ] {
        let said = danish.say(id, args);
        assert!(said.starts_with("Denne tekst kan ikke vises"), "{said}");
    }
}

#[test]
fn what_came_from_outside_cannot_turn_the_line_round_or_fill_the_page() {
    let english = Words::built_in().choose(None, None);
    let long = "x".repeat(10_000);
    let hostile = "a\u{202e}b\u{2066}c\u{1b}[2J\u{61c}{ $company }";
    let said = english
        .say_texts("taken-same", &[("provider", hostile), ("customer", &long), ("company", "1")]);
    for bad in ['\u{202e}', '\u{2066}', '\u{1b}', '\u{61c}', '\u{2068}', '\u{2069}'] {
        assert!(!said.contains(bad), "{bad:?}");
    }
    assert!(said.contains("{ $company }"), "what is told is never read as a text");
    assert!(said.chars().count() < 3_000, "{}", said.chars().count());
    assert!(said.contains("x… (1)"));
}
