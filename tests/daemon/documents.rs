//! What commands print for programs, and for people.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use chrono::{DateTime, Utc};
use keypulse::sandbox::Change;
use serde_json::Value;

use crate::program::{self, Running};
use crate::rig::{FLEET, Rig};

const TENANT: [&str; 21] = [
    "accepted_at",
    "cause",
    "client_id",
    "company_id",
    "created_at",
    "episodes",
    "expires_at",
    "failing",
    "handover",
    "key",
    "key_ref",
    "kind",
    "name",
    "next_check_at",
    "paused_until",
    "ref",
    "required_scopes",
    "silent_since",
    "since",
    "status",
    "status_text",
];

#[test]
fn a_tenant_has_the_same_fields_wherever_it_is_printed() {
    let rig = Rig::new(FLEET);
    rig.add(1..=FLEET);
    let expected = BTreeSet::from(TENANT);
    // One tenant alone is shown with what is known of it beside its key.
    let care = [
        "comparison",
        "contact",
        "deletions_wanted",
        "labels",
        "locale",
        "reconnect_url",
        "time_zone",
    ];
    let show = || {
        let mut shown = rig.show(5);
        let fields = shown.as_object_mut().unwrap();
        assert!(care.iter().all(|field| fields.remove(*field).is_some()), "{fields:?}");
        shown
    };
    let shown = show();
    assert_eq!(fields(&shown), expected);
    let listed = rig.run(&["tenant", "list", "--json"]).json_lines();
    assert_eq!(listed.len(), FLEET as usize);
    let names: Vec<_> = listed.iter().map(|one| one["ref"].as_str().unwrap()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(listed[4], shown);
    let mut checked = rig.run(&["tenant", "check", "erp-0005", "--json"]).json();
    assert_eq!(checked["finding"], "accepted");
    checked.as_object_mut().unwrap().remove("finding");
    assert_eq!(fields(&checked), expected);
    assert_eq!(checked, show());

    let tenant = rig.world().tenant(5).unwrap();
    assert_eq!(checked["company_id"], tenant.company_id);
    assert_eq!(checked["client_id"], tenant.client_id);
    assert_eq!(checked["name"], tenant.company_name);
    assert_eq!((&checked["status"], &checked["kind"]), (&"healthy".into(), &"standalone".into()));
    assert_eq!(checked["key"], tenant.key().masked());
    assert_eq!(time(&checked["expires_at"]), tenant.expires_at);
    for field in ["accepted_at", "created_at", "since", "next_check_at"] {
        assert!(time(&checked[field]).is_some(), "{field}: {checked}");
    }
}

#[test]
fn a_failing_tenant_says_what_is_counted_against_it_to_programs_and_to_people() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    rig.run(&["tenant", "check", "erp-0001"]).well();
    rig.apply(Change::Revoke { tenant: 1 });
    let checked = rig.run(&["tenant", "check", "erp-0001", "--json"]).json();
    assert_eq!((&checked["finding"], &checked["status"]), (&"rejected".into(), &"healthy".into()));
    let failing = &checked["failing"];
    let expected = BTreeSet::from(["what", "text", "in_a_row", "first_at", "last_at"]);
    assert_eq!(fields(failing), expected);
    assert_eq!((&failing["what"], &failing["in_a_row"]), (&"rejected".into(), &1.into()));
    let shown = rig.run(&["tenant", "show", "erp-0001"]).well().stdout;
    assert!(shown.contains("suspect") && shown.contains("refused the key"), "{shown}");
    rig.apply(Change::Fault(keypulse::sandbox::Fault::new(keypulse::sandbox::FaultKind::Status(
        503,
    ))));
    let said = rig.run(&["tenant", "check", "erp-0001"]).well().stdout;
    assert!(said.contains("says nothing about the key"), "{said}");
}

