//! `keypulse tenant rebind`: what it asks and says.

use keypulse::sandbox::{Change, Company};
use serde_json::json;

use crate::program::Ran;
use crate::rig::Rig;

fn rebind(rig: &Rig, company: &str, more: &[&str]) -> Ran {
    let args = ["tenant", "rebind", "erp-0001", "--company", company, "--reason", "sold"];
    rig.run(&[&args, more].concat())
}

#[test]
fn a_person_has_to_mean_it_and_to_say_why() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    let company = rig.world().company(2).id;
    let args = ["tenant", "rebind", "erp-0001", "--company", &company, "--yes"];
    assert!(rig.run(&args).refusal().contains("--reason"));
    assert!(rebind(&rig, &company, &[]).refusal().contains("--yes"));
    assert!(rebind(&rig, "a/b", &["--yes"]).refusal().contains("--company"));
    assert_eq!(rig.show(1)["company_id"], rig.world().company(1).id);
}

#[test]
fn a_key_of_the_company_before_is_kept_there_and_destroyed_only_if_that_is_said() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    rig.run(&["tenant", "check", "erp-0001"]).well();
    let (own, other) = (rig.world().company(1).id, rig.world().company(2).id);
    let before = rig.show(1);
    let refusal = rebind(&rig, &other, &["--yes"]).refusal();
    for words in ["is not accepted for company", &own, "Nothing has changed", "say `--without-key`"]
    {
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
    assert_eq!(rig.show(1)["company_id"], before["company_id"]);
    assert_eq!(rig.show(1)["status"], "healthy");
    let said = rebind(&rig, &other, &["--yes", "--without-key"]).well().stdout;
    assert!(said.contains("has no key for it: it waits for one"), "{said}");
    let shown = rig.show(1);
    assert_eq!(
        (&shown["company_id"], &shown["key"], &shown["cause"]),
        (&json!(other), &json!(null), &json!("wrong_company"))
    );
    let chained = rig.run(&["audit", "list", "--tenant", "erp-0001"]).well().stdout;
    assert!(chained.contains("tenant.company_changed"), "{chained}");
    rig.run(&["audit", "verify"]).well();
}

#[test]
fn a_key_that_moved_with_its_customer_stays() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    rig.apply(Change::MoveCompany { tenant: 1, to: Company::Number(2) });
    let other = rig.world().company(2).id;
    let bound = rebind(&rig, &other, &["--yes", "--json"]).json();
    assert_eq!(
        (&bound["company_id"], &bound["status"], &bound["changed"]),
        (&json!(other), &json!("healthy"), &json!(true))
    );
    let again = rebind(&rig, &other, &[]).well().stdout;
    assert!(again.contains("already; nothing has changed"), "{again}");
}
