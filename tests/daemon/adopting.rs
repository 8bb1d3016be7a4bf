//! `docs/ADOPT.md`, done as it stands there, with 800 connections: every block of commands in its
//! order, by a shell, in one folder.

use std::fmt::Write as _;
use std::fs::{read_to_string, write};
use std::path::PathBuf;
use std::process::Command;

use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::handing_over::ask;
use crate::moto::{CREDENTIALS, Moto};
use crate::program::{self, Ran};
use crate::rig::{FLEET, Rig};

const CONNECTIONS: u32 = 800;
/// What starts the daemon, and so is not waited for.
const RUN: &str = "keypulse --config keypulse.toml run\n";
/// Where the manual finds the daemon.
const USUAL: &str = "127.0.0.1:9464";

fn manual() -> &'static str {
    include_str!("../../docs/ADOPT.md")
}

/// The afternoon of a keeper, and what is different where the keys lie in AWS.
fn parts() -> (&'static str, &'static str) {
    manual().split_once("\n## With keys in AWS Secrets Manager\n").unwrap()
}

/// Every block of commands.
fn blocks(part: &'static str) -> Vec<&'static str> {
    let parts = part.split("```sh\n").skip(1);
    parts.map(|part| part.split_once("```").unwrap().0).collect()
}

/// The folder that the reader works in.
struct Afternoon {
    rig: Rig,
    folder: PathBuf,
    /// Where the daemon is, once there is one.
    address: String,
}

impl Afternoon {
    fn new() -> Self {
        Self::of(Rig::new(CONNECTIONS))
    }

    fn of(rig: Rig) -> Self {
        let folder = rig.path().join("afternoon");
        std::fs::create_dir(&folder).unwrap();
        Self { rig, folder, address: USUAL.to_owned() }
    }

    /// With the provider and the quick clock of the tests; place and master key are the manual's.
    fn prepared(&self, mut command: Command) -> Command {
        let settings = self.rig.environment().into_iter();
        let own = ["KEYPULSE__STORE__URL", "KEYPULSE__KEYRING__MASTER_KEY_FILE"];
        let program = PathBuf::from(program::PATH);
        let path = std::env::var("PATH").unwrap();
        command
            .current_dir(&self.folder)
            .envs(settings.filter(|(name, _)| !own.contains(&name.as_str())))
            .envs(CREDENTIALS)
            .env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
        command
    }

    fn shell(&self, commands: &str) -> Ran {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &commands.replace(USUAL, &self.address)]);
        let ran = program::run(&mut self.prepared(bash), b"");
        assert_eq!(ran.code, Some(0), "{commands}\n{ran:?}");
        ran
    }

    fn run_daemon(&mut self) -> Daemon {
        let words: Vec<_> = RUN.split_whitespace().skip(1).collect();
        let command = self.prepared(program::command(&words));
        let daemon = Daemon::start(command, &self.rig.path().join("output"));
        self.address = daemon.address();
        daemon
    }

    fn read(&self, name: &str) -> String {
        read_to_string(self.folder.join(name)).unwrap()
    }

    /// What the reader's own query would write.
    fn export(&self) {
        let mut lines = "ref,company_id,key,name\n".to_owned();
        for number in 1..=CONNECTIONS {
            let company = self.rig.world().company(number).id;
            let (reference, key) = (self.rig.reference(number), self.rig.key(number));
            writeln!(lines, "{reference},{company},{key},Company {number}").unwrap();
        }
        write(self.folder.join("tenants.csv"), lines).unwrap();
    }

    /// A new key made at the provider, in a file. The old one is dead.
    fn new_key(&self, number: u32, file: &str) -> String {
        let key = self.rig.apply(Change::Rotate { tenant: number }).into_key().unwrap();
        write(self.folder.join(file), key.expose()).unwrap();
        key.expose().to_owned()
    }
}

