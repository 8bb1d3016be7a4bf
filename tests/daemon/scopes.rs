//! `keypulse scopes`: what it says before anything is changed, and what it changes.

use keypulse::sandbox::{Change, Scope};
use serde_json::json;

use crate::program::{self, Ran};
use crate::rig::Rig;

/// Three tenants that were accepted, of whom the first lacks what will be required besides.
fn with_a_tenant_that_lacks_a_scope() -> Rig {
    let rig = Rig::new(3).set("provider.required_scopes", r#"["export-jobs:read"]"#);
    rig.add(1..=3);
    let scope = Scope::parse("users:read").unwrap();
    rig.apply(Change::RemoveScope { tenant: 1, scope });
    for one in ["erp-0001", "erp-0002"] {
        rig.run(&["tenant", "check", one]).well();
    }
    rig.set("provider.required_scopes", r#"["export-jobs:read","users:read"]"#)
}

fn apply(rig: &Rig, more: &[&str]) -> Ran {
    rig.run(&[&["scopes", "apply"], more].concat())
}

#[test]
fn whoever_would_be_touched_is_counted_before_anything_is_asked_or_done() {
    let rig = with_a_tenant_that_lacks_a_scope();
    let before = rig.show(1);
    let calls = rig.world().counts().total;
    let found = rig.run(&["scopes", "diff", "--json"]).json();
    assert_eq!(
        (&found["required"], &found["source"], &found["held"], &found["without_key"]),
        (
            &json!(["export-jobs:read", "users:read"]),
            &json!("provider.required_scopes"),
            &json!(0),
            &json!(0)
        )
    );
    let group = json!({
        "held_to": ["export-jobs:read"], "adds": ["users:read"], "drops": [],
        "tenants": 3, "suffice": 1, "lack": 1, "lacking": {"users:read": 1}, "not_known": 1,
        "being_confirmed": 0,
    });
    assert_eq!(found["groups"], json!([group]));
    let text = rig.run(&["scopes", "diff"]).well().stdout;
    for words in [
        "3 tenants with a key: 0 held to this, 3 to something else",
        "would be held to users:read more, and to nothing less",
        "1 lack some of it, so their customers would have to grant it: users:read (1)",
        "1 are not known to have it or to lack it",
        "Nothing is applied by itself",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let refused = apply(&rig, &[]);
    assert!(refused.stderr.contains("3 of 3 tenants with a key: 0 held to this already, 3 to be"));
    assert!(refused.refusal().contains("--yes"));
    let mut typed = rig.command(&["scopes", "apply", "--share", "1"]);
    assert!(program::run(&mut typed, b"apply 1\n").refusal().contains("--yes"), "no terminal");
    assert_eq!(rig.show(1), before);
    assert_eq!(rig.world().counts().total, calls, "nobody was asked");
}

#[test]
fn what_is_applied_is_what_was_shown_and_the_rest_stays_as_it_is() {
    let rig = with_a_tenant_that_lacks_a_scope();
    let document = apply(&rig, &["--share", "50%", "--yes", "--json"]).json();
    assert_eq!(
        (&document["share"], &document["changed"], &document["left"], &document["interrupted"]),
        (&json!(2), &json!(2), &json!(0), &json!(false))
    );
    let held = rig.run(&["scopes", "diff", "--json"]).json();
    assert_eq!((&held["held"], &held["groups"][0]["tenants"]), (&json!(2), &json!(1)));
    let rest = apply(&rig, &["--yes"]).well().stdout;
    assert_eq!(rest, "applied to 1 tenant\n");
    let nothing = apply(&rig, &[]).well().stdout;
    assert!(nothing.contains("nothing to apply"), "{nothing}");
    assert_eq!(rig.show(1)["required_scopes"], json!(["export-jobs:read", "users:read"]));
    let failing = rig.run(&["tenant", "check", "erp-0001"]).well().stdout;
    assert!(failing.contains("no longer grants users:read"), "{failing}");
    assert!(failing.contains("healthy (suspect)"), "{failing}");
    let bad = apply(&rig, &["--share", "0%"]).refusal();
    assert!(bad.contains("1% to 100%"), "{bad}");
}
