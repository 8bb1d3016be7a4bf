//! An integration that keeps its keys in AWS Secrets Manager: keypulse reads them there, and puts a
//! replacement there, so that the integration goes on with it without a person.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::database;
use crate::moto::{CREDENTIALS, Moto};
use crate::program::{self, Ran};
use crate::rig::{FLEET, Rig, open_to_others};

/// An integration with [`FLEET`] customers, whose keys are fields of secrets.
struct Integration {
    moto: Moto,
    rig: Rig,
    arns: Vec<String>,
}

impl Integration {
    fn new() -> Self {
        let moto = Moto::start();
        let rig = Rig::new(FLEET)
            .set("custody.mode", "reference")
            .set("custody.cache", "0s")
            .set("custody.aws_endpoint", &moto.url());
        let arns = (1..=FLEET)
            .map(|number| moto.create(&format!("erp/{number}"), &secret(&rig.key(number))))
            .collect();
        let integration = Self { moto, rig, arns };
        let lines: String = (1..=FLEET).map(|number| integration.line(number)).collect();
        let file = integration.rig.file("tenants.jsonl", lines);
        let ran = integration.run(&["tenant", "import", file.to_str().unwrap()], "").well();
        assert!(ran.stdout.contains(&FLEET.to_string()), "{ran:?}");
        integration
    }

    fn line(&self, number: u32) -> String {
        let company = &self.rig.world().company(number).id;
        let line = json!({
            "ref": self.rig.reference(number),
            "company_id": company,
            "key_ref": format!("aws-sm:{}#pleo", self.arn(number)),
        });
        format!("{line}\n")
    }

    fn arn(&self, number: u32) -> &str {
        &self.arns[number as usize - 1]
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.rig.command(args);
        command.envs(CREDENTIALS).env("RUST_LOG", "trace");
        command
    }

    fn run(&self, args: &[&str], input: &str) -> Ran {
        program::run(&mut self.command(args), input.as_bytes())
    }

    fn daemon(&self) -> Daemon {
        let mut environment = CREDENTIALS.to_vec();
        environment.push(("RUST_LOG", "trace"));
        let daemon = self.rig.daemon_with(&environment);
        daemon.until("every key is accepted", |daemon| {
            let changes = daemon.changes();
            changes.iter().filter(|one| one.to == "healthy").count() == FLEET as usize
        });
        daemon
    }

    /// What the integration itself does for a customer: reads its secret and calls the provider.
    fn works(&self, number: u32) -> bool {
        let secret: Value = serde_json::from_str(&self.moto.text(self.arn(number))).unwrap();
        let key = secret["pleo"].as_str().unwrap();
        let base = self.rig.environment()["KEYPULSE__PROVIDER__BASE_URL"].clone();
        let address = base.trim_start_matches("http://").trim_end_matches('/');
        let mut socket = TcpStream::connect(address).unwrap();
        let credentials = STANDARD.encode(format!("{key}:"));
        let request = format!(
            "GET /v1/introspect HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200")
    }

    fn episodes(&self) -> i64 {
        database::number(&self.rig, "SELECT COUNT(*) FROM episode")
    }
}

