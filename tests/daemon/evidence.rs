//! What can happen to one key that works, and what becomes of its tenant.

use chrono::TimeDelta;
use keypulse::clock::{Clock, SystemClock};
use keypulse::sandbox::{Change, Company, InstallationError, InstallationStatus, Scope};

use crate::daemon::{Daemon, a_while};
use crate::database::{self, number, owed};
use crate::rig::{FLEET, Rig};

/// The tenant to whom it happens. Not a multiple of five: an Integrated key.
const ONE: u32 = 4;

#[test]
fn a_revoked_key_is_rejected_and_a_restored_one_is_healthy() {
    let (rig, daemon) = watched();
    rig.apply(Change::Revoke { tenant: ONE });
    condemned(&rig, &daemon, "rejected");
    rig.apply(Change::Restore { tenant: ONE });
    recovers(&rig, &daemon);
}

#[test]
fn a_key_refused_after_its_date_has_expired() {
    let rig = Rig::new(FLEET);
    rig.add(1..=ONE - 1);
    rig.add(ONE + 1..=FLEET);
    rig.add_expiring(ONE, SystemClock::default().now() - TimeDelta::minutes(1));
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Expire { tenant: ONE });
    condemned(&rig, &daemon, "expired");
}

#[test]
fn a_key_refused_before_its_date_was_rejected() {
    let rig = Rig::new(FLEET);
    rig.add(1..=ONE - 1);
    rig.add(ONE + 1..=FLEET);
    rig.add_expiring(ONE, SystemClock::default().now() + TimeDelta::days(30));
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Expire { tenant: ONE });
    condemned(&rig, &daemon, "rejected");
}

#[test]
fn every_scope_that_is_missing_is_named_and_no_other() {
    let (rig, daemon) = watched();
    // Not required: nobody minds.
    for scope in ["export-jobs:read", "users:read", "accounts:read"] {
        let scope = Scope::parse(scope).unwrap();
        rig.apply(Change::RemoveScope { tenant: ONE, scope });
    }
    condemned(&rig, &daemon, "permission_lost");
    let text = rig.show(ONE)["status_text"].as_str().unwrap().to_owned();
    let expected = "needs reconnection (permission lost: export-jobs:read, users:read)";
    assert_eq!(text, expected);
    for scope in ["export-jobs:read", "users:read"] {
        let scope = Scope::parse(scope).unwrap();
        rig.apply(Change::AddScope { tenant: ONE, scope });
    }
    recovers(&rig, &daemon);
}

#[test]
fn a_scope_that_is_not_required_may_be_missing() {
    let (rig, daemon) = watched();
    let scope = Scope::parse("accounts:read").unwrap();
    rig.apply(Change::RemoveScope { tenant: ONE, scope });
    stays_healthy(&rig, &daemon, |_| rig.asked(ONE) > 4);
}

#[test]
fn a_key_of_another_company_is_suspended_at_once_and_destroyed_when_confirmed() {
    let (rig, daemon) = watched();
    let foreign = rig.world().company(ONE + 1).id;
    let to = Company::Number(ONE + 1);
    rig.apply(Change::MoveCompany { tenant: ONE, to });
    condemned(&rig, &daemon, "wrong_company");
    let story = daemon.story(&rig.reference(ONE));
    let wrong = Some("wrong_company".to_owned());
    assert_eq!(story[1], ("degraded".to_owned(), wrong.clone()));
    assert_eq!(story[2], ("needs_reconnection".to_owned(), wrong));
    let shown = rig.show(ONE);
    assert_eq!(shown["status_text"], format!("needs reconnection (wrong company: {foreign})"));
    assert!(shown["key"].is_null() && shown["next_check_at"].is_null(), "{shown}");
    let kept = "SELECT COUNT(*) FROM tenant_key k JOIN tenant t ON t.id = k.tenant_id \
                WHERE t.ref = 'erp-0004'";
    assert_eq!(number(&rig, kept), 0);
    assert_eq!(number(&rig, "SELECT COUNT(*) FROM tenant_key"), i64::from(FLEET) - 1);
    let asked = rig.asked(ONE);
    a_while();
    assert_eq!(rig.asked(ONE), asked, "the destroyed key was used");
    let refusal = rig.run(&["tenant", "check", &rig.reference(ONE)]).refusal();
    assert!(refusal.contains("destroyed"), "{refusal}");
}

