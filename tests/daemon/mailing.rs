//! Customers are written to: once, to the right one, through a death at every step, and not at all
//! before somebody goes live.

use std::time::Duration;

use keypulse::sandbox::Change;

use crate::daemon::{Daemon, a_while};
use crate::database;
use crate::pages::{place, plain};
use crate::relay::{Cover, Fault, Relay, Script, Stage, Taken};
use crate::rig::{RUNTIME, Rig};
use crate::server::Server;

/// Everybody gets a contact, whose address says whose it is.
const CONTACTS: &str = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                        SELECT id, 1, ref || '@customer.example', 'finance' FROM tenant";

/// A relay of this script on this machine, in clear.
pub fn relay(fault: Option<(Stage, Fault)>) -> Relay {
    let script = Script { fault, ..Script::good(Cover::None) };
    RUNTIME.block_on(Relay::start(script))
}

/// The settings with which customers are written to over that relay at any hour.
pub fn writing(rig: Rig, relay: &Relay) -> Rig {
    rig.set("notify.mode", "live")
        .set("mail.host", "127.0.0.1")
        .set("mail.port", &relay.port().to_string())
        .set("mail.tls", "none")
        .set("mail.timeout", "5s")
        .set("mail.from", "Acme ERP <keys@acme.example>")
        .set("customers.hours", "00-24")
}

pub fn contacts(rig: &Rig) {
    database::execute(rig, CONTACTS);
}

/// Kills the key of one, and waits until that is known.
pub fn dies(rig: &Rig, daemon: &Daemon, number: u32) {
    rig.apply(Change::Revoke { tenant: number });
    place::until_status(rig, daemon, number, "needs_reconnection");
}

fn recipients(taken: &[Taken]) -> Vec<String> {
    taken.iter().flat_map(|one| one.to.clone()).collect()
}

/// A header of a mail.
fn header<'a>(mail: &'a Taken, name: &str) -> &'a str {
    let line = mail.body.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {}", mail.body)).trim()
}

#[test]
fn one_dead_key_is_one_mail_to_its_customer_and_its_end_is_another() {
    let relay = relay(None);
    let rig = writing(place::with_pages(Rig::fleet()), &relay);
    contacts(&rig);
    let daemon = rig.healthy_daemon();
    dies(&rig, &daemon, 3);
    daemon.until("the mail", |_| !relay.taken().is_empty());
    a_while();
    let taken = relay.taken();
    assert_eq!(recipients(&taken), ["RCPT TO:<erp-0003@customer.example>"]);
    assert_eq!(header(&taken[0], "Auto-Submitted:"), "auto-generated");
    let sent = rig.run(&["messages", "list", "--state", "sent", "--json"]).json_lines();
    assert_eq!((sent.len(), &sent[0]["stage"]), (1, &"first".into()));
    let id = sent[0]["id"].as_str().unwrap();
    assert_eq!(header(&taken[0], "Message-ID:"), format!("<{id}@acme.example>"));
    assert!(!taken[0].body.contains(&rig.key(3)), "a key was sent");
    assert_eq!(place::links(&rig, 3)[0].0, "open");

    crate::handing_over::replace(&rig, 3, &[]).well();
    daemon.until("the good news", |_| relay.taken().len() == 2);
    a_while();
    assert_eq!(recipients(&relay.taken()).len(), 2, "nobody else heard anything");
    assert_eq!(
        daemon.metric("keypulse_delivery_tries_total{channel=\"mail\",result=\"delivered\"}"),
        2
    );
}

#[test]
fn a_repair_is_counted_once_at_each_of_its_steps() {
    let relay = relay(None);
    let rig = writing(place::with_pages(Rig::fleet()), &relay);
    contacts(&rig);
    let daemon = rig.healthy_daemon();
    let count = |name: &str| daemon.metric(&format!("keypulse_time_to_{name}_seconds_count"));
    let steps = || ["detect", "tell", "open", "reconnect"].map(count);
    let open = || daemon.metric("keypulse_episodes_open{cause=\"rejected\"}");
    assert_eq!((steps(), open()), ([0; 4], 0));

    dies(&rig, &daemon, 3);
    daemon.until("the mail", |_| !relay.taken().is_empty());
    daemon.until("the mail is noted", |_| count("tell") == 1);
    assert_eq!((steps(), open()), ([1, 1, 0, 0], 1));
    assert_eq!(daemon.metric("keypulse_episodes_opened_total"), 1);

    let mail = relay.taken().remove(0).body.replace("=\r\n", "").replace("=3D", "=");
    let start = mail.find(&place::home(&rig)).unwrap_or_else(|| panic!("no link in {mail}"));
    let link = mail[start..].split(|one: char| one.is_whitespace() || "\"<>".contains(one));
    let followed = plain::ask(link.clone().next().unwrap(), &[]);
    let page = format!("{}{}", place::home(&rig), followed.header("location"));
    let cookie = followed.cookie();
    // Whoever follows it and shows nobody anything has not looked.
    assert_eq!(plain::ask(&page, &["--head", "--cookie", &cookie]).status, 200);
    let ahead = ["--cookie", &cookie, "--header", "Sec-Purpose: prefetch"];
    assert_eq!(plain::ask(&page, &ahead).status, 200);
    assert_eq!(count("open"), 0);
    for _ in 0..2 {
        assert_eq!(plain::ask(&page, &["--cookie", &cookie]).status, 200);
        assert_eq!(steps(), [1, 1, 1, 0]);
    }

    let form = format!("key={}", place::new_key(&rig, 3));
    let ours = ["--header", "Sec-Fetch-Site: same-origin", "--cookie", &cookie, "--data", "do=try"];
    let sent = [&ours[..], &["--data-urlencode", &form]].concat();
    assert_eq!(plain::ask(&page, &sent).status, 303);
    daemon.until("the key is accepted", |_| steps() == [1; 4]);
    assert_eq!(open(), 0);
    let closed = "keypulse_episodes_closed_total{cause=\"rejected\",outcome=\"replaced\"}";
    assert_eq!(daemon.metric(closed), 1);
}