fn close_to_others(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn secret(key: &str) -> String {
    format!("{{ \"user\": \"erp\", \"pleo\": \"{key}\", \"limits\": [1, 2.50] }}")
}

fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

#[test]
fn a_dead_key_is_replaced_in_its_secret_and_the_integration_goes_on_without_a_person() {
    let it = Integration::new();
    let daemon = it.daemon();
    let old = it.rig.key(3);
    assert!(it.works(3));
    it.rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the dead key is found", |daemon| {
        daemon.story("erp-0003").last().is_some_and(|(word, _)| word == "needs_reconnection")
    });
    assert!(!it.works(3));
    let key = it.rig.apply(Change::Rotate { tenant: 3 }).into_key().unwrap();
    let key = key.expose();
    let ran = it.run(&["tenant", "replace", "erp-0003"], key).well();
    assert!(ran.stdout.contains("status: healthy (was: needs reconnection"), "{ran:?}");

    // Nobody did anything at the integration.
    assert!(it.works(3));
    let after: Value = serde_json::from_str(&it.moto.text(it.arn(3))).unwrap();
    assert_eq!(after, json!({"user": "erp", "pleo": key, "limits": [1, 2.50]}));
    assert_eq!(it.moto.labelled(it.arn(3), "AWSCURRENT"), 1);
    let asked = it.rig.asked(3);
    daemon.until("it is asked again", |_| it.rig.asked(3) >= asked + 6);
    let shown = it.rig.show(3);
    assert_eq!((&shown["status"], &shown["failing"]), (&"healthy".into(), &Value::Null));
    assert_eq!(shown["key_ref"], format!("aws-sm:{}#pleo", it.arn(3)));

    // Nothing of any key is here, sealed or not, nor in anything that was said.
    let sealed = "SELECT COUNT(*) FROM tenant_key WHERE key_id <> 0 OR length(sealed) <> 0";
    assert_eq!(database::number(&it.rig, sealed), 0);
    let said = format!("{}{}{}", ran.stdout, ran.stderr, daemon.stderr());
    for secret in [old.as_str(), key, it.rig.key(1).as_str()] {
        assert!(!said.contains(secret));
        for folder in ["data", "tmp", "output"] {
            assert!(!holds(&it.rig.path().join(folder), secret), "{folder}");
        }
    }
}

#[test]
fn a_key_that_somebody_else_changes_in_its_secret_is_taken_and_no_customer_is_blamed() {
    let it = Integration::new();
    let daemon = it.daemon();
    let key = it.rig.apply(Change::Rotate { tenant: 5 }).into_key().unwrap();
    it.moto.put(it.arn(5), &secret(key.expose()));
    daemon.until("the new key is in use", |_| {
        database::number(&it.rig, "SELECT COUNT(*) FROM tenant_key WHERE generation = 2") == 1
    });
    let asked = it.rig.asked(5);
    daemon.until("it is asked again", |_| it.rig.asked(5) >= asked + 6);
    assert_eq!(it.rig.show(5)["status"], "healthy");
    assert_eq!(it.episodes(), 0);
    let words: Vec<String> = daemon.story("erp-0005").into_iter().map(|(word, _)| word).collect();
    assert!(!words.contains(&"needs_reconnection".to_owned()), "{words:?}");
}

#[test]
fn nobody_is_blamed_while_no_secret_can_be_read() {
    let it = Integration::new();
    let daemon = it.daemon();
    let Integration { moto, rig, .. } = it;
    drop(moto);
    rig.apply(Change::Revoke { tenant: 7 });
    // Many times as many checks as it takes to judge a key.
    daemon.until("every key could not be read many times", |daemon| {
        daemon.checks("key_unavailable") >= u64::from(FLEET * 8)
    });
    for (tenant, (status, _)) in rig.statuses() {
        assert_ne!(status, "needs_reconnection", "{tenant}");
    }
    assert_eq!(database::number(&rig, "SELECT COUNT(*) FROM episode"), 0);
}

#[test]
fn keys_in_one_secret_that_are_replaced_at_once_are_all_there_afterwards() {
    const KEYS: u32 = 3;
    let moto = Moto::start();
    let rig =
        Rig::new(KEYS).set("custody.mode", "reference").set("custody.aws_endpoint", &moto.url());
    let of = |keys: &[String]| {
        let fields = keys.iter().enumerate().map(|(at, key)| (at.to_string(), json!(key)));
        Value::Object(fields.chain([("other".to_owned(), json!("kept"))]).collect())
    };
    let keys: Vec<String> = (1..=KEYS).map(|number| rig.key(number)).collect();
    let arn = moto.create("erp/all", &of(&keys).to_string());
    let command = |args: &[&str]| {
        let mut command = rig.command(args);
        command.envs(CREDENTIALS);
        command
    };
    for number in 1..=KEYS {
        let company = rig.world().company(number).id.clone();
        let (reference, place) = (rig.reference(number), format!("aws-sm:{arn}#{}", number - 1));
        let args = ["tenant", "add", &reference, "--company", &company, "--key-ref", &place];
        program::run(&mut command(&args), b"").well();
    }
    for _ in 0..2 {
        let keys: Vec<String> = (1..=KEYS)
            .map(|tenant| rig.apply(Change::Rotate { tenant }).into_key().unwrap())
            .map(|key| key.expose().to_owned())
            .collect();
        std::thread::scope(|scope| {
            for (number, key) in (1..=KEYS).zip(&keys) {
                let mut replace = command(&["tenant", "replace", &rig.reference(number)]);
                scope.spawn(move || program::run(&mut replace, key.as_bytes()).well());
            }
        });
        let after: Value = serde_json::from_str(&moto.text(&arn)).unwrap();
        assert_eq!(after, of(&keys));
    }
}

