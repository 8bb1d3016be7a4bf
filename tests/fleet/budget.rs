//! One budget for all who work on a database, whatever becomes of them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::scope;

use crate::daemon::Daemon;
use crate::database::Kind;
use crate::dice::Dice;
use crate::rig::Rig;

/// More than the budget carries.
const FLEET: u32 = 200;
const INTERVAL: u32 = 10;
const BUDGET: u32 = 120;
/// Calls that cannot be made within a minute.
const ENOUGH: u64 = 126;

#[test]
fn no_minute_sees_more_calls_than_the_budget_whoever_is_killed_restarted_or_run_beside_the_daemons()
{
    scope(|scope| {
        scope.spawn(|| restarts_and_commands(Kind::Server, 2));
        restarts_and_commands(Kind::File, 1);
    });
}

#[test]
fn a_daemon_with_a_small_budget_holds_no_more_tenants_than_it_can_ask_within_seconds() {
    let rig = Rig::new(Kind::Server, FLEET, INTERVAL, BUDGET);
    rig.add(1..=FLEET);
    let daemon = rig.daemon();
    let mut most = 0;
    daemon.until("some are asked", |_| {
        most = most.max(rig.database.count("lease IS NOT NULL"));
        rig.world().counts().total >= 12
    });
    // What can start in two seconds, once over: calls under way, answers not saved yet.
    assert!((1..=12).contains(&most), "it held {most} at once");
    daemon.stop();
}

fn restarts_and_commands(kind: Kind, daemons: u64) {
    let mut dice = Dice::new();
    let why = format!("{kind:?}, KEYPULSE_TEST_SEED={}", dice.seed);
    let rig = Rig::new(kind, FLEET, INTERVAL, BUDGET);
    rig.add(1..=FLEET);
    let (over, commands) = (AtomicBool::new(false), AtomicU32::new(0));
    scope(|scope| {
        scope.spawn(|| {
            for number in (1..=FLEET).cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let checked = rig.run(&["tenant", "check", &format!("erp-{number:04}")]);
                let told = String::from_utf8_lossy(&checked.stderr).into_owned();
                let busy = told.contains("is being checked at this moment");
                assert!(checked.status.success() || busy, "{told}");
                commands.fetch_add(u32::from(!busy), Ordering::Relaxed);
            }
        });
        // Also when something is wrong.
        let _ends = Ends(&over);
        let mut running: Vec<Daemon> = (0..daemons).map(|_| rig.daemon()).collect();
        let effective = || running[0].metric("keypulse_effective_interval_seconds");
        running[0].until("it says how often it can ask", |_| effective() > f64::from(INTERVAL));
        while rig.world().counts().total < ENOUGH {
            let next = rig.world().counts().total + 5 + dice.below(20);
            running[0].until("calls are made", |_| rig.world().counts().total >= next);
            let one = running.remove(0);
            if dice.below(2) == 0 {
                one.kill();
            } else {
                one.stop();
            }
            running.push(rig.daemon());
        }
    });
    let busiest = rig.world().counts().busiest_60s;
    assert!(busiest.at_most <= BUDGET.into(), "{busiest:?}; {why}");
    assert!(busiest.at_least >= u64::from(BUDGET) / 2, "it was not put to the test: {busiest:?}");
    assert!(commands.into_inner() > 0, "no command had its turn; {why}");
}

/// Says so when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
