//! The first steps of the manual, typed as they stand there.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{self, Running};
use crate::rig::Rig;
use crate::wait;

#[test]
fn a_key_from_the_sandbox_is_added_checked_and_watched_by_hand() {
    let rig = Rig::new(1);
    let keys = rig.path().join("keys.jsonl");
    let anywhere = "127.0.0.1:0";
    let args = ["sandbox", "--listen", anywhere, "--control", anywhere, "--tenants", "3"];
    let mut command = rig.command(&args);
    command.arg("--keys-out").arg(&keys).stdout(Stdio::piped());
    let mut sandbox = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(sandbox.stdout()).read_line(&mut line).unwrap();
    let base = line.split(' ').find(|word| word.starts_with("http://")).unwrap();
    let rig = rig.set("provider.base_url", base.trim_end_matches(','));

    let text = std::fs::read_to_string(&keys).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let field = |name: &str| first[name].as_str().unwrap().to_owned();
    let file = rig.file("key.txt", format!("{}\n", field("key")));
    let (name, company) = (field("ref"), field("company_id"));
    let added = rig
        .run(&["tenant", "add", &name, "--company", &company, "--key-file", file.to_str().unwrap()])
        .well();
    assert!(added.stdout.contains("pending"), "{added:?}");
    let second: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let company = second["company_id"].as_str().unwrap();
    let mut command = rig.command(&["tenant", "add", "erp-0002", "--company", company, "--json"]);
    let added = program::run(&mut command, second["key"].as_str().unwrap().as_bytes()).json();
    assert_eq!(added["status"], "pending");

    let checked = rig.run(&["tenant", "check", &name]).well().stdout;
    assert!(checked.contains("accepted") && checked.contains("status: healthy"), "{checked}");
    let mut daemon = rig.daemon();
    let healthy = || rig.statuses().values().all(|(status, _)| status == "healthy");
    wait::until_true("both are healthy", healthy, || daemon.tail());
    daemon.stop();
    program::signal("TERM", sandbox.id());
    assert!(sandbox.ended().success());
}
