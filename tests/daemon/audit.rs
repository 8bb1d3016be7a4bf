//! `keypulse audit`, beside a daemon that goes on.

use std::collections::BTreeSet;

use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::database;
use crate::program;
use crate::rig::Rig;

/// What `audit verify --json` says, whatever it is.
fn verify(rig: &Rig, more: &[&str]) -> (Option<i32>, Value) {
    let ran = rig.run(&[&["audit", "verify", "--json"], more].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
}

fn actions(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["action"].as_str().unwrap()).collect()
}

#[test]
fn the_chain_of_an_installation_is_whole_and_its_head_can_be_noted_and_expected() {
    let rig = Rig::new(3);
    rig.add(1..=3);
    rig.run(&["tenant", "pause", "erp-0001"]).well();
    let (code, said) = verify(&rig, &[]);
    assert_eq!((code, &said["whole"], &said["rows"]), (Some(0), &json!(true), &json!(6)));
    assert_eq!((&said["tail_vouched_for"], &said["fault"]), (&json!(false), &Value::Null));
    let text = rig.run(&["audit", "verify"]).well().stdout;
    assert!(text.contains("whole: 6 rows") && text.contains("Nobody can vouch"), "{text}");
    let head = said["head"].as_str().unwrap();
    assert!(text.trim_end().ends_with(head), "{text}");

    rig.run(&["tenant", "resume", "erp-0001"]).well();
    let (code, said) = verify(&rig, &["--expect", head]);
    assert_eq!((code, &said["tail_vouched_for"]), (Some(0), &json!(true)));
    let text = rig.run(&["audit", "verify", "--expect", head]).well().stdout;
    assert!(text.contains("Row 6 is the one that was noted"), "{text}");
    let refusal = rig.run(&["audit", "verify", "--expect", "6:abc"]).refusal();
    assert!(refusal.contains("64 hexadecimal digits"), "{refusal}");
}

#[test]
fn what_was_done_to_the_chain_is_named_with_an_exit_code_of_its_own() {
    let rig = Rig::new(4);
    rig.add(1..=4);
    let (_, before) = verify(&rig, &[]);
    let noted = before["head"].as_str().unwrap().to_owned();
    database::execute(&rig, "UPDATE audit SET actor_id = 'nobody' WHERE seq = 4");
    let (code, said) = verify(&rig, &[]);
    assert_eq!((code, &said["whole"]), (Some(3), &json!(false)));
    assert_eq!((&said["fault"]["what"], &said["fault"]["row"]), (&json!("edited"), &json!(4)));
    let ran = rig.run(&["audit", "verify"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stdout.contains("row 4 was edited after it was written"), "{ran:?}");

    let cut = "DELETE FROM audit WHERE seq > 3; DELETE FROM audit_detail WHERE seq > 3; \
               UPDATE audit_head SET seq = 3, mac = (SELECT mac FROM audit WHERE seq = 3)";
    database::execute(&rig, cut);
    assert_eq!(verify(&rig, &[]).0, Some(0), "without a noted head nobody can see it");
    let (code, said) = verify(&rig, &["--expect", &noted]);
    let what = &said["fault"]["what"];
    assert_eq!((code, what), (Some(3), &json!("shorter_than_expected")));
}

#[test]
fn a_command_that_is_chained_needs_the_master_key_and_says_so_and_changes_nothing() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let commands: [&[&str]; 6] = [
        &["tenant", "pause", "erp-0001"],
        &["tenant", "resume", "erp-0001"],
        &["tenant", "label", "erp-0001", "a=b"],
        &["tenant", "disable", "erp-0001", "--compromised", "--yes"],
        &["tenant", "confirm-deleted", "erp-0001"],
        &["audit", "verify"],
    ];
    let before = rig.show(1);
    for args in commands {
        let mut command = rig.command(args);
        command.env_remove("KEYPULSE__KEYRING__MASTER_KEY_FILE");
        let refusal = program::run(&mut command, b"").refusal();
        assert!(refusal.contains("keyring.master_key_file"), "{args:?}: {refusal}");
        assert!(args[0] == "audit" || refusal.contains("audit chain"), "{args:?}: {refusal}");
    }
    assert_eq!(rig.show(1), before);
    // Looking needs no key.
    let mut list = rig.command(&["audit", "list"]);
    list.env_remove("KEYPULSE__KEYRING__MASTER_KEY_FILE");
    program::run(&mut list, b"").well();
}

