//! A real Prometheus, alone and on loopback, that scrapes one daemon every second.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::board::JOB;
use crate::pages::{place, plain};
use crate::program::Running;
use crate::wait;

/// One that runs. Dropped, it is gone.
pub struct Prometheus {
    _process: Running,
    port: u16,
    folder: TempDir,
}

/// One series of an answer.
#[derive(Debug)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    pub values: Vec<f64>,
}

impl Prometheus {
    /// Starts one that scrapes this address, and waits until it has scraped it.
    pub fn scraping(address: &str) -> Self {
        let version = Command::new("prometheus").arg("--version").output();
        assert!(
            version.is_ok(),
            "prometheus cannot be run ({version:?}): scripts/test installs it"
        );
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs: [{{job_name: {JOB}, static_configs: [{{targets: ['{address}']}}]}}]\n"
        );
        let (file, log) = (folder.path().join("prometheus.yml"), folder.path().join("log"));
        std::fs::write(&file, config).unwrap();
        let port = place::free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap());
        let one = Self { _process: Running::start(&mut command), port, folder };
        let served = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait::until_true("Prometheus serves", served, || one.log());
        wait::until_true(
            "the first scrape",
            || one.try_at("keypulse_build_info").is_ok_and(|found| !found.is_empty()),
            || one.log(),
        );
        one
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a query gives now.
    pub fn at(&self, query: &str) -> Vec<Series> {
        self.try_at(query).unwrap_or_else(|said| panic!("{query}: {said}"))
    }

    /// What it gives at each of the last so many seconds.
    pub fn over(&self, query: &str, seconds: u64) -> Vec<Series> {
        let now = self.at("time()")[0].values[0];
        #[expect(clippy::cast_precision_loss, reason = "a few minutes")]
        let from = now - seconds as f64;
        let more = [("query", query), ("start", &from.to_string()), ("end", &now.to_string())];
        let found = self.ask("query_range", &[&more[..], &[("step", "1s")]].concat());
        series(&found.unwrap_or_else(|said| panic!("{query}: {said}"))["result"])
    }

    /// The values that a label has.
    pub fn values(&self, selector: &str, label: &str) -> Vec<String> {
        let found = self.ask("series", &[("match[]", selector)]).unwrap();
        let found = found.as_array().unwrap().iter();
        let mut values: Vec<_> =
            found.filter_map(|one| one[label].as_str().map(str::to_owned)).collect();
        values.sort();
        values.dedup();
        values
    }

    fn try_at(&self, query: &str) -> Result<Vec<Series>, String> {
        let data = self.ask("query", &[("query", query)])?;
        if data["resultType"] == "scalar" {
            let values = vec![number(&data["result"][1])];
            return Ok(vec![Series { labels: BTreeMap::new(), values }]);
        }
        Ok(series(&data["result"]))
    }

    fn ask(&self, what: &str, with: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("{}/api/v1/{what}", self.url());
        let with: Vec<_> = with.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let more: Vec<_> = with.iter().flat_map(|one| ["--data-urlencode", one]).collect();
        let answer = plain::ask(&url, &[&["--get"], &more[..]].concat());
        let json: Value = serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        match json["status"].as_str() {
            Some("success") => Ok(json["data"].clone()),
            _ => Err(json["error"].to_string()),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn series(result: &Value) -> Vec<Series> {
    let each = result.as_array().unwrap().iter().map(|one| {
        let labels = one["metric"].as_object().unwrap().iter();
        let samples = one["values"].as_array().cloned();
        let samples = samples.unwrap_or_else(|| vec![one["value"].clone()]);
        Series {
            labels: labels
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            values: samples.iter().map(|sample| number(&sample[1])).collect(),
        }
    });
    each.collect()
}

fn number(value: &Value) -> f64 {
    // Prometheus writes `NaN` and `+Inf` as Rust reads them.
    value.as_str().unwrap().parse().unwrap()
}
