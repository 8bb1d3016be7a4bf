//! Names with a home: outside crates, entities, secrets, the wall clock.

use crate::crates::Crates;

use super::{fine, refused};

#[test]
fn an_outside_crate_away_from_home_is_refused_in_every_form() {
    for (file, text) in [
        ("src/task/sweep.rs", "use sea_orm::EntityTrait;"),
        ("src/task/sweep.rs", "fn f() -> ::sea_orm::DbErr { x }"),
        ("src/app.rs", "fn f() { migrations::Migrator::up(); }"),
        ("src/task/sweep.rs", "fn f() -> sqlx::Error { x }"),
        ("src/http/mod.rs", "use {std::fmt, reqwest as web};"),
        ("src/task/deliver.rs", "fn f() { reqwest::Client::default(); }"),
        ("src/app.rs", "use lettre::Message;"),
        ("src/app.rs", "fn f() { serve(x.as_mut::<axum::Router>()) }"),
        ("src/store/mod.rs", "use ring::hmac;"),
        ("src/sandbox/server.rs", "use ring::rand;"),
        ("src/main.rs", "#[derive(clap::Parser)] struct Options;"),
        ("src/task/mod.rs", "fn f() { return ::ring::rand::fill(); }"),
        ("src/config/mod.rs", "fn f(x: &dyn ::clap::Args) {}"),
    ] {
        refused(file, text, &[" only in "]);
    }
}

#[test]
fn a_confined_crate_is_not_exported_again_from_its_home() {
    refused("src/store/mod.rs", "pub use sea_orm::DbErr;", &["is exported again"]);
    refused("src/store/mod.rs", "pub(crate) use sea_orm::DbErr;", &["is exported again"]);
    fine("src/store/mod.rs", "pub(super) use sea_orm::DbErr;");
}

#[test]
fn a_confined_crate_under_another_name_in_the_manifest_is_refused() {
    let hidden = "[dependencies]\nweb = { package = \"reqwest\", version = \"0\" }";
    assert!(Crates::of_manifest(hidden).err().unwrap().contains("hides the crate `reqwest`"));
}

#[test]
fn the_core_names_no_crate_but_the_standard_library_and_time() {
    refused("src/health/mod.rs", "use serde::Serialize;", &["`health` uses only std"]);
    refused("src/health/mod.rs", "fn f() { http::StatusCode::OK; }", &["`health` uses only"]);
    refused("src/health/mod.rs", "use proptest::prelude::*;", &["`health` uses only"]);
    fine("src/health/mod.rs", "#[cfg(test)] mod tests { use proptest::prelude::*; }");
    refused(
        "src/health/mod.rs",
        "#[cfg(test)] mod tests { use serde::Serialize; }",
        &["`health` uses"],
    );
}

#[test]
fn the_entities_of_the_store_never_leave_it() {
    refused(
        "src/task/mod.rs",
        "use crate::store::entity::tenant;",
        &["`store::entity` never leaves"],
    );
    refused("src/store/mod.rs", "pub mod entity;", &["declare it without `pub`"]);
    refused("src/store/mod.rs", "pub(crate) mod entity;", &["declare it without `pub`"]);
    refused("src/store/mod.rs", "mod entity; pub use entity::tenant::Model;", &["never leaves"]);
    refused("src/store/tenants.rs", "pub use super::entity::tenant::Model;", &["never leaves"]);
    fine("src/store/entity/mod.rs", "pub mod tenant; pub use self::tenant::Model;");
}

#[test]
fn a_secret_is_exposed_only_where_it_is_sent_or_sealed() {
    let rule = "a plaintext secret is touched only";
    refused("src/task/mod.rs", "fn f() { key.expose_secret(); }", &["`expose_secret`", rule]);
    refused("src/http/mod.rs", "fn f() { key.expose(); }", &["`expose`", rule]);
    refused("src/store/mod.rs", "fn f() { keys.map(ApiKey::expose); }", &["`expose`", rule]);
    refused("src/app.rs", "fn f() { <ApiKey>::expose(&key); }", &["`expose`", rule]);
}

#[test]
fn the_wall_clock_is_read_in_one_module() {
    refused("src/task/mod.rs", "fn f() { chrono::Utc::now(); }", &["`Utc::now` only in clock"]);
    refused("src/health/mod.rs", "use chrono::Utc; fn f() { Utc::now(); }", &["time is handed in"]);
    fine("src/clock.rs", "fn f() { Utc::now(); }");
}
