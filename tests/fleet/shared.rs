//! Two daemons on one PostgreSQL share the work; when one is killed, the other has it all.

use std::collections::BTreeSet;

use crate::database::{HELD, Kind};
use crate::rig::Rig;

/// Tenants that two ask about together, and as many who come later.
const FLEET: u32 = 200;
const BUDGET: u32 = 1_200;
/// Nobody is due twice while this runs.
const YEAR: u32 = 365 * 24 * 3_600;

#[test]
fn two_daemons_share_the_work_and_when_one_is_killed_the_other_does_it_all() {
    let rig = Rig::new(Kind::Server, 2 * FLEET, YEAR, BUDGET);
    rig.latency(50);
    let first = rig.daemon();
    rig.add(1..=10);
    // The lease of the first, so that the other's can be told from it.
    let mut own = BTreeSet::new();
    first.until("the first holds somebody", |_| {
        own.extend(leases(&rig).into_iter().map(|(_, lease)| lease));
        !own.is_empty()
    });
    let second = rig.daemon();
    second.until("the second serves", |daemon| daemon.calls() < 1.0);
    rig.add(11..=FLEET);
    first.until("everybody is asked", |_| rig.asked(1..=FLEET).iter().all(|asked| *asked > 0));
    first.until("every call is counted by the one who made it", |first| {
        let counted = first.calls() + second.calls();
        (counted - float(rig.world().counts().total)).abs() < 0.5
    });
    rig.nobody_is_asked_too_often(&[], "two daemons");
    let (one, two) = (first.calls(), second.calls());
    let fair = f64::from(FLEET) / 10.0;
    assert!(one > fair && two > fair, "one made {one} calls, the other {two}");

    rig.add(FLEET + 1..=2 * FLEET);
    second.until("the second has its part", |daemon| daemon.calls() > two + 20.0);
    second.kill();
    // Whom the dead one held: what was found of them is lost, if they were asked at all.
    let mut held = BTreeSet::new();
    first.until("everybody was asked and saved", |_| {
        let left = leases(&rig).into_iter().filter(|(_, lease)| !own.contains(lease));
        held.extend(left.map(|(reference, _)| reference));
        rig.database.count("status <> 'healthy' OR lease IS NOT NULL") == 0
    });
    assert!(!held.is_empty(), "the second was not killed in the middle of its work");
    let held: Vec<_> = held.into_iter().collect();
    assert!(rig.asked(1..=2 * FLEET).iter().all(|asked| *asked > 0));
    rig.nobody_is_asked_too_often(&held, "one was killed");
    assert_eq!(rig.world().counts().statuses.keys().collect::<Vec<_>>(), [&200]);
    first.stop();
}

/// A count as metrics have it.
fn float(count: u64) -> f64 {
    u32::try_from(count).unwrap().into()
}

fn leases(rig: &Rig) -> Vec<(String, String)> {
    rig.database.rows(HELD)
}