#[test]
fn the_list_says_who_did_what_and_keeps_no_key() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    let reason = ["tenant", "disable", "erp-0001", "--compromised", "--yes", "--reason", "by Anna"];
    rig.run(&reason).well();
    let other = rig.key(1);
    let mut replace = rig.command(&["tenant", "replace", "erp-0002"]);
    assert_eq!(program::run(&mut replace, other.as_bytes()).code, Some(3));

    let rows = rig.run(&["audit", "list", "--json"]).json_lines();
    let expected = [
        "audit.begun",
        "keyring.created",
        "tenant.added",
        "tenant.added",
        "key.disabled",
        "key.offered",
    ];
    assert_eq!(actions(&rows), expected);
    let fields: BTreeSet<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = BTreeSet::from([
        "action",
        "actor",
        "at",
        "detail",
        "detail_erased",
        "facts",
        "generation",
        "outcome",
        "seq",
        "tenant_id",
    ]);
    assert_eq!(fields, expected);
    let disabled = &rows[4];
    assert_eq!(disabled["actor"]["kind"], "command");
    assert!(disabled["actor"]["id"].as_str().unwrap().starts_with("uid "), "{disabled}");
    assert_eq!(
        (&disabled["detail"]["remark"], &disabled["generation"]),
        (&json!("by Anna"), &json!(1))
    );
    assert!(disabled["detail"]["host"].is_string(), "{disabled}");
    assert_eq!(
        (&rows[5]["outcome"], &rows[5]["facts"]["type"]),
        (&json!("refused"), &json!("withdrawn-key"))
    );

    let text = rig.run(&["audit", "list", "--tenant", "erp-0001"]).well().stdout;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("key.disabled") && text.contains("remark: by Anna"), "{text}");
    let two = rig.run(&["audit", "list", "--limit", "2", "--json"]).json_lines();
    assert_eq!(actions(&two), ["key.disabled", "key.offered"], "the latest");
    let all = format!("{rows:?}{text}");
    assert!(!all.contains(&other) && !all.contains(&other[other.len() - 8..]), "{all}");
    let refusal = rig.run(&["audit", "list", "--tenant", "erp-9999"]).refusal();
    assert!(refusal.contains("no tenant"), "{refusal}");
}

#[test]
fn the_review_of_a_tenant_tells_the_life_of_each_key_and_what_only_the_provider_knows() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    rig.run(&["tenant", "check", "erp-0001"]).well();
    rig.apply(Change::Rotate { tenant: 1 });
    let key = rig.key(1);
    let mut replace = rig.command(&["tenant", "replace", "erp-0001"]);
    program::run(&mut replace, key.as_bytes()).well();
    rig.run(&["tenant", "disable", "erp-0001", "--compromised", "--yes"]).well();

    let lines = rig.run(&["audit", "export", "--tenant", "erp-0001", "--json"]).json_lines();
    let (review, rows) = lines.split_first().unwrap();
    assert_eq!((&review["type"], &review["tenant"]), (&json!("review"), &json!("erp-0001")));
    assert_eq!((&review["status"], &review["deletions_wanted"]), (&json!("disabled"), &json!(1)));
    assert_eq!(actions(rows), ["tenant.added", "status.changed", "key.replaced", "key.disabled"]);
    let [first, second] = review["keys"].as_array().unwrap().as_slice() else { panic!("{review}") };
    assert_eq!(
        (&first["ended_how"], &second["ended_how"]),
        (&json!("replaced"), &json!("disabled"))
    );
    assert_eq!(first["stored_at"], rows[0]["at"]);
    assert_eq!(first["first_known_accepted_at"], rows[1]["at"]);
    assert_eq!((&first["ended_at"], &second["stored_at"]), (&rows[2]["at"], &rows[2]["at"]));
    assert_eq!(second["ended_at"], rows[3]["at"]);
    assert!(review["not_known"].as_str().unwrap().contains("ask for its log"), "{review}");

    let text = rig.run(&["audit", "export", "--tenant", "erp-0001"]).well().stdout;
    for words in
        ["key 1: stored", "replaced", "key 2: stored", "only Pleo can tell", "key.disabled"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains(&key), "{text}");
}

#[test]
fn a_daemon_publishes_the_head_and_goes_on_checking_when_the_chain_takes_nothing() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    daemon.until("the head is in the log", |daemon| {
        let log = daemon.log();
        log.iter().any(|line| {
            line["message"].as_str().is_some_and(|text| text.starts_with("audit head "))
        })
    });
    let rows = database::number(&rig, "SELECT COUNT(*) FROM audit WHERE actor_kind = 'daemon'");
    assert_eq!(rows, 25, "each became healthy once, and no routine check is a row");
    assert_eq!(verify(&rig, &[]).0, Some(0), "beside the daemon");

    database::execute(&rig, "DELETE FROM audit_head");
    rig.apply(Change::Revoke { tenant: 3 });
    let revoked = rig.reference(3);
    daemon.until("what cannot be chained is said to be dropped", |daemon| {
        daemon.log().iter().any(|line| {
            let text = line["message"].as_str().unwrap_or_default();
            line["level"] == "ERROR" && text.contains(&revoked)
        })
    });
    let before = daemon.checks("accepted");
    daemon.until("all others are checked on", |daemon| daemon.checks("accepted") > before + 50);
    assert!(daemon.story(&revoked).iter().all(|(status, _)| status == "healthy"));
    let refusal = rig.run(&["tenant", "pause", "erp-0001"]).refusal();
    assert!(refusal.contains("nothing was changed"), "{refusal}");
    assert!(refusal.contains("keypulse audit verify"), "{refusal}");
    let (code, said) = verify(&rig, &[]);
    assert_eq!((code, &said["fault"]["what"]), (Some(3), &json!("head_removed")));
    daemon.until("the failures are counted", |daemon| {
        daemon.metric("keypulse_audit_failures_total") > 0
    });
}
