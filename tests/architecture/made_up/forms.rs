//! What is no import, what cannot be read, and what may not be written at all.

use super::{fine, refused, said};

#[test]
fn what_stands_in_a_comment_or_a_string_is_no_import() {
    fine("src/provider/client.rs", "// use crate::store;\n/* crate::store::x */ fn f() {}");
    fine(
        "src/provider/client.rs",
        "/// See [`crate::store::x`].\nconst A: &str = \"crate::store::x\";",
    );
    fine("src/provider/client.rs", "const A: &str = r#\"use crate::store; \"quoted\" \"#;");
}

#[test]
fn an_import_that_cannot_be_read_is_refused() {
    for (text, part) in [
        ("use crate as root;", "the root of the crate"),
        ("use crate::*;", "the root of the crate"),
        ("use crate::{self as root};", "the root of the crate"),
        ("use super::super::*;", "the root of the crate"),
        ("use super::super as root;", "the root of the crate"),
        ("use keypulse as root;", "the root of the crate"),
        ("use super::super::super::store;", "out of the crate"),
        ("extern crate keypulse as root;", "`extern crate`"),
        ("extern crate self as root;", "`extern crate`"),
        ("#[path = \"../store/mod.rs\"] mod other;", "`#[path]`"),
        ("#[cfg_attr(unix, path = \"../store/mod.rs\")] mod other;", "`#[path]`"),
        ("include!(\"../store/mod.rs\");", "`include!`"),
        ("std::include!(\"../store/mod.rs\");", "`include!`"),
        ("use std::include as paste;", "`include!`"),
        ("#[macro_use] mod other;", "`#[macro_use]`"),
        ("macro_rules! m { ($a:ident) => { use $a::Store; } }", "`use` in a form"),
        ("macro_rules! m { ($a:ident) => { crate::$a::open() } }", "goes on in a form"),
        ("macro_rules! m { ($a:ident) => { $a::open() } }", "macro's variable"),
        ("macro_rules! m { ($a:ident) => { mod $a; } }", "`mod` without a plain name"),
        ("fn f() { call!(crate); }", "`crate` without a path"),
        ("const A: &str = \"no end", "does not end"),
    ] {
        let said = said("src/provider/client.rs", text);
        assert!(said.iter().any(|line| line.contains(part)), "{text}\n{said:#?}");
    }
}

#[test]
fn a_module_without_a_row_and_an_item_at_the_root_are_refused() {
    refused("src/extra.rs", "//! New.", &["`extra` has no row"]);
    refused("src/bin/other.rs", "fn main() {}", &["`bin` has no row"]);
    refused("src/task/mod.rs", "use crate::Thing;", &["the root of the crate holds modules only"]);
    refused("src/main.rs", "mod store;", &["main.rs has no modules"]);
    refused("src/main.rs", "use crate::cli;", &["say `keypulse`"]);
}

#[test]
fn a_silenced_lint_is_refused() {
    refused("src/vault/mod.rs", "#[allow(dead_code)] fn f() {}", &["`#[allow(…)]`", "`#[expect("]);
    refused("src/vault/mod.rs", "#![allow(dead_code)]", &["#[allow("]);
    refused("src/vault/mod.rs", "#[cfg_attr(unix, allow(dead_code))] fn f() {}", &["#[allow("]);
    fine("src/vault/mod.rs", "#[expect(dead_code, reason = \"soon\")] fn allow() {}");
}
