//! Refusals of everybody are the provider's; refusals of one are the tenant's own.

use std::ops::RangeInclusive;

use keypulse::sandbox::{Fault, FaultKind};

use crate::daemon::Daemon;
use crate::database::{self, owed};
use crate::rig::{FLEET, Rig};

/// More refusals than any bound asks for.
const ENOUGH: u64 = 7;
const ONE: u32 = 7;

#[test]
fn a_401_for_everybody_is_held_against_nobody_however_long() {
    refused_together(1..=FLEET, |fault| fault, FaultKind::Status(401));
}

#[test]
fn an_answer_that_knows_nobody_is_held_against_nobody_however_long() {
    refused_together(1..=FLEET, |fault| fault, FaultKind::None);
}

#[test]
fn a_401_for_a_third_of_all_tenants_is_held_against_none_of_them() {
    let some = 1..=FLEET / 3;
    let only = some.clone().collect();
    refused_together(some, |fault| fault.tenants(only), FaultKind::Status(401));
}

#[test]
fn a_401_for_one_tenant_alone_condemns_that_tenant_and_no_other() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    rig.fault(Fault::new(FaultKind::Status(401)).tenants(vec![ONE]));
    let one = rig.reference(ONE);
    reaches(&daemon, &one, "needs_reconnection");
    let told = owed(&[("customer", "first", 1), ("on_call", "first", 1)]);
    assert_eq!(database::messages(&rig), told);
    rig.clear_faults();
    daemon.until("it is healthy again", |daemon| daemon.story(&one).len() == 4);
    let story = daemon.story(&one);
    let rejected = Some("rejected".to_owned());
    let expected = [
        ("healthy", None),
        ("degraded", rejected.clone()),
        ("needs_reconnection", rejected),
        ("healthy", None),
    ];
    assert_eq!(story, expected.map(|(status, cause)| (status.to_owned(), cause)));
    assert!(daemon.changes().iter().all(|change| change.tenant == one || change.to == "healthy"));
    let told = owed(&[
        ("customer", "first", 1),
        ("customer", "resolved", 1),
        ("on_call", "first", 1),
        ("on_call", "resolved", 1),
    ]);
    assert_eq!(database::messages(&rig), told);
}

#[test]
fn silence_for_one_tenant_alone_is_shown_and_told_to_nobody_outside() {
    let rig = Rig::new(FLEET).set("policy.unreachable_after", "1s");
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    let one = rig.reference(ONE);
    rig.fault(Fault::new(FaultKind::Status(503)).tenants(vec![ONE]));
    reaches(&daemon, &one, "degraded");
    assert_eq!(rig.show(ONE)["cause"], "unreachable");
    rig.clear_faults();
    daemon.until("it is healthy again", |daemon| daemon.story(&one).len() == 3);
    assert!(daemon.changes().iter().all(|change| change.tenant == one || change.to == "healthy"));
    assert_eq!(database::messages(&rig), []);
    assert_eq!(database::number(&rig, "SELECT COUNT(*) FROM episode"), 0);
}

#[test]
fn silence_for_everybody_is_held_against_nobody_however_long() {
    let rig = Rig::new(FLEET).set("policy.unreachable_after", "1s");
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    rig.fault(Fault::new(FaultKind::Status(503)));
    daemon.until("it lasts several times as long as for one alone", |daemon| {
        daemon.checks("server_error") > 4 * u64::from(FLEET)
    });
    rig.clear_faults();
    let before = daemon.checks("accepted");
    daemon.until("it is over", |daemon| daemon.checks("accepted") >= before + u64::from(FLEET));
    assert!(daemon.changes().iter().all(|change| change.to == "healthy"));
}

/// Refuses these tenants until even the longer bound would be reached.
fn refused_together(
    tenants: RangeInclusive<u32>,
    narrow: impl FnOnce(Fault) -> Fault,
    kind: FaultKind,
) {
    // Everybody is asked within the span, so that whoever is judged can be compared with all.
    let rig = Rig::new(FLEET)
        .set("policy.span", "1500ms")
        .set("policy.confirm_after", r#"["200ms","400ms","2s"]"#)
        .set("policy.alone_span", "2s");
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    rig.fault(narrow(Fault::new(kind)));
    let refused = tenants.clone().count() as u64;
    // Of those held a sample is asked for all.
    daemon.until("they are refused more often than any bound says", |daemon| {
        daemon.checks("rejected") >= ENOUGH * refused
    });
    rig.clear_faults();
    let healthy = "keypulse_tenants{cause=\"\",status=\"healthy\"}";
    daemon.until("everybody is healthy again", |daemon| daemon.metric(healthy) == u64::from(FLEET));
    let changes = daemon.changes();
    // They were seen to fail: the test is of the hold, not of a fault that nobody met.
    assert!(changes.iter().any(|change| change.to == "degraded"));
    let condemned: Vec<_> = changes.iter().filter(|one| one.to == "needs_reconnection").collect();
    assert!(condemned.is_empty(), "{condemned:?}");
    assert_eq!(database::messages(&rig), []);
}

fn reaches(daemon: &Daemon, tenant: &str, status: &str) {
    daemon.until(&format!("{tenant} is {status}"), |daemon| {
        daemon.story(tenant).iter().any(|(word, _)| word == status)
    });
}
