//! Custody `mirror` as its people and its back end would see it.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use keypulse::sandbox::Change;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use crate::handing_over::ask;
use crate::integration::{Integration, Manner, TOKEN};
use crate::page;
use crate::program::{self, Ran};
use crate::rig::{FLEET, RUNTIME, Rig};
use crate::wait;

/// An installation whose master is an integration with the same keys, asked at its address.
fn asked() -> (Rig, Integration) {
    let (integration, address) = RUNTIME.block_on(Integration::start());
    let rig = Rig::new(FLEET);
    let token = rig.file("token", TOKEN);
    let rig = rig
        .set("custody.fingerprint_url", &Integration::url(address))
        .set("custody.fingerprint_token_file", token.to_str().unwrap());
    (with_keys(rig, &integration), integration)
}

/// One that only pushes lists.
fn pushing() -> (Rig, Integration) {
    let (integration, _) = RUNTIME.block_on(Integration::start());
    (with_keys(Rig::new(FLEET), &integration), integration)
}

fn with_keys(rig: Rig, integration: &Integration) -> Rig {
    let rig = rig.set("custody.mode", "mirror");
    rig.add(1..=FLEET);
    let file = rig.path().join("comparison.key");
    let said = rig.run(&["reconcile", "key", "--out", file.to_str().unwrap()]).well();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let digits = std::fs::read_to_string(&file).unwrap();
    assert!(!said.stdout.contains(digits.trim()) && !said.stderr.contains(digits.trim()));
    integration.learn(&file);
    for number in 1..=FLEET {
        integration.uses(&rig.reference(number), &rig.key(number));
    }
    rig
}

/// The customer gives the integration a new key.
fn reconnect(rig: &Rig, integration: &Integration, number: u32) {
    let key = rig.apply(Change::Rotate { tenant: number }).into_key().unwrap();
    integration.uses(&rig.reference(number), key.expose());
}

fn push_list(rig: &Rig, list: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let mut command = rig.command(&["reconcile", "-"]);
    program::run(command.args(more), list.as_ref())
}

