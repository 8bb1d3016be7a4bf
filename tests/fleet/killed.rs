//! Killed in the middle of its work, again and again: nobody is lost, nobody is asked twice for
//! it, and the budget holds.

use std::collections::BTreeSet;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::database::{HELD, Kind};
use crate::dice::Dice;
use crate::rig::{Rig, now};
use crate::wait::within;

/// More than can be asked while daemons are killed, and more than the dead can hold until their
/// leases have run out; so every moment is in the middle of a sweep.
const FLEET: u32 = 450;
/// Nobody is due twice while this runs: whoever is asked again was held by one that was killed.
const INTERVAL: u32 = 365 * 24 * 3_600;
const BUDGET: u32 = 600;
/// No process lives for longer, whatever it is waiting for.
const LIFE: Duration = Duration::from_secs(1);

#[test]
fn a_daemon_that_is_killed_fifty_times_loses_nobody_asks_nobody_twice_and_keeps_the_budget() {
    scope(|scope| {
        scope.spawn(|| kill_again_and_again(Kind::Server, 15));
        kill_again_and_again(Kind::File, 50);
    });
}

fn kill_again_and_again(kind: Kind, kills: u64) {
    let mut dice = Dice::new();
    let why = format!("{kind:?}, KEYPULSE_TEST_SEED={}", dice.seed);
    let rig = Rig::new(kind, FLEET, INTERVAL, BUDGET).one_call_a_check();
    // A short lease.
    let rig = rig.set("provider.timeout", "500ms");
    rig.add(1..=FLEET);
    // A call is under way for long enough to be cut.
    rig.latency(80);
    let (mut seen, mut held) = (BTreeSet::new(), Vec::new());
    let mut in_the_middle = 0;
    for _ in 0..kills {
        let daemon = rig.daemon();
        // Every fifth is killed while it starts.
        if dice.below(5) > 0 {
            let enough = rig.world().counts().total + 1 + dice.below(20);
            within(LIFE, || rig.world().counts().total >= enough);
        }
        sleep(Duration::from_millis(dice.below(150)));
        daemon.kill();
        // Those whom this one held; what was found of them is lost, if they were asked at all.
        let wreck = rig.database.wreck().rows::<(String, String)>(HELD);
        let (left, new): (Vec<_>, Vec<_>) =
            wreck.into_iter().partition(|(_, lease)| seen.contains(lease));
        drop(left);
        in_the_middle += u64::from(!new.is_empty());
        seen.extend(new.iter().map(|(_, lease)| lease.clone()));
        held.extend(new.into_iter().map(|(reference, _)| reference));
    }
    assert!(in_the_middle > kills / 2, "only {in_the_middle} kills in a sweep; {why}");
    let last = rig.daemon();
    last.until(&format!("everybody was asked and saved; {why}"), |_| {
        rig.database.count(&format!("due_at <= {}", now().timestamp_micros())) == 0
    });
    last.stop();
    assert!(rig.asked(1..=FLEET).iter().all(|asked| *asked > 0), "{why}");
    rig.nobody_is_asked_too_often(&held, &why);
    let busiest = rig.world().counts().busiest_60s;
    assert!(busiest.at_most <= BUDGET.into(), "{busiest:?}; {why}");
    assert_eq!(rig.database.count("lease IS NOT NULL"), 0, "{why}");
    // An answer may have come too late for the call; then it is asked again in an hour.
    let stuck = "status NOT IN ('healthy', 'pending') OR due_at IS NULL";
    assert_eq!(rig.database.count(stuck), 0, "{why}");
    if kind == Kind::File {
        let check = "SELECT integrity_check, 0 FROM pragma_integrity_check";
        assert_eq!(rig.database.rows::<(String, i32)>(check)[0].0, "ok", "{why}");
    }
}
