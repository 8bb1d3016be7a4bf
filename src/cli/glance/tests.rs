//! The glance at fleets that are well, and at others.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::store::{HandoverCount, Holder, PostCount, PutOff, StatusCount};

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn well() -> Glance {
    with(|_| {})
}

/// A fleet that is well but for something.
fn with(change: impl FnOnce(&mut Overview)) -> Glance {
    let healthy = StatusCount { status: "healthy".to_owned(), cause: None, tenants: 20 };
    let mut fleet = Overview {
        now: noon(),
        counts: vec![healthy],
        suspects: 0,
        watched: 20,
        in_need: Vec::new(),
        earliest: Some(noon() + TimeDelta::minutes(3)),
        put_off: PutOff::default(),
        handovers: HandoverCount::default(),
        posted: Vec::new(),
        endpoints_off: 0,
        mode: None,
        weather: Vec::new(),
        interval: TimeDelta::minutes(15),
        effective: TimeDelta::minutes(15),
        budget: 100,
    };
    change(&mut fleet);
    Glance {
        fleet,
        mirror: None,
        per: BudgetPer::Integration,
        database: "SQLite, keypulse.db".to_owned(),
        daemon: Seen::Running(Some(Holder { process: 7, since: noon() })),
        provider: "Pleo".to_owned(),
    }
}

#[test]
fn the_first_line_says_whether_anything_is_wrong() {
    let text = well().text(false, WIDTH);
    assert!(text.starts_with("● nothing is wrong\n"), "{text}");
    assert!(
        text.contains("daemon       running (process 7, since 2024-10-04 00:00:00 UTC)\n"),
        "{text}"
    );
    let stopped = Glance { daemon: Seen::Nobody, ..well() }.text(false, WIDTH);
    assert!(stopped.starts_with("✖ nobody is being checked"), "{stopped}");
    let waiting = Some(noon() - TimeDelta::minutes(16));
    let late = with(|fleet| fleet.earliest = waiting).text(false, WIDTH);
    assert!(late.starts_with("✖ checks are late, the earliest by 16 minutes\n"), "{late}");
}

#[test]
fn a_check_is_not_late_before_the_interval_that_the_budget_can_carry_has_passed() {
    let earliest = Some(noon() - TimeDelta::minutes(16));
    let effective = TimeDelta::minutes(75);
    let late = |fleet: &mut Overview| {
        (fleet.earliest, fleet.effective, fleet.watched) = (earliest, effective, 5_000);
    };
    let wrong = with(late).wrong();
    let said = "100 calls a minute cannot ask 5000 tenants every 15 minutes: it takes 75 minutes";
    assert_eq!(wrong, [("degraded", said.to_owned())]);
}

#[test]
fn an_overload_says_how_many_checks_are_put_off_and_what_comes_first() {
    let put_off = |confirmations, routine| {
        let since = Some(noon() - TimeDelta::seconds(50));
        with(|fleet| fleet.put_off = PutOff { confirmations, routine, since }).wrong()
    };
    let said = "overload: 1 routine check put off, up to 50 seconds; confirmations first";
    assert_eq!(put_off(0, 1), [("degraded", said.to_owned())]);
    let both = "overload: 2 confirmations and 7 routine checks put off, up to 50 seconds";
    assert_eq!(put_off(2, 7), [("degraded", both.to_owned())]);
}

#[test]
fn a_key_that_the_integration_has_not_is_said_to_be_so() {
    let handovers = HandoverCount { owed: 4, late: 1, fetched: 0, without_recipient: 2 };
    let glance = with(|fleet| fleet.handovers = handovers);
    let said = [
        "2 keys owed to the integration, and no recipient is registered",
        "1 key not picked up by the integration in time",
    ];
    assert_eq!(glance.wrong(), said.map(|said| ("degraded", said.to_owned())));
    let text = glance.text(false, WIDTH);
    let line = "hand-over    4 not yet picked up, 1 not picked up in time, 2 no recipient\n";
    assert!(text.contains(line), "{text}");
    let handovers = HandoverCount { owed: 4, ..HandoverCount::default() };
    assert_eq!(with(|fleet| fleet.handovers = handovers).wrong(), []);
}

#[test]
fn no_line_is_wider_than_eighty_columns_and_without_colour_none_is_used() {
    let cause = |cause: &str| StatusCount {
        status: "needs_reconnection".to_owned(),
        cause: Some(cause.to_owned()),
        tenants: 1_000_000,
    };
    let counts = vec![cause("permission_lost"), cause("wrong_company"), cause("rejected")];
    let database = format!("SQLite, /{}", "very-long/".repeat(20));
    let text = Glance { database, daemon: Seen::Nobody, ..with(|fleet| fleet.counts = counts) };
    let text = text.text(false, WIDTH);
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    let narrow = well().text(false, 60);
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(well().text(true, WIDTH).contains("\u{1b}[32m●\u{1b}[0m nothing is wrong"));
}

#[test]
fn who_was_not_told_is_said_before_the_facts() {
    let count = |state: &str, messages, oldest| PostCount {
        kind: "webhook".to_owned(),
        state: state.to_owned(),
        messages,
        oldest: Some(oldest),
    };
    let old = noon() - TimeDelta::minutes(16);
    let posted = vec![count("dead", 3, old), count("owed", 2, old), count("sent", 9, old)];
    let glance = with(|fleet| (fleet.posted, fleet.endpoints_off) = (posted, 1));
    let said: Vec<String> = glance.wrong().into_iter().map(|(_, what)| what).collect();
    assert_eq!(
        said,
        [
            "3 messages given up: `keypulse messages list --state dead`",
            "a message has waited for 16 minutes to be taken",
            "1 endpoint switched off: `keypulse webhook list`",
        ]
    );
    let sent = with(|fleet| fleet.posted = vec![count("sent", 9, old)]);
    assert!(sent.wrong().is_empty(), "{:?}", sent.wrong());
}
