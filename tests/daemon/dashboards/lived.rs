//! Every query of every dashboard, asked of a real Prometheus that has watched a real daemon through a
//! story: a key dies and is mended, its customer is written to and opens the page, the provider goes
//! silent and comes back, the daemon is started anew, and another key dies.

use std::collections::BTreeMap;
use std::process::Command;

use keypulse::sandbox::{Change, Fault, FaultKind};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::board::{self, Board, Query};
use super::prometheus::{Prometheus, Series};
use crate::alertmanager::Alertmanager;
use crate::api;
use crate::daemon::{Daemon, a_while};
use crate::database;
use crate::page;
use crate::pages::{mail, place, plain};
use crate::program;
use crate::rig::{FLEET, Rig};
use crate::wait;

/// Dies and is mended.
const MENDED: u32 = 3;
/// Dies at the end.
const DEAD: u32 = 7;

/// What is left of the story.
struct Lived {
    _daemon: Daemon,
    prometheus: Prometheus,
    _alertmanager: Alertmanager,
    _rig: Rig,
    began: Instant,
}

impl Lived {
    /// How long it has taken, and a little.
    fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs() + 5
    }

    fn asked(&self, query: &Query) -> Vec<Series> {
        let filled = query.filled(self.seconds());
        if query.instant {
            self.prometheus.at(&filled)
        } else {
            self.prometheus.over(&filled, self.seconds())
        }
    }

    /// The largest value that a query has had.
    fn most(&self, query: &str) -> f64 {
        let found = self.prometheus.over(&board::filled(query, self.seconds()), self.seconds());
        found.iter().flat_map(|one| &one.values).copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

fn lived() -> Lived {
    let began = Instant::now();
    let rig = place::with_pages(Rig::fleet());
    let mails = rig.path().join("mails");
    std::fs::create_dir(&mails).unwrap();
    let alertmanager = Alertmanager::start();
    let address = format!("127.0.0.1:{}", place::free_port());
    let rig = rig
        .set("private.listen", &address)
        .set("notify.mode", "live")
        .set("alertmanager.urls", &json!([alertmanager.url()]).to_string())
        .set("mail.dir", mails.to_str().unwrap())
        .set("mail.from", "Acme ERP <keys@acme.example>")
        .set("customers.hours", "00-24")
        // So that everybody is asked within a confirmation, and what many share can be seen.
        .set("policy.span", "1500ms")
        .set("policy.confirm_after", r#"["200ms","400ms","2s"]"#);
    let contacts = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                    SELECT id, 1, 'bookkeeping@customer.example', 'finance' FROM tenant";
    database::execute(&rig, contacts);
    let mut daemon = rig.healthy_daemon();
    let prometheus = Prometheus::scraping(&address);

    rig.apply(Change::Revoke { tenant: MENDED });
    place::until_status(&rig, &daemon, MENDED, "needs_reconnection");
    daemon.until("the mail", |_| mail::all(&mails).len() == 1);
    open(&mail::all(&mails)[0].link(&place::home(&rig)), &place::home(&rig));
    rig.apply(Change::Restore { tenant: MENDED });
    place::until_status(&rig, &daemon, MENDED, "healthy");
    daemon.until("the good news", |_| mail::all(&mails).len() == 2);

    let weather = |state: &str| format!("keypulse_weather{{class=\"silent\",state=\"{state}\"}}");
    rig.fault(Fault::new(FaultKind::Status(503)));
    daemon.until("an incident", |daemon| daemon.metric(&weather("incident")) == 1);
    a_while();
    rig.clear_faults();
    daemon.until("its end", |daemon| daemon.metric(&weather("incident")) == 0);
    daemon.until("that everybody is well", |_| {
        rig.statuses().values().filter(|(status, _)| status == "healthy").count() == FLEET as usize
    });

    let token = format!("Authorization: Bearer {}", api::token(&rig, "reader"));
    for path in ["/api/v1/tenants?limit=5", "/api/v1/weather", "/api/v1/tenants/nobody"] {
        assert!(page::ask_with(&address, "GET", path, &token).is_some(), "{path}");
    }
    // Whatever was counted is scraped before the process ends.
    a_while();
    daemon.stop();
    let daemon = rig.daemon();
    daemon.until("it serves again", |daemon| daemon.page("/readyz").status == 200);
    rig.apply(Change::Revoke { tenant: DEAD });
    place::until_status(&rig, &daemon, DEAD, "needs_reconnection");
    daemon.until("the mail about it", |_| mail::all(&mails).len() == 3);
    let dead = "sum(keypulse_tenants{status=\"needs_reconnection\"})";
    let seen = || prometheus.at(dead).iter().any(|one| one.values == [1.0]);
    wait::until_true("the scrape of it", seen, || daemon.tail());
    a_while();
    Lived { _daemon: daemon, prometheus, _alertmanager: alertmanager, _rig: rig, began }
}

/// Opens the page as a browser does, without reading it.
fn open(link: &str, home: &str) {
    let followed = plain::ask(link, &[]);
    assert_eq!(followed.status, 303, "{followed:?}");
    let cookie = followed.cookie();
    let page =
        plain::ask(&format!("{home}{}", followed.header("location")), &["--cookie", &cookie]);
    assert_eq!(page.status, 200, "{page:?}");
}

#[test]
fn every_query_of_every_dashboard_has_data_after_an_ordinary_story() {
    let lived = lived();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for board in board::all() {
        asked += board.queries().len();
        for panel in board.panels() {
            names(&lived, &board, panel, &mut wrong);
        }
        for mark in board.marks() {
            called(&lived, &mark, &mut wrong);
        }
        variables(&lived, &board, &mut wrong);
    }
    assert!(wrong.is_empty(), "of {asked} queries: {wrong:#?}");
    assert!(asked > 100, "only {asked} queries were found");
    told(&lived);
    shown(&lived);
}

/// What the series of a query are called. It must have some, with a number in them.
fn called(lived: &Lived, query: &Query, wrong: &mut Vec<String>) -> Vec<String> {
    let found = lived.asked(query);
    if !found.iter().flat_map(|one| &one.values).copied().any(f64::is_finite) {
        wrong.push(format!("{}: {found:?} of {}", query.place, query.expr));
    }
    let mut called = Vec::new();
    for series in found {
        match query.called(&series.labels) {
            Ok(name) => called.push(name),
            Err(label) => wrong.push(format!("{}: nothing has a {label}", query.place)),
        }
    }
    called
}

/// What is coloured or renamed in a panel is a series that there is.
fn names(lived: &Lived, board: &Board, panel: &Value, wrong: &mut Vec<String>) {
    let queries = board.queries_of(panel);
    let called: Vec<_> = queries.iter().flat_map(|query| called(lived, query, wrong)).collect();
    // The columns of a table are not series.
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap().iter();
    for one in overrides.filter(|_| panel["type"] != "table") {
        let name = board::text(&one["matcher"]["options"]);
        if !called.contains(&name) {
            wrong.push(format!("{}: {} has no {name}", board.name, panel["title"]));
        }
    }
}

/// What can be chosen.
fn variables(lived: &Lived, board: &Board, wrong: &mut Vec<String>) {
    for one in board.variables().iter().filter(|one| one["type"] == "query") {
        let query = board::filled(one["query"]["query"].as_str().unwrap(), 60);
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (selector, label) = inner.unwrap().rsplit_once(", ").unwrap();
        let values = lived.prometheus.values(selector, label);
        if values.len() != 1 {
            wrong.push(format!("{}: variable {} has {values:?}", board.name, one["name"]));
        }
    }
}

/// The dashboards tell what has happened, and not just anything.
fn told(lived: &Lived) {
    let boards: BTreeMap<_, _> =
        board::all().into_iter().map(|one| (one.name.clone(), one)).collect();
    let of = |board: &str, place: &str| {
        let queries = boards[board].queries();
        let found = queries.into_iter().find(|query| query.place == format!("{board}: {place}"));
        found.unwrap_or_else(|| panic!("no {place}"))
    };
    let counts = lived.asked(&of("fleet", "First to last; what stands at 0 needs nobody A"));
    let mut counts: Vec<_> = counts
        .iter()
        .map(|one| (&*one.labels["place"], &*one.labels["what"], one.values[0]))
        .collect();
    counts.sort_by_key(|(place, ..)| *place);
    let wanted: Vec<_> = counts.iter().filter(|(.., count)| *count != 0.0).collect();
    assert_eq!(counts.len(), 11, "{counts:?}");
    assert_eq!(wanted, [&("03", "customers whose key is dead", 1.0)]);

    let weather = of("fleet", "Weather A");
    assert_eq!(lived.most(&weather.expr).to_bits(), 3.0_f64.to_bits(), "it was an incident");
    let funnel: Vec<_> = ('A'..='E')
        .map(|part| lived.asked(&of("fleet", &format!("How far they came {part}")))[0].values[0])
        .collect();
    assert!(funnel.iter().all(|count| *count > 0.5), "{funnel:?}");
    assert!(funnel[2] > funnel[3], "two were written to and one opened the page: {funnel:?}");
}

/// As text too, for whoever has no Grafana.
fn shown(lived: &Lived) {
    for board in board::all() {
        let mut python = Command::new("python3");
        python
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/dashboards"))
            .args(["--show", &lived.prometheus.url(), "--around", "4s", "--since"])
            .args([format!("{}s", lived.seconds()), board.name.clone()]);
        let said = program::run(&mut python, b"").well().stdout;
        for panel in board.panels().into_iter().filter(|panel| panel["type"] != "table") {
            assert!(said.contains(&board::text(&panel["title"])), "no {}: {said}", panel["title"]);
        }
        if board.name == "fleet" {
            let dead =
                "\n       1  customers whose key is dead\n          keypulse tenant list --status ";
            assert!(said.contains(dead) && said.contains("● healthy 24"), "{said}");
        }
    }
}
