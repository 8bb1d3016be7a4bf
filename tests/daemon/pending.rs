//! Keys that never worked: their tenants are never active, and no customer is written to.

use keypulse::sandbox::{Change, Company, Scope};

use crate::daemon::Daemon;
use crate::database::{self, number, owed};
use crate::rig::{FLEET, Rig};

/// The tenant that is added last, to a fleet that is well.
const NEW: u32 = FLEET + 1;

#[test]
fn a_key_that_is_dead_on_arrival_was_never_accepted_and_its_customer_is_not_written_to() {
    let (rig, daemon) = with_a_newcomer(|rig| {
        rig.apply(Change::Revoke { tenant: NEW });
    });
    ends_as(&rig, &daemon, "never_accepted");
    assert!(rig.show(NEW)["accepted_at"].is_null());
    rig.apply(Change::Restore { tenant: NEW });
    let new = rig.reference(NEW);
    daemon.until("it is healthy", |daemon| {
        daemon.story(&new).last() == Some(&("healthy".to_owned(), None))
    });
}

#[test]
fn a_new_key_without_a_required_scope_is_never_active() {
    let (rig, daemon) = with_a_newcomer(|rig| {
        let scope = Scope::parse("users:read").unwrap();
        rig.apply(Change::RemoveScope { tenant: NEW, scope });
    });
    ends_as(&rig, &daemon, "never_accepted");
}

#[test]
fn a_new_key_of_another_company_is_never_bound_to_it() {
    let (rig, daemon) = with_a_newcomer(|rig| {
        let to = Company::Number(1);
        rig.apply(Change::MoveCompany { tenant: NEW, to });
    });
    ends_as(&rig, &daemon, "wrong_company");
    let (new, own) = (rig.reference(NEW), rig.world().company(NEW).id);
    daemon.until("the key is destroyed", |_| rig.show(NEW)["key"].is_null());
    let shown = rig.show(NEW);
    assert_eq!(shown["company_id"], own);
    assert!(shown["accepted_at"].is_null() && shown["client_id"].is_null(), "{shown}");
    let sql = format!(
        "SELECT COUNT(*) FROM tenant_key k JOIN tenant t ON t.id = k.tenant_id WHERE t.ref = '{new}'"
    );
    assert_eq!(number(&rig, &sql), 0);
    // Told once, though it was confirmed afterwards.
    assert_eq!(database::messages(&rig), owed(&[("operator", "first", 1)]));
}

#[test]
fn a_new_key_waits_out_an_outage_and_is_then_accepted() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let fault = keypulse::sandbox::FaultKind::Status(503);
    rig.fault(keypulse::sandbox::Fault::new(fault));
    let daemon = rig.daemon();
    daemon.until("it was asked in vain", |_| rig.asked(1) > 5);
    assert_eq!(daemon.changes(), []);
    rig.clear_faults();
    daemon.until("it is accepted", |daemon| daemon.story("erp-0001").len() == 1);
    assert_eq!(rig.show(1)["status"], "healthy");
}

/// A fleet that is well, and one tenant more, to whose key something happened before it came.
fn with_a_newcomer(happens: impl FnOnce(&Rig)) -> (Rig, Daemon) {
    let rig = Rig::new(NEW);
    happens(&rig);
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    rig.add(NEW..=NEW);
    (rig, daemon)
}

/// Waits for the verdict; only the operator is told, and it was never healthy.
fn ends_as(rig: &Rig, daemon: &Daemon, cause: &str) {
    let new = rig.reference(NEW);
    let verdict = ("needs_reconnection".to_owned(), Some(cause.to_owned()));
    daemon.until(&format!("{new} needs reconnection: {cause}"), |daemon| {
        !daemon.story(&new).is_empty()
    });
    assert_eq!(daemon.story(&new), [verdict]);
    let others: Vec<_> = daemon.changes();
    assert!(others.iter().all(|one| one.tenant == new || one.to == "healthy"), "{others:?}");
    assert_eq!(database::messages(rig), owed(&[("operator", "first", 1)]));
}
