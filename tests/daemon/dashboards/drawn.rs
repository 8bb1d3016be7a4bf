//! How the dashboards are made: they are what `scripts/dashboards` writes, of Grafana's own types, for
//! any Grafana, and every panel says what it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::board::{self, Board, text};
use crate::program::{self, Ran};

/// The one sign and colour of each status, wherever it is shown.
const STATUS: [(&str, &str, &str); 6] = [
    ("healthy", "● healthy", "#3f9b52"),
    ("degraded", "▲ degraded", "#e0a100"),
    ("needs_reconnection", "✖ needs reconnection", "#d1392b"),
    ("paused", "‖ paused", "#9aa2ad"),
    ("disabled", "⊘ disabled", "#4d5563"),
    ("pending", "○ pending", "#3b7ddd"),
];

#[test]
fn the_committed_dashboards_are_those_that_the_script_writes() {
    let folder = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/dashboards");
    let mut python = Command::new("python3");
    program::run(python.arg(script).arg("--out").arg(folder.path()), b"").well();
    for board in board::all() {
        let name = format!("{}.json", board.name);
        let [written, committed] = [folder.path(), &board::folder()]
            .map(|folder| std::fs::read_to_string(folder.join(&name)).unwrap());
        assert!(written == committed, "{name} is not what `python3 scripts/dashboards` writes");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), board::all().len());
}

/// What TypeScript says of these dashboards by the types that Grafana publishes.
fn typed(dashboards: &[(&str, String)]) -> Ran {
    let told = "KEYPULSE_TEST_GRAFANA_TYPES";
    let modules =
        std::env::var(told).unwrap_or_else(|_| panic!("{told} is not set: run scripts/test"));
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink(&modules, folder.path().join("node_modules")).unwrap();
    std::fs::write(folder.path().join("grafana.ts"), include_str!("grafana.ts")).unwrap();
    let mut command = Command::new("node");
    command
        .arg(Path::new(&modules).join("typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"])
        .args(["--module", "nodenext", "--moduleResolution", "nodenext"])
        .current_dir(folder.path());
    for (name, json) in dashboards {
        let file = format!("{name}.ts");
        let source = format!(
            "import type {{ Dashboard }} from './grafana.js';\n\
             export const dashboard: Dashboard = {json};\n"
        );
        std::fs::write(folder.path().join(&file), source).unwrap();
        command.arg(file);
    }
    program::run(&mut command, b"")
}

