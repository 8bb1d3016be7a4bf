//! The back end of an integration that knows keypulse by HTTP alone: it takes over each repaired key
//! and goes on, without a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::age::Pair;
use crate::api::{ask_at, token};
use crate::handing_over::{ask as provider_answers, register, replace};
use crate::program;
use crate::rig::Rig;
use crate::wait;

/// Uses one customer's key again and again, and every now and then asks what it is owed. It has a
/// token, the address and its own secret key, and no command of keypulse.
struct Integration {
    stop: Arc<AtomicBool>,
    works: Arc<AtomicBool>,
    thread: Option<JoinHandle<String>>,
}

impl Integration {
    fn start(rig: &Arc<Rig>, address: String, token: String, number: u32, pair: Pair) -> Self {
        let (stop, works) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (rig, stopped, working) = (Arc::clone(rig), Arc::clone(&stop), Arc::clone(&works));
        let mut key = rig.key(number);
        let thread = spawn(move || {
            let ask = |method: &str, path: &str, body: &Value| {
                let said = ask_at(&rig, &address, &token, method, path, body);
                assert_eq!(said.status, 200, "{method} {path}: {said:?}");
                said.body
            };
            while !stopped.load(Ordering::Relaxed) {
                working.store(provider_answers(&rig, &key) == 200, Ordering::Relaxed);
                let owed = ask("GET", "/api/v1/handovers", &Value::Null);
                for one in owed["handovers"].as_array().unwrap() {
                    assert_eq!(one["type"], "tenant.key_replaced");
                    let path = format!("/api/v1/tenants/{}/handover", one["ref"].as_str().unwrap());
                    let copy = ask("GET", &path, &Value::Null);
                    let sealed = STANDARD.decode(copy["sealed"].as_str().unwrap()).unwrap();
                    key = pair.text(&sealed);
                    let body = json!({ "generation": copy["generation"] });
                    let done = ask("POST", &format!("{path}/acknowledge"), &body);
                    assert_eq!(done["changed"], true, "{done}");
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
fn after_a_repair_a_back_end_that_only_speaks_http_goes_on_with_the_new_key() {
    let rig = Rig::fleet();
    let pair = Pair::new();
    register(&rig, &pair).well();
    let rig = Arc::new(rig);
    let daemon = rig.healthy_daemon();
    let token = token(&rig, "integration");
    let integration = Integration::start(&rig, daemon.address(), token.clone(), 3, pair);
    wait::until_true("it works with its key", || integration.works(), String::new);
    for _ in 0..2 {
        rig.apply(Change::Revoke { tenant: 3 });
        daemon.until("the dead key is found", |_| rig.show(3)["status"] == "needs_reconnection");
        wait::until_true("it is refused too", || !integration.works(), String::new);
        replace(&rig, 3, &[]).well();
        wait::until_true("it works with the new key", || integration.works(), String::new);
        let handover = || rig.show(3)["handover"].clone();
        let done = || handover()["state"] == "acknowledged";
        wait::until_true("it is acknowledged", done, || handover().to_string());
        assert_eq!(rig.show(3)["status"], "healthy");
    }
    let used = integration.end();
    assert_eq!(used, rig.key(3));
    let log = daemon.stderr();
    assert!(!log.contains(&used) && !log.contains(&token));
    // Who took it is in the chain, and the chain is whole.
    let id = rig.run(&["token", "list", "--json"]).json_lines()[0]["id"].clone();
    let rows = rig.run(&["audit", "list", "--tenant", "erp-0003", "--json"]).json_lines();
    let took = |action: &str| {
        let done = |row: &&Value| row["action"] == action && row["actor"]["id"] == id;
        rows.iter().filter(done).count()
    };
    assert_eq!((took("handover.fetched"), took("handover.acknowledged")), (2, 2), "{rows:?}");
    program::run(&mut rig.command(&["audit", "verify"]), b"").well();
}
