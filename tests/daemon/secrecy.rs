//! No plain key anywhere (promise C2): not in what is written, served or kept, at the most
//! talkative log level, whatever goes wrong.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keypulse::sandbox::{Change, Company, Fault, FaultKind, Scope};

use crate::daemon::Daemon;
use crate::database;
use crate::program;
use crate::rig::{FLEET, Rig};

/// Added by commands, not through the library.
const BY_FILE: u32 = FLEET + 1;
const BY_INPUT: u32 = FLEET + 2;

/// All that was seen, by where.
struct Seen(Vec<(String, Vec<u8>)>);

#[test]
fn no_key_is_written_served_or_kept_in_plain() {
    let rig = Rig::new(BY_INPUT);
    rig.add(1..=FLEET);
    let secrets = secrets(&rig);
    let mut seen = Seen(Vec::new());
    add_by_commands(&rig, &mut seen);

    let mut daemon = rig.daemon_with(&[("RUST_LOG", "trace")]);
    every_kind_of_answer(&rig, &daemon);
    for page in ["/metrics", "/livez", "/readyz", "/checkz"] {
        seen.add(page, daemon.page(page).body);
    }
    for file in ["cmdline", "environ"] {
        seen.add(file, std::fs::read(format!("/proc/{}/{file}", daemon.pid())).unwrap());
    }
    all_commands(&rig, &mut seen);
    seen.add_files(&rig.data());
    assert!(seen.0.iter().any(|(place, _)| place.ends_with("-wal")), "the log was not read");
    daemon.kill();
    // A daemon that was killed leaves its files as they were.
    seen.add_files(&rig.data());
    // What it held would be left alone for a minute.
    database::execute(&rig, "UPDATE tenant_state SET lease = NULL, lease_until = NULL");
    let mut daemon = rig.daemon_with(&[("RUST_LOG", "trace")]);
    daemon.until("it checks", |daemon| daemon.checks("accepted") > 0);
    daemon.stop();
    for folder in ["data", "tmp", "output"] {
        seen.add_files(&rig.path().join(folder));
    }
    let written: usize = seen.0.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(written > 200_000, "only {written} bytes were searched");
    assert_eq!(seen.places_of(&secrets), Vec::<String>::new());

    // The search does find what is there.
    let mut control = Seen(Vec::new());
    control.add("control", std::fs::read(rig.path().join("by-file")).unwrap());
    let basic = STANDARD.encode(format!("{}:", rig.key(1)));
    control.add("basic", format!("Authorization: Basic {basic}\r\n"));
    assert_eq!(control.places_of(&secrets), ["control", "basic"]);
}

#[test]
fn the_last_four_characters_are_shown_and_no_more() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    let key = rig.key(2);
    let (rest, last) = key.split_at(key.len() - 4);
    let shown = rig.run(&["tenant", "show", "erp-0002"]).well().stdout;
    assert!(shown.contains(&format!("…{last} ")), "{shown}");
    assert!(!shown.contains(&key[rest.len() - 1..]), "{shown}");
    assert_eq!(rig.show(2)["key"], format!("…{last}"));
}

/// Every key, every key as HTTP Basic carries it, and the master key.
fn secrets(rig: &Rig) -> Vec<String> {
    let mut secrets = Vec::new();
    for number in 1..=BY_INPUT {
        let key = rig.key(number);
        let basic = STANDARD.encode(&key);
        // The last group depends on what follows the key.
        secrets.push(basic[..basic.len() - 4].to_owned());
        secrets.push(key);
    }
    let master = std::fs::read_to_string(rig.master_key()).unwrap();
    secrets.push(master.trim().rsplit(':').next().unwrap().to_owned());
    secrets
}

