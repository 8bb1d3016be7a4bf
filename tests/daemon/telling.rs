//! A daemon that tells: the integration and on-call, through a death in the middle, beside another
//! daemon, and not at all in shadow.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use keypulse::sandbox::Change;

use crate::alertmanager::Alertmanager;
use crate::daemon::a_while;
use crate::handing_over::replace;
use crate::page;
use crate::receiver::{Came, Manner, Receiver};
use crate::rig::{FLEET, RUNTIME, Rig};
use crate::server::Server;

/// An endpoint, and its secret.
struct Backend {
    receiver: Receiver,
    secret: String,
}

/// A rig that signs and tells a back end.
fn telling(rig: Rig, mode: &str) -> (Rig, Backend) {
    let receiver = RUNTIME.block_on(Receiver::start());
    let file = rig.path().join("webhook.secret");
    rig.run(&["webhook", "secret", "--out", file.to_str().unwrap()]).well();
    let secret = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let rig = rig
        .set("notify.mode", mode)
        .set("webhook.endpoints", &json!([receiver.url()]).to_string())
        .set("webhook.allow_hosts", r#"["127.0.0.1"]"#)
        .set("webhook.secret_file", file.to_str().unwrap());
    (rig, Backend { receiver, secret })
}

impl Backend {
    /// Messages of this type about a tenant; every one that came must be signed.
    fn heard(&self, kind: &str, tenant: &str) -> Vec<Came> {
        let came = self.receiver.came();
        assert!(came.iter().all(|one| one.is_signed_by(&self.secret)), "not signed");
        let is_meant = |one: &Came| {
            let json = one.json();
            json["type"] == kind && json["data"]["tenant"] == tenant
        };
        came.into_iter().filter(is_meant).collect()
    }
}

/// By the library that everybody has: whether a document keeps to the schema that is committed.
fn keeps_to_the_schema(documents: &[Value]) {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string("docs/webhooks/v1.schema.json").unwrap())
            .unwrap();
    let types = schema["properties"]["type"]["enum"].as_array().unwrap();
    assert_eq!(*types, keypulse::notify::event::TYPES);
    let data = &schema["properties"]["data"];
    for one in documents {
        for field in schema["required"].as_array().unwrap() {
            assert!(one.get(field.as_str().unwrap()).is_some(), "{field}: {one}");
        }
        assert!(types.contains(&one["type"]) && one["version"] == 1, "{one}");
        let of_its_own = match one["type"].as_str().unwrap() {
            "provider.incident" => &schema["allOf"][1],
            _ => &schema["allOf"][0],
        };
        let of_its_own = &of_its_own["then"]["properties"]["data"]["required"];
        let required = [&data["required"], of_its_own].map(|list| list.as_array().unwrap());
        for field in required.into_iter().flatten() {
            assert!(one["data"].get(field.as_str().unwrap()).is_some(), "{field}: {one}");
        }
        for (name, value) in one["data"].as_object().unwrap() {
            let property = &data["properties"][name];
            assert!(property.is_object(), "`{name}` is in no schema: {one}");
            let words = property["enum"].as_array();
            assert!(words.is_none_or(|words| words.contains(value)), "{name}: {one}");
        }
    }
}

#[test]
fn the_integration_hears_each_change_once_in_the_form_that_is_committed() {
    let (rig, backend) = telling(Rig::fleet(), "on_call");
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 3 });
    let story = || {
        let heard = backend.heard("tenant.status_changed", "erp-0003");
        heard.iter().map(|one| one.json()["data"]["to"].clone()).collect::<Vec<_>>()
    };
    daemon.until("the integration hears of the dead key", |_| {
        story().contains(&json!("needs_reconnection"))
    });
    replace(&rig, 3, &[]).well();
    daemon.until("the integration hears of the new key", |_| {
        !backend.heard("tenant.key_replaced", "erp-0003").is_empty()
    });
    let args = ["tenant", "disable", "erp-0005", "--compromised", "--yes"];
    rig.run(&args).well();
    daemon.until("the integration hears of the withdrawn key", |_| {
        !backend.heard("tenant.disabled", "erp-0005").is_empty()
    });
    a_while();
    let came = backend.receiver.came();
    let mut ids: BTreeMap<_, usize> = BTreeMap::new();
    for one in &came {
        *ids.entry(one.id.clone()).or_default() += 1;
    }
    assert!(ids.values().all(|times| *times == 1), "{ids:?}");
    keeps_to_the_schema(&came.iter().map(Came::json).collect::<Vec<_>>());
    let replaced = backend.heard("tenant.key_replaced", "erp-0003")[0].json();
    assert_eq!(replaced["data"]["action"], "fetch_handover");
    let key = rig.key(3);
    assert!(came.iter().all(|one| !one.body.contains(&key)), "a key was sent");
    let page = daemon.page("/metrics").body;
    let none = "{channel=\"webhook\",stage=\"status_changed\",state=\"owed\"} 0\n";
    assert!(page.contains(&format!("keypulse_messages{none}")), "{page}");
    assert_eq!(rig.run(&["status", "--json"]).json()["notify"]["mode"], "on_call");
}