#[test]
fn the_configuration_is_shown_with_the_origin_of_every_value() {
    let rig = Rig::new(1);
    let file = rig.file("own.toml", "[policy]\nflap_window = \"30m\"\nrejections = 4\n");
    let file = file.to_str().unwrap();
    let shown = rig.run(&["config", "show", "--json", "--config", file]).json();
    let settings = shown.as_array().unwrap();
    let expected = BTreeSet::from(["key", "value", "source"]);
    assert!(settings.iter().all(|one| fields(one) == expected), "{shown}");
    let of = |key: &str| {
        let one = settings.iter().find(|one| one["key"] == key);
        let one = one.unwrap_or_else(|| panic!("no {key}"));
        (one["value"].clone(), one["source"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("policy.rejections"), (4.into(), format!("file {file}, line 3")));
    let environment = "environment KEYPULSE__POLICY__FLAP_WINDOW".to_owned();
    assert_eq!(of("policy.flap_window"), ("0s".into(), environment));
    assert_eq!(of("watch.concurrency"), (64.into(), "default".to_owned()));
    let text = rig.run(&["config", "show", "--defaults"]).well().stdout;
    assert!(text.contains("interval = \"15m\""), "{text}");
    let checked = rig.run(&["config", "check"]).well().stdout;
    assert!(checked.contains("is valid"), "{checked}");
}

#[test]
fn the_keyring_is_shown_without_any_key() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let shown = rig.run(&["keyring", "status", "--json"]).json();
    assert_eq!(fields(&shown), BTreeSet::from(["master_key", "keys", "rotation"]));
    let keys = shown["keys"].as_array().unwrap();
    let expected =
        BTreeSet::from(["id", "role", "created_at", "retired_at", "sealing", "tenant_keys"]);
    assert!(keys.iter().all(|one| fields(one) == expected), "{shown}");
    assert_eq!(keys.iter().filter(|one| one["sealing"] == true).count(), 1);
    let made = rig.path().join("other.key");
    let said = rig.run(&["keyring", "new", "--out", made.to_str().unwrap()]).well().stdout;
    let line = std::fs::read_to_string(&made).unwrap();
    let secret = line.trim().rsplit(':').next().unwrap();
    assert!(!said.contains(secret) && said.contains(made.to_str().unwrap()), "{said}");
    let refusal = rig.run(&["keyring", "new", "--out", made.to_str().unwrap()]).refusal();
    assert!(refusal.contains("already exists"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&made).unwrap(), line);
}

#[test]
fn a_reader_who_leaves_does_a_list_no_harm() {
    let rig = Rig::fleet();
    let errors = rig.file("errors", "");
    let mut command = rig.command(&["tenant", "list", "--json"]);
    command.stdout(Stdio::piped()).stderr(File::create(&errors).unwrap());
    let mut list = Running::start(&mut command);
    let mut first = String::new();
    let mut reader = BufReader::with_capacity(16, list.stdout());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    assert!(list.ended().success());
    assert_eq!(std::fs::read_to_string(errors).unwrap(), "");
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["ref"], "erp-0001");
}

#[test]
fn every_command_explains_itself() {
    let mut commands = vec![Vec::new()];
    let mut explained = 0;
    while let Some(path) = commands.pop() {
        let path: Vec<String> = path;
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let text = program::run(&mut program::command(&args), b"").well().stdout;
        assert!(text.contains("Usage: keypulse"), "{args:?}: {text}");
        explained += 1;
        let (_, below) = text.split_once("\nCommands:\n").unwrap_or_default();
        for line in below.lines().take_while(|line| !line.is_empty()) {
            // Two spaces, the name, its purpose; a purpose may go on further in.
            let Some(name) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else {
                continue;
            };
            let name = name.split(' ').next().unwrap().to_owned();
            if name != "help" {
                commands.push(path.iter().cloned().chain([name]).collect());
            }
        }
    }
    // The program itself, eight commands, and what four of them do.
    assert!(explained >= 19, "only {explained} commands were found");
    let said = program::run(&mut program::command(&["--version"]), b"").well().stdout;
    assert_eq!(said, format!("keypulse {}\n", env!("CARGO_PKG_VERSION")));
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}
