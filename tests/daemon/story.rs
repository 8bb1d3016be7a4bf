//! `keypulse demo`: the short story it tells, event by event; what it keeps and what it leaves. The
//! full story is told by `scripts/test`, which takes two minutes and judges itself.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{self, Running};

/// A folder to be in, and one for what is temporary; both empty.
struct Place(TempDir);

impl Place {
    fn clean() -> Self {
        let place = Self(TempDir::new().unwrap());
        for name in ["here", "tmp"] {
            std::fs::create_dir(place.0.path().join(name)).unwrap();
        }
        place
    }

    fn demo(&self) -> Command {
        let mut command = program::command(&["demo", "--short", "--json"]);
        command.current_dir(self.0.path().join("here")).env("TMPDIR", self.0.path().join("tmp"));
        command
    }

    fn left_behind(&self) -> Vec<String> {
        ["here", "tmp"].iter().flat_map(|name| names(&self.0.path().join(name))).collect()
    }
}

#[test]
fn the_demo_tells_exactly_its_story_and_a_reader_who_leaves_does_it_no_harm() {
    let (place, other) = (Place::clean(), Place::clean());
    // Both at once, because each takes the better part of a minute.
    let mut unread = Running::start(other.demo().stdout(Stdio::piped()));
    let mut reader = BufReader::new(unread.stdout());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let ran = program::run(&mut place.demo(), b"");
    assert_eq!(ran.stderr, "");
    let events = ran.json_lines();
    check_forms(&events);
    check_changes(&events);
    check_outage(&events);
    check_end(&events);
    assert_eq!(place.left_behind(), Vec::<String>::new());

    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["type"], "demo.step");
    assert!(unread.ended().success(), "without its reader");
    assert_eq!(other.left_behind(), Vec::<String>::new());
}

