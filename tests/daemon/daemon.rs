//! `keypulse run` as a process, with what it writes and what it answers.

use std::fs::{File, read_to_string};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::page::{self, Page};
use crate::program::{self, Running};
use crate::wait;

/// What stands before the address in the line that says that all is served.
const SERVED: &str = "metrics and checks on http://";
/// Lines of the log that a failure repeats.
const TAIL: usize = 25;

/// A daemon that runs. Dropped, it is killed.
pub struct Daemon {
    process: Running,
    stderr: PathBuf,
}

/// A change of status as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub tenant: String,
    pub from: String,
    pub to: String,
    pub cause: Option<String>,
    pub text: String,
}

impl Daemon {
    /// Starts it; what it writes goes to new files in `folder`.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let file = |prefix| {
            let builder = tempfile::Builder::new().prefix(prefix).tempfile_in(folder);
            builder.unwrap().keep().unwrap()
        };
        let ((out, _), (err, stderr)): ((File, PathBuf), (File, PathBuf)) =
            (file("stdout-"), file("stderr-"));
        let process = Running::start(command.stdout(out).stderr(err));
        Self { process, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn stderr(&self) -> String {
        read_to_string(&self.stderr).unwrap()
    }

    /// The lines of its log, each one JSON object.
    pub fn log(&self) -> Vec<Value> {
        let text = self.stderr();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Every change of status so far.
    pub fn changes(&self) -> Vec<Change> {
        let text = |line: &Value, field: &str| line[field].as_str().map(str::to_owned);
        self.log()
            .iter()
            .filter(|line| line["to"].is_string())
            .map(|line| Change {
                tenant: text(line, "tenant.ref").unwrap_or_default(),
                from: text(line, "from").unwrap_or_default(),
                to: text(line, "to").unwrap_or_default(),
                cause: text(line, "cause"),
                text: text(line, "message").unwrap_or_default(),
            })
            .collect()
    }

    /// The statuses that a tenant has gone through, with their causes.
    pub fn story(&self, tenant: &str) -> Vec<(String, Option<String>)> {
        let changes = self.changes().into_iter();
        changes
            .filter(|change| change.tenant == tenant)
            .map(|change| (change.to, change.cause))
            .collect()
    }

    /// Waits until something is true of it.
    pub fn until(&self, what: &str, mut true_of: impl FnMut(&Self) -> bool) {
        wait::until_true(what, || true_of(self), || self.tail());
    }

    /// Where it serves, once it does.
    pub fn address(&self) -> String {
        let ask = || {
            let text = self.stderr();
            let (_, rest) = text.split_once(SERVED)?;
            rest.split_once(';').map(|(address, _)| address.to_owned())
        };
        wait::until("the line that names the address", ask, || self.tail())
    }

    /// A page of its listener, once it serves.
    pub fn page(&self, path: &str) -> Page {
        let address = self.address();
        page::get(&address, path).unwrap_or_else(|| panic!("no {path}\n{}", self.tail()))
    }

    /// The value of one series, such as `keypulse_checks_total{evidence="accepted"}`; zero where
    /// there is none.
    pub fn metric(&self, series: &str) -> u64 {
        self.sum(|name| name == series)
    }

    /// The values of these series together.
    fn sum(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        let samples = page::samples(&self.page("/metrics").body);
        let values = samples.iter().filter(|(name, _)| is_meant(name)).map(|(_, value)| *value);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts and small gauges"
        )]
        values.map(|value| value as u64).sum()
    }

    /// Calls of this kind that were answered or lost.
    pub fn calls(&self, kind: &str) -> u64 {
        let label = format!("call=\"{kind}\"");
        self.sum(|name| name.starts_with("keypulse_calls_total{") && name.contains(&label))
    }

    /// Checks that ended with this finding.
    pub fn checks(&self, evidence: &str) -> u64 {
        self.metric(&format!("keypulse_checks_total{{evidence=\"{evidence}\"}}"))
    }

    /// The most memory it has held, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.unwrap().parse().unwrap()
    }

    pub fn is_alive(&mut self) -> bool {
        self.process.is_alive()
    }

    pub fn signal(&self, name: &str) {
        program::signal(name, self.pid());
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.ended()
    }

    /// SIGTERM, and its end without a complaint.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}\n{}", self.tail());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.signal("KILL");
        assert!(!self.ended().success());
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let text = self.stderr();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the daemon's log ends:\n{}", self.tail());
        }
    }
}

/// A while in which something must not happen; long for a program that asks several times a
/// second, short for whoever waits.
pub fn a_while() {
    sleep(Duration::from_millis(1_500));
}