/// Kills the daemon while the relay keeps it waiting at that step, and gives back how many mails both
/// relays together have taken in the end, and the state in which the mail is.
fn killed_at(rig: Rig, stage: Stage, lease_runs_out: impl Fn()) -> (usize, String) {
    let (slow, good) = (relay(Some((stage, Fault::Silence))), relay(None));
    let rig = writing(rig, &slow).set("mail.timeout", "1m");
    rig.add(1..=crate::rig::FLEET);
    database::execute(&rig, CONTACTS);
    let mut daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: 3 });
    let said = |what: &str| slow.said().iter().any(|line| line.starts_with(what));
    daemon.until("the step", |_| match stage {
        Stage::Ehlo => said("EHLO"),
        Stage::Sender => said("MAIL"),
        Stage::Recipient => said("RCPT"),
        Stage::Data | Stage::Body => said("DATA"),
        _ => !slow.taken().is_empty(),
    });
    std::thread::sleep(Duration::from_millis(200));
    daemon.kill();
    let before = slow.taken().len();
    let rig = rig.set("mail.port", &good.port().to_string());
    let daemon = rig.daemon();
    daemon.until("the daemon serves", |daemon| daemon.stderr().contains("watches"));
    lease_runs_out();
    let fate = || {
        let listed = rig.run(&["messages", "list", "--stage", "first", "--json"]).json_lines();
        let mail = listed.iter().find(|one| one["channel"] == "mail").cloned().unwrap();
        mail["state"].as_str().unwrap().to_owned()
    };
    daemon.until("the mail is settled", |_| matches!(&*fate(), "sent" | "unknown"));
    a_while();
    (before + good.taken().len(), fate())
}

fn settled(stage: Stage) -> (usize, &'static str) {
    match stage {
        // Nothing of it was begun, so it is sent now.
        Stage::Greeting
        | Stage::Ehlo
        | Stage::StartTls
        | Stage::Auth
        | Stage::Sender
        | Stage::Recipient => (1, "sent"),
        // It was claimed, and it may have been sent for all that anybody knows.
        Stage::Data | Stage::Body => (0, "unknown"),
        Stage::End => (1, "unknown"),
    }
}

#[test]
fn a_daemon_that_is_killed_at_any_step_of_a_mail_never_sends_it_twice() {
    use Stage::{Body, Data, Ehlo, End, Recipient, Sender};
    for stage in [Ehlo, Sender, Recipient, Data, Body, End] {
        let (taken, state) = killed_at(Rig::new(crate::rig::FLEET), stage, || {});
        assert_eq!((taken, &*state), settled(stage), "{stage:?}");
    }
}

#[test]
fn a_daemon_that_is_killed_at_any_step_of_a_mail_never_sends_it_twice_on_postgresql() {
    use Stage::{Body, Data, Ehlo, End, Recipient, Sender};
    for stage in [Ehlo, Sender, Recipient, Data, Body, End] {
        let server = Server::start_new();
        let rig = Rig::new(crate::rig::FLEET).set("store.url", &server.url());
        rig.run(&["migrate", "up"]).well();
        // Another process could be sending: it waits for the lease, and this test does not.
        let runs_out = || {
            let sql = "UPDATE delivery SET lease_until = 0 WHERE lease IS NOT NULL";
            crate::telling::psql(&server.url(), sql);
        };
        let (taken, state) = killed_at(rig, stage, runs_out);
        assert_eq!((taken, &*state), settled(stage), "{stage:?}");
    }
}

