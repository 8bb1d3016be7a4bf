//! Somebody has a customer on the line.

use serde_json::json;

use super::{EVIL, ONE, home, oddly_named, rig, sign_in, token};
use crate::pages::browser::Browser;
use crate::pages::place::{self, text};

#[test]
fn support_finds_a_customer_by_what_they_read_out_says_why_and_makes_a_link_without_any_script() {
    let rig = oddly_named(rig());
    let daemon = place::broken(&rig);
    let sent = || rig.run(&["messages", "list", "--state", "sent", "--json"]).json_lines();
    daemon.until("the mail", |_| sent().iter().any(|one| one["stage"] == "first"));
    let id = sent()[0]["id"].as_str().unwrap()[..8].to_owned();
    let mut browser = Browser::start();
    let mut visitor = browser.visitor_with("support", &json!({"javascript": false, "width": 1280}));
    sign_in(&mut browser, &mut visitor, &daemon, &token(&rig, "support"));

    visitor.act(&mut browser, "fill", &json!({"field": "q", "text": id}));
    let page = visitor.press(&mut browser, "Find");
    let reference = rig.reference(ONE);
    assert_eq!(
        page["url"],
        format!("{}/tenants/{reference}", home(&daemon)),
        "one is shown at once"
    );
    let said = text(&page, "text");
    let name = EVIL.replace('\u{202e}', "\u{fffd}");
    assert!(text(&page, "heading").contains(&name), "a name is no markup: {}", page["text"]);
    assert!(!text(&page, "html").contains('\u{202e}'), "a name turns the line round");
    assert!(said.contains("The customer has to give a new key"), "{said}");
    assert!(said.contains(&format!("{reference}@customer.example")), "{said}");
    assert!(!said.contains("Audit"), "support reads no audit: {said}");
    for hidden in ["Disable", "Forget", "Pause", "Hold all mail"] {
        assert!(!said.contains(hidden), "{hidden} is offered to support: {said}");
    }

    // The mail as it was sent, and nobody can get to the page from it.
    visitor.unfold(&mut browser, "Pleo");
    let page = visitor.look(&mut browser);
    let (shown, html) = (text(&page, "text"), text(&page, "html"));
    assert!(shown.contains(&format!("{}/l/…", place::home(&rig))), "{shown}");
    assert!(
        !html.contains(&rig.key(ONE)) && html.contains("connect.") == shown.contains("connect.")
    );
    let token_of = |link: &str| link.rsplit_once('/').unwrap().1.to_owned();
    let mails = crate::pages::mail::all(&rig.data().join("mails"));
    let link = mails[0].link(&place::home(&rig));
    assert!(!html.contains(&token_of(&link)), "the link of the mail is on the page");

    // The daemon asks every second, and of two at a time one is told to wait.
    daemon.until("a check from the console", |_| {
        let page = visitor.press(&mut browser, "Check now");
        text(&page, "said").contains("Pleo was asked")
    });
    let page = visitor.act(&mut browser, "reload", &json!({}));
    assert!(page["said"].is_null(), "it is said once: {}", page["text"]);

    let page = visitor.press(&mut browser, "Make a link");
    assert!(text(&page, "text").contains("shown this once"), "{}", page["text"]);
    let made = visitor.act(&mut browser, "value", &json!({"field": "url"}));
    let made = made.as_str().unwrap().to_owned();
    let mut customer = browser.visitor("customer");
    let page = customer.open(&mut browser, &made);
    assert!(text(&page, "heading").contains("Pleo"), "{}", page["text"]);
    assert!(
        !page["key"].is_null(),
        "it leads to the page on which a key is given: {}",
        page["text"]
    );

    let page = visitor.open(&mut browser, &format!("{}/tenants/{reference}", home(&daemon)));
    assert!(!text(&page, "html").contains(&token_of(&made)), "the link was to be shown once");
    let page = visitor.press(&mut browser, "Sign out");
    assert_eq!(page["heading"], "Sign in");
    let page = visitor.open(&mut browser, &format!("{}/tenants/{reference}", home(&daemon)));
    assert_eq!(page["heading"], "Sign in", "{}", page["text"]);
    // Who did it is chained.
    let audit = rig.run(&["audit", "list", "--json"]).json_lines();
    let did: Vec<_> = audit.iter().map(|row| row["action"].as_str().unwrap()).collect();
    for action in ["console.signed_in", "link.made", "console.signed_out"] {
        assert!(did.contains(&action), "{action}: {did:?}");
    }
}
