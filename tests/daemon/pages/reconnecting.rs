//! A connection breaks, and a person mends it.

use serde_json::{Value, json};

use super::browser::{Browser, Steps, Visitor};
use super::mail;
use super::place::{self, BACK, ONE, PRODUCT, SUPPORT, text};
use crate::daemon::Daemon;
use crate::database;
use crate::rig::Rig;

/// What one step costs a person, in seconds, generously: looking at a page and reading what it says,
/// finding and tapping a button, pasting what was copied.
const PAGE: u32 = 8;
const TAP: u32 = 3;
const PASTE: u32 = 5;

fn seconds(steps: Steps) -> u32 {
    steps.pages * PAGE + steps.taps * TAP + steps.pastes * PASTE
}

#[test]
fn a_person_with_a_link_mends_a_connection_in_less_than_a_minute_of_steps() {
    let rig = place::rig();
    let daemon = place::broken(&rig);
    let mut browser = Browser::start();
    // One after the other breaks and is mended: first with scripts, then without.
    let mut visitor = browser.visitor("with scripts");
    let link = place::link(&rig, ONE);
    mended(&rig, &daemon, &mut browser, &mut visitor, &link);
    let complaints = visitor.complaints(&mut browser);
    assert_eq!(complaints, json!([]));

    rig.apply(keypulse::sandbox::Change::Revoke { tenant: ONE });
    place::until_status(&rig, &daemon, ONE, "needs_reconnection");
    let without = json!({"javascript": false});
    let mut visitor = browser.visitor_with("without scripts", &without);
    let link = place::link(&rig, ONE);
    mended(&rig, &daemon, &mut browser, &mut visitor, &link);
}

#[test]
fn the_link_in_the_mail_that_was_sent_leads_to_the_page_that_mends_the_connection() {
    let rig = place::rig();
    let mails = rig.path().join("mails");
    std::fs::create_dir(&mails).unwrap();
    let rig = rig
        .set("notify.mode", "live")
        .set("mail.dir", mails.to_str().unwrap())
        .set("mail.from", "Acme ERP <keys@acme.example>");
    let contact = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                   SELECT id, 1, 'bookkeeping@customer.example', 'finance' FROM tenant";
    database::execute(&rig, contact);
    let daemon = place::broken(&rig);
    daemon.until("the mail", |_| mail::all(&mails).len() == 1);
    let letter = mail::all(&mails).remove(0);
    let link = letter.link(&place::home(&rig));
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("by mail");
    mended(&rig, &daemon, &mut browser, &mut visitor, &link);
    daemon.until("the good news", |_| mail::all(&mails).len() == 2);
    let letters = mail::all(&mails);
    assert!(letters.iter().all(|one| one.to == "bookkeeping@customer.example"), "{letters:?}");
    assert!(!letters.iter().any(|one| one.text.contains(&rig.key(ONE))), "a key was sent");
}

fn mended(rig: &Rig, daemon: &Daemon, browser: &mut Browser, visitor: &mut Visitor, link: &str) {
    let token = link.rsplit('/').next().unwrap().to_owned();
    let page = visitor.open(browser, link);
    assert_eq!(page["status"], 200);
    let url = text(&page, "url");
    assert!(url.contains("/connect/") && !url.contains(&token), "{url}");
    let cookies = visitor.act(browser, "stored", &json!({}))["cookies"].take();
    let cookies = cookies.as_array().unwrap().clone();
    assert!(!cookies.is_empty());
    for cookie in &cookies {
        let rules = (&cookie["httpOnly"], &cookie["sameSite"], &cookie["path"]);
        assert_eq!(rules, (&json!(true), &json!("Lax"), &json!("/")), "{cookie}");
    }
    let heading = format!("Connect {PRODUCT} with Pleo again");
    assert_eq!(text(&page, "heading"), heading);
    let (customer, company) =
        (rig.world().tenant(ONE).unwrap().company_name, place::company(rig, ONE));
    let old = rig.show(ONE)["key"].as_str().unwrap().to_owned();
    for words in [customer.as_str(), &company, &old, "Since ", SUPPORT, "Reference: "] {
        assert!(text(&page, "text").contains(words), "no {words}: {}", page["text"]);
    }
    assert!((1..=5).contains(&page["steps"].as_u64().unwrap()), "{}", page["steps"]);
    let field = &page["key"];
    assert_eq!(
        [&field["type"], &field["autocomplete"], &field["capitals"], &field["spelling"]],
        ["password", "off", "none", "false"]
    );
    assert!(text(field, "label").contains("secret"), "{field}");

    let new = place::new_key(rig, ONE);
    let wrong = place::wrong(&new);
    assert_eq!(visitor.paste(browser, &wrong), json!(wrong));
    let page = visitor.press(browser, "Save and test");
    assert_eq!(text(&page, "heading"), heading, "the answer is on the same page");
    assert_said_of_the_key(&page);
    assert!(!text(&page, "html").contains(&wrong), "the key is shown");
    assert!(text(&page, "title").starts_with("Not connected yet"), "{}", page["title"]);
    assert_eq!(rig.show(ONE)["key"], json!(old), "nothing has changed");
    assert_eq!(place::links(rig, ONE)[0], ("open".to_owned(), 1));

    visitor.paste(browser, &new);
    let page = visitor.press(browser, "Save and test");
    assert_eq!(text(&page, "heading"), "Connected");
    for words in [customer.as_str(), &company, &place::masked(&new)] {
        assert!(text(&page, "text").contains(words), "no {words}: {}", page["text"]);
    }
    assert!(!text(&page, "html").contains(&new), "the key is shown");
    assert_eq!(page["back"], json!(BACK));
    // The way to the page, the two that answered, and every tap and paste, the wrong key too.
    let steps = Steps { pages: visitor.steps.pages + 2, ..visitor.steps };
    assert_eq!(steps, Steps { pages: 3, taps: 2, pastes: 2 });
    assert!(seconds(steps) < 60, "{steps:?}");

    place::until_status(rig, daemon, ONE, "healthy");
    assert_eq!(place::links(rig, ONE)[0].0, "spent");
    // Whoever finds the mail later is told, and can do nothing.
    let mut later = browser.visitor("later");
    let page = later.open(browser, link);
    assert_eq!((text(&page, "heading"), &page["key"]), ("Connected", &Value::Null));
    // That it was used it says once nobody can be waiting for the answer any more.
    database::execute(rig, "UPDATE link SET ended_at = ended_at - (expires_at - created_at)");
    let page = later.open(browser, link);
    assert_eq!((text(&page, "heading"), &page["key"]), ("Everything works", &Value::Null));
    later.act(browser, "close", &json!({}));
}

/// The answer is in sight, and whoever hears the page hears it with the field.
fn assert_said_of_the_key(page: &Value) {
    let (said, field) = (text(page, "said"), &page["key"]);
    assert_eq!((&field["invalid"], &field["value"]), (&json!("true"), &json!("")), "{field}");
    let help = field["help"].as_array().unwrap();
    assert!(help.iter().any(|text| text == said), "{said} is not in {help:?}");
    assert!(said.contains("Pleo"), "{said}");
}
