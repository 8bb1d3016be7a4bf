//! `keypulse tenant erase`: what it asks and says, and that a daemon stops beside it.

use crate::rig::{FLEET, Rig};

#[test]
fn a_tenant_that_is_forgotten_is_asked_about_no_more_by_the_daemon_that_runs() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let refused = rig.run(&["tenant", "erase", "erp-0001"]).refusal();
    assert!(refused.contains("--yes"), "{refused}");
    let said = rig.run(&["tenant", "erase", "erp-0001", "--yes"]).well().stdout;
    for words in ["erp-0001 is forgotten", "What stays names nobody", "until it is deleted at Pleo"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let more = |what: &str| {
        let before = rig.asked(2);
        daemon.until(what, |_| rig.asked(2) >= before + 3);
    };
    more("a check that was under way is over");
    let asked = rig.asked(1);
    more("others are asked");
    assert_eq!(rig.asked(1), asked);
    assert_eq!(rig.statuses().len(), FLEET as usize - 1);
    let gone = rig.run(&["tenant", "erase", "erp-0001", "--yes"]).refusal();
    assert!(gone.contains("no tenant"), "{gone}");
    let chained = rig.run(&["audit", "list"]).well().stdout;
    assert!(chained.contains("tenant.erased") && !chained.contains("erp-0001"), "{chained}");
    rig.run(&["audit", "verify"]).well();
}

#[test]
fn a_tenant_is_not_forgotten_while_its_leaked_key_may_still_work() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    rig.run(&["tenant", "disable", "erp-0001", "--compromised", "--yes"]).well();
    let refused = rig.run(&["tenant", "erase", "erp-0001", "--yes"]).refusal();
    assert!(refused.contains("keypulse tenant confirm-deleted erp-0001"), "{refused}");
    rig.run(&["tenant", "confirm-deleted", "erp-0001"]).well();
    let erased = rig.run(&["tenant", "erase", "erp-0001", "--yes", "--json"]).json();
    assert_eq!((&erased["erased"], &erased["key_destroyed"]), (&true.into(), &false.into()));
}
