//! An installation that serves pages, and the links that lead to them.

use std::net::TcpListener;

use keypulse::sandbox::Change;
use serde_json::Value;

use crate::daemon::Daemon;
use crate::database;
use crate::rig::Rig;

/// Whose connection breaks.
pub const ONE: u32 = 3;
/// Where the page leads back to.
pub const BACK: &str = "https://app.pleo.example/home";
pub const PRODUCT: &str = "Acme ERP";
pub const SUPPORT: &str = "help@erp.example";

/// A fleet whose customers have pages.
pub fn rig() -> Rig {
    with_pages(Rig::fleet())
}

/// The same installation with pages, on this machine and in clear.
pub fn with_pages(rig: Rig) -> Rig {
    let port = free_port();
    rig.set("public.url", &format!("http://127.0.0.1:{port}"))
        .set("public.listen", &format!("127.0.0.1:{port}"))
        .set("brand.product", PRODUCT)
        .set("brand.support", SUPPORT)
        .set("connect.return_url", BACK)
}

/// A port that nobody listens on; the address of the pages has to name it beforehand.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The address of the pages.
pub fn home(rig: &Rig) -> String {
    rig.environment()["KEYPULSE__PUBLIC__URL"].clone()
}

/// The key of one is withdrawn, and a daemon that has found that out.
pub fn broken(rig: &Rig) -> Daemon {
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: ONE });
    until_status(rig, &daemon, ONE, "needs_reconnection");
    daemon
}

/// A new key of somebody, which works.
pub fn new_key(rig: &Rig, number: u32) -> String {
    rig.apply(Change::Rotate { tenant: number }).into_key().unwrap().expose().to_owned()
}

/// A key that looks like one and is nobody's.
pub fn wrong(key: &str) -> String {
    let (rest, last) = key.split_at(key.len() - 6);
    format!(
        "{rest}{}",
        last.chars().rev().map(|one| if one == 'a' { 'b' } else { 'a' }).collect::<String>()
    )
}

pub fn until_status(rig: &Rig, daemon: &Daemon, number: u32, status: &str) {
    let reference = rig.reference(number);
    daemon.until(&format!("{reference} is {status}"), |daemon| {
        daemon.story(&reference).last().is_some_and(|(last, _)| last == status)
    });
}

/// A new link to somebody's page.
pub fn link(rig: &Rig, number: u32) -> String {
    let made = rig.run(&["tenant", "link", &rig.reference(number), "--json"]).json();
    made["url"].as_str().unwrap().to_owned()
}

/// A link for somebody who is to become a tenant.
pub fn invite(rig: &Rig, reference: &str, more: &[&str]) -> String {
    let made = rig.run(&[&["tenant", "invite", reference, "--json"], more].concat()).json();
    made["url"].as_str().unwrap().to_owned()
}

/// What is known of the links of somebody: their state, and how many tries were in vain.
pub fn links(rig: &Rig, number: u32) -> Vec<(String, u64)> {
    let listed = rig.run(&["tenant", "link", &rig.reference(number), "--list", "--json"]);
    let text = |one: &Value| one["state"].as_str().unwrap().to_owned();
    listed.json_lines().iter().map(|one| (text(one), one["tries"].as_u64().unwrap())).collect()
}

/// Which key of somebody's is the present one, counted from the first.
pub fn generation(rig: &Rig, number: u32) -> i64 {
    let reference = rig.reference(number);
    let of_whom = format!("(SELECT id FROM tenant WHERE ref = '{reference}')");
    let sql = format!("SELECT MAX(generation) FROM tenant_key WHERE tenant_id = {of_whom}");
    database::number(rig, &sql)
}

/// What the provider calls somebody's company.
pub fn company(rig: &Rig, number: u32) -> String {
    rig.world().company(number).id
}

/// What is shown of a key: its end.
pub fn masked(key: &str) -> String {
    format!("…{}", &key[key.len() - 4..])
}

/// A text of a page or of a part of it.
pub fn text<'a>(page: &'a Value, what: &str) -> &'a str {
    page[what].as_str().unwrap_or_else(|| panic!("no {what}: {page:#}"))
}
