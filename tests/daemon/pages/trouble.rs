//! What is not a new key: a permission, a goodbye, a link that is too old, a provider that is away.

use keypulse::sandbox::{Change, Fault, FaultKind, Scope};
use serde_json::json;

use super::browser::Browser;
use super::place::{self, ONE, PRODUCT, SUPPORT, text};
use crate::rig::Rig;

#[test]
fn a_permission_that_was_lost_is_granted_and_tested_again_without_a_key() {
    // Only the button asks from now on.
    let rig = place::rig().set("policy.dead_interval", "1h");
    let daemon = rig.healthy_daemon();
    let scope = Scope::parse("users:read").unwrap();
    rig.apply(Change::RemoveScope { tenant: ONE, scope });
    place::until_status(&rig, &daemon, ONE, "needs_reconnection");
    let before = rig.show(ONE)["key"].clone();

    let mut browser = Browser::start();
    let mut visitor = browser.visitor("granting");
    let page = visitor.open(&mut browser, &place::link(&rig, ONE));
    assert_eq!(text(&page, "heading"), format!("{PRODUCT} needs a permission in Pleo"));
    for words in ["users:read", "You do not need a new key", "Test again"] {
        assert!(text(&page, "text").contains(words), "no {words}: {}", page["text"]);
    }
    let has = text(&page, "text").contains("export-jobs:read");
    assert!(!has, "what is there already is asked for: {}", page["text"]);
    let page = visitor.press(&mut browser, "Test again");
    let said = "The key works, but the permission is still missing. Nothing has changed.";
    assert!(text(&page, "said").starts_with(said), "{}", page["said"]);
    assert_eq!(place::links(&rig, ONE)[0].0, "open");

    rig.apply(Change::AddScope { tenant: ONE, scope });
    let page = visitor.press(&mut browser, "Test again");
    assert_eq!(text(&page, "heading"), "Connected", "{}", page["text"]);
    assert_eq!(visitor.steps.pastes, 0);
    assert_eq!(rig.show(ONE)["key"], before);
    place::until_status(&rig, &daemon, ONE, "healthy");
    assert_eq!(visitor.complaints(&mut browser), json!([]));
}

#[test]
fn whoever_no_longer_uses_the_product_is_asked_and_checked_no_more() {
    let rig = place::rig();
    let daemon = place::broken(&rig);
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("leaving");
    visitor.open(&mut browser, &place::link(&rig, ONE));
    visitor.unfold(&mut browser, &format!("We no longer use {PRODUCT}"));
    let page = visitor.press(&mut browser, "Stop for");
    assert_eq!(text(&page, "heading"), format!("{PRODUCT} is no longer connected"));
    assert!(text(&page, "text").contains(SUPPORT), "{}", page["text"]);
    let status = (String::from("disabled"), Some(String::from("declined")));
    let reference = rig.reference(ONE);
    daemon.until("it is disabled", |daemon| daemon.story(&reference).last() == Some(&status));
    assert_eq!(rig.statuses()[&reference], status);
}

#[test]
fn a_link_that_is_too_old_says_so_and_offers_a_new_one_without_telling_who_has_an_address() {
    let rig = place::rig().set("connect.links_valid_for", "1s");
    let _daemon = place::broken(&rig);
    let url = place::link(&rig, ONE);
    crate::daemon::a_while();
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("late");
    let page = visitor.open(&mut browser, &url);
    assert_eq!(text(&page, "heading"), "This link is too old");
    assert_eq!(page["key"], json!(null));
    let first = visitor.press(&mut browser, "Send a new link");
    assert!(text(&first, "said").contains("a new link is on its way"), "{}", first["said"]);
    // Once more, by whoever else has the same mail, and for a tenant of whom an address is known.
    let mut other = browser.visitor("later still");
    other.open(&mut browser, &url);
    assert_eq!(other.look(&mut browser)["said"], first["said"]);
    let contact = ["tenant", "update", &rig.reference(ONE + 1), "--contact", "b@fjord.example"];
    rig.run(&contact);
    let url = place::link(&rig, ONE);
    crate::daemon::a_while();
    other.open(&mut browser, &url);
    let again = other.press(&mut browser, "Send a new link");
    assert_eq!(again["said"], first["said"]);
    assert_eq!(rig.statuses()[&rig.reference(ONE)].0, "needs_reconnection");
}

#[test]
fn a_provider_that_is_away_is_said_to_be_away_and_changes_nothing() {
    let rig = place::rig();
    let daemon = place::broken(&rig);
    let before = rig.show(ONE)["key"].clone();
    let new = place::new_key(&rig, ONE);
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("patient");
    visitor.open(&mut browser, &place::link(&rig, ONE));
    rig.fault(Fault::new(FaultKind::Status(503)));
    visitor.paste(&mut browser, &new);
    let page = visitor.press(&mut browser, "Save and test");
    assert_said_to_be_away(&page);
    assert!(!text(&page, "html").contains(&new), "the key is shown");
    assert_eq!((&rig.show(ONE)["key"], generation(&rig)), (&before, 1));
    assert_eq!(place::links(&rig, ONE)[0], ("open".to_owned(), 0), "no try in vain");

    rig.clear_faults();
    visitor.paste(&mut browser, &new);
    let page = visitor.press(&mut browser, "Save and test");
    assert_eq!(text(&page, "heading"), "Connected", "{}", page["text"]);
    place::until_status(&rig, &daemon, ONE, "healthy");
}

fn assert_said_to_be_away(page: &serde_json::Value) {
    let said = text(page, "said");
    assert!(said.contains("Pleo") && said.to_lowercase().contains("nothing has changed"), "{said}");
    assert_eq!(page["key"]["invalid"], json!(null), "the key is not at fault");
}

#[test]
fn two_tabs_and_a_double_tap_replace_a_key_once() {
    let rig = place::rig();
    let daemon = rig.healthy_daemon();
    let mut browser = Browser::start();
    // Without scripts nothing holds a second tap back.
    for (name, javascript) in [("with scripts", true), ("without scripts", false)] {
        let before = generation(&rig);
        rig.apply(Change::Revoke { tenant: ONE });
        place::until_status(&rig, &daemon, ONE, "needs_reconnection");
        let (url, new) = (place::link(&rig, ONE), place::new_key(&rig, ONE));
        let visitor = browser.visitor_with(name, &json!({"javascript": javascript}));
        let tabs = ["left", "right"];
        for tab in tabs {
            visitor.act(&mut browser, "open", &json!({"url": url, "tab": tab}));
            visitor.act(&mut browser, "paste", &json!({"key": new, "tab": tab}));
        }
        let both = json!({"tabs": tabs, "button": "Save and test", "clicks": 2});
        visitor.act(&mut browser, "together", &both);
        for tab in tabs {
            let page = visitor.act(&mut browser, "look", &json!({"tab": tab}));
            assert_eq!(text(&page, "heading"), "Connected", "{name}, {tab}: {}", page["text"]);
        }
        assert_eq!(generation(&rig), before + 1, "{name}");
        place::until_status(&rig, &daemon, ONE, "healthy");
    }
}

/// How many keys one has had.
fn generation(rig: &Rig) -> i64 {
    place::generation(rig, ONE)
}