/// Kills the daemon while the endpoint keeps it waiting, and gives back what came before and after.
fn killed_while_sending(rig: Rig, lease_runs_out: impl Fn(&Rig)) {
    let (rig, backend) = telling(rig, "on_call");
    rig.add(1..=1);
    backend.receiver.answers(Manner::Slow(60_000));
    let mut daemon = rig.daemon();
    daemon.until("the first try", |_| !backend.receiver.came().is_empty());
    let before = backend.heard("tenant.status_changed", "erp-0001");
    daemon.kill();
    backend.receiver.answers(Manner::Status(204));
    let daemon = rig.daemon();
    daemon.until("the daemon serves", |daemon| daemon.stderr().contains("watches"));
    lease_runs_out(&rig);
    daemon.until("the message after the death", |_| {
        backend.heard("tenant.status_changed", "erp-0001").len() > before.len()
    });
    a_while();
    let after = backend.heard("tenant.status_changed", "erp-0001");
    assert_eq!(after.len(), before.len() + 1, "taken once");
    assert!(after.iter().all(|one| one.id == before[0].id), "the same id: {after:?}");
}

#[test]
fn a_daemon_that_is_killed_while_it_sends_sends_again_with_the_same_id() {
    killed_while_sending(Rig::new(1), |_| {});
}

#[test]
fn a_daemon_that_is_killed_while_it_sends_sends_again_with_the_same_id_on_postgresql() {
    let server = Server::start_new();
    let rig = Rig::new(1).set("store.url", &server.url());
    rig.run(&["migrate", "up"]).well();
    // Another process could be sending: it waits for the lease, and this test does not.
    killed_while_sending(rig, |_| {
        psql(&server.url(), "UPDATE delivery SET lease_until = 0 WHERE state = 'sending'");
    });
}

/// A statement, as somebody else who uses the server.
pub fn psql(url: &str, sql: &str) {
    let done = Command::new("psql").args([url, "-qc", sql]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_daemon_that_is_told_to_stop_while_it_sends_hears_the_answer_first() {
    let (rig, backend) = telling(Rig::new(1), "on_call");
    rig.add(1..=1);
    backend.receiver.answers(Manner::Slow(800));
    let mut daemon = rig.daemon();
    daemon.until("the try", |_| !backend.receiver.came().is_empty());
    daemon.stop();
    let sent = rig.run(&["messages", "list", "--state", "sent", "--json"]).json_lines();
    assert_eq!((sent.len(), backend.receiver.came().len()), (1, 1), "{sent:?}");
}

#[test]
fn two_daemons_on_one_database_send_each_message_once() {
    let server = Server::start_new();
    let rig = Rig::new(FLEET).set("store.url", &server.url());
    rig.run(&["migrate", "up"]).well();
    let (rig, backend) = telling(rig, "on_call");
    rig.add(1..=FLEET);
    let (one, two) = (rig.daemon(), rig.daemon());
    one.until("all keys are accepted and told", |_| {
        backend.receiver.came().len() >= FLEET as usize
    });
    a_while();
    let mut ids: Vec<_> = backend.receiver.came().into_iter().map(|one| one.id).collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!((all, ids.len()), (FLEET as usize, FLEET as usize));
    drop((one, two));
}

#[test]
fn in_shadow_nobody_hears_anything_and_what_was_decided_in_it_is_not_told_when_it_is_over() {
    let (rig, backend) = telling(Rig::fleet(), "shadow");
    let alertmanager = Alertmanager::start();
    let rig = rig.set("alertmanager.urls", &json!([alertmanager.url()]).to_string());
    let mut daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 3 });
    let dies = |daemon: &crate::daemon::Daemon, tenant: &str| {
        daemon.until("the dead key is found", |daemon| {
            let story = daemon.story(tenant);
            story.last().is_some_and(|(word, _)| word == "needs_reconnection")
        });
    };
    dies(&daemon, "erp-0003");
    daemon.stop();
    let rig = rig.set("notify.mode", "on_call");
    let differs = rig.daemon();
    differs.until("it says that the database counts", |daemon| {
        daemon.stderr().contains("in the database, which counts")
    });
    a_while();
    assert_eq!((backend.receiver.came().len(), alertmanager.told().len()), (0, 0));
    let doctor = rig.run(&["doctor"]).stdout;
    assert!(doctor.contains("`keypulse notify mode on_call` puts that in force"), "{doctor}");
    rig.run(&["notify", "mode", "on_call"]).well();
    rig.apply(Change::Revoke { tenant: 5 });
    dies(&differs, "erp-0005");
    differs.until("on-call hears of it", |_| !alertmanager.told().is_empty());
    let (name, cause, count) = alertmanager.told().remove(0);
    assert_eq!(
        (&*name, &*cause, &*count),
        ("KeypulseNeedsReconnection", "rejected", "1"),
        "of one and not of two"
    );
    let said = alertmanager.holds()[0]["annotations"]["examples"].clone();
    assert_eq!(said, "erp-0005");
    assert!(backend.heard("tenant.status_changed", "erp-0003").is_empty());
    differs.until("the integration hears of it", |_| {
        !backend.heard("tenant.status_changed", "erp-0005").is_empty()
    });
}