#[test]
fn nobody_is_written_to_before_somebody_goes_live_and_then_those_who_were_listed() {
    let relay = relay(None);
    let rig = writing(Rig::fleet(), &relay).set("notify.mode", "shadow");
    contacts(&rig);
    let mut daemon = rig.healthy_daemon();
    dies(&rig, &daemon, 3);
    dies(&rig, &daemon, 4);
    let report = rig.run(&["shadow", "report", "--audience", "customer", "--json"]).json();
    assert_eq!(report["counts"][0]["messages"], 2, "{report}");
    assert_eq!(report["messages"][0]["contact"], "erp-0004@customer.example", "{report}");
    daemon.stop();
    // A process goes no further than its own configuration.
    let rig = rig.set("notify.mode", "live");
    let daemon = rig.daemon();
    daemon.until("the daemon serves", |daemon| daemon.stderr().contains("watches"));
    let looked = rig.run(&["go-live", "--dry-run", "--json"]).json();
    assert_eq!((looked["open"].as_array().unwrap().len(), &looked["live"]), (2, &false.into()));
    let nobody = rig.run(&["go-live"]);
    assert!(nobody.code != Some(0) && nobody.stderr.contains("--yes"), "{nobody:?}");
    a_while();
    assert!(relay.taken().is_empty());
    let live = rig.run(&["go-live", "--at-most", "1000000/h", "--yes", "--json"]).json();
    assert_eq!(live["begun"], 2, "{live}");
    daemon.until("both mails", |_| relay.taken().len() == 2);
    dies(&rig, &daemon, 5);
    daemon.until("the mail of what is decided from then on", |_| relay.taken().len() == 3);
    a_while();
    assert_eq!(relay.taken().len(), 3);
}

#[test]
fn mail_that_is_held_goes_to_nobody_within_five_seconds_and_is_sent_when_it_is_released() {
    let relay = relay(None);
    let rig = writing(Rig::fleet(), &relay);
    contacts(&rig);
    let daemon = rig.healthy_daemon();
    rig.run(&["mail", "hold", "--reason", "wrong texts"]).well();
    dies(&rig, &daemon, 3);
    a_while();
    assert!(relay.taken().is_empty());
    let status = rig.run(&["mail", "status", "--json"]).json();
    assert_eq!((&status["held"]["reason"], &status["waiting"]), (&"wrong texts".into(), &1.into()));
    rig.run(&["mail", "release"]).well();
    daemon.until("the mail", |_| relay.taken().len() == 1);
}

#[test]
fn who_cannot_be_reached_is_not_forgotten_and_the_next_contact_is_written_to() {
    let refusing = relay(Some((Stage::Recipient, Fault::Say("550 5.1.1 no such mailbox"))));
    let rig = writing(Rig::fleet(), &refusing);
    contacts(&rig);
    rig.run(&["tenant", "contact", "erp-0003", "--add", "second@customer.example"]).well();
    let daemon = rig.healthy_daemon();
    dies(&rig, &daemon, 3);
    let asked = |who: &str| refusing.said().iter().any(|line| line.contains(who));
    daemon.until("both contacts", |_| asked("erp-0003@") && asked("second@"));
    daemon.until("the mail is given up", |_| {
        !rig.run(&["messages", "list", "--state", "dead", "--json"]).json_lines().is_empty()
    });
    let listed = rig.run(&["tenant", "contact", "erp-0003", "--json"]).json();
    let contacts = listed["contacts"].as_array().unwrap();
    assert!(contacts.iter().all(|one| one["refused_at"].is_string()), "{listed}");
    let times = refusing.said().iter().filter(|line| line.contains("erp-0003@")).count();
    assert_eq!(times, 1, "who said no for good is not asked again");
}

#[test]
fn a_customer_who_does_nothing_is_reminded_as_often_as_it_is_set_and_then_listed() {
    let relay = relay(None);
    let rig = writing(Rig::fleet(), &relay)
        .set("customers.reminders", r#"["500ms","2s"]"#)
        .set("customers.give_up_after", "500ms");
    contacts(&rig);
    let daemon = rig.healthy_daemon();
    dies(&rig, &daemon, 3);
    daemon.until("two reminders", |_| relay.taken().len() == 3);
    let given_up = || rig.run(&["messages", "given-up", "--json"]).json_lines();
    daemon.until("the list of those given up", |_| given_up().len() == 1);
    a_while();
    assert_eq!(relay.taken().len(), 3, "and no more");
    let stages = || {
        let listed = rig.run(&["messages", "list", "--state", "sent", "--json"]).json_lines();
        let mut stages: Vec<_> = listed.iter().map(|one| one["stage"].clone()).collect();
        stages.sort_by_key(ToString::to_string);
        stages
    };
    assert_eq!(stages(), ["first", "reminder-1", "reminder-2"]);
    let ids: Vec<_> =
        relay.taken().iter().map(|one| header(one, "Message-ID:").to_owned()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}
