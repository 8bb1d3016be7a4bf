//! The metrics of a daemon that works: well formed, the same whatever the size of the fleet, and
//! each of them explained.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use keypulse::sandbox::Change;

use crate::daemon::Daemon;
use crate::page;
use crate::rig::{FLEET, Rig};

/// What a metric is: its type and the names of its labels.
type Form = (String, BTreeSet<String>);

#[test]
fn promtool_has_nothing_to_say_about_the_metrics_of_a_daemon_that_works() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut promtool = match promtool.stderr(Stdio::piped()).spawn() {
        Ok(promtool) => promtool,
        Err(error) => panic!("promtool cannot be run ({error}): scripts/test installs it"),
    };
    let text = daemon.page("/metrics").body;
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert_eq!((said.status.code(), words), (Some(0), [String::new(), String::new()]));
}

#[test]
fn ten_tenants_and_ten_thousand_have_the_same_series() {
    let few = Rig::new(10);
    few.add(1..=10);
    let few_daemon = few.daemon();
    few_daemon.until("all keys are accepted", |daemon| daemon.checks("accepted") >= 10);

    let many = Rig::new(10_000);
    let file = many.file("many.jsonl", import_of(&many, 10_000));
    many.run(&["tenant", "import", file.to_str().unwrap()]).well();
    let many_daemon = many.daemon();
    many_daemon.until("many keys are accepted", |daemon| daemon.checks("accepted") >= 1_000);

    let (few, many) = (series(&few_daemon), series(&many_daemon));
    assert_eq!(few, many);
    assert!(few.len() > 100, "{few:?}");
}

#[test]
fn the_manual_of_the_metrics_names_exactly_those_that_are_served() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let served = forms(&daemon.page("/metrics").body);
    let described = described();
    let difference: Vec<_> = served
        .iter()
        .filter(|(name, form)| described.get(*name) != Some(form))
        .chain(described.iter().filter(|(name, form)| served.get(*name) != Some(form)))
        .collect();
    assert!(difference.is_empty(), "served or described otherwise: {difference:#?}");
}

#[test]
fn a_fleet_that_the_budget_cannot_carry_is_said_to_be_shed_once_and_blames_nobody() {
    // One check of everybody takes several seconds, and is wanted every second.
    let rig = Rig::new(FLEET).set("budget.per_minute", "600");
    rig.add(1..=FLEET);
    let daemon = rig.healthy_daemon();
    assert_eq!(daemon.metric("keypulse_shedding"), 1);
    let revoked = rig.reference(3);
    rig.apply(Change::Revoke { tenant: 3 });
    daemon.until("the revoked key is found", |daemon| {
        let story = daemon.story(&revoked);
        story.last().is_some_and(|(status, _)| status == "needs_reconnection")
    });
    let blamed: BTreeSet<_> = daemon
        .changes()
        .into_iter()
        .filter(|change| change.to != "healthy")
        .map(|change| change.tenant)
        .collect();
    assert_eq!(blamed, BTreeSet::from([revoked]));
    let samples = page::samples(&daemon.page("/metrics").body);
    assert!(samples["keypulse_budget_wait_seconds_sum"] > 1.0, "{samples:?}");
    assert!(samples["keypulse_budget_used_total"] > 25.0, "{samples:?}");
    let glance = rig.run(&["status", "--json"]).json();
    let wrong = glance["wrong"].to_string();
    assert!(wrong.contains("600 calls a minute cannot ask 25 tenants every 1 second"), "{wrong}");

    for number in 1..=FLEET {
        rig.run(&["tenant", "pause", &rig.reference(number)]).well();
    }
    daemon.until("the end of the overload is told", |daemon| {
        daemon.metric("keypulse_shedding") == 0 && lines(daemon, "configured interval again") == 1
    });
    assert_eq!(lines(&daemon, "the budget cannot carry 25 tenants"), 1);
}

fn lines(daemon: &Daemon, part: &str) -> usize {
    let log = daemon.log();
    log.iter()
        .filter(|line| line["message"].as_str().is_some_and(|text| text.contains(part)))
        .count()
}

/// Everything that stands before a value.
fn series(daemon: &Daemon) -> BTreeSet<String> {
    page::samples(&daemon.page("/metrics").body).into_keys().collect()
}

/// All tenants of the sandbox as a file to import.
fn import_of(rig: &Rig, tenants: u32) -> String {
    let mut file = String::new();
    for number in 1..=tenants {
        let company = rig.world().company(number).id;
        let (reference, key) = (rig.reference(number), rig.key(number));
        let line = serde_json::json!({"ref": reference, "company_id": company, "key": key});
        writeln!(file, "{line}").unwrap();
    }
    file
}

/// What is served, by name; the parts of a histogram are one.
fn forms(text: &str) -> BTreeMap<String, Form> {
    let mut forms: BTreeMap<String, Form> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new())))
        .collect();
    for sample in page::samples(text).into_keys() {
        let (name, labels) = sample.split_once('{').unwrap_or((&sample, ""));
        let parts = ["_bucket", "_sum", "_count"].iter();
        let whole = parts
            .filter_map(|part| name.strip_suffix(part))
            .find(|name| forms.get(*name).is_some_and(|(kind, _)| kind == "histogram"));
        let (_, known) = forms.get_mut(whole.unwrap_or(name)).unwrap();
        let labels = labels.trim_end_matches('}').split("\",");
        let names = labels.filter_map(|label| label.split_once('=')).map(|(name, _)| name);
        known.extend(names.filter(|name| *name != "le").map(str::to_owned));
    }
    forms
}

/// What `docs/METRICS.md` describes: rows of name, type, labels, meaning and what to do.
fn described() -> BTreeMap<String, Form> {
    let manual = include_str!("../../docs/METRICS.md");
    let rows = manual.lines().filter(|line| line.starts_with("| `"));
    let described: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let [_, name, kind, labels, meaning, remedy, _] = cells[..] else {
                panic!("not five columns: {row}")
            };
            assert!(!meaning.is_empty() && !remedy.is_empty(), "{row}");
            let labels = labels.split(',').map(|label| label.trim().trim_matches('`'));
            let labels = labels.filter(|label| *label != "–").map(str::to_owned).collect();
            (name.trim_matches('`').to_owned(), (kind.to_owned(), labels))
        })
        .collect();
    let known: BTreeMap<_, _> = described.iter().cloned().collect();
    assert_eq!(known.len(), described.len(), "a metric is described twice");
    known
}
