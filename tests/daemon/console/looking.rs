//! The console for whoever sees badly, has a small screen, no mouse, or likes it dark.

use std::path::{Path, PathBuf};

use keypulse::sandbox::Change;
use serde_json::{Value, json};

use super::{ONE, home, rig, sign_in, token};
use crate::pages::browser::{Browser, Visitor};
use crate::pages::place;

const TWO: u32 = ONE + 1;

/// Pictures of the pages, to be looked at.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_page_of_the_console_can_be_used_by_anybody_on_any_screen() {
    let rig = rig();
    let daemon = place::broken(&rig);
    rig.apply(Change::Revoke { tenant: TWO });
    place::until_status(&rig, &daemon, TWO, "needs_reconnection");
    rig.run(&["tenant", "pause", &rig.reference(TWO + 1)]).well();
    let mut browser = Browser::start();
    let mut visitor = browser.visitor_with("operator", &json!({"width": 1280}));

    visitor.open(&mut browser, &home(&daemon));
    inspected(&mut browser, &visitor, "sign-in", &["token", "Sign in"]);
    sign_in(&mut browser, &mut visitor, &daemon, &token(&rig, "admin"));
    let (dead, paused) = (rig.reference(ONE), rig.reference(TWO + 1));
    inspected(
        &mut browser,
        &visitor,
        "fleet",
        &["q", "Find", "Sign out", &dead, "why", "Hold all mail"],
    );
    let open = |browser: &mut Browser, visitor: &mut Visitor, path: &str| {
        visitor.open(browser, &format!("{}{path}", home(&daemon)));
    };
    open(&mut browser, &mut visitor, "/search?q=erp");
    inspected(&mut browser, &visitor, "found", &[&dead]);
    open(&mut browser, &mut visitor, "/search?q=nobody-at-all");
    inspected(&mut browser, &visitor, "nobody", &["q"]);
    open(&mut browser, &mut visitor, &format!("/tenants/{dead}"));
    inspected(
        &mut browser,
        &visitor,
        "tenant",
        &["Check now", "Make a link", "for", "Pause", "Disable…", "Forget…"],
    );
    open(&mut browser, &mut visitor, &format!("/tenants/{paused}"));
    inspected(&mut browser, &visitor, "paused", &["Resume"]);
    open(&mut browser, &mut visitor, &format!("/tenants/{dead}/disable"));
    inspected(
        &mut browser,
        &visitor,
        "disable",
        &["reason", "confirm", "Disable it", "Leave it as it is"],
    );
    open(&mut browser, &mut visitor, "/tenants/nobody");
    inspected(&mut browser, &visitor, "refusal", &["To the first page"]);
    open(&mut browser, &mut visitor, &format!("/tenants/{dead}"));
    visitor.press(&mut browser, "Make a link");
    inspected(&mut browser, &visitor, "link", &["url", "Back to the tenant"]);
    let complaints: Vec<Value> = visitor.complaints(&mut browser).as_array().unwrap().clone();
    // The tenant that is not there.
    let others = complaints.iter().filter(|one| !one.as_str().unwrap().contains("404"));
    assert_eq!(others.count(), 0, "{complaints:?}");
}

/// Nothing that a rule finds, in light and dark, narrow and wide; all of it by keyboard, in order. Pictures
/// of it are left to be looked at.
fn inspected(browser: &mut Browser, visitor: &Visitor, name: &str, wanted: &[&str]) {
    for (kind, dark, width) in
        [("light", false, 1280), ("dark", true, 1280), ("narrow", false, 320)]
    {
        let path = pictures().join(format!("{name}-{kind}.png"));
        let ask = json!({"path": path, "dark": dark, "width": width});
        visitor.act(browser, "picture", &ask);
        assert!(path.metadata().unwrap().len() > 5_000, "{name}: an empty picture");
    }
    let found = visitor.act(browser, "inspect", &json!({}));
    assert_eq!(found["violations"], json!([]), "{name}: {found:#}");
    assert!(found["rules"].as_u64().unwrap() > 15, "{name}: few rules were applied: {found:#}");
    assert_eq!(found["wider"], json!([0, 0]), "{name}: scrolls sideways");
    assert_eq!(found["small"], json!([]), "{name}: hard to hit");
    assert_eq!(found["order"], found["reachable"], "{name}: by keyboard");
    assert_eq!(found["unseen"], json!([]), "{name}: the focus is not seen");
    let mut reached = found["order"].as_array().unwrap().iter();
    for one in wanted {
        assert!(reached.any(|name| name == one), "{name}: no {one} in this order: {found:#}");
    }
}
