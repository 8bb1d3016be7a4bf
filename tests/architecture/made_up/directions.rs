//! Layers, test code and migrations: imports that go against their direction.

use super::{fine, refused};

#[test]
fn a_message_names_file_line_import_and_rule() {
    refused(
        "src/provider/client.rs",
        "//! A file.\n\nuse crate::store::Store;\n",
        &[
            "src/provider/client.rs:3: `crate::store::Store`",
            "rule: `provider` imports only edge, health, ids, clock, redact",
        ],
    );
}

#[test]
fn an_import_against_the_direction_is_seen_in_every_form() {
    for text in [
        "use crate::store;",
        "use crate::store as s;",
        "use crate::store::*;",
        "use crate::r#store::Store;",
        "use crate::{ids, store::{self}};",
        "use {crate::ids, crate::store};",
        "use super::super::store::Store;",
        "use keypulse::store::Store;",
        "use ::keypulse::store::Store;",
        "pub(crate) use crate::store::Store;",
        "fn f() { use crate::store::Store; }",
        "fn f() -> crate::store::Store { todo!() }",
        "fn f() { let _ = crate::store::open(0..1); }",
        "fn f() { let _ = 0..crate::store::LAST; }",
        "fn f() { println!(\"{}\", crate::store::NAME); }",
        "fn f() { <crate::store::Store as Into<u8>>::into(x) }",
        "fn f() { self::super::super::store::open() }",
        "#[derive(crate::store::Row)] struct S;",
        "macro_rules! m { () => { $crate::store::open() } }",
        "mod inner { use super::super::super::store; }",
        "struct S { pub(in crate::store) x: u8 }",
        "fn f<'a>(x: &'a crate::store::Store) {}",
    ] {
        refused("src/provider/client.rs", text, &["store", "`provider` imports only"]);
    }
}

#[test]
fn every_layer_keeps_to_its_row() {
    for (file, import) in [
        ("src/health/decide.rs", "ids"),
        ("src/ids.rs", "clock"),
        ("src/shutdown.rs", "clock"),
        ("src/sandbox/mod.rs", "health"),
        ("src/config/mod.rs", "provider"),
        ("src/telemetry/mod.rs", "store"),
        ("src/rehearse/mod.rs", "store"),
        ("src/store/mod.rs", "vault"),
        ("src/custody/mod.rs", "provider"),
        ("src/notify/mod.rs", "store"),
        ("src/vault/mod.rs", "config"),
        ("src/http/mod.rs", "task"),
        ("src/task/mod.rs", "http"),
        ("src/task/mod.rs", "sandbox"),
        ("src/http/mod.rs", "app"),
        ("src/app.rs", "cli"),
        ("src/lib.rs", "store"),
        ("src/main.rs", "store"),
    ] {
        let root = if file == "src/main.rs" { "keypulse" } else { "crate" };
        refused(file, &format!("use {root}::{import}::Thing;"), &[file, import, " imports "]);
    }
}

#[test]
fn what_the_rows_allow_is_not_refused() {
    fine("src/main.rs", "use keypulse::{cli, app};");
    fine("src/app.rs", "use crate::{http, task::sweep, store::Store, health::Policy};");
    fine("src/task/sweep.rs", "use super::budget; use crate::store::Store; use http::StatusCode;");
    fine(
        "src/store/mod.rs",
        "mod entity; use entity::tenant; use self::entity::key; use sea_orm::Set;",
    );
    fine(
        "src/health/decide.rs",
        "use std::fmt; use chrono::TimeDelta; use super::{policy, Policy};",
    );
    fine("src/health/mod.rs", "mod http; fn f() { http::g(); Self::h(); u32::max(1, 2); }");
    fine("src/health/mod.rs", "impl Iterator for A { fn f() -> impl Sized + use<'a> { 1 } }");
    fine("src/vault/mod.rs", "fn f(key: &ApiKey) { seal(key.expose()) }");
    fine("src/sandbox/key_format.rs", "use ring::rand;");
}

#[test]
fn test_code_is_held_to_the_rules_but_may_use_the_helpers_of_other_tests() {
    let bad = "#[cfg(test)] mod tests { use super::*; use crate::store::Store; }";
    refused("src/vault/mod.rs", bad, &["`vault` imports only"]);
    fine("src/vault/mod.rs", "#[cfg(test)] mod tests { use crate::testing::key; }");
    fine("src/vault/mod.rs", "#[cfg(test)] use crate::testing::key; fn f() {}");
    refused("src/vault/mod.rs", "use crate::testing::key;", &["each with its place"]);
    let after = "#[cfg(test)] mod tests { fn f() { if a {} } } use crate::testing::key;";
    refused("src/vault/mod.rs", after, &["each with its place"]);
    let not_only = "#[cfg(any(test, unix))] mod tests { use crate::testing::key; }";
    refused("src/vault/mod.rs", not_only, &["each with its place"]);
}

#[test]
fn a_migration_imports_nothing_of_ours() {
    let rule = "a migration is frozen";
    refused(
        "migrations/src/m1.rs",
        "use keypulse::health::Policy;",
        &["migrations/src/m1.rs:1", rule],
    );
    refused("migrations/src/m1.rs", "fn f() { keypulse::ids::x(); }", &[rule]);
    fine("migrations/src/m1.rs", "use sea_orm_migration::prelude::*; use crate::names::Tenant;");
}