#[test]
fn an_afternoon_is_enough_for_800_connections_and_every_command_of_it_works() {
    let mut afternoon = Afternoon::new();
    let mut daemon = None;
    let mut said = Vec::new();
    let mut keys = None;
    for block in blocks(parts().0) {
        if block == RUN {
            let running = daemon.insert(afternoon.run_daemon());
            running.until("all 800 are accepted", |daemon| {
                daemon.metric("keypulse_tenants{cause=\"\",status=\"healthy\"}") == 800
            });
            continue;
        }
        if block.contains("tenants.csv") {
            afternoon.export();
        }
        if block.contains("< new-key.txt") {
            keys =
                Some([afternoon.new_key(3, "new-key.txt"), afternoon.new_key(4, "page-key.txt")]);
        }
        let ran = afternoon.shell(block);
        said.push(format!("{}{}", ran.stdout, ran.stderr));
    }
    let [repaired, brought] = keys.unwrap();
    let said = said.join("\n");
    assert!(said.contains("added 800, updated 0, unchanged 0, refused 0"), "{said}");
    assert!(said.contains("accepted keys are sealed to erp-back-end"), "{said}");
    // The two fingerprints that are compared by voice are one.
    let (_, shown) = said.split_once("\nfingerprint ").unwrap();
    let shown: String = shown.lines().next().unwrap().split(' ').collect();
    assert!(shown.len() == 20 && said.contains(&format!("\n{shown}")), "{said}");

    // The integration goes on with the repaired key, and with the one it brought.
    assert_eq!(afternoon.read("keys/erp-0003"), repaired);
    assert_eq!(ask(&afternoon.rig, &repaired), 200);
    assert!(!afternoon.folder.join("keys/erp-0004").exists());
    assert_eq!(ask(&afternoon.rig, &brought), 200);
    assert!(said.contains("the integration has it, since"), "{said}");
    // Nothing was sent, and the plain list is gone.
    assert!(!afternoon.folder.join("tenants.csv").exists());
    // Whoever leaves has everything.
    let all = afternoon.read("all.jsonl");
    assert_eq!(all.lines().count(), 800);
    for key in [&repaired, &brought, &afternoon.rig.key(800)] {
        assert!(all.contains(key.as_str()));
        assert!(!said.contains(key.as_str()), "a key was printed");
    }
    assert!(said.contains("no key is owed"), "{said}");
    let mut daemon = daemon.unwrap();
    daemon.stop();
}

#[test]
fn with_keys_in_aws_no_key_comes_into_a_file_and_a_repaired_one_lies_in_its_place() {
    let moto = Moto::start();
    let rig = Rig::new(FLEET).set("custody.aws_endpoint", &moto.url());
    let secret = |number| json!({"pleo": rig.key(number), "other": "stays"}).to_string();
    let arns: Vec<_> = (1..=FLEET)
        .map(|number| moto.create(&format!("erp/{number:04}"), &secret(number)))
        .collect();
    let mut lines = "ref,company_id,key_ref,name\n".to_owned();
    for (number, arn) in (1..).zip(&arns) {
        let (reference, company) = (rig.reference(number), rig.world().company(number).id);
        writeln!(lines, "{reference},{company},aws-sm:{arn}#pleo,Company {number}").unwrap();
    }
    let mut afternoon = Afternoon::of(rig);
    write(afternoon.folder.join("tenants.csv"), lines).unwrap();
    let (mut daemon, mut repaired) = (None, String::new());
    let mut said = String::new();
    for block in blocks(parts().1) {
        if block.contains("< new-key.txt") {
            // What the third step starts.
            let running = daemon.insert(afternoon.run_daemon());
            running.until("all are accepted", |daemon| {
                let healthy = "keypulse_tenants{cause=\"\",status=\"healthy\"}";
                daemon.metric(healthy) == u64::from(FLEET)
            });
            repaired = afternoon.new_key(3, "new-key.txt");
        }
        said.push_str(&afternoon.shell(block).stdout);
    }
    assert!(said.contains(&format!("added {FLEET}, updated 0")), "{said}");
    let there: Value = serde_json::from_str(&moto.text(&arns[2])).unwrap();
    assert_eq!(there, json!({"pleo": repaired, "other": "stays"}));
    assert!(!said.contains(&repaired), "a key was printed");
    daemon.unwrap().stop();
}

#[test]
fn the_role_may_do_to_secrets_what_the_manual_of_custody_says_and_no_more() {
    let (_, policy) = parts().1.split_once("```json\n").unwrap();
    let policy: Value = serde_json::from_str(policy.split_once("```").unwrap().0).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    let custody = include_str!("../../docs/CUSTODY.md");
    let (_, named) = custody.split_once("The role needs ").unwrap();
    let (named, _) = named.split_once(" on these secrets").unwrap();
    let named: Vec<_> = named.split('`').skip(1).step_by(2).collect();
    let shorts: Vec<_> = actions
        .iter()
        .map(|one| one.as_str().unwrap().trim_start_matches("secretsmanager:"))
        .collect();
    let named: Vec<_> = named.iter().map(|one| one.trim_start_matches("secretsmanager:")).collect();
    assert_eq!(shorts, named);
}

#[test]
fn every_command_that_the_manual_names_in_passing_is_one_that_exists() {
    let outside: String = manual().split("```").step_by(2).collect();
    let mut named = 0;
    for code in outside.split('`').skip(1).step_by(2) {
        let words: Vec<_> = code.split_whitespace().collect();
        let words = match words.as_slice() {
            ["keypulse", rest @ ..] => rest,
            ["tenant" | "config", _, ..] => &words,
            _ => continue,
        };
        let place = words.iter().position(|word| !word.chars().all(|c| c.is_ascii_lowercase()));
        let command: Vec<_> = words[..place.unwrap_or(words.len())].to_vec();
        let help: Vec<_> = command.iter().copied().chain(["--help"]).collect();
        let text = program::run(&mut program::command(&help), b"").well().stdout;
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(text.contains(option), "`{code}`: {text}");
        }
        named += 1;
    }
    assert!(named >= 3, "only {named} commands were found");
}
