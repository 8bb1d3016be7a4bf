//! `keypulse tenant add` where nobody has said which company a key belongs to.

use keypulse::sandbox::Change;
use serde_json::Value;

use crate::program::{self, Ran};
use crate::rig::Rig;

fn add(rig: &Rig, key: &str, more: &[&str]) -> Ran {
    let mut command = rig.command(&["tenant", "add", "erp-new"]);
    command.args(more).env("RUST_LOG", "trace");
    program::run(&mut command, key.as_bytes())
}

fn company(rig: &Rig, number: u32) -> String {
    rig.world().tenant(number).unwrap().company_id
}

#[test]
fn the_company_of_a_key_is_shown_and_nothing_is_stored_before_it_is_confirmed() {
    let rig = Rig::new(2);
    rig.add(2..=2);
    let (key, company) = (rig.key(1), company(&rig, 1));
    let asked = add(&rig, &key, &[]);
    assert_eq!(asked.code, Some(5), "{asked:?}");
    assert!(asked.stderr.contains(&format!("belongs to company {company}")), "{asked:?}");
    assert!(asked.stderr.contains(&format!("`--company {company}`")), "{asked:?}");
    let asked = add(&rig, &key, &["--json"]);
    assert_eq!(asked.code, Some(5), "{asked:?}");
    let told: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!(
        (&told["type"], &told["company_id"]),
        (&"company-to-confirm".into(), &company.into())
    );
    let name = rig.world().tenant(1).unwrap().company_name;
    assert_eq!(told["company_name"], name.as_str());
    assert_eq!(rig.asked(1), 4, "one call for the company and one for its name, each time");
    let none = rig.run(&["tenant", "show", "erp-new"]);
    assert_ne!(none.code, Some(0), "{none:?}");
    let company = told["company_id"].as_str().unwrap();
    let added = add(&rig, &key, &["--company", company]).well();
    assert!(added.stdout.contains("added erp-new"), "{added:?}");
    for ran in [&asked, &added] {
        assert!(!ran.stdout.contains(&key) && !ran.stderr.contains(&key));
    }
}

#[test]
fn a_key_that_would_not_be_taken_is_refused_before_anything_is_stored() {
    let rig = Rig::new(2);
    rig.add(2..=2);
    let theirs = add(&rig, &rig.key(2), &["--json"]);
    assert_eq!(theirs.code, Some(3), "{theirs:?}");
    assert!(theirs.stdout.contains("key-of-another-tenant"), "{theirs:?}");
    let old = rig.key(1);
    rig.apply(Change::Rotate { tenant: 1 });
    let dead = add(&rig, &old, &[]);
    assert_eq!(dead.code, Some(3), "{dead:?}");
    assert!(dead.stderr.contains("(key-rejected)"), "{dead:?}");
    assert_ne!(rig.run(&["tenant", "show", "erp-new"]).code, Some(0));
}
