//! Looking at an installation: the health check, the glance, the doctor, the completions.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use keypulse::sandbox::Change;
use serde_json::Value;

use crate::rig::{Rig, said, until};

async fn document(rig: &Rig, arguments: &[&str]) -> Value {
    let output = rig.run(arguments).await;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

fn level(checks: &Value, name: &str) -> String {
    let list = checks["checks"].as_array().unwrap();
    let check = list.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no check {name}: {checks}"))["level"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_health_check_fails_in_one_line_when_nobody_answers_and_passes_when_checks_are_made() {
    let rig = Rig::new(1).await;
    let none = rig.run(&["healthcheck"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("nobody answers at http://127.0.0.1:"), "{}", said(&none));
    assert_eq!(said(&none).lines().count(), 1, "{}", said(&none));
    let _daemon = rig.daemon().await;
    let well = rig.run(&["healthcheck"]).await;
    assert_eq!(said(&well), "ok: checks are made in time\n");
    let ready = rig.run(&["healthcheck", "--ready"]).await;
    assert_eq!(said(&ready), "ok: keypulse can serve\n");
}

#[tokio::test]
async fn the_glance_says_first_that_nobody_is_checked_and_later_that_nothing_is_wrong() {
    let rig = Rig::new(2).await;
    let stopped = said(&rig.run(&["status"]).await);
    assert!(stopped.starts_with("✖ nobody is being checked"), "{stopped}");
    let _daemon = rig.daemon().await;
    until("both keys were accepted", async || {
        document(&rig, &["status", "--json"]).await["tenants"]["healthy"] == 2
    })
    .await;
    let text = said(&rig.run(&["status"]).await);
    assert!(text.starts_with("● nothing is wrong\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[tokio::test]
async fn the_glance_names_who_needs_a_person_and_why() {
    let rig = Rig::new(1).await;
    let settings = "[policy]\nspan = \"1s\"\nconfirm_after = [\"500ms\", \"1500ms\"]\nalone_rejections = 3\n\
                    alone_span = \"1s\"\ndead_interval = \"2s\"\n";
    let text = std::fs::read_to_string(rig.file("keypulse.toml")).unwrap();
    std::fs::write(rig.file("keypulse.toml"), text + settings).unwrap();
    let _daemon = rig.daemon().await;
    until("the key was accepted", async || {
        document(&rig, &["status", "--json"]).await["tenants"]["healthy"] == 1
    })
    .await;
    rig.sandbox.world().apply(Change::Revoke { tenant: 1 }).unwrap();
    until("the tenant needs a person", async || {
        document(&rig, &["status", "--json"]).await["tenants"]["needs_reconnection"] == 1
    })
    .await;
    let glance = document(&rig, &["status", "--json"]).await;
    assert_eq!(glance["needs_reconnection"][0]["ref"], "erp-0001");
    assert_eq!(glance["needs_reconnection"][0]["cause"], "rejected");
    assert_eq!(glance["ok"], false);
    let text = said(&rig.run(&["status"]).await);
    assert!(text.starts_with("✖ 1 tenant needs a person\n"), "{text}");
    assert!(text.contains("✖ erp-0001           rejected "), "{text}");
}

#[tokio::test]
async fn watching_without_a_terminal_is_refused_with_what_would_work() {
    let rig = Rig::new(1).await;
    let output = rig.run(&["status", "--watch"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("`status --watch --json`"), "{}", said(&output));
}

#[tokio::test]
async fn the_doctor_finds_no_problem_in_a_sound_installation_with_or_without_its_daemon() {
    let rig = Rig::new(1).await;
    let alone = rig.run(&["doctor", "--live"]).await;
    assert_eq!(alone.status.code(), Some(0), "{}", said(&alone));
    let _daemon = rig.daemon().await;
    let checks = document(&rig, &["doctor", "--live", "--json"]).await;
    assert_eq!(checks["ok"], true, "{checks}");
    for name in ["configuration", "profile", "provider", "master key", "database", "durability"] {
        assert_eq!(level(&checks, name), "ok", "{checks}");
    }
    for name in ["keyring", "clock", "full pass", "daemon", "listener", "permissions"] {
        assert_eq!(level(&checks, name), "ok", "{checks}");
    }
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let rig = Rig::new(1).await;
    set_permissions(rig.file("master.key"), Permissions::from_mode(0o644)).unwrap();
    set_permissions(rig.file("keypulse.db"), Permissions::from_mode(0o644)).unwrap();
    let output = rig.run(&["doctor", "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let checks: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(level(&checks, "master key"), "problem");
    assert_eq!(level(&checks, "keyring"), "problem");
    assert_eq!(level(&checks, "permissions"), "warning");
    assert!(said(&output).contains("chmod 600"), "{}", said(&output));
}

#[tokio::test]
async fn the_doctor_sees_a_provider_that_does_not_answer_and_a_port_that_is_taken() {
    let rig = Rig::new(1).await;
    let _other = std::net::TcpListener::bind(("127.0.0.1", rig.port)).unwrap();
    let mut command = rig.command(&["doctor", "--live", "--json"]);
    // The discard port of this machine; nobody listens there.
    command.env("KEYPULSE__PROVIDER__BASE_URL", "http://127.0.0.1:9");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let checks: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(level(&checks, "provider"), "problem");
    assert_eq!(level(&checks, "listener"), "problem");
}

#[tokio::test]
async fn the_doctor_makes_nothing() {
    let rig = Rig::new(0).await;
    let before = std::fs::read_dir(rig.folder()).unwrap().count();
    let output = rig.run(&["doctor"]).await;
    assert!(said(&output).contains("there is none yet at"), "{}", said(&output));
    assert_eq!(std::fs::read_dir(rig.folder()).unwrap().count(), before);
}

#[tokio::test]
async fn every_shell_gets_a_script_that_knows_the_commands() {
    let rig = Rig::new(0).await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&rig.run(&["completions", shell]).await);
        assert!(script.contains("healthcheck"), "{shell}: {script}");
    }
}
