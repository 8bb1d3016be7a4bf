//! Keys on their way to the integration, as its people and its back end would see it: a repair goes
//! through without a person, and a whole installation can be left and begun elsewhere.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keypulse::sandbox::Change;
use serde_json::Value;

use crate::age::Pair;
use crate::page;
use crate::program::{self, Ran};
use crate::rig::{FLEET, Rig};
use crate::wait;

pub fn register(rig: &Rig, pair: &Pair) -> Ran {
    let file = rig.file("public.txt", format!("# the back end\n{}\n", pair.public));
    rig.run(&["recipient", "add", file.to_str().unwrap(), "--name", "back-end", "--yes"])
}

pub fn replace(rig: &Rig, number: u32, more: &[&str]) -> Ran {
    let key = rig.apply(Change::Rotate { tenant: number }).into_key().unwrap();
    let reference = rig.reference(number);
    let mut command = rig.command(&["tenant", "replace", &reference]);
    program::run(command.args(more), key.expose().as_bytes())
}

fn fetch(rig: &Rig, number: u32) -> Vec<u8> {
    let output = rig.command(&["handover", "fetch", &rig.reference(number)]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What the provider answers to a key.
pub fn ask(rig: &Rig, key: &str) -> u16 {
    let base = rig.environment()["KEYPULSE__PROVIDER__BASE_URL"].clone();
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    let basic = format!("Authorization: Basic {}", STANDARD.encode(format!("{key}:")));
    page::ask_with(address, "GET", "/v1/introspect", &basic).unwrap().status
}

/// The back end of an integration: it uses one customer's key again and again, and every now and then
/// looks whether there is a new one. It is told nothing by anybody.
struct Integration {
    stop: Arc<AtomicBool>,
    works: Arc<AtomicBool>,
    thread: Option<JoinHandle<String>>,
}

impl Integration {
    fn start(rig: &Arc<Rig>, number: u32, pair: Pair) -> Self {
        let (stop, works) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (rig, stopped, working) = (Arc::clone(rig), Arc::clone(&stop), Arc::clone(&works));
        let mut key = rig.key(number);
        let thread = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                working.store(ask(&rig, &key) == 200, Ordering::Relaxed);
                for owed in rig.run(&["handover", "list", "--json"]).json_lines() {
                    let reference = rig.reference(number);
                    assert_eq!(
                        (&owed["type"], &owed["ref"]),
                        (&"tenant.key_replaced".into(), &reference.as_str().into())
                    );
                    key = pair.text(&fetch(&rig, number));
                    let generation = owed["generation"].to_string();
                    let ack = ["handover", "ack", &reference, "--generation", &generation];
                    rig.run(&ack).well();
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            key
        });
        Self { stop, works, thread: Some(thread) }
    }

    fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// The key that it used last.
    fn end(mut self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

#[test]
fn after_a_repair_the_integration_goes_on_with_the_new_key_without_a_person() {
    let rig = Rig::fleet();
    let pair = Pair::new();
    register(&rig, &pair).well();
    let rig = Arc::new(rig);
    let daemon = rig.healthy_daemon();
    let integration = Integration::start(&rig, 3, pair);
    wait::until_true("it works with its key", || integration.works(), String::new);
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    wait::until_true("it is refused too", || !integration.works(), String::new);
    replace(&rig, 3, &[]).well();
    wait::until_true("it works with the new key", || integration.works(), String::new);
    let handover = || rig.show(3)["handover"].clone();
    let done = || handover()["state"] == "acknowledged";
    wait::until_true("it is acknowledged", done, || handover().to_string());
    assert_eq!(rig.show(3)["status"], "healthy");
    let used = integration.end();
    assert_eq!(used, rig.key(3));
    assert!(!daemon.stderr().contains(&used));
}

#[test]
fn what_is_owed_is_said_everywhere_until_the_integration_has_it() {
    let rig = Rig::new(2).set("custody.pickup_within", "1s");
    rig.add(1..=2);
    let daemon = rig.daemon();
    let series = |state: &str| {
        let text = daemon.page("/metrics").body;
        page::samples(&text)[&format!("keypulse_handovers{{state=\"{state}\"}}")]
    };
    let said = replace(&rig, 1, &[]).well();
    assert!(said.stderr.contains("keypulse recipient add"), "{said:?}");
    replace(&rig, 2, &["--from-integration"]).well();
    assert_eq!(rig.show(2)["handover"], Value::Null);
    assert!((series("without_recipient") - 1.0).abs() < 0.1);
    let doctor = || rig.run(&["doctor"]).stdout;
    assert!(doctor().contains("no recipient is registered"), "{}", doctor());
    let status = rig.run(&["status", "--json"]).json();
    assert_eq!(status["handovers"]["without_recipient"], 1, "{status}");

    let pair = Pair::new();
    let said = register(&rig, &pair).well();
    assert!(said.stdout.contains("1 key sealed"), "{said:?}");
    let late = || rig.show(1)["handover"]["state"] == "late";
    wait::until_true("it is late", late, || rig.show(1).to_string());
    assert!((series("late") - 1.0).abs() < 0.1);
    assert!(doctor().contains("1 key not picked up within 1 second"), "{}", doctor());
    let listed = rig.run(&["tenant", "list"]).well().stdout;
    assert!(listed.contains("healthy, not picked up in time"), "{listed}");
    let shown = rig.run(&["tenant", "show", "erp-0001"]).well().stdout;
    assert!(shown.contains("hand-over   key 2: not picked up in time, since"), "{shown}");

    assert_eq!(pair.text(&fetch(&rig, 1)), rig.key(1));
    let ack = |generation| rig.run(&["handover", "ack", "erp-0001", "--generation", generation]);
    assert!(ack("1").refusal().contains("that is key 2"));
    ack("2").well();
    let gone = rig.run(&["handover", "fetch", "erp-0001"]).refusal();
    assert!(gone.contains("the copy is destroyed"), "{gone}");
    assert_eq!(rig.run(&["handover", "list"]).well().stdout, "no key is owed\n");
    assert!(doctor().contains("sealed to back-end; 0 keys owed"), "{}", doctor());
    assert!((series("late") + series("fetched") + series("owed")).abs() < 0.1);
}

#[test]
fn a_key_that_the_integration_does_not_have_may_be_added_to_be_handed_over() {
    let rig = Rig::new(2);
    let pair = Pair::new();
    // The first of all commands: it makes the database.
    register(&rig, &pair).well();
    let company = |number: u32| rig.world().company(number).id;
    let mut add = rig.command(&["tenant", "add", "erp-0001", "--company", &company(1)]);
    program::run(add.arg("--hand-over"), rig.key(1).as_bytes()).well();
    let line = format!(
        "{{\"ref\":\"erp-0002\",\"company_id\":\"{}\",\"key\":\"{}\"}}\n",
        company(2),
        rig.key(2)
    );
    let file = rig.file("two.jsonl", line);
    rig.run(&["tenant", "import", file.to_str().unwrap(), "--hand-over"]).well();
    for number in [1, 2] {
        let reference = rig.reference(number);
        let refusal = rig.run(&["handover", "fetch", &reference]).refusal();
        assert!(refusal.contains("not accepted yet"), "{refusal}");
        rig.run(&["tenant", "check", &reference]).well();
        assert_eq!(pair.text(&fetch(&rig, number)), rig.key(number));
    }
}

#[test]
fn a_secret_key_in_the_place_of_a_public_one_is_refused_and_kept_nowhere() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let pair = Pair::new();
    let text = std::fs::read_to_string(pair.secret()).unwrap();
    let secret = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    let file = rig.file("secret.txt", &text);
    let add = |file: &Path| {
        rig.run(&["recipient", "add", file.to_str().unwrap(), "--name", "x", "--yes"]).refusal()
    };
    let all = ["handover", "--reason", "x", "--yes", "--recipient", secret];
    for refusal in [add(&file), rig.run(&all).refusal()] {
        assert!(refusal.contains("SECRET") && refusal.contains("age-keygen"), "{refusal}");
        assert!(!refusal.contains(&secret[16..]), "{refusal}");
    }
    for file in std::fs::read_dir(rig.data()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
    assert_eq!(rig.run(&["recipient", "list", "--json"]).json(), serde_json::json!([]));
    // Nobody can be asked here, so nothing is done unless it is said twice.
    let file = rig.file("public.txt", &pair.public);
    let refusal = rig.run(&["recipient", "add", file.to_str().unwrap(), "--name", "x"]).refusal();
    assert!(refusal.contains("--yes"), "{refusal}");
    register(&rig, &pair).well();
    let listed = rig.run(&["recipient", "list", "--json"]).json();
    assert_eq!(listed[0]["public_key"], pair.public);
    assert!(rig.run(&["recipient", "remove", "x", "--yes"]).refusal().contains("no recipient"));
    rig.run(&["recipient", "remove", "back-end", "--yes"]).well();
}

#[test]
fn an_installation_is_left_with_all_its_keys_and_begun_anew_elsewhere() {
    let old = Rig::fleet();
    let mut daemon = old.healthy_daemon();
    replace(&old, 2, &["--expires-at", "2040-01-31"]).well();
    old.run(&["tenant", "label", "erp-0004", "tier=gold", "beta"]).well();
    let pair = Pair::new();
    let out = old.path().join("keys.age");
    let mut all = vec!["handover", "--recipient", &pair.public];
    assert!(old.run(&all).refusal().contains("--reason"));
    all.extend(["--reason", "moving house", "--out", out.to_str().unwrap()]);
    assert!(old.run(&all).refusal().contains("--yes"));
    assert!(!out.exists());
    all.push("--yes");
    let said = old.run(&all).well();
    assert!(said.stderr.contains("moving house") && said.stderr.contains("25 keys"), "{said:?}");
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(old.run(&all).refusal().contains("nothing is overwritten"));
    let sealed = std::fs::read(&out).unwrap();
    let text = pair.text(&sealed);
    for number in 1..=FLEET {
        let key = old.key(number);
        assert!(text.contains(&key));
        assert!(!sealed.windows(key.len()).any(|part| part == key.as_bytes()));
        assert!(!said.stdout.contains(&key) && !said.stderr.contains(&key));
    }
    // The same on standard output, by its other name.
    let mut piped = old.command(&["handover", "all", "--recipient", &pair.public]);
    let piped = piped.args(["--reason", "x", "--yes"]).stderr(Stdio::null()).output().unwrap();
    assert_eq!(pair.text(&piped.stdout).lines().count(), FLEET as usize);
    daemon.stop();

    let base = old.environment()["KEYPULSE__PROVIDER__BASE_URL"].clone();
    let new = Rig::new(1).set("provider.base_url", &base);
    let mut import = new.command(&["tenant", "import", "-", "--json"]);
    let imported = program::run(&mut import, text.as_bytes()).json();
    assert_eq!((&imported["added"], &imported["refused"]), (&FLEET.into(), &0.into()));
    let _daemon = new.healthy_daemon();
    for (reference, was) in old
        .run(&["tenant", "list", "--json"])
        .json_lines()
        .iter()
        .map(|was| (was["ref"].as_str().unwrap().to_owned(), was.clone()))
    {
        let is = new.run(&["tenant", "show", &reference, "--json"]).json();
        for field in ["name", "company_id", "kind", "expires_at", "key", "status"] {
            assert_eq!(is[field], was[field], "{field} of {reference}");
        }
    }
    let labels = new.run(&["tenant", "show", "erp-0004", "--json"]).json()["labels"].clone();
    assert_eq!(labels, serde_json::json!({"beta": "", "tier": "gold"}));
}