#[test]
fn an_endpoint_is_tried_by_hand_and_what_it_did_not_take_is_owed_again() {
    let (rig, backend) = telling(Rig::new(1), "on_call");
    rig.add(1..=1);
    let tested = rig.run(&["webhook", "test", "--json"]).json_lines();
    assert_eq!((&tested[0]["taken"], tested.len()), (&json!(true), 1));
    assert_eq!(backend.receiver.came()[0].json()["type"], "keypulse.test");
    backend.receiver.answers(Manner::Status(410));
    let daemon = rig.daemon();
    let dead = || rig.run(&["messages", "list", "--state", "dead", "--json"]).json_lines();
    daemon.until("the endpoint is switched off", |daemon| {
        daemon.stderr().contains("is switched off")
    });
    let dead = dead();
    assert_eq!((dead.len(), &dead[0]["last"]), (1, &json!("it was answered 410")));
    let endpoint = dead[0]["channel"].as_str().unwrap();
    let listed = rig.run(&["webhook", "list", "--json"]).json_lines();
    assert_eq!((&listed[0]["state"], &listed[0]["endpoint"]), (&json!("off"), &json!(endpoint)));
    let status = rig.run(&["status"]).stdout;
    assert!(status.contains("1 message given up") && status.contains("1 endpoint switched off"));
    backend.receiver.answers(Manner::Status(200));
    rig.run(&["webhook", "enable", endpoint]).well();
    rig.run(&["messages", "resend", dead[0]["id"].as_str().unwrap()]).well();
    let id = dead[0]["id"].as_str().unwrap();
    daemon.until("it comes after all", |_| {
        backend.receiver.came().iter().filter(|one| one.id == id).count() == 2
    });
    let unknown = rig.run(&["messages", "resend", id]).refusal();
    assert!(unknown.contains("that was given up"), "it was taken: {unknown}");
}

#[test]
fn a_withdrawn_key_is_acknowledged_by_the_integration_itself_and_until_then_on_call_is_alerted() {
    let (rig, backend) = telling(Rig::new(2), "on_call");
    rig.add(1..=2);
    let alertmanager = Alertmanager::start();
    let rig = rig
        .set("alertmanager.urls", &json!([alertmanager.url()]).to_string())
        .set("webhook.acknowledge_within", "1s")
        .set("console.external_url", "https://keys.example/");
    let daemon = rig.daemon();
    daemon.until("both are accepted", |daemon| daemon.changes().len() >= 2);
    rig.run(&["tenant", "disable", "erp-0001", "--compromised", "--yes"]).well();
    let names = || alertmanager.told().into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    let unacknowledged = "KeypulseDisableUnacknowledged".to_owned();
    daemon.until("on-call hears that nobody acknowledged", |_| names().contains(&unacknowledged));
    let told = backend.heard("tenant.disabled", "erp-0001");
    assert_eq!(told[0].json()["data"]["action"], "stop_using_the_key");
    assert_eq!(alertmanager.holds()[0]["generatorURL"], "https://keys.example/");
    let args = ["token", "new", "--role", "integration", "--name", "erp", "--json"];
    let token = rig.run(&args).json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let path = "/api/v1/tenants/erp-0001/disabled/acknowledge";
    let done = page::ask_with(&daemon.address(), "POST", path, &bearer).unwrap();
    assert_eq!((done.status, done.body.contains("\"changed\":true")), (200, true), "{}", done.body);
    daemon.until("the alert ends", |_| !names().contains(&unacknowledged));
    assert_eq!(names(), ["KeypulseKeyCompromised"], "its power at the provider is another matter");
    let again = rig.run(&["messages", "acknowledge", "erp-0001"]).well().stdout;
    assert!(again.contains("noted before"), "{again}");
}

#[test]
fn a_secret_is_made_once_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::new(1);
    let file = rig.path().join("one.secret");
    let make = || rig.run(&["webhook", "secret", "--out", file.to_str().unwrap()]);
    make().well();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(make().refusal().contains("already exists"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    rig.add(1..=1);
    let wrong = rig.file("wrong.secret", "whsec_hunter2");
    let rig = rig
        .set("webhook.endpoints", r#"["https://erp.example/hooks"]"#)
        .set("webhook.secret_file", wrong.to_str().unwrap());
    let said = rig.run(&["webhook", "test"]).refusal();
    assert!(said.contains("`webhook.secret_file`") && !said.contains("hunter2"), "{said}");
}