fn add_by_commands(rig: &Rig, seen: &mut Seen) {
    let file = rig.file("by-file", rig.key(BY_FILE));
    let (reference, company) = (rig.reference(BY_FILE), rig.world().company(BY_FILE).id);
    let args = ["tenant", "add", &reference, "--company", &company];
    let mut command = rig.command(&args);
    command.arg("--key-file").arg(file).env("RUST_LOG", "trace");
    seen.add_run("add by file", program::run(&mut command, b"").well());
    let (reference, company) = (rig.reference(BY_INPUT), rig.world().company(BY_INPUT).id);
    let args = ["tenant", "add", &reference, "--company", &company, "--json"];
    let mut command = rig.command(&args);
    command.env("RUST_LOG", "trace");
    let key = rig.key(BY_INPUT);
    seen.add_run("add by input", program::run(&mut command, key.as_bytes()).well());
    // Refused, each for another reason, with a real key in the input.
    for (name, input) in [
        ("taken", key.clone()),
        ("two words", format!("{key} {key}")),
        ("colon", format!("{key}:")),
        ("header", format!("Basic {key}")),
        ("letters", format!("{key}ä")),
        ("long", key.repeat(40)),
    ] {
        let args = ["tenant", "add", "another", "--company", &company];
        let mut command = rig.command(&args);
        command.env("RUST_LOG", "trace");
        let ran = program::run(&mut command, input.as_bytes());
        assert_eq!(ran.code, Some(1), "{name}");
        seen.add_run(name, ran);
    }
}

/// Good and bad answers, lost connections, and redirects, each seen by the daemon.
fn every_kind_of_answer(rig: &Rig, daemon: &Daemon) {
    daemon.until("keys are accepted", |daemon| {
        daemon.changes().iter().filter(|one| one.to == "healthy").count() > FLEET as usize
    });
    rig.apply(Change::Revoke { tenant: 1 });
    rig.apply(Change::MoveCompany { tenant: 2, to: Company::Number(3) });
    let scope = Scope::parse("users:read").unwrap();
    rig.apply(Change::RemoveScope { tenant: 3, scope });
    daemon.until("three keys are found to fail", |daemon| {
        daemon.changes().iter().filter(|one| one.to == "needs_reconnection").count() == 3
    });
    let to = "http://127.0.0.1:9/".to_owned();
    for (kind, evidence) in [
        (FaultKind::Status(503), "server_error"),
        (FaultKind::Status(400), "our_request"),
        (FaultKind::Html, "nonsense"),
        (FaultKind::Reset, "disconnected_path"),
        (FaultKind::Redirect { to }, "redirected"),
    ] {
        rig.fault(Fault::new(kind));
        daemon.until(evidence, |daemon| daemon.checks(evidence) > 3);
        rig.clear_faults();
    }
}

fn all_commands(rig: &Rig, seen: &mut Seen) {
    // With a key that another tenant has.
    let company = rig.world().company(1).id;
    let taken =
        format!("{{\"ref\":\"other\",\"company\":\"{company}\",\"key\":\"{}\"}}", rig.key(7));
    rig.file("taken.jsonl", taken);
    for line in [
        "tenant list",
        "tenant list --json",
        "tenant show erp-0001",
        "tenant show erp-0004 --json",
        "tenant check erp-0004",
        "tenant check erp-0005 --json",
        "tenant check erp-0002",
        "tenant show nobody",
        "tenant pause erp-0006",
        "tenant resume erp-0006",
        "tenant label erp-0006 region=north",
        "tenant import taken.jsonl",
        "tenant disable erp-0008 --compromised --yes --reason leaked",
        "tenant show erp-0008",
        "tenant confirm-deleted erp-0008 --json",
        "status",
        "status --json",
        "doctor",
        "healthcheck",
        "config check",
        "config show",
        "config show --json",
        "config show --defaults",
        "keyring status",
        "keyring status --json",
        "keyring rotate",
        "keyring new --out master.key",
        "migrate status",
        "migrate up",
        "run",
        "--help",
    ] {
        let args: Vec<_> = line.split(' ').collect();
        let mut command = rig.command(&args);
        command.env("RUST_LOG", "trace");
        if line == "run" {
            // Refused: the daemon that runs already has the address.
            command.env("KEYPULSE__PRIVATE__LISTEN", "192.0.2.1:1");
        }
        seen.add_run(line, program::run(&mut command, b""));
    }
}

impl Seen {
    fn add(&mut self, place: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.to_owned(), bytes.into()));
    }

    fn add_run(&mut self, what: &str, ran: program::Ran) {
        self.add(&format!("{what}: standard output"), ran.stdout);
        self.add(&format!("{what}: standard error"), ran.stderr);
    }

    fn add_files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            self.add(&path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }

    fn places_of(&self, secrets: &[String]) -> Vec<String> {
        let holds = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            secrets.iter().any(|secret| text.contains(secret))
        };
        let found = self.0.iter().filter(|(_, bytes)| holds(bytes));
        found.map(|(place, _)| place.clone()).collect()
    }
}