#[test]
fn a_place_is_wanted_where_keys_lie_elsewhere_and_refused_where_they_do_not() {
    let rig = Rig::new(2);
    let key = rig.file("key", rig.key(1));
    let place = format!("file:{}", key.display());
    let company = rig.world().company(1).id.clone();
    let add = ["tenant", "add", "erp-0001", "--company", &company];
    let with_place = [add.as_slice(), &["--key-ref", &place]].concat();
    assert!(rig.run(&with_place).refusal().contains("here the keys do not lie elsewhere"));

    let rig = rig.set("custody.mode", "reference");
    let without = program::run(&mut rig.command(&add), rig.key(1).as_bytes());
    assert!(without.refusal().contains("say with `--key-ref` where the key lies"));
    for (place, why) in [
        ("file:key", "by its whole path"),
        ("env:KEYPULSE_TEST_NOT_SET", "no such variable"),
        ("pls_0123456789_abcdef", "must begin with"),
    ] {
        let said = rig.run(&[add.as_slice(), &["--key-ref", place]].concat()).refusal();
        assert!(said.contains(why) && !said.contains("abcdef"), "{said}");
    }
    open_to_others(&key);
    assert!(rig.run(&with_place).refusal().contains("chmod o="));
    close_to_others(&key);
    rig.run(&with_place).well();
    let checked = rig.run(&["tenant", "check", "erp-0001"]).well();
    assert!(checked.stdout.contains("status: healthy"), "{checked:?}");

    let line = json!({"ref": "erp-0002", "company_id": company, "key": rig.key(2)});
    let file = rig.file("tenants.jsonl", line.to_string());
    let ran = rig.run(&["tenant", "import", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("give `key_ref`") && !said.contains(&rig.key(2)), "{said}");

    // What doctor says of a place that is there, and of one that is not any more.
    let places = |rig: &Rig| {
        let doctor = rig.run(&["doctor", "--json"]).stdout;
        let said: Value = serde_json::from_str(&doctor).unwrap();
        let checks = said["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|one| one["name"] == "key places").unwrap()
    };
    assert_eq!(places(&rig)["level"], "ok");
    std::fs::remove_file(&key).unwrap();
    assert_eq!(places(&rig)["level"], "problem");
    let disabled = rig.run(&["tenant", "disable", "erp-0001", "--compromised", "--yes"]).well();
    assert!(disabled.stdout.contains("it still lies at file:/"), "{disabled:?}");
}

#[test]
fn a_fleet_whose_keys_were_kept_is_moved_to_its_places_and_nothing_sealed_is_left() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    let sealed = database::bytes(&rig, "SELECT sealed FROM tenant_key ORDER BY tenant_id LIMIT 1");
    let rig = rig.set("custody.mode", "reference");
    let mut lines = String::new();
    for number in 1..=2 {
        let key = rig.file(&format!("key-{number}"), rig.key(number));
        let company = rig.world().company(number).id.clone();
        let place = format!("file:{}", key.display());
        let line = json!({"ref": rig.reference(number), "company_id": company, "key_ref": place});
        lines = format!("{lines}{line}\n");
    }
    let file = rig.file("tenants.jsonl", lines);
    rig.run(&["tenant", "import", file.to_str().unwrap()]).well();
    let left = "SELECT COUNT(*) FROM tenant_key WHERE key_id <> 0 OR length(sealed) <> 0";
    assert_eq!(database::number(&rig, left), 0);
    for entry in std::fs::read_dir(rig.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(sealed.len()).any(|part| part == sealed));
    }
    for number in 1..=2 {
        let ran = rig.run(&["tenant", "check", &rig.reference(number)]).well();
        assert!(ran.stdout.contains("status: healthy"), "{ran:?}");
    }
    // Where nothing is sealed, the keyring is exchanged as ever.
    rig.run(&["keyring", "rotate"]).well();
    rig.run(&["tenant", "check", "erp-0001"]).well();
}