#[test]
fn an_organisations_key_is_good_for_a_company_that_it_reaches() {
    let (rig, daemon) = watched();
    rig.apply(Change::OrganisationKey { tenant: ONE, reaches_company: true });
    stays_healthy(&rig, &daemon, |_| rig.world().tenant_counts(ONE).unwrap().company > 3);
}

#[test]
fn an_organisations_key_that_does_not_reach_the_company_has_lost_a_permission() {
    let (rig, daemon) = watched();
    rig.apply(Change::OrganisationKey { tenant: ONE, reaches_company: false });
    condemned(&rig, &daemon, "permission_lost");
    let text = rig.show(ONE)["status_text"].as_str().unwrap().to_owned();
    assert!(text.contains("access to the company"), "{text}");
    rig.apply(Change::Reset { tenant: ONE });
    recovers(&rig, &daemon);
}

#[test]
fn a_key_that_turns_up_under_another_client_is_not_the_customers_fault() {
    let (rig, daemon) = watched();
    rig.apply(Change::OtherClient { tenant: ONE });
    stays_healthy(&rig, &daemon, |daemon| daemon.checks("other_client") > 5);
}

#[test]
fn an_installation_that_was_switched_off_is_disconnected() {
    let (rig, daemon) = watched();
    installation(&rig, InstallationStatus::Inactive, None);
    condemned(&rig, &daemon, "disconnected");
    installation(&rig, InstallationStatus::Activated, None);
    recovers(&rig, &daemon);
}

#[test]
fn no_other_state_of_an_installation_is_held_against_a_key() {
    let states = [
        (InstallationStatus::Error, Some(InstallationError::AuthError)),
        (InstallationStatus::Authorized, None),
        (InstallationStatus::PendingIntegration, None),
        (InstallationStatus::Unknown, None),
        (InstallationStatus::None, None),
    ];
    let (rig, daemon) = watched();
    for (tenant, (status, error_code)) in (1..).zip(states) {
        rig.apply(Change::Installation { tenant, status, error_code });
    }
    stays_healthy(&rig, &daemon, |_| {
        (1..=5).all(|one| rig.world().tenant_counts(one).unwrap().installation > 1)
    });
}

fn watched() -> (Rig, Daemon) {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    rig.world().reset_counts();
    (rig, daemon)
}

fn installation(rig: &Rig, status: InstallationStatus, error_code: Option<InstallationError>) {
    rig.apply(Change::Installation { tenant: ONE, status, error_code });
}

/// Waits for the verdict; it is about this tenant only, and everybody concerned was told once.
fn condemned(rig: &Rig, daemon: &Daemon, cause: &str) {
    let one = rig.reference(ONE);
    let verdict = ("needs_reconnection".to_owned(), Some(cause.to_owned()));
    daemon.until(&format!("{one} needs reconnection: {cause}"), |daemon| {
        daemon.story(&one).last() == Some(&verdict)
    });
    let changes = daemon.changes();
    let story: Vec<_> = changes.iter().filter(|change| change.tenant == one).collect();
    let words: Vec<_> = story.iter().map(|change| change.to.as_str()).collect();
    assert_eq!(words, ["healthy", "degraded", "needs_reconnection"], "{story:?}");
    let others = changes.iter().filter(|one| one.to != "healthy").count();
    assert_eq!(others, 2, "{changes:?}");
    assert_eq!(rig.show(ONE)["cause"], cause);
    let told = owed(&[("customer", "first", 1), ("on_call", "first", 1)]);
    assert_eq!(database::messages(rig), told);
}

fn recovers(rig: &Rig, daemon: &Daemon) {
    let one = rig.reference(ONE);
    daemon.until(&format!("{one} is healthy again"), |daemon| {
        daemon.story(&one).last() == Some(&("healthy".to_owned(), None))
    });
    assert_eq!(rig.show(ONE)["status"], "healthy");
    let open = "SELECT COUNT(*) FROM episode WHERE closed_at IS NULL";
    assert_eq!(number(rig, open), 0);
}

fn stays_healthy(rig: &Rig, daemon: &Daemon, mut seen: impl FnMut(&Daemon) -> bool) {
    daemon.until("it was met often enough", |daemon| seen(daemon));
    assert!(daemon.changes().iter().all(|one| one.to == "healthy"), "{:?}", daemon.changes());
    let shown = rig.show(ONE);
    assert_eq!((&shown["status"], &shown["failing"]), (&"healthy".into(), &().into()));
}
