//! A real Prometheus, alone and on loopback, that scrapes one daemon every second and goes by the rules
//! with their times shortened: what is a minute there is two seconds here.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::page;
use crate::pages::place;
use crate::wait;

/// One that runs. Dropped, it is gone.
pub struct Prometheus {
    child: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes that address and tells that Alertmanager, and waits until it serves.
    pub fn start(target: &str, alertmanager: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["recording.yml", "alerts.yml"] {
            let rules = std::fs::read_to_string(format!("dashboards/prometheus/{name}")).unwrap();
            std::fs::write(path(name), quick(&rules)).unwrap();
        }
        let alertmanager = alertmanager.trim_start_matches("http://");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [recording.yml, alerts.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"{alertmanager}\"]}}]}}]}}\n\
             scrape_configs: [{{job_name: keypulse, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
        );
        std::fs::write(path("prometheus.yml"), config).unwrap();
        let address = format!("127.0.0.1:{}", place::free_port());
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg(format!("--web.listen-address={address}"))
            // What is said before an Alertmanager is known is lost, and not repeated for a minute.
            .arg("--rules.alert.resend-delay=1s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("prometheus does not start ({error}): scripts/test installs it")
        });
        let one = Self { child, _folder: folder };
        let ready = || page::get(&address, "/-/ready").is_some_and(|page| page.status == 200);
        wait::until_true("prometheus serves", ready, String::new);
        one
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same rules with every `for` and every range thirty times shorter.
fn quick(rules: &str) -> String {
    let lines = rules.lines().map(|line| match line.trim_start().strip_prefix("for: ") {
        Some(long) => line.replace(long, &short(long)),
        None => ranges(line),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn ranges(line: &str) -> String {
    let mut parts = line.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (range, rest) = part.split_once(']').unwrap();
        text.extend(["[", &short(range), "]", rest]);
    }
    text
}

fn short(long: &str) -> String {
    let (number, unit) = long.split_at(long.len() - 1);
    let number: u32 = number.parse().unwrap_or_else(|error| panic!("{long}: {error}"));
    match unit {
        "m" => format!("{}s", 2 * number),
        "h" => format!("{}m", 2 * number),
        "d" => format!("{}m", 48 * number),
        "w" => format!("{}m", 336 * number),
        other => panic!("`{other}` in {long}"),
    }
}
