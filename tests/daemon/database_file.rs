//! A database file that is no database of ours, or no longer a whole one: refused by name, and
//! left as it is, byte by byte.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database};

use crate::files;
use crate::rig::{FLEET, RUNTIME, Rig};

const COMMANDS: [&[&str]; 4] =
    [&["run"], &["tenant", "list"], &["migrate", "up"], &["keyring", "status"]];

#[test]
fn a_database_that_lost_its_end_is_refused_and_not_touched() {
    let rig = Rig::fleet();
    let whole = std::fs::read(rig.database()).unwrap();
    for length in [1, 99, 100, 4096, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        std::fs::write(rig.database(), &whole[..length]).unwrap();
        refused(&rig, &["keypulse.db"]);
    }
    // Whole again, it is taken.
    std::fs::write(rig.database(), &whole).unwrap();
    assert_eq!(rig.statuses().len(), FLEET as usize);
}

#[test]
fn a_file_of_random_bytes_is_refused_and_not_touched() {
    let rig = Rig::new(1);
    let mut state = 7_u64;
    let bytes: Vec<u8> = (0..20_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .collect();
    std::fs::write(rig.database(), bytes).unwrap();
    refused(&rig, &["keypulse.db", "not an SQLite file", "store.url"]);
}

#[test]
fn a_database_of_another_program_is_refused_and_not_touched() {
    let rig = Rig::new(1);
    let url = format!("sqlite://{}?mode=rwc", rig.database().display());
    RUNTIME.block_on(async {
        let other = Database::connect(url).await.unwrap();
        other.execute_unprepared("CREATE TABLE recipe (name TEXT)").await.unwrap();
        other.execute_unprepared("INSERT INTO recipe VALUES ('soup')").await.unwrap();
        other.close().await.unwrap();
    });
    refused(&rig, &["keypulse.db", "another program", "store.url"]);
}

#[test]
fn a_directory_is_no_database() {
    let rig = Rig::new(1);
    std::fs::create_dir(rig.database()).unwrap();
    refused(&rig, &["keypulse.db", "it is a directory"]);
    assert!(files::of(&rig.database()).is_empty());
}

#[test]
fn a_database_in_a_folder_that_does_not_exist_is_refused_by_name() {
    let rig = Rig::new(1).set("store.url", "sqlite://nowhere/keypulse.db");
    refused(&rig, &["nowhere/keypulse.db"]);
    assert!(!rig.path().join("nowhere").exists());
}

#[test]
fn a_database_with_a_damaged_page_is_not_taken_for_an_empty_one() {
    let rig = Rig::fleet();
    let whole = std::fs::read(rig.database()).unwrap();
    // All pages but the first, which tells what the others should be.
    let damaged: Vec<u8> =
        whole[..4096].iter().copied().chain(whole[4096..].iter().map(|_| 0xa5)).collect();
    std::fs::write(rig.database(), &damaged).unwrap();
    for args in COMMANDS {
        let refusal = rig.run(args).refusal();
        assert!(refusal.contains("damaged"), "{args:?}: {refusal}");
    }
    assert_eq!(rig.world().counts().total, 0);
}

fn refused(rig: &Rig, said: &[&str]) {
    let before = files::of(&rig.data());
    for args in COMMANDS {
        let refusal = rig.run(args).refusal();
        assert!(said.iter().all(|part| refusal.contains(part)), "{args:?}: {refusal}");
        assert_eq!(files::of(&rig.data()), before, "{args:?}");
    }
    assert!(Path::new(&rig.data()).is_dir());
}
