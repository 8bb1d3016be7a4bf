//! `keypulse migrate`.

use crate::database;
use crate::rig::{FLEET, Rig};

#[test]
fn a_schema_goes_up_down_and_up_again() {
    let rig = Rig::new(FLEET);
    let steps = |applied: bool| {
        let shown = rig.run(&["migrate", "status", "--json"]).json();
        let steps = shown.as_array().unwrap();
        let named = steps.iter().all(|one| one["name"].is_string() && one["applied"] == applied);
        assert!(!steps.is_empty() && named, "{shown}");
        steps.len()
    };
    let refusal = rig.run(&["migrate", "status"]).refusal();
    assert!(refusal.contains("there is no database"), "{refusal}");
    assert!(rig.run(&["migrate", "up"]).well().stdout.contains("up to date"));
    let all = steps(true);
    rig.add(1..=2);
    let down = ["migrate", "down", "--steps", &all.to_string(), "--lose-data"];
    rig.run(&down).well();
    assert_eq!(steps(false), all);
    rig.run(&["migrate", "up"]).well();
    rig.run(&["migrate", "up"]).well();
    assert_eq!(steps(true), all);
    assert!(rig.statuses().is_empty());
    rig.add(1..=FLEET);
    rig.healthy_daemon();
}

#[test]
fn a_schema_is_not_taken_back_by_somebody_who_does_not_say_that_data_are_lost() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let refusal = rig.run(&["migrate", "down"]).refusal();
    assert!(refusal.contains("--lose-data"), "{refusal}");
    assert_eq!(rig.statuses().len(), 1);
}

/// As if a later version had brought this step.
fn brought(rig: &Rig, works_with: &str) {
    let step = format!(
        "INSERT INTO schema_step (name, brought_by, works_with) \
         VALUES ('m99999999_future', '9.3.0', '{works_with}')"
    );
    let applied = "INSERT INTO schema_migration (version, applied_at) \
                   VALUES ('m99999999_future', 1)";
    for sql in [&step, applied] {
        database::execute(rig, sql);
    }
}

#[test]
fn one_step_back_works_and_says_so() {
    let rig = Rig::fleet();
    brought(&rig, "0.1.0");
    let daemon = rig.healthy_daemon();
    assert!(daemon.stderr().contains("m99999999_future, by 9.3.0"), "{}", daemon.tail());
    let shown = rig.run(&["migrate", "status"]).well().stdout;
    assert!(shown.contains("further  m99999999_future"), "{shown}");
}

#[test]
fn a_daemon_that_is_too_old_for_the_schema_does_not_start_and_says_which_version_it_takes() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    brought(&rig, "9.2.0");
    for command in [&["run"][..], &["tenant", "list"], &["migrate", "up"]] {
        let said = rig.run(command).refusal();
        assert!(said.contains("use keypulse 9.2.0 or later"), "{said}");
    }
    assert_eq!(rig.world().counts().total, 0);
}
