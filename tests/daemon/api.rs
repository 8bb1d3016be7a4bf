//! The private API of the program itself: tokens by command, a dead key repaired by program, and every
//! request that somebody could think of.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::program;
use crate::rig::{FLEET, Rig};

/// One answer: its status and its body.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub body: Value,
}

/// A token of this role.
pub fn token(rig: &Rig, role: &str) -> String {
    let made = rig.run(&["token", "new", "--role", role, "--name", "a test", "--json"]).json();
    made["token"].as_str().unwrap().to_owned()
}

/// Asks the daemon's API with curl.
pub fn ask(
    rig: &Rig,
    daemon: &Daemon,
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Said {
    ask_at(rig, &daemon.address(), token, method, path, body)
}

/// The same of whoever serves at that address. Two who ask at the same time need a rig each.
pub fn ask_at(
    rig: &Rig,
    address: &str,
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Said {
    let headers = rig.file("headers", format!("Authorization: Bearer {token}\n"));
    let content = rig.file("body", if body.is_null() { String::new() } else { body.to_string() });
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*"])
        .args(["--write-out", "\n%{http_code}", "--request", method])
        .args(["--header", &format!("@{}", headers.display())])
        .args(["--header", "Content-Type: application/json"])
        .args(["--data-binary", &format!("@{}", content.display())])
        .arg(format!("http://{address}{path}"));
    let ran = program::run(&mut command, b"").well();
    let (body, status) = ran.stdout.rsplit_once('\n').unwrap();
    Said {
        status: status.parse().unwrap(),
        body: serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())),
    }
}

#[test]
fn a_dead_key_is_repaired_by_program_and_no_secret_is_anywhere() {
    let rig = Rig::fleet();
    let daemon = rig.daemon_with(&[("RUST_LOG", "trace")]);
    daemon.until("every key is accepted", |daemon| {
        daemon.changes().iter().filter(|one| one.to == "healthy").count() == FLEET as usize
    });
    let token = token(&rig, "integration");
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    let path = "/api/v1/tenants/erp-0003";
    let read = ask(&rig, &daemon, &token, "GET", path, &Value::Null);
    assert_eq!((read.status, &read.body["status"]), (200, &"needs_reconnection".into()));
    assert_eq!(read.body["cause"], "rejected");
    // What the command shows is what the API answers.
    let shown = rig.show(3);
    for field in ["ref", "company_id", "key", "kind", "status", "status_text", "since", "labels"] {
        assert_eq!(read.body[field], shown[field], "{field}");
    }
    let old = rig.key(3);
    let key = rig.apply(Change::Rotate { tenant: 3 }).into_key().unwrap().expose().to_owned();
    let put = format!("{path}/key");
    let dead = ask(&rig, &daemon, &token, "PUT", &put, &json!({"key": old}));
    assert_eq!(
        (dead.status, &dead.body["type"]),
        (422, &"urn:keypulse:problem:same-dead-key".into())
    );
    let done = ask(&rig, &daemon, &token, "PUT", &put, &json!({"key": key}));
    assert_eq!((done.status, &done.body["type"]), (200, &"replaced".into()), "{done:?}");
    assert_eq!(done.body["status_before"], "needs_reconnection");
    let asked = rig.asked(3);
    daemon.until("it is asked again", |_| rig.asked(3) >= asked + 3);
    assert_eq!(rig.show(3)["status"], "healthy");
    let log = daemon.stderr();
    for secret in [&old, &key, &token] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
    // Who did it is there.
    let id = &rig.run(&["token", "list", "--json"]).json_lines()[0]["id"];
    assert!(log.contains(id.as_str().unwrap()));
}

