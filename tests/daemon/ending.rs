//! How a daemon ends: asked once, asked twice, killed; and how the next one goes on.

use keypulse::sandbox::{Change, Fault, FaultKind};

use crate::database::number;
use crate::rig::{FLEET, Rig};

const LEASED: &str = "SELECT COUNT(*) FROM tenant_state WHERE lease IS NOT NULL \
                      OR lease_until IS NOT NULL";
const LEASED_OF: &str = "SELECT COUNT(*) FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id \
                         WHERE s.lease IS NOT NULL AND t.ref = ";
const WAITING: u32 = 6;

#[test]
fn a_daemon_asked_to_end_gives_back_what_it_holds_and_the_next_goes_on() {
    let rig = Rig::fleet();
    let mut first = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 2 });
    first.until("the revoked key is found", |daemon| {
        daemon.story("erp-0002").iter().any(|(status, _)| status == "needs_reconnection")
    });
    let said = rig.statuses();
    first.stop();
    assert_eq!(number(&rig, LEASED), 0);
    assert_eq!(rig.statuses(), said);
    assert!(!rig.data().join("keypulse.db-wal").exists(), "the log was not emptied");

    rig.world().reset_counts();
    let mut second = rig.daemon();
    second.until("everybody is asked again", |_| (1..=FLEET).all(|number| rig.asked(number) > 1));
    assert_eq!(second.changes(), []);
    second.stop();
    assert_eq!(rig.statuses(), said);
}

#[test]
fn a_daemon_asked_to_end_waits_for_the_answers_under_way_and_saves_them() {
    let rig = Rig::new(WAITING);
    // One call a check: a second one would not be begun any more.
    let profile = include_str!("../../config/providers/pleo.toml");
    let profile = rig.file("own.toml", profile.replace("every = 4", "every = 1000000"));
    let rig = rig.set("provider.profile", profile.to_str().unwrap());
    rig.add(1..=WAITING);
    rig.apply(Change::Latency { ms: 1_500 });
    let mut daemon = rig.daemon();
    daemon.until("all are asked", |_| (1..=WAITING).all(|one| rig.asked(one) > 0));
    assert_eq!(daemon.changes(), []);
    let asked = rig.world().counts().total;
    daemon.stop();
    assert_eq!(rig.world().counts().total, asked, "a call was begun after the end");
    assert_eq!(daemon.changes().len(), WAITING as usize);
    assert!(rig.statuses().values().all(|(status, _)| status == "healthy"));
    assert_eq!(number(&rig, LEASED), 0);
}

#[test]
fn a_daemon_asked_twice_ends_at_once_though_the_provider_hangs() {
    let rig = Rig::new(WAITING).set("provider.timeout", "5m");
    rig.add(1..=WAITING);
    rig.fault(Fault::new(FaultKind::Hang));
    let mut daemon = rig.daemon();
    daemon.until("all calls hang", |_| (1..=WAITING).all(|one| rig.asked(one) > 0));
    daemon.signal("TERM");
    daemon.until("it has begun to stop", |daemon| daemon.stderr().contains("are under way"));
    assert!(daemon.is_alive(), "it did not wait for the calls under way");
    daemon.signal("TERM");
    let status = daemon.ended();
    assert!(status.success(), "{status}");
    assert_eq!(number(&rig, LEASED), 0);
    assert!(rig.statuses().values().all(|(status, _)| status == "pending"));
}

#[test]
fn a_killed_daemon_leaves_statuses_intact_and_the_next_asks_everybody_at_once() {
    let rig = Rig::new(FLEET).set("provider.timeout", "5m");
    rig.add(1..=FLEET);
    let mut first = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 2 });
    first.until("the revoked key is found", |daemon| {
        daemon.story("erp-0002").iter().any(|(status, _)| status == "needs_reconnection")
    });
    let hung = [5, 6, 7];
    rig.world().reset_counts();
    rig.fault(Fault::new(FaultKind::Hang).tenants(hung.to_vec()));
    first.until("three are being asked", |_| hung.iter().all(|one| rig.asked(*one) > 0));
    let said = rig.statuses();
    first.kill();
    rig.clear_faults();
    assert_eq!(rig.statuses(), said);
    // Those three, and whoever had an answer that was not saved yet.
    let held = |one: &u32| number(&rig, &format!("{LEASED_OF}'{}'", rig.reference(*one))) == 1;
    assert!(hung.iter().all(held), "their leases ended with the daemon");

    rig.world().reset_counts();
    let mut second = rig.daemon();
    // Their leases would last for many minutes, but nobody else can hold them on this file.
    second.until("all are asked again", |_| (1..=FLEET).all(|one| rig.asked(one) > 0));
    assert_eq!(second.changes(), []);
    second.stop();
    assert_eq!(rig.statuses(), said);
    let damaged = "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
    assert_eq!(number(&rig, damaged), 0);
}

#[test]
fn a_lease_that_somebody_else_has_beside_the_daemon_is_respected_until_it_runs_out() {
    let rig = Rig::fleet();
    let mut daemon = rig.healthy_daemon();
    let lease = |tenant: &str, until: &str| {
        let sql = format!(
            "UPDATE tenant_state SET lease = 'other', lease_until = {until} \
             WHERE tenant_id = (SELECT id FROM tenant WHERE ref = '{tenant}')"
        );
        crate::database::execute(&rig, &sql);
    };
    let now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000";
    lease("erp-0003", &format!("{now} - 1"));
    lease("erp-0004", &format!("{now} + 600000000"));
    // A check that was under way ends within the time-out of its call.
    std::thread::sleep(std::time::Duration::from_secs(2));
    rig.world().reset_counts();
    daemon.until("erp-0003 is asked again", |_| rig.asked(3) > 2);
    assert_eq!(rig.asked(4), 0, "somebody else's lease was not respected");
    daemon.stop();
}
