//! The wall round the core, and the house rules that no compiler knows. `table.rs` holds what may
//! import what; the other files read the sources and hold them against it.

mod crates;
mod documents;
mod house;
mod lexer;
mod made_up;
mod parsed;
mod reader;
mod rules;
mod table;

use std::fmt::Write;
use std::fs;

use crates::Crates;
use rules::Violation;

/// Fails with every broken rule, one below the other.
fn assert_none(found: &[Violation]) {
    let mut list = String::new();
    for violation in found {
        let _ = writeln!(list, "\n{violation}");
    }
    assert!(found.is_empty(), "{} broken rules:\n{list}", found.len());
}

#[test]
fn imports_run_one_way_and_every_crate_stays_at_home() {
    let manifest = fs::read_to_string(house::root().join("Cargo.toml")).unwrap();
    let mut sources = house::sources("src").unwrap();
    sources.extend(house::sources("migrations/src").unwrap());
    assert_none(&rules::violations(&sources, &Crates::of_manifest(&manifest).unwrap()));
}

#[test]
fn every_module_that_the_library_declares_was_read() {
    let sources = house::sources("src").unwrap();
    let lib = sources.iter().find(|source| source.file == "src/lib.rs").unwrap();
    let declared = reader::read(&lib.file, &lib.text, Vec::new()).modules;
    assert!(!declared.is_empty());
    for module in declared {
        let read = sources.iter().any(|source| parsed::module_of(&source.file) == module.path);
        assert!(read, "no file was read for `{}`", module.path.join("::"));
    }
}

#[test]
fn every_source_file_says_what_it_is_for_and_why_it_is_long() {
    let mut found = Vec::new();
    for folder in ["src", "migrations/src", "tests"] {
        for source in house::sources(folder).unwrap() {
            found.extend(house::shape(&source));
        }
    }
    assert_none(&found);
}

#[test]
fn no_file_names_a_machine_or_another_source_of_packages() {
    let mut found = Vec::new();
    for text in house::texts().unwrap() {
        found.extend(house::places(&text));
    }
    assert_none(&found);
}

#[test]
fn no_second_tls_stack_or_crypto_provider_is_in_the_tree() {
    let lock = fs::read_to_string(house::root().join("Cargo.lock")).unwrap();
    let found = house::banned(&lock);
    assert!(found.is_empty(), "banned in deny.toml, but in Cargo.lock: {}", found.join(", "));
}
