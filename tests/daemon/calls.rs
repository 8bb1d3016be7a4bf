//! Every call carries its own tenant's key (promise C3), counted by the provider.

use keypulse::sandbox::{CallCounts, Change, Fault, FaultKind, RetryAfter};

use crate::rig::{FLEET, Rig};

#[test]
fn a_check_by_hand_uses_the_key_of_that_tenant_and_of_no_other() {
    let rig = Rig::new(6);
    rig.add(1..=6);
    for one in 1..=6 {
        rig.world().reset_counts();
        let answer = rig.run(&["tenant", "check", &rig.reference(one), "--json"]).json();
        assert_eq!(
            (&answer["finding"], &answer["status"]),
            (&"accepted".into(), &"healthy".into())
        );
        for other in 1..=6 {
            let asked = rig.world().tenant_counts(other).unwrap();
            assert_eq!(asked.introspect, u64::from(other == one), "{one}, {other}");
            assert!(other == one || asked.total() == 0, "{one}, {other}");
        }
    }
}

#[test]
fn the_daemon_uses_each_tenants_own_key_for_every_call() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 3 });
    // The company call carries the tenant's company too, and another one's would be a 403.
    rig.apply(Change::OrganisationKey { tenant: 8, reaches_company: true });
    daemon.until("everybody was asked many times", |_| {
        let many = (1..=FLEET).all(|number| rig.asked(number) > 8);
        many && rig.world().tenant_counts(8).unwrap().company > 3
    });
    let mut daemon = daemon;
    daemon.signal("TERM");
    assert!(daemon.ended().success());
    let counts = rig.world().counts();
    let asked: Vec<_> =
        (1..=FLEET).map(|number| rig.world().tenant_counts(number).unwrap()).collect();
    // Nobody was asked with a key that is no tenant's.
    assert_eq!(asked.iter().map(CallCounts::total).sum::<u64>(), counts.total);
    assert_eq!(counts.calls.other, 0);
    // Only the revoked key was refused, and it was refused each time: nobody else's call carried
    // it, and none of its tenant's carried another.
    let refused = counts.statuses.get(&401).copied().unwrap_or(0);
    let before = asked[2].introspect - refused;
    assert!(refused > 3 && before >= 1, "{refused} of {:?}", asked[2]);
    assert_eq!(counts.statuses.get(&403), None);
    let only_200_and_401 = counts.statuses.keys().all(|status| matches!(status, 200 | 401));
    assert!(only_200_and_401, "{:?}", counts.statuses);
    for (status, _) in
        rig.statuses().iter().filter(|(name, _)| *name != "erp-0003").map(|(_, one)| one)
    {
        assert_eq!(status, "healthy");
    }
}

#[test]
fn the_daemon_counts_as_many_calls_as_the_provider() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    daemon.until("some rounds", |_| rig.asked(1) > 4);
    // Asked to wait for a minute, so that both stand still.
    rig.fault(Fault::new(FaultKind::RateLimited { retry_after: RetryAfter::Date }));
    daemon.until("both have counted the same", |daemon| {
        let provider = rig.world().counts().calls;
        daemon.checks("rate_limited") > 0
            && daemon.calls("identity") == provider.introspect
            && daemon.calls("installation") == provider.installation
            && daemon.calls("company") == provider.company
    });
}
