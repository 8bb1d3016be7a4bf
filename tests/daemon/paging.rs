//! On-call by a pager and a chat, as a user has it: the commands, and a daemon that is killed while it tells.

use serde_json::json;

use crate::alertmanager::Alertmanager;
use crate::receiver::{Manner, Receiver};
use crate::rig::{RUNTIME, Rig};
use keypulse::sandbox::Change;

const KEY: &str = "made-up-routing-key-made-up-rout";

/// A pager and a chat that take everything.
fn with(rig: Rig) -> (Rig, Receiver, Receiver) {
    let (pager, chat) =
        RUNTIME.block_on(async { (Receiver::start().await, Receiver::start().await) });
    let (key, address) = (rig.file("pager.key", KEY), rig.file("slack.url", chat.url()));
    let rig = rig
        .set("oncall.pagerduty_key_file", key.to_str().unwrap())
        .set("oncall.pagerduty_url", &pager.url())
        .set("oncall.slack_url_file", address.to_str().unwrap())
        .set("webhook.allow_hosts", r#"["127.0.0.1"]"#)
        .set("notify.mode", "on_call");
    (rig, pager, chat)
}

fn texts(chat: &Receiver) -> Vec<String> {
    chat.came().iter().map(|one| one.json()["text"].as_str().unwrap().to_owned()).collect()
}

fn actions(pager: &Receiver) -> Vec<String> {
    let action =
        |one: &crate::receiver::Came| one.json()["event_action"].as_str().unwrap().to_owned();
    pager.came().iter().map(action).collect()
}

#[test]
fn a_test_of_on_call_reaches_every_channel_and_says_who_did_not_take_it() {
    let alertmanager = Alertmanager::start();
    let (rig, pager, chat) = with(Rig::new(1));
    let rig = rig.set("alertmanager.urls", &json!([alertmanager.url()]).to_string());
    rig.add(1..=1);
    let live = rig.run(&["config", "check", "--live", "--json"]).json().to_string();
    assert!(live.contains("pagerduty") && live.contains("slack"), "{live}");
    assert!(chat.came().iter().all(|one| one.body.is_empty()), "nothing was told");
    let heads = (pager.came().len(), chat.came().len());

    let said = rig.run(&["notify", "test"]).well().stdout;
    assert_eq!(said.lines().filter(|line| line.starts_with('●')).count(), 3, "{said}");
    let all = pager.came();
    let events: Vec<_> = all[heads.0..].iter().map(crate::receiver::Came::json).collect();
    assert_eq!(
        (&events[0]["event_action"], &events[1]["event_action"]),
        (&json!("trigger"), &json!("resolve"))
    );
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
    assert_eq!(events[0]["routing_key"], KEY);
    let chatted = chat.came();
    assert_eq!(chatted[heads.1].json()["text"], "○ 1 test of `keypulse notify test`");
    assert_eq!(alertmanager.told(), [], "it is over");

    pager.answers(Manner::Status(400));
    let ran = rig.run(&["notify", "test"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("✖ pagerduty (127.0.0.1): it was answered 400"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));

    let folder = rig.path().join("oncall");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("slack.json"), "{\"text\": {{ sumary }} }").unwrap();
    let bad = rig.set("oncall.templates_dir", folder.to_str().unwrap()).run(&["config", "check"]);
    assert_eq!(bad.code, Some(1));
    assert!(bad.stderr.contains("slack.json") && bad.stderr.contains("line 1"), "{}", bad.stderr);
}

#[test]
fn whoever_lives_ends_at_the_pager_what_a_killed_daemon_has_begun() {
    let (rig, pager, chat) = with(Rig::fleet());
    let mut daemon = rig.healthy_daemon();
    pager.answers(Manner::Slow(1_000));
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the pager is called", |_| !pager.came().is_empty());
    daemon.kill();
    pager.answers(Manner::Status(202));
    let next = rig.daemon();
    // The one that was killed never heard that it had arrived.
    next.until("the pager is called again", |_| actions(&pager).len() >= 2);
    assert_eq!(actions(&pager)[..2], ["trigger", "trigger"]);
    let came = pager.came();
    assert_eq!(came[0].id, came[1].id, "the same, and known by it");
    rig.apply(Change::Restore { tenant: 3 });
    next.until("it is over at the pager", |_| actions(&pager).last().unwrap() == "resolve");
    next.until("it is over in the chat", |_| texts(&chat).len() >= 2);
    let all = texts(&chat);
    assert_eq!(all.first().unwrap(), "▲ 1 tenant needs a new key (rejected)");
    assert_eq!(all.last().unwrap(), "● Over: tenants need a new key (rejected)");
    assert!(!next.stderr().contains(KEY));
}
