//! A key that may have leaked is disabled by one command, and no daemon on the database uses it
//! any more: not one that holds it already, either.

use std::thread::sleep;
use std::time::Duration;

use keypulse::sandbox::{Change, Fault, FaultKind, RetryAfter};

use crate::daemon::Daemon;
use crate::database::{HELD, Kind};
use crate::rig::Rig;

const FLEET: u32 = 30;
/// The promise.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn five_seconds_after_a_tenant_is_disabled_none_of_three_daemons_uses_its_key_and_others_go_on() {
    let rig = Rig::new(Kind::Server, FLEET, 1, 60_000);
    rig.add(1..=FLEET);
    let daemons: Vec<Daemon> = (0..3).map(|_| rig.daemon()).collect();
    for daemon in &daemons {
        daemon.until("each of the three makes calls", |daemon| daemon.calls() > 20.0);
    }
    disable(&rig, 7);
    sleep(AT_ONCE);
    let calls = || rig.world().tenant_counts(7).unwrap().total();
    let (before, others) = (calls(), rig.asked(8..=FLEET));
    assert!(before > 0, "it was never asked at all");
    daemons[0].until("all others are asked several times more", |_| {
        rig.asked(8..=FLEET).iter().zip(&others).all(|(now, before)| *now >= before + 5)
    });
    assert_eq!(calls(), before, "its key was used later than five seconds after");
    assert_eq!(rig.database.count("status = 'disabled'"), 1);
    assert_eq!(rig.database.count("status = 'healthy'"), i64::from(FLEET) - 1);
    for daemon in daemons {
        let age = daemon.metric("keypulse_revocations_age_seconds");
        assert!(age < 3.0, "revocations were read {age} seconds ago");
        daemon.stop();
    }
}

/// The provider has everybody wait, so the daemons hold opened checks for longer than the promise.
#[test]
fn a_key_that_a_daemon_has_held_for_seconds_when_it_is_disabled_is_not_used_when_its_turn_comes() {
    for kind in [Kind::File, Kind::Server] {
        let rig = Rig::new(kind, FLEET, 365 * 24 * 3_600, 600);
        rig.add(1..=FLEET);
        let wait = FaultKind::RateLimited { retry_after: RetryAfter::Seconds(10) };
        rig.world().apply(Change::Fault(Fault::new(wait))).unwrap();
        let daemon = rig.daemon();
        let mut held = Vec::new();
        daemon.until("some are held and wait", |daemon| {
            held = held_and_not_asked(&rig);
            !held.is_empty() && daemon.metric("keypulse_budget_holds_total") > 0.0
        });
        let number = *held.last().unwrap();
        disable(&rig, number);
        assert!(held_and_not_asked(&rig).contains(&number), "it was not held: {kind:?}");
        rig.world().apply(Change::ClearFaults {}).unwrap();
        daemon.until("everybody else was asked", |_| {
            (1..=FLEET).filter(|n| *n != number).all(|n| rig.asked(n..=n)[0] > 0)
        });
        daemon.until("it is given back", |_| rig.database.count("lease IS NOT NULL") == 0);
        assert_eq!(rig.asked(number..=number), [0], "its key was used: {kind:?}");
        assert!(daemon.metric("keypulse_calls_refused_total{why=\"revoked\"}") > 0.0, "{kind:?}");
        daemon.stop();
    }
}

fn disable(rig: &Rig, number: u32) {
    let reference = format!("erp-{number:04}");
    let done = rig.run(&["tenant", "disable", &reference, "--compromised", "--yes"]);
    assert!(done.status.success(), "{done:?}");
}

/// The numbers of tenants that a daemon has claimed and not asked yet.
fn held_and_not_asked(rig: &Rig) -> Vec<u32> {
    let rows: Vec<(String, String)> = rig.database.rows(HELD);
    let mut numbers: Vec<u32> =
        rows.iter().map(|(reference, _)| reference[4..].parse().unwrap()).collect();
    numbers.retain(|number| rig.asked(*number..=*number) == [0]);
    numbers.sort_unstable();
    numbers
}
