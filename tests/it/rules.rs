//! The rules for Prometheus, held against all that they speak of: the metrics of a daemon, their own
//! cases, the list of alerts, and the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use keypulse::notify::Subject;

const RULES: &str = "dashboards/prometheus/alerts.yml";
const RECORDED: &str = "dashboards/prometheus/recording.yml";
/// It stands always: that it is silent is what somebody else is woken by.
const WATCHDOG: &str = "KeypulseWatchdog";

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cases() -> Vec<PathBuf> {
    let folder = std::fs::read_dir("dashboards/prometheus/tests").unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// What stands behind `key:` on its own line.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|line| line.trim_start().strip_prefix(key)?.trim_start().strip_prefix(": "))
}

/// Every alert of the rules with the text of its rule.
fn alerts() -> Vec<(String, String)> {
    let text = read(RULES);
    let rules = text.split("\n      - alert: ").skip(1);
    rules.map(|rule| (rule.lines().next().unwrap().to_owned(), rule.to_owned())).collect()
}

fn names() -> Vec<String> {
    alerts().into_iter().map(|(name, _)| name).collect()
}

fn promtool(args: &[&str], files: &[PathBuf]) {
    let ran = Command::new("promtool").args(args).args(files).output();
    let ran = ran.unwrap_or_else(|error| {
        panic!("promtool cannot be run ({error}): scripts/test installs it")
    });
    let said = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(ran.status.success(), "{}", said.concat());
}

#[test]
fn prometheus_takes_every_rule_and_every_case_comes_out_as_it_is_written() {
    promtool(&["check", "rules"], &[RULES.into(), RECORDED.into()]);
    promtool(&["test", "rules"], &cases());
}

/// How often each alert is said to stand and not to stand.
fn told(text: &str) -> Vec<(String, bool)> {
    let mut told = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("alertname: ") {
            match lines.next() {
                Some("exp_alerts: []") => told.push((name.to_owned(), false)),
                Some("exp_alerts:") => told.push((name.to_owned(), true)),
                other => panic!("no `exp_alerts` behind {name}: {other:?}"),
            }
        }
    }
    told
}

#[test]
fn every_alert_has_a_case_in_which_it_stands_and_one_in_which_it_does_not() {
    let told: BTreeSet<_> =
        cases().iter().flat_map(|file| told(&read(file.to_str().unwrap()))).collect();
    let expected: BTreeSet<_> = names()
        .into_iter()
        .flat_map(|name| [(name.clone(), true), (name, false)])
        .filter(|(name, stands)| *stands || name != WATCHDOG)
        .collect();
    assert_eq!(told, expected);
}

/// Every word of a text that can be the name of a metric, recorded ones included.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let text = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
    text.flat_map(|line| {
        line.split(|one: char| !(one.is_ascii_alphanumeric() || "_:".contains(one)))
    })
}

/// The names of metrics that expressions use. In what people read there are none.
fn used(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let words = words(&text).filter(|word| {
        let own = word.starts_with("keypulse_") || word.starts_with("process_");
        own || word.contains(":keypulse_") || word.starts_with("keypulse:")
    });
    words.map(str::to_owned).collect()
}

/// The series that a daemon serves, by the manual, which another test holds against one.
fn served() -> BTreeSet<String> {
    let manual = read("docs/METRICS.md");
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.split_once("` | "));
    rows.flat_map(|(name, rest)| {
        if rest.starts_with("histogram") {
            ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec()
        } else {
            vec![name.to_owned()]
        }
    })
    .collect()
}

#[test]
fn every_metric_that_a_rule_goes_by_is_served_or_recorded_and_what_is_recorded_is_used() {
    let served = served();
    let text = read(RECORDED);
    let recorded: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .map(str::to_owned)
        .collect();
    let used_by_recording: BTreeSet<_> =
        used(RECORDED).into_iter().filter(|name| !recorded.contains(name)).collect();
    let unknown: Vec<_> = used_by_recording.difference(&served).collect();
    assert!(unknown.is_empty(), "recorded from what is not served: {unknown:?}");
    assert!(used_by_recording.len() >= 5, "{used_by_recording:?}");

    let used = used(RULES);
    let known: BTreeSet<_> = served.union(&recorded).cloned().collect();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "neither served nor recorded: {unknown:?}");
    let idle: Vec<_> = recorded.difference(&used).collect();
    assert!(idle.is_empty(), "recorded for nobody: {idle:?}");
}

/// The sections of the runbook that are about one alert.
fn sections() -> BTreeMap<String, String> {
    let text = read("docs/RUNBOOK.md");
    let sections = text.split("\n### ").skip(1);
    let sections = sections.map(|one| one.split_once('\n').unwrap());
    sections.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

#[test]
fn every_alert_says_how_bad_it_is_and_leads_to_its_section_of_the_runbook() {
    for (name, rule) in alerts() {
        let severity = value(&rule, "severity").unwrap();
        let known = ["critical", "warning", "info"].contains(&severity);
        assert!(known || (name == WATCHDOG && severity == "none"), "{name}: {severity}");
        assert_eq!(value(&rule, "service"), Some("keypulse"), "{name}");
        for annotation in ["summary", "description"] {
            assert!(value(&rule, annotation).is_some_and(|text| !text.is_empty()), "{name}");
        }
        let there = format!("docs/RUNBOOK.md#{}", name.to_lowercase());
        assert_eq!(value(&rule, "runbook_url"), Some(&*there), "{name}");
    }
}

#[test]
fn the_runbook_has_a_section_for_each_alert_whoever_raises_it_and_each_has_its_four_parts() {
    let mut expected: BTreeSet<String> = names().into_iter().collect();
    let pushed = Subject::ALL.map(|subject| subject.alertname().to_owned());
    expected.extend(pushed);
    assert_eq!(expected.len(), names().len() + Subject::ALL.len(), "two alerts have one name");
    let sections = sections();
    assert_eq!(sections.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (name, text) in sections {
        let parts = ["**Means.**", "**Confirm.**", "**Do.**", "**Over** "];
        let at: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
        assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{name}: {at:?}");
    }
}

/// The rows of a table of alerts: the name, and the severity beside it.
fn rows(table: &str) -> Vec<(String, String)> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        (cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}

#[test]
fn the_manual_names_exactly_the_alerts_that_are_pushed_and_the_rules_that_are_given() {
    let manual = read("docs/ALERTS.md");
    let (pushed, rules) = manual.split_once("## Rules of Prometheus").unwrap();
    let subjects = Subject::ALL.map(|subject| (subject.alertname(), subject.severity()));
    let named = rows(pushed);
    let named: Vec<_> = named.iter().map(|(name, severity)| (&**name, &**severity)).collect();
    assert_eq!(named, subjects);
    let given = alerts().into_iter().map(|(name, rule)| {
        let severity = value(&rule, "severity").unwrap().to_owned();
        (name, severity)
    });
    assert_eq!(rows(rules), given.collect::<Vec<_>>());
}
