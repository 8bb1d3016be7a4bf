//! `keypulse tenant disable` and `confirm-deleted`: what they ask, what they say, what stays open.

use keypulse::sandbox::Change;
use serde_json::json;

use crate::program::{self, Ran};
use crate::rig::Rig;
use crate::wait;

fn disable(rig: &Rig, more: &[&str]) -> Ran {
    let args = [&["tenant", "disable", "erp-0001", "--compromised"], more].concat();
    rig.run(&args)
}

#[test]
fn nobody_disables_a_tenant_without_saying_why_and_that_it_is_meant() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let why = rig.run(&["tenant", "disable", "erp-0001", "--yes"]).refusal();
    assert!(why.contains("--compromised"), "{why}");
    let meant = disable(&rig, &[]).refusal();
    assert!(meant.contains("--yes"), "{meant}");
    let key = rig.key(1);
    let reason = format!("it is {key}{key}");
    let secret = disable(&rig, &["--yes", "--reason", &reason]).refusal();
    assert!(secret.contains("never the key"), "{secret}");
    let enable = rig.run(&["tenant", "enable", "erp-0001"]).refusal();
    assert!(enable.contains("unrecognized"), "{enable}");
    assert_eq!(rig.show(1)["status"], "pending");
}

#[test]
fn a_disabled_tenant_shows_what_is_still_to_be_done_at_the_provider_until_it_is_ticked() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    assert_eq!(rig.show(1)["deletions_wanted"], json!([]));
    let said = disable(&rig, &["--yes", "--reason", "in a public repository"]).well().stdout;
    for words in [
        "disabled (compromised)",
        "until it is deleted at Pleo",
        "Settings → API Keys",
        "keypulse tenant confirm-deleted erp-0001",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let shown = rig.run(&["tenant", "show", "erp-0001"]).well().stdout;
    assert!(shown.contains("not confirmed to be deleted at Pleo"), "{shown}");
    let open = rig.show(1)["deletions_wanted"].clone();
    assert_eq!(
        (&open[0]["generation"], &open[0]["refused_if_given_again"]),
        (&json!(1), &json!(true))
    );

    let again = disable(&rig, &[]).well().stdout;
    assert!(again.contains("disabled already"), "{again}");
    assert!(again.contains("until it is deleted at Pleo"), "it is open still: {again}");
    for (command, says) in [("pause", "only a new key"), ("resume", "only a new key")] {
        let refusal = rig.run(&["tenant", command, "erp-0001"]).refusal();
        assert!(refusal.contains(says), "{refusal}");
    }
    let check = rig.run(&["tenant", "check", "erp-0001"]).refusal();
    assert!(check.contains("destroyed"), "{check}");

    let ticked = rig.run(&["tenant", "confirm-deleted", "erp-0001"]).well().stdout;
    assert!(ticked.contains("deleted at Pleo"), "{ticked}");
    assert_eq!(rig.show(1)["deletions_wanted"], json!([]));
    assert_eq!(rig.show(1)["status"], "disabled");
    let twice = rig.run(&["tenant", "confirm-deleted", "erp-0001"]).well().stdout;
    assert!(twice.contains("nothing has changed"), "{twice}");
    assert_eq!(rig.show(2)["status"], "pending", "nobody else is touched");
}

#[test]
fn a_check_by_hand_drops_its_call_when_the_tenant_is_disabled_meanwhile() {
    let rig = Rig::new(1).set("provider.timeout", "60s");
    rig.add(1..=1);
    rig.apply(Change::Latency { ms: 50_000 });
    let (checked, began) = std::thread::scope(|scope| {
        let check = scope.spawn(|| rig.run(&["tenant", "check", "erp-0001"]));
        let asked = || (rig.world().counts().total > 0).then_some(());
        wait::until("the provider is asked", asked, String::new);
        disable(&rig, &["--yes"]).well();
        (check.join().unwrap(), rig.world().counts().total)
    });
    let refusal = checked.refusal();
    assert!(refusal.contains("destroyed meanwhile"), "{refusal}");
    assert_eq!(began, 1);
}

#[test]
fn a_withdrawn_key_is_refused_by_both_commands_that_take_keys_with_what_to_do() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    disable(&rig, &["--yes"]).well();
    let (company, key) = (rig.world().company(2).id, rig.key(1));
    let mut add = rig.command(&["tenant", "add", "erp-0002", "--company", &company]);
    let refusal = program::run(&mut add, key.as_bytes()).refusal();
    assert!(refusal.contains("withdrawn") && refusal.contains("new key"), "{refusal}");
    let row = json!({"ref": "erp-0002", "company_id": company, "key": key});
    rig.file("withdrawn.jsonl", format!("{row}\n"));
    let ran = rig.run(&["tenant", "import", "withdrawn.jsonl"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("withdrawn because it may have leaked"), "{said}");
    assert!(!said.contains(&key) && !said.contains("erp-0001"), "{said}");
    assert_eq!(rig.statuses().len(), 1);
}
