//! Every text about an offered key in every language, as a customer reads it.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::provider::Names;
use crate::provider::Refusal;
use crate::provider::Taken;
use crate::provider::Told;
use crate::words::{Tongue, Words};

const LANGUAGES: [&str; 4] = ["en", "da", "sv", "de"];

fn names(prefixes: &[String]) -> Names<'_> {
    Names {
        provider: "Pleo",
        place: Some("Settings → API Keys"),
        prefixes,
        customer: "Fjord A/S",
        company: "5d1c0f9e-8a7b-4c6d-9e0f-1a2b3c4d5e6f",
    }
}

fn tongue(tag: &str) -> Tongue {
    Words::built_in().choose(Some(tag), None)
}

fn table(tongue: &Tongue) -> String {
    let prefixes = ["pls_".to_owned()];
    let names = names(&prefixes);
    let say = |id: &str, args: &[(&str, &str)]| tongue.say_texts(id, args);
    let mut table = String::new();
    for refusal in Refusal::samples() {
        let Told { customer_message, next_step } = refusal.tell(&names, &say);
        let passing = if refusal.is_passing() { " (try again)" } else { "" };
        writeln!(table, "{}{passing}\n  {customer_message}\n  {next_step}", refusal.name())
            .unwrap();
    }
    for taken in [Taken::Replaced, Taken::Same, Taken::SameWhileUnsteady] {
        let Told { customer_message, next_step } = taken.tell(&names, false, &say);
        writeln!(table, "{}\n  {customer_message}\n  {next_step}", taken.name()).unwrap();
    }
    let Told { next_step, .. } = Taken::Same.tell(&names, true, &say);
    writeln!(table, "while paused\n  {next_step}").unwrap();
    table
}

#[test]
fn the_tables_of_all_refusals_are_as_committed() {
    for tag in LANGUAGES {
        insta::assert_snapshot!(format!("refusals-{tag}"), table(&tongue(tag)));
    }
}

#[test]
fn every_text_says_that_nothing_has_changed_and_speaks_to_people() {
    let unchanged = [
        ["Nothing has changed.", "and has changed nothing."],
        ["Intet er ændret.", "har ikke ændret noget."],
        ["Ingenting har ändrats.", "har inte ändrat något."],
        ["Es hat sich nichts geändert.", "hat nichts geändert."],
    ];
    for (tag, endings) in LANGUAGES.into_iter().zip(unchanged) {
        let tongue = tongue(tag);
        for refusal in Refusal::samples() {
            let Told { customer_message, next_step } =
                refusal.tell(&names(&[]), &|id, args| tongue.say_texts(id, args));
            let said = endings.iter().any(|ending| customer_message.ends_with(ending));
            assert!(said, "{tag}: {customer_message}");
            for word in ["tenant", "401", "403", "invalid", "scope ", "!", "Oops", "please"] {
                let text = format!("{customer_message} {next_step}");
                assert!(!text.contains(word), "{tag}: {word}: {text}");
            }
        }
    }
}

#[test]
fn no_text_is_left_in_english() {
    let lines = |tag| table(&tongue(tag)).lines().map(str::to_owned).collect::<Vec<_>>();
    let english: BTreeSet<_> =
        lines("en").into_iter().filter(|line| line.starts_with(' ')).collect();
    for tag in ["da", "sv", "de"] {
        for line in lines(tag) {
            assert!(!english.contains(&line), "{tag}: {line}");
        }
    }
}

#[test]
fn a_menu_that_is_not_known_is_not_named() {
    for tag in LANGUAGES {
        let tongue = tongue(tag);
        let names = Names { place: None, ..names(&[]) };
        let told = Refusal::KeyEmpty.tell(&names, &|id, args| tongue.say_texts(id, args));
        assert!(told.next_step.contains("API"), "{tag}: {}", told.next_step);
        assert!(!told.next_step.contains("Settings"), "{tag}: {}", told.next_step);
    }
}