#[test]
fn a_token_is_shown_once_listed_without_its_secret_and_revoked_beside_the_daemon() {
    let rig = Rig::fleet();
    let daemon = rig.daemon();
    let ran = rig.run(&["token", "new", "--role", "reader", "--name", "report", "--expires", "7d"]);
    let ran = ran.well();
    let token = ran.stdout.trim();
    assert!(
        token.starts_with("kp_") && token.len() == 75 && !ran.stderr.contains(token),
        "{ran:?}"
    );
    let list = "/api/v1/tenants";
    assert_eq!(ask(&rig, &daemon, token, "GET", list, &Value::Null).status, 200);
    let listed = rig.run(&["token", "list"]).well().stdout;
    assert!(listed.contains("report") && listed.contains("good"), "{listed}");
    assert!(!listed.contains(token), "{listed}");
    let one = rig.run(&["token", "list", "--json"]).json_lines().remove(0);
    assert_eq!((&one["role"], &one["name"]), (&"reader".into(), &"report".into()));
    assert!(one["used_at"].is_string() && one.get("token").is_none(), "{one}");
    let id = one["id"].as_str().unwrap();
    let said = rig.run(&["token", "revoke", id]).well().stdout;
    assert!(said.contains("not taken any more"), "{said}");
    assert_eq!(ask(&rig, &daemon, token, "GET", list, &Value::Null).status, 401);
    assert_eq!(rig.run(&["token", "revoke", id, "--json"]).json()["state"], "revoked");
    let refusal = rig.run(&["token", "revoke", "nobody"]).refusal();
    assert!(refusal.contains("token list"), "{refusal}");
    for wrong in [["--role", "root", "--name", "x"], ["--role", "admin", "--name", ""]] {
        let args: Vec<_> = ["token", "new"].into_iter().chain(wrong).collect();
        rig.run(&args).refusal();
    }
}

/// Where `scripts/test` has put it.
fn schemathesis() -> PathBuf {
    let given = std::env::var_os("KEYPULSE_TEST_SCHEMATHESIS").map(PathBuf::from);
    let usual =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/schemathesis/bin/schemathesis");
    let path = given.unwrap_or(usual);
    assert!(path.is_file(), "{} is missing: run scripts/test, which installs it", path.display());
    path
}

/// Tries everything that can be made up from the description with this token, for so many seconds;
/// `more` says which part of it.
fn try_everything(rig: &Rig, daemon: &Daemon, token: &str, seconds: &str, more: &[&str]) -> String {
    // In a file, because arguments can be seen by everybody on the machine.
    let settings = format!("[headers]\nAuthorization = \"Bearer {token}\"\n");
    rig.file("schemathesis.toml", settings);
    let mut command = Command::new(schemathesis());
    command
        .current_dir(rig.path())
        .stdin(Stdio::null())
        .args(["--config-file", "schemathesis.toml", "--no-color", "run"])
        .arg(format!("http://{}/api/openapi.json", daemon.address()))
        .args(["--phases", "examples,coverage,fuzzing", "--mode", "all", "--checks", "all"])
        // What fits the description by its form may still be no company and no key.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--max-examples", "40", "--max-time", seconds, "--seed", "7"])
        .args(["--rate-limit", "45/s", "--request-timeout", "30", "--continue-on-failure"])
        .args(["--no-shrink", "--warnings", "off"])
        .args(more);
    let ran = program::run(&mut command, b"");
    let said = format!("{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(0), "{said}\n{}", daemon.tail());
    assert_eq!(daemon.page("/livez").status, 200);
    assert!(!daemon.stderr().contains(token));
    said
}

#[test]
fn whatever_is_made_up_from_the_description_is_answered_as_described_and_never_with_a_fault() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let said = try_everything(&rig, &daemon, &token(&rig, "admin"), "30", &[]);
    // Not by never asking.
    assert!(said.contains("38 selected / 38 total"), "{said}");
    assert!(said.contains("Fuzzing") && said.contains("38 passed"), "{said}");
    let statuses = rig.statuses();
    // A few were forgotten: the path and the body happened to name the same one.
    assert!(statuses.len() >= 20, "{statuses:?}");
    // What an admin may not do, the integration may.
    let owed = ["--include-path-regex", "handover"];
    let said = try_everything(&rig, &daemon, &token(&rig, "integration"), "10", &owed);
    assert!(said.contains("3 selected / 38 total"), "{said}");
    assert!(said.contains("3 passed"), "{said}");
}
