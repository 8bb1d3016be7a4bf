//! `keypulse tenant replace` beside a running daemon: a dead key is replaced and the daemon goes on
//! with the new one; what is refused is said in words and by an exit code.

use std::path::Path;

use keypulse::sandbox::{Change, Fault, FaultKind};
use serde_json::Value;

use crate::database;
use crate::program::{self, Ran};
use crate::rig::{FLEET, Rig};
use crate::server::Server;

/// Offers a key on standard input.
fn replace(rig: &Rig, number: u32, key: &str, more: &[&str]) -> Ran {
    let reference = rig.reference(number);
    let mut command = rig.command(&["tenant", "replace", &reference]);
    command.args(more).env("RUST_LOG", "trace");
    program::run(&mut command, key.as_bytes())
}

fn rotate(rig: &Rig, tenant: u32) -> String {
    let key = rig.apply(Change::Rotate { tenant }).into_key().unwrap();
    key.expose().to_owned()
}

fn places_of(secret: &[u8], folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(secret.len()).any(|part| part == secret) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_dead_key_is_replaced_beside_a_running_daemon_which_goes_on_with_the_new_one() {
    let rig = Rig::fleet();
    let daemon = rig.daemon_with(&[("RUST_LOG", "trace")]);
    daemon.until("every key is accepted", |daemon| {
        daemon.changes().iter().filter(|one| one.to == "healthy").count() == FLEET as usize
    });
    let old = rig.key(3);
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    let dead = replace(&rig, 3, &old, &[]);
    assert_eq!(dead.code, Some(3), "{dead:?}");
    assert!(dead.stderr.contains("(same-dead-key)") && dead.stdout.is_empty(), "{dead:?}");
    assert_eq!(rig.show(3)["status"], "needs_reconnection");

    let sql = "SELECT k.sealed FROM tenant_key k JOIN tenant t ON t.id = k.tenant_id \
               WHERE t.ref = 'erp-0003'";
    let sealed = database::bytes(&rig, sql);
    assert_ne!(places_of(&sealed, &rig.data()), Vec::<String>::new());
    let key = rotate(&rig, 3);
    let ran = replace(&rig, 3, &format!("  \"{key}\"\n"), &[]).well();
    assert!(ran.stdout.contains("status: healthy (was: needs reconnection"), "{ran:?}");
    // The daemon has the file open and reads it all the while.
    assert_eq!(places_of(&sealed, &rig.data()), Vec::<String>::new());
    let shown = rig.show(3);
    assert_eq!(shown["status"], "healthy");
    assert_eq!(shown["key"], format!("…{}", &key[key.len() - 4..]));
    assert_eq!(database::number(&rig, "SELECT COUNT(*) FROM tenant_key WHERE generation = 2"), 1);
    let closed = "SELECT COUNT(*) FROM episode WHERE outcome = 'replaced'";
    assert_eq!(database::number(&rig, closed), 1);

    // It is asked on, and with the new key: nothing is held against it.
    let asked = rig.asked(3);
    daemon.until("it is asked again", |_| rig.asked(3) >= asked + 3);
    assert_eq!(rig.show(3)["status"], "healthy");
    assert_eq!(rig.show(3)["failing"], Value::Null);

    let (out, err) = (ran.stdout + &dead.stdout, ran.stderr + &dead.stderr + &daemon.stderr());
    for secret in [&old, &key] {
        assert!(!out.contains(secret.as_str()) && !err.contains(secret.as_str()));
        for folder in ["data", "tmp", "output"] {
            assert_eq!(
                places_of(secret.as_bytes(), &rig.path().join(folder)),
                Vec::<String>::new()
            );
        }
    }
}

#[test]
fn a_refusal_is_told_to_people_and_programs_and_changes_nothing() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    let document = |ran: &Ran| serde_json::from_str::<Value>(&ran.stdout).unwrap();
    rig.run(&["tenant", "check", "erp-0001"]).well();
    let before = rig.show(1);
    let theirs = rig.key(2);
    for (input, code, kind) in [
        ("", 3, "key-empty"),
        ("two words", 3, "key-unusable"),
        ("pls_made_up", 3, "key-rejected"),
        (theirs.as_str(), 3, "key-of-another-tenant"),
    ] {
        let ran = replace(&rig, 1, input, &["--json"]);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let said = document(&ran);
        assert_eq!(said["type"], kind);
        for text in ["customer_message", "next_step"] {
            let text = said[text].as_str().unwrap();
            assert!(!text.is_empty() && !text.contains(&theirs), "{text}");
        }
        assert_eq!(said["tenant"]["status"], "healthy");
        assert_eq!(rig.show(1), before);
    }
    let key = rotate(&rig, 1);
    rig.fault(Fault::new(FaultKind::Status(503)));
    let ran = replace(&rig, 1, &key, &["--json"]);
    assert_eq!((ran.code, &document(&ran)["type"]), (Some(4), &"provider-unreachable".into()));
    rig.clear_faults();
    let ran = replace(&rig, 1, &key, &["--json", "--expires-at", "2030-01-31"]).well();
    let said = document(&ran);
    assert_eq!((&said["type"], &said["status_before"]), (&"replaced".into(), &"healthy".into()));
    assert_eq!(said["tenant"]["expires_at"], "2030-01-31T23:59:59Z");
    let again = replace(&rig, 1, &key, &["--json"]).well();
    assert_eq!(document(&again)["type"], "same-key");
}

#[test]
fn a_tenant_that_is_not_there_and_a_day_that_is_over_are_refused_before_a_key_is_read() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let mut command = rig.command(&["tenant", "replace", "nobody"]);
    assert!(program::run(&mut command, b"").refusal().contains("no tenant"));
    let ran = replace(&rig, 1, "", &["--expires-at", "2020-01-31"]);
    assert!(ran.refusal().contains("over already"));
}

#[test]
fn a_dead_key_is_replaced_beside_a_daemon_on_postgresql() {
    let server = Server::start_new();
    let rig = Rig::new(FLEET).set("store.url", &server.url());
    rig.run(&["migrate", "up"]).well();
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    let key = rotate(&rig, 3);
    let ran = replace(&rig, 3, &key, &["--json"]).well();
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["status_before"], "needs_reconnection");
    assert_eq!(said["tenant"]["status"], "healthy");
    let asked = rig.asked(3);
    daemon.until("it is asked again", |_| rig.asked(3) >= asked + 3);
    assert_eq!(rig.show(3)["status"], "healthy");
    assert!(!daemon.stderr().contains(&key) && !ran.stderr.contains(&key));
}
