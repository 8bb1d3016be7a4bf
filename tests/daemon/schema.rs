//! `keypulse migrate`.

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
