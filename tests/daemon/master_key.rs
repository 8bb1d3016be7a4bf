//! A master key that is missing, open to others, damaged, or another one.

use std::path::Path;

use keypulse::vault::MasterKey;

use crate::files;
use crate::program;
use crate::rig::{self, Rig};

/// Whatever needs the keyring.
const COMMANDS: [&[&str]; 4] = [
    &["run"],
    &["keyring", "status"],
    &["tenant", "check", "erp-0001"],
    &["tenant", "add", "erp-0002", "--company", "c"],
];

#[test]
fn another_master_key_does_not_open_the_database_and_changes_nothing_in_it() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    let other = rig.path().join("other.key");
    MasterKey::generate().unwrap().write_new_file(&other).unwrap();
    refused(&rig, &other, &["made with another one"]);
    assert_eq!(rig.world().counts().total, 0);
    // With the right one all is as it was.
    let checked = rig.run(&["tenant", "check", "erp-0001", "--json"]).json();
    assert_eq!(checked["finding"], "accepted");
}

#[test]
fn a_master_key_that_is_missing_is_asked_for_by_name() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    let nowhere = rig.path().join("nowhere.key");
    refused(&rig, &nowhere, &[nowhere.to_str().unwrap(), "backup", "keypulse keyring new"]);
    let mut command = rig.command(&["run"]);
    command.env_remove("KEYPULSE__KEYRING__MASTER_KEY_FILE");
    let refusal = program::run(&mut command, b"").refusal();
    assert!(refusal.contains("keyring.master_key_file"), "{refusal}");
    assert!(refusal.contains("keypulse keyring new"), "{refusal}");
}

#[test]
fn a_master_key_that_others_can_read_is_refused_with_the_way_out() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    rig::open_to_others(&rig.master_key());
    let path = rig.master_key();
    refused(&rig, &path, &[path.to_str().unwrap(), "chmod 600"]);
}

#[test]
fn a_file_that_holds_no_master_key_is_refused_without_repeating_it() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    for text in ["", "hunter2", "keypulse-master-key-v1:aHVudGVyMg==", "\u{0}\u{1}"] {
        let file = rig.file("bad.key", text);
        refused(&rig, &file, &["bad.key"]);
        let mut command = rig.command(&["run"]);
        let said = program::run(command.env("KEYPULSE__KEYRING__MASTER_KEY_FILE", &file), b"");
        assert!(!said.stderr.contains("hunter2") && !said.stderr.contains("aHVud"), "{said:?}");
    }
    refused(&rig, &rig.data(), &["not a regular file"]);
}

fn refused(rig: &Rig, master: &Path, said: &[&str]) {
    let before = files::content(&rig.data());
    for args in COMMANDS {
        let mut command = rig.command(args);
        command.env("KEYPULSE__KEYRING__MASTER_KEY_FILE", master);
        let key = rig.key(2);
        let refusal = program::run(&mut command, key.as_bytes()).refusal();
        assert!(said.iter().all(|part| refusal.contains(part)), "{args:?}: {refusal}");
    }
    assert_eq!(files::content(&rig.data()), before);
}