/// The back end at work: it uses one customer's key again and again, and pushes that key to keypulse
/// whenever it was changed. It is told nothing by anybody.
struct BackEnd {
    stop: Arc<AtomicBool>,
    works: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BackEnd {
    fn start(rig: &Arc<Rig>, integration: &Integration, number: u32) -> Self {
        let (stop, works) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (rig, stopped, working) = (Arc::clone(rig), Arc::clone(&stop), Arc::clone(&works));
        let (integration, mut pushed) = (integration.clone(), rig.key(number));
        let thread = spawn(move || {
            let reference = rig.reference(number);
            while !stopped.load(Ordering::Relaxed) {
                let key = integration.key(&reference).unwrap();
                working.store(ask(&rig, &key) == 200, Ordering::Relaxed);
                if key != pushed {
                    let mut command =
                        rig.command(&["tenant", "replace", &reference, "--from-integration"]);
                    program::run(&mut command, key.as_bytes()).well();
                    pushed = key;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { stop, works, thread: Some(thread) }
    }

    fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn after_a_repair_at_the_integration_both_go_on_with_the_new_key_without_a_person() {
    let (rig, integration) = asked();
    let rig = Arc::new(rig);
    let mut daemon = rig.healthy_daemon();
    let back_end = BackEnd::start(&rig, &integration, 3);
    wait::until_true("it works with its key", || back_end.works(), String::new);
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    wait::until_true("it is refused too", || !back_end.works(), String::new);
    reconnect(&rig, &integration, 3);
    wait::until_true("it works with the new key", || back_end.works(), String::new);
    let healthy = || rig.show(3)["status"] == "healthy";
    wait::until_true("keypulse has the new key", healthy, || daemon.tail());
    back_end.end();
    assert_eq!(integration.key("erp-0003").unwrap(), rig.key(3));
    daemon.stop();
}

#[test]
fn a_key_replaced_at_the_integration_and_not_pushed_yet_is_shown_as_out_of_step_and_blames_nobody()
{
    let (rig, integration) = asked();
    let daemon = rig.healthy_daemon();
    reconnect(&rig, &integration, 4);
    daemon.until("it is out of step", |daemon| {
        daemon
            .story("erp-0004")
            .last()
            .is_some_and(|(_, cause)| cause.as_deref() == Some("out_of_step"))
    });
    let shown = rig.show(4);
    assert_eq!(
        (&shown["comparison"]["outcome"], &shown["episodes"]),
        (&"differs".into(), &0.into())
    );
    let text = rig.run(&["tenant", "show", "erp-0004"]).well().stdout;
    assert!(text.contains("uses another key") && text.contains("--from-integration"), "{text}");
    let key = integration.key("erp-0004").unwrap();
    // A key that only keypulse would have is not taken.
    let mut command = rig.command(&["tenant", "replace", "erp-0004"]);
    let refusal = program::run(&mut command, key.as_bytes()).refusal();
    assert!(refusal.contains("the integration is the master"), "{refusal}");
    let mut command = rig.command(&["tenant", "replace", "erp-0004", "--from-integration"]);
    program::run(&mut command, key.as_bytes()).well();
    assert_eq!(rig.show(4)["status"], "healthy");
    let story: BTreeSet<_> = daemon.story("erp-0004").into_iter().map(|(word, _)| word).collect();
    assert!(!story.contains("needs_reconnection"), "{story:?}");
    assert!(!daemon.stderr().contains(&key));
}

#[test]
fn where_nobody_can_be_asked_the_longer_bound_holds_and_it_is_said_everywhere() {
    let (rig, integration) = asked();
    let rig = rig
        .set("policy.alone_rejections", "6")
        .set("connect.reconnect_url", "https://erp.example.com/pleo?c={ref}");
    integration.answers(Manner::Status(500));
    let daemon = rig.healthy_daemon();
    let begun = rig.asked(5);
    rig.apply(Change::Revoke { tenant: 5 });
    let compared = || rig.show(5)["comparison"].clone();
    let tried = || !compared()["at"].is_null();
    wait::until_true("it was tried to compare it", tried, || compared().to_string());
    let text = rig.run(&["tenant", "show", "erp-0005"]).well().stdout;
    assert!(text.contains("not compared with the integration, tried"), "{text}");
    assert!(text.contains("https://erp.example.com/pleo?c=erp-0005"), "{text}");
    let status = rig.run(&["status"]).well().stdout;
    assert!(status.contains("1 failing tenant not compared with the integration"), "{status}");
    daemon.until("the key is judged dead", |daemon| {
        daemon.story("erp-0005").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    assert!(rig.asked(5) - begun >= 6, "judged by the shorter bound");
    let change = daemon.changes().into_iter().rfind(|one| one.tenant == "erp-0005");
    let reason = change.unwrap().text;
    assert!(reason.contains("not compared with the integration"), "{reason}");
}

#[test]
fn a_list_is_told_by_counts_exit_codes_and_metrics() {
    let (rig, integration) = pushing();
    let doctor = rig.run(&["doctor"]).stdout;
    assert!(doctor.contains("it is asked nowhere, and no list"), "{doctor}");
    let all = push_list(&rig, integration.list(), &["--json"]).json();
    assert_eq!((&all["same"], &all["dry_run"]), (&FLEET.into(), &false.into()), "{all}");
    let daemon = rig.healthy_daemon();
    reconnect(&rig, &integration, 1);
    integration.forgets("erp-0002");
    integration.uses("ghost", "nobody's");
    let said = push_list(&rig, integration.list(), &["--dry-run"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stdout.contains("nothing is changed") && said.stdout.contains("erp-0001"));
    assert_eq!(rig.show(1)["status"], "healthy");
    let said = push_list(&rig, integration.list(), &[]);
    assert_eq!(said.code, Some(4), "{said:?}");
    for line in ["same              23", "differs            1", "only here          1"] {
        assert!(said.stdout.contains(line), "{line}: {said:?}");
    }
    assert!(said.stdout.contains("now out of step: 1; in step again: 0"), "{said:?}");
    assert_eq!(rig.show(1)["cause"], "out_of_step");
    assert_eq!(rig.show(3)["comparison"]["outcome"], "same");
    assert_eq!(rig.show(2)["comparison"]["outcome"], "not_compared");
    let metrics = daemon.page("/metrics").body;
    let samples = page::samples(&metrics);
    for (outcome, keys) in
        [("same", 23.0), ("differs", 1.0), ("only_here", 1.0), ("only_there", 1.0)]
    {
        let series = format!("keypulse_reconcile_keys{{outcome=\"{outcome}\"}}");
        assert!((samples[&series] - keys).abs() < 0.1, "{series}: {}", samples[&series]);
    }
    assert!(samples["keypulse_reconcile_pushed_timestamp_seconds"] > 1e9);
    let status = rig.run(&["status", "--json"]).json();
    assert_eq!(status["mirror"]["list"]["only_there"], 1, "{status}");
    let doctor = rig.run(&["doctor"]).stdout;
    assert!(doctor.contains("1 keys differed, 1 only here, 1 only there"), "{doctor}");
}

#[test]
fn a_list_that_cannot_be_used_to_its_end_changes_nothing() {
    let (rig, integration) = pushing();
    let good = integration.list();
    let key = integration.key("erp-0001").unwrap();
    let refused = |list: &[u8], line: u64, why: &str| {
        let said = push_list(&rig, list, &["--json"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(!said.stdout.contains(&key) && !said.stderr.contains(&key), "{said:?}");
        let told: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let lines = told["lines"].as_array().unwrap();
        let found = lines
            .iter()
            .any(|one| one["line"] == line && one["reason"].as_str().unwrap().contains(why));
        assert!(found, "{why}: {told}");
    };
    let with = |line: &str| format!("{good}{line}\n").into_bytes();
    let last = u64::from(FLEET) + 2;
    refused(&with(&format!("erp-9,{key}")), last, "64 hexadecimal digits");
    refused(&with(good.lines().nth(7).unwrap()), last, "another line");
    refused(&with(&format!("a\0b,{}", "0".repeat(64))), last, "UTF-8");
    refused(&with(&"x".repeat(100_000)), last, "longer");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&utf16, 1, "UTF-8");
    // A reference for the second time, a thousand lines later.
    let zeros = "0".repeat(64);
    let many: Vec<String> = (0..1_500).map(|n| format!("x-{n},{zeros}\n")).collect();
    let many = many.concat();
    refused(&with(&format!("{many}erp-0001,{}", "0".repeat(64))), last + 1_500, "another line");
    let empty = push_list(&rig, b"ref,fingerprint\n", &[]);
    assert!(empty.refusal().contains("no key on the list"));
    // One line that does not end: holes in a file, read as NULs.
    let path: PathBuf = rig.path().join("endless.csv");
    File::create(&path).unwrap().set_len(64 << 20).unwrap();
    let said = rig.run(&["reconcile", path.to_str().unwrap()]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let status = rig.run(&["status", "--json"]).json();
    assert!(status["mirror"]["list_pushed_at"].is_null(), "{status}");
    let kept = RUNTIME.block_on(async {
        let database = Database::connect(format!("sqlite://{}", rig.database().display()));
        let database = database.await.unwrap();
        let sql = "SELECT COUNT(*) FROM reconcile_entry";
        let row = database.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        row.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap()
    });
    assert_eq!(kept, 0, "something of a refused list was kept");
}

#[test]
fn a_keeper_has_nothing_to_compare_with() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let refusal = push_list(&rig, b"ref,fingerprint\n", &[]).refusal();
    assert!(refusal.contains("`custody.mode` is not `mirror`"), "{refusal}");
    assert!(rig.show(1)["comparison"].is_null());
    let rig = rig.set("custody.fingerprint_url", "https://erp.example.com/{ref}");
    let refusal = rig.run(&["config", "check"]).refusal();
    assert!(refusal.contains("`custody.mode` is `mirror`"), "{refusal}");
}
