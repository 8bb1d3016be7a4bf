//! Sources made up to break one rule each: a check that was never seen to fail proves nothing.

mod directions;
mod forms;
mod homes;

use crate::crates::Crates;
use crate::rules::{self, Source};
use crate::table;

const MANIFEST: &str = r#"
[dependencies]
axum = "0"
chrono = "0"
clap = "4"
http = "1"
lettre = "0"
migrations = { path = "migrations", package = "keypulse-migrations" }
reqwest = "0"
ring = "0"
sea-orm = "2"
serde = "1"
[dev-dependencies]
proptest = "1"
"#;

/// What is said of `text` as the only file with content in a house that has every module.
fn said(file: &str, text: &str) -> Vec<String> {
    let mut lib: String = table::ROWS
        .iter()
        .filter(|row| row.module != "main" && row.module != "lib")
        .fold(String::new(), |lib, row| lib + "pub mod " + row.module + ";\n");
    lib.push_str("#[cfg(test)] mod testing;\n");
    let mut sources = vec![Source { file: file.to_owned(), text: text.to_owned() }];
    if file != "src/lib.rs" {
        sources.push(Source { file: "src/lib.rs".to_owned(), text: lib });
    }
    let crates = Crates::of_manifest(MANIFEST).unwrap_or_else(|error| panic!("{error}"));
    let found = rules::violations(&sources, &crates);
    found.iter().map(ToString::to_string).collect()
}

/// Exactly one rule is broken, and the message holds all of `parts`.
#[track_caller]
fn refused(file: &str, text: &str, parts: &[&str]) {
    let said = said(file, text);
    assert_eq!(said.len(), 1, "{text}\n{said:#?}");
    for part in parts {
        assert!(said[0].contains(part), "`{part}` is not in: {}", said[0]);
    }
}

#[track_caller]
fn fine(file: &str, text: &str) {
    assert_eq!(said(file, text), Vec::<String>::new(), "{text}");
}