#[test]
fn every_dashboard_is_of_the_types_that_grafana_publishes_and_a_misspelt_word_is_not() {
    let boards = board::all();
    let whole: Vec<_> =
        boards.iter().map(|board| (board.name.as_str(), board.json.to_string())).collect();
    let said = typed(&whole);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");

    let fleet = &whole.iter().find(|(name, _)| *name == "fleet").unwrap().1;
    let slips = [
        ("\"noValue\":", "\"noValu\":"),
        ("\"colorMode\":\"background\"", "\"colorMode\":\"backgrund\""),
        ("\"iconColor\":", "\"iconColour\":"),
        ("\"graphTooltip\":1", "\"graphTooltip\":5"),
        ("\"type\":\"textbox\"", "\"type\":\"textfield\""),
    ];
    let names: Vec<_> = (0..slips.len()).map(|number| format!("slip{number}")).collect();
    let slipped: Vec<_> = names
        .iter()
        .zip(slips)
        .map(|(name, (right, wrong))| {
            assert!(fleet.contains(right), "{right}");
            (name.as_str(), fleet.replacen(right, wrong, 1))
        })
        .collect();
    let said = typed(&slipped);
    for (name, (_, wrong)) in names.iter().zip(slips) {
        assert!(said.stdout.contains(&format!("{name}.ts(")), "{wrong} was not seen: {said:?}");
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_it_says_when_there_is_nothing() {
    for board in board::all() {
        for panel in board.panels() {
            let place = format!("{}: {}", board.name, panel["title"]);
            let about = text(&panel["description"]);
            assert!(about.len() > 5 && about.ends_with('.'), "{place}: {about}");
            let defaults = &panel["fieldConfig"]["defaults"];
            for what in ["unit", "noValue"] {
                assert!(!text(&defaults[what]).is_empty(), "{place}: no {what}");
            }
            let steps = defaults["thresholds"]["steps"].as_array().unwrap();
            assert!(!steps.is_empty() && steps[0]["value"].is_null(), "{place}: {steps:?}");
            let bounds: Vec<_> =
                steps[1..].iter().map(|one| one["value"].as_f64().unwrap()).collect();
            assert!(bounds.is_sorted(), "{place}: {bounds:?}");
            let queries = board.queries_of(panel);
            assert!(!queries.is_empty(), "{place} asks nothing");
            let named = |query: &board::Query| !query.legend.is_empty();
            assert!(panel["type"] == "table" || queries.iter().all(named), "{place}: no legend");
        }
    }
}

#[test]
fn a_status_has_one_sign_and_one_colour_wherever_it_is_drawn() {
    let mut seen = BTreeSet::new();
    for board in board::all() {
        for panel in board.panels() {
            for one in panel["fieldConfig"]["overrides"].as_array().unwrap() {
                let name = text(&one["matcher"]["options"]);
                let Some((_, sign, colour)) = STATUS.iter().find(|(word, ..)| *word == name) else {
                    continue;
                };
                let of = |id: &str| {
                    let all = one["properties"].as_array().unwrap();
                    all.iter().find(|one| one["id"] == id).map(|one| one["value"].clone())
                };
                assert_eq!(of("displayName"), Some((*sign).into()), "{}", panel["title"]);
                assert_eq!(of("color").unwrap()["fixedColor"], *colour, "{}", panel["title"]);
                seen.insert(name);
            }
        }
    }
    assert_eq!(seen.len(), STATUS.len(), "{seen:?}");
}

#[test]
fn a_dashboard_can_be_imported_anywhere_and_is_the_same_one_ever_after() {
    let boards = board::all();
    let ids: BTreeMap<_, _> =
        boards.iter().map(|board| (text(&board.json["uid"]), board.name.as_str())).collect();
    assert_eq!(ids.len(), boards.len());
    for board in &boards {
        assert_eq!(board.json["uid"], format!("keypulse-{}", board.name));
        assert!(board.json["id"].is_null() && board.json["__inputs"].is_null());
        let mut sources = Vec::new();
        datasources(&board.json, &mut sources);
        assert!(sources.len() > 20, "{}", sources.len());
        assert!(sources.iter().all(|one| one == "${datasource}"), "{}: {sources:?}", board.name);
        let names: Vec<_> = board.variables().iter().map(|one| text(&one["name"])).collect();
        assert_eq!(names[..2], ["datasource", "job"], "what others are asked by comes first");
        assert!(names.contains(&"console".to_owned()), "{names:?}");
        links(board, &ids);
        places(board);
    }
}

/// The names of all data sources that anything is asked of.
fn datasources(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "datasource" {
                    found.push(text(&value["uid"]));
                } else {
                    datasources(value, found);
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| datasources(one, found)),
        _ => {}
    }
}

/// To the other dashboards, to the console where one is named, and to nowhere else.
fn links(board: &Board, ids: &BTreeMap<String, &str>) {
    let links = board.json["links"].as_array().unwrap();
    let tags = board.json["tags"].as_array().unwrap();
    assert!(
        links.iter().any(|one| one["type"] == "dashboards" && one["tags"] == board.json["tags"])
    );
    assert_eq!(tags.len(), 1);
    assert!(links.iter().any(|one| one["url"] == "${console}"), "{links:?}");
    for panel in board.panels() {
        let links =
            panel["fieldConfig"]["defaults"]["links"].as_array().cloned().unwrap_or_default();
        for one in links {
            let url = text(&one["url"]);
            let id = url.strip_prefix("/d/").and_then(|rest| rest.split('?').next());
            assert!(id.is_some_and(|id| ids.contains_key(id)), "{url}");
        }
    }
}

/// No panel lies on another one or beyond the edge.
fn places(board: &Board) {
    let mut taken = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for panel in board.json["panels"].as_array().unwrap() {
        let of = |what: &str| panel["gridPos"][what].as_u64().unwrap();
        assert!(of("x") + of("w") <= 24, "{}: {}", board.name, panel["title"]);
        for x in of("x")..of("x") + of("w") {
            for y in of("y")..of("y") + of("h") {
                assert!(taken.insert((x, y)), "{}: {} lies on another", board.name, panel["title"]);
            }
        }
        assert!(numbers.insert(panel["id"].as_u64().unwrap()));
    }
}
