//! The example for the Alertmanager: every alert that there is reaches those for whom its severity is
//! meant, and what follows from another one is not told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::pages::plain;
use crate::program::{self, Ran};
use crate::wait;

const EXAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/dashboards/alertmanager/alertmanager.yml");
/// The alert by which somebody elsewhere knows that alerts arrive.
const WATCHDOG: &str = "KeypulseWatchdog";

fn amtool(args: &[&str]) -> Ran {
    let mut command = Command::new("amtool");
    assert!(command.arg("--version").output().is_ok(), "no amtool: scripts/test installs it");
    program::run(Command::new("amtool").args(args), b"")
}

/// Every alert with its severity: those that keypulse pushes, by the manual, and those of the rules.
fn alerts() -> BTreeMap<String, String> {
    let manual = include_str!("../../../docs/ALERTS.md");
    let (_, pushed) = manual.split_once("## Pushed by keypulse").unwrap();
    let (pushed, _) = pushed.split_once("\n## ").unwrap();
    let mut alerts: BTreeMap<_, _> = pushed
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[1].to_owned())
        })
        .collect();
    let count = alerts.len();
    assert!(count >= 10, "{alerts:?}");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus/alerts.yml");
    let rules = std::fs::read_to_string(&rules)
        .unwrap_or_else(|error| panic!("{}: {error}", rules.display()));
    let mut name = None;
    for line in rules.lines().map(str::trim) {
        if let Some(alert) = line.strip_prefix("- alert: ") {
            assert_eq!(name.replace(alert.to_owned()), None, "an alert without a severity");
        } else if let Some(severity) = line.strip_prefix("severity: ") {
            alerts.insert(name.take().unwrap(), severity.to_owned());
        }
    }
    assert!(alerts.len() > count, "no rules");
    alerts
}

#[test]
fn every_alert_reaches_those_for_whom_its_severity_is_meant() {
    let said = amtool(&["check-config", EXAMPLE]).well();
    assert!(said.stdout.contains("SUCCESS"), "{said:?}");
    for (name, severity) in alerts() {
        let receiver = match (name.as_str(), severity.as_str()) {
            (WATCHDOG, _) => "dead-mans-switch",
            (_, "critical") => "on-call",
            (_, "warning") => "engineers",
            (_, "info") => "customer-care",
            other => panic!("who is told {other:?}?"),
        };
        let labels = [format!("alertname={name}"), format!("severity={severity}")];
        let verify = format!("--verify.receivers={receiver}");
        let config = format!("--config.file={EXAMPLE}");
        let test = ["config", "routes", "test", &config, &verify, "service=keypulse"];
        amtool(&[&test[..], &[&labels[0], &labels[1]]].concat()).well();
    }
}

#[test]
fn what_the_example_keeps_quiet_are_alerts_that_there_are() {
    let alerts = alerts();
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let is_name = |word: &&str| word.starts_with("Keypulse");
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '*';
    let named: BTreeSet<_> = text.split(|c: char| !of_a_name(c)).filter(is_name).collect();
    let is_known = |name: &str| match name.strip_suffix(".*") {
        Some(begins) => alerts.keys().any(|alert| alert.starts_with(begins)),
        None => alerts.contains_key(name),
    };
    let unknown: Vec<_> = named.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {named:?}");
    assert!(named.len() > 8, "{named:?}");
}