#[test]
fn a_demo_that_is_kept_can_be_looked_at_afterwards_and_is_not_overwritten() {
    let place = Place::clean();
    let kept = place.0.path().join("here/kept demo");
    let told = program::run(place.demo().args(["--keep", "kept demo"]), b"").json_lines();
    assert_eq!(told.last().unwrap()["as_told"], true);
    assert_eq!(place.left_behind(), ["kept demo"]);
    let mode = std::fs::metadata(kept.join("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let manual = std::fs::read_to_string(kept.join("README")).unwrap();
    let typed: Vec<_> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("  keypulse --config keypulse.toml "))
        .filter(|arguments| *arguments != "run")
        .collect();
    assert!(typed.contains(&"tenant list") && typed.len() >= 4, "{manual}");
    for arguments in typed {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let mut command = program::command(&["--config", "keypulse.toml"]);
        program::run(command.args(&arguments).current_dir(&kept), b"").well();
    }
    // From anywhere.
    let config = kept.join("keypulse.toml");
    let list = ["--config", config.to_str().unwrap(), "tenant", "list", "--json"];
    let tenants = program::run(&mut program::command(&list), b"").json_lines();
    assert_eq!(tenants.len(), 20);
    assert!(tenants.iter().all(|one| one["status"] == "healthy"), "{tenants:?}");

    let before = std::fs::read(kept.join("keypulse.toml")).unwrap();
    let refusal = program::run(place.demo().args(["--keep", "kept demo"]), b"").refusal();
    assert!(refusal.contains("`--keep kept demo` is not empty"), "{refusal}");
    assert_eq!(std::fs::read(kept.join("keypulse.toml")).unwrap(), before);
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing_behind() {
    let place = Place::clean();
    let mut demo = Running::start(place.demo().stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut reader = BufReader::new(demo.stdout());
    let mut line = String::new();
    while !line.contains("deletes its key") {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the demo ended by itself");
    }
    assert_eq!(place.left_behind().len(), 1);
    program::signal("INT", demo.id());
    assert_eq!(demo.ended().code(), Some(130));
    assert_eq!(place.left_behind(), Vec::<String>::new());
}

fn check_forms(events: &[Value]) {
    let fields = BTreeSet::from(["type", "time", "tenant", "from", "to", "cause", "reason"]);
    let mut before: Option<DateTime<Utc>> = None;
    for event in events {
        let time = event["time"].as_str().and_then(|time| time.parse().ok());
        assert!(time.is_some() && event["type"].is_string(), "{event}");
        assert!(before <= time, "out of order: {event}");
        before = time;
        if event["type"] == "tenant.status_changed" {
            let named: BTreeSet<_> =
                event.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(named, fields, "{event}");
            assert!(event["reason"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}

fn check_changes(events: &[Value]) {
    let changes: Vec<_> = changes(events).collect();
    let connected: BTreeSet<_> = changes
        .iter()
        .filter(|one| one["from"] == "pending" && one["to"] == "healthy")
        .map(|one| one["tenant"].as_str().unwrap().to_owned())
        .collect();
    let everybody: BTreeSet<_> = (1..=20).map(|number| format!("erp-{number:04}")).collect();
    assert_eq!(connected, everybody);
    for (tenant, cause) in [("erp-0004", "rejected"), ("erp-0009", "permission_lost")] {
        let story: Vec<_> = changes
            .iter()
            .filter(|one| one["tenant"] == tenant)
            .map(|one| json!([one["from"], one["to"], one["cause"]]))
            .collect();
        let expected = json!([
            ["pending", "healthy", null],
            ["healthy", "degraded", cause],
            ["degraded", "needs_reconnection", cause],
            ["needs_reconnection", "healthy", null],
        ]);
        assert_eq!(Value::Array(story), expected, "{tenant}");
    }
    // Twenty who connect, and three steps more for each of the two.
    assert_eq!(changes.len(), 26);
    let lost = |one: &&Value| one["cause"] == "permission_lost";
    for change in changes.into_iter().filter(lost) {
        assert!(change["reason"].as_str().unwrap().contains("users:read"), "{change}");
    }
}

fn check_outage(events: &[Value]) {
    let step = |part: &str| {
        let of = |one: &Value| {
            one["type"] == "demo.step" && one["text"].as_str().unwrap().contains(part)
        };
        events.iter().position(of).unwrap_or_else(|| panic!("no step with {part}"))
    };
    let (begun, over, mended) = (step("503"), step("outage is over"), step("mend it"));
    assert!(begun < over && over < mended);
    let blamed: Vec<_> = changes(&events[begun..mended]).collect();
    assert!(blamed.is_empty(), "{blamed:?}");
}

fn check_end(events: &[Value]) {
    let end = events.last().unwrap();
    assert_eq!(end["type"], "demo.ended");
    assert_eq!(end["as_told"], true);
    assert_eq!(end["tenants"]["healthy"], 20);
    assert!(end["calls"].as_u64().unwrap() > 100, "{end}");
    assert!(end["busiest_minute"].as_u64() <= end["budget_per_minute"].as_u64(), "{end}");
    assert_eq!(end["false_alarms"], json!([]));
    let found = |what: &str| {
        let found = end["found"].as_array().unwrap().iter().find(|one| one["what"] == what);
        found.map(|one| (one["happened"].clone(), one["found"].clone()))
    };
    for what in ["revoked", "permission_taken"] {
        assert_eq!(found(what), Some((1.into(), 1.into())), "{end}");
    }
    let messages = end["messages"].as_array().unwrap();
    let count = |audience: &str, stage: &str| -> u64 {
        let of = |one: &&Value| one["audience"] == audience && one["stage"] == stage;
        let counts = messages.iter().filter(of);
        counts.map(|one| one["messages"].as_u64().unwrap()).sum()
    };
    assert!(messages.iter().all(|one| one["state"] == "shadow"), "{end}");
    for audience in ["customer", "on_call"] {
        assert_eq!(count(audience, "first"), 2, "{audience}");
        assert_eq!(count(audience, "resolved"), 2, "{audience}");
    }
    assert_eq!(count("integration", "status_changed"), 26);
}

fn changes(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|one| one["type"] == "tenant.status_changed")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
