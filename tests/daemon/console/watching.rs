//! Somebody has the first page open all day.

use serde_json::json;

use super::{ONE, rig, sign_in, token};
use crate::database;
use crate::pages::browser::{Browser, Visitor};
use crate::pages::place::{self, text};

#[test]
fn the_first_page_shows_by_itself_what_has_become_wrong_and_what_is_right_again() {
    let rig = rig();
    let mut daemon = rig.healthy_daemon();
    let mut browser = Browser::start();
    let mut visitor = browser.visitor_with("on-call", &json!({"width": 1280}));
    sign_in(&mut browser, &mut visitor, &daemon, &token(&rig, "operator"));
    let page = visitor.look(&mut browser);
    assert_eq!(text(&page, "heading"), "●Nothing is wrong", "{}", page["text"]);
    rig.apply(keypulse::sandbox::Change::Revoke { tenant: ONE });
    place::until_status(&rig, &daemon, ONE, "needs_reconnection");
    let shows = |browser: &mut Browser, visitor: &Visitor, what: &str, whether: bool| {
        daemon.until(what, |_| text(&visitor.look(browser), "text").contains(what) == whether);
    };
    shows(&mut browser, &visitor, "1 tenant needs a person", true);
    crate::handing_over::replace(&rig, ONE, &[]).well();
    shows(&mut browser, &visitor, "1 tenant needs a person", false);
    assert_eq!(visitor.complaints(&mut browser), json!([]));

    // An operator holds all mail from here, and lets it go.
    visitor.act(&mut browser, "fill", &json!({"field": "reason", "text": "a wrong text"}));
    let page = visitor.press(&mut browser, "Hold all mail");
    assert!(text(&page, "text").contains("a wrong text"), "{}", page["text"]);
    let held = "SELECT COUNT(*) FROM notify WHERE held_why = 'a wrong text'";
    assert_eq!(database::number(&rig, held), 1);
    let page = visitor.press(&mut browser, "Let mail go again");
    assert!(text(&page, "said").contains("Mail to customers goes again"), "{}", page["text"]);

    // Whoever is not signed in any more is not left with what was true once.
    database::execute(&rig, "DELETE FROM console_session");
    visitor.act(&mut browser, "heading", &json!({"text": "Sign in"}));
    sign_in(&mut browser, &mut visitor, &daemon, &token(&rig, "operator"));
    daemon.stop();
    crate::wait::until_true(
        "a word that it is old",
        || text(&visitor.look(&mut browser), "text").contains("Not read since"),
        String::new,
    );
}
