//! A dashboard as it is committed: its panels, and the queries that Grafana would send for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// The job under which the daemon is scraped.
pub const JOB: &str = "keypulse";

/// One dashboard.
pub struct Board {
    pub name: String,
    pub json: Value,
}

/// One query, and where it stands.
pub struct Query {
    pub place: String,
    pub expr: String,
    /// Asked for now alone, and not for every moment of the time that is looked at.
    pub instant: bool,
    /// What a series is called; empty in a table.
    pub legend: String,
}

/// Where they lie.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dashboards/grafana")
}

/// All of them.
pub fn all() -> Vec<Board> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut boards: Vec<_> = files
        .map(|path| Board {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            json: serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
        })
        .collect();
    boards.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<_> = boards.iter().map(|board| board.name.as_str()).collect();
    assert_eq!(names, ["daemon", "delivery", "fleet", "provider"]);
    boards
}

impl Board {
    /// Its panels, without the titles of rows.
    pub fn panels(&self) -> Vec<&Value> {
        let panels = self.json["panels"].as_array().unwrap();
        panels.iter().filter(|panel| panel["type"] != "row").collect()
    }

    fn annotations(&self) -> &[Value] {
        self.json["annotations"]["list"].as_array().unwrap()
    }

    pub fn variables(&self) -> &[Value] {
        self.json["templating"]["list"].as_array().unwrap()
    }

    /// The queries of a panel.
    pub fn queries_of(&self, panel: &Value) -> Vec<Query> {
        let targets = panel["targets"].as_array().unwrap().iter();
        let queries = targets.map(|target| Query {
            place: format!("{}: {} {}", self.name, text(&panel["title"]), text(&target["refId"])),
            expr: text(&target["expr"]),
            instant: target["instant"] == true,
            legend: text(&target["legendFormat"]),
        });
        queries.collect()
    }

    /// The queries of its marks.
    pub fn marks(&self) -> Vec<Query> {
        let marks = self.annotations().iter().map(|one| Query {
            place: format!("{}: annotation {}", self.name, text(&one["name"])),
            expr: text(&one["expr"]),
            instant: false,
            legend: format!("{} {}", text(&one["titleFormat"]), text(&one["textFormat"])),
        });
        marks.collect()
    }

    /// The queries of all panels and marks.
    pub fn queries(&self) -> Vec<Query> {
        let panels = self.panels();
        let panels = panels.iter().flat_map(|panel| self.queries_of(panel));
        panels.chain(self.marks()).collect()
    }
}

impl Query {
    /// With Grafana's variables filled in: a scrape every second, everybody, and that many seconds.
    pub fn filled(&self, seconds: u64) -> String {
        let filled = filled(&self.expr, seconds);
        assert!(!filled.contains('$'), "{}: what is left in {filled}", self.place);
        filled
    }

    /// What a series with these labels is called, or the label that it lacks.
    pub fn called(&self, labels: &BTreeMap<String, String>) -> Result<String, String> {
        let mut called = String::new();
        let mut rest = self.legend.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (label, after) = after.split_once("}}").unwrap();
            called += before;
            called += labels.get(label).ok_or(label)?;
            rest = after;
        }
        Ok(called + rest)
    }
}

/// A text with Grafana's variables filled in. The interval of a rate is four scrapes, as in Grafana.
pub fn filled(text: &str, seconds: u64) -> String {
    text.replace("$__rate_interval", "4s")
        .replace("$__range", &format!("{seconds}s"))
        .replace("$job", JOB)
        .replace("$instance", ".*")
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
