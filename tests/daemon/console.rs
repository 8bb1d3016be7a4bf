//! The console, as people who help customers meet it: the program itself in a real browser.

mod helping;
mod looking;
mod watching;

use serde_json::json;

use crate::daemon::Daemon;
use crate::database;
use crate::pages::browser::{Browser, Visitor};
use crate::pages::place;
use crate::rig::Rig;

/// Whose key dies.
const ONE: u32 = place::ONE;
/// What would be markup, and turn the line round, if anybody let it.
const EVIL: &str = "<b>Bageri</b> \u{202e}Jensen & Søn";

/// A fleet whose customers are written to, into a folder.
fn rig() -> Rig {
    let rig = place::with_pages(Rig::fleet());
    let mails = rig.data().join("mails");
    std::fs::create_dir_all(&mails).unwrap();
    let rig = rig
        .set("mail.dir", mails.to_str().unwrap())
        .set("mail.from", "Acme ERP <keys@acme.example>")
        .set("notify.mode", "live")
        .set("customers.hours", "00-24");
    database::execute(
        &rig,
        "INSERT INTO contact (tenant_id, ordinal, address, role) \
         SELECT id, 1, ref || '@customer.example', 'finance' FROM tenant",
    );
    rig
}

/// One of them has a name that nobody expects.
fn oddly_named(rig: Rig) -> Rig {
    let named = format!("UPDATE tenant SET name = '{EVIL}' WHERE ref = '{}'", rig.reference(ONE));
    database::execute(&rig, &named);
    rig
}

/// A token for people of that role.
fn token(rig: &Rig, role: &str) -> String {
    let made = rig.run(&["token", "new", "--role", role, "--name", "the desk", "--json"]).json();
    made["token"].as_str().unwrap().to_owned()
}

/// Where the console is.
fn home(daemon: &Daemon) -> String {
    format!("http://{}/console", daemon.address())
}

/// Signs somebody in, who is led to the first page.
fn sign_in(browser: &mut Browser, visitor: &mut Visitor, daemon: &Daemon, token: &str) {
    visitor.open(browser, &home(daemon));
    visitor.act(browser, "fill", &json!({"field": "token", "text": token}));
    let page = visitor.press(browser, "Sign in");
    assert_eq!(page["url"], home(daemon), "{}", page["text"]);
}
