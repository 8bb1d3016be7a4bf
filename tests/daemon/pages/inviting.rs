//! Somebody who is no tenant yet follows an invitation that names no company.

use serde_json::json;

use super::browser::Browser;
use super::place::{self, BACK, PRODUCT, text};
use crate::rig::{FLEET, Rig};

/// Known to the provider, not to keypulse.
const NEW: u32 = FLEET + 1;

#[test]
fn nothing_is_connected_before_a_person_has_said_that_it_is_the_right_company() {
    let rig = Rig::new(NEW);
    rig.add(1..=FLEET);
    let rig = place::with_pages(rig);
    let daemon = rig.healthy_daemon();
    let reference = rig.reference(NEW);
    let url = place::invite(&rig, &reference, &["--name", "Nordlys ApS", "--locale", "en-GB"]);
    let (key, company) = (rig.key(NEW), place::company(&rig, NEW));
    let is_there = || rig.run(&["tenant", "show", &reference]).code == Some(0);

    let mut browser = Browser::start();
    let mut visitor = browser.visitor("newcomer");
    let page = visitor.open(&mut browser, &url);
    assert_eq!(text(&page, "heading"), format!("Connect {PRODUCT} with Pleo"));
    for deed in ["no", "yes"] {
        visitor.paste(&mut browser, &key);
        let page = visitor.press(&mut browser, "Save and test");
        assert_eq!(text(&page, "heading"), "Is this the right company?");
        for words in [&company, &place::masked(&key), "Nordlys ApS", "until you say yes"] {
            assert!(text(&page, "text").contains(words), "no {words}: {}", page["text"]);
        }
        assert!(!text(&page, "html").contains(&key), "the key is shown");
        assert!(!is_there(), "connected before the yes");
        // Looking once more is no answer.
        let page = visitor.act(&mut browser, "reload", &json!({}));
        assert_eq!(text(&page, "heading"), "Is this the right company?");
        assert!(!is_there(), "connected by looking");
        if deed == "no" {
            let page = visitor.press(&mut browser, "No, it is another one");
            assert!(text(&page, "said").contains("Nothing has changed"), "{}", page["said"]);
            assert_eq!(page["key"]["value"], "");
            assert!(!is_there(), "connected by a no");
        }
    }
    let page = visitor.press(&mut browser, "Yes, connect it");
    assert_eq!((text(&page, "heading"), &page["back"]), ("Connected", &json!(BACK)));
    for words in [&company, &place::masked(&key), "Nordlys ApS"] {
        assert!(text(&page, "text").contains(words), "no {words}: {}", page["text"]);
    }
    let shown = rig.show(NEW);
    assert_eq!((&shown["company_id"], &shown["name"]), (&json!(company), &json!("Nordlys ApS")));
    place::until_status(&rig, &daemon, NEW, "healthy");
    assert_eq!(visitor.complaints(&mut browser), json!([]));
}