/// A real Alertmanager with the example is told these, `name/cause` each, and gives back which of them
/// it keeps quiet.
fn quiet(standing: &[&str]) -> Vec<String> {
    // Nobody is told in a test.
    let example = std::fs::read_to_string(EXAMPLE).unwrap();
    let alertmanager = Alertmanager::start_with(
        &example.replace("https://switch.acme.example", "http://127.0.0.1:9"),
    );
    let alerts: Vec<_> = standing
        .iter()
        .map(|one| {
            let (name, cause) = one.split_once('/').unwrap_or((one, ""));
            // A channel is the cause of a message that waits or is not taken.
            let of_a_channel = ["KeypulseMessagesWait", "KeypulseDeliveryFails"];
            let of_a_channel = of_a_channel.iter().any(|begins| name.starts_with(begins));
            let label = if of_a_channel { "channel" } else { "cause" };
            json!({"labels": {"alertname": name, "service": "keypulse", label: cause}})
        })
        .collect();
    let url = format!("{}/api/v2/alerts", alertmanager.url());
    let body = json!(alerts).to_string();
    let told = plain::ask(&url, &["--json", &body]);
    assert_eq!(told.status, 200, "{told:?}");
    let held = || -> Vec<Value> { serde_json::from_str(&plain::ask(&url, &[]).body).unwrap() };
    wait::until_true("all of them", || held().len() == standing.len(), || format!("{:?}", held()));
    let mut quiet: Vec<_> = held()
        .iter()
        .filter(|one| one["status"]["state"] == "suppressed")
        .map(|one| {
            let labels = &one["labels"];
            let cause = labels["cause"].as_str().or(labels["channel"].as_str()).unwrap_or_default();
            format!("{}/{cause}", labels["alertname"].as_str().unwrap())
        })
        .collect();
    quiet.sort();
    quiet
}

#[test]
fn what_follows_from_an_incident_of_the_provider_is_not_told() {
    let told = quiet(&[
        "KeypulseProviderIncident/refused",
        "KeypulseNeedsReconnection/rejected",
        "KeypulseNeedsReconnection/expired",
        "KeypulseManyKeysAtOnce",
        "KeypulseMailFailing",
    ]);
    assert_eq!(told, ["KeypulseManyKeysAtOnce/", "KeypulseNeedsReconnection/rejected"]);
    let told = quiet(&["KeypulseProviderIncident/silent", "KeypulseNeedsReconnection/rejected"]);
    assert_eq!(told, Vec::<String>::new(), "who is silent refuses nobody");
    let told = quiet(&["KeypulseNeedsReconnection/rejected", "KeypulseManyKeysAtOnce"]);
    assert_eq!(told, Vec::<String>::new(), "without an incident all are told");
    let told = quiet(&[
        "KeypulseHoldTooLong/refused",
        "KeypulseProviderIncident/refused",
        "KeypulseProviderIncident/silent",
    ]);
    assert_eq!(told, ["KeypulseProviderIncident/refused"]);
}

#[test]
fn a_keypulse_that_has_stopped_says_nothing_else_but_that_a_leaked_key_still_works() {
    let told = quiet(&[
        "KeypulseStopped",
        "KeypulseIsLate",
        "KeypulseMailFailing",
        "KeypulseKeyCompromised",
        "KeypulseDisableUnacknowledged",
        WATCHDOG,
    ]);
    assert_eq!(told, ["KeypulseIsLate/", "KeypulseMailFailing/"]);
}

#[test]
fn of_two_alerts_about_one_thing_the_one_that_says_more_is_told() {
    for (more, less) in [
        ("KeypulseStartsNoCall", "KeypulseIsLate"),
        ("KeypulseStartsNoCall", "KeypulseConfirmationsWait"),
        ("KeypulseStartsNoCall", "KeypulseChecksLateFast"),
        ("KeypulseIsLate", "KeypulseSheds"),
        ("KeypulseIsLate", "KeypulseChecksLateSlow"),
        ("KeypulseChecksLateFast", "KeypulseChecksLateSlow"),
        ("KeypulseDeliveryFailsFast/webhook", "KeypulseDeliveryFailsSlow/webhook"),
        ("KeypulseKeyCompromised", "KeypulseLeakedKeyStillWorks"),
        ("KeypulseHandoverLate", "KeypulseKeyNotPickedUp"),
        ("KeypulseWebhookEndpointOff", "KeypulseMessagesWait/webhook"),
        ("KeypulseWebhookEndpointOff", "KeypulseDeliveryFailsFast/webhook"),
    ] {
        let expected = if less.contains('/') { less.to_owned() } else { format!("{less}/") };
        assert_eq!(quiet(&[more, less]), [expected], "beside {more}");
    }
    for (one, other) in [
        ("KeypulseWebhookEndpointOff", "KeypulseMessagesWait/alertmanager"),
        ("KeypulseDeliveryFailsFast/webhook", "KeypulseDeliveryFailsSlow/alertmanager"),
    ] {
        assert_eq!(quiet(&[one, other]), Vec::<String>::new(), "on-call is another channel");
    }
}
