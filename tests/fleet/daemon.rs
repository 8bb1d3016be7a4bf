//! `keypulse run` as a process: what it logs, what it counts, how it is ended.

use std::fs::{File, read_to_string};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;

use serde_json::Value;

use crate::wait;

/// What stands before the address in the line that says that all is served.
const SERVED: &str = "metrics and checks on http://";
/// Lines of the log that a failure repeats.
const TAIL: usize = 25;

/// A daemon that runs. Dropped, it is killed, so that a test that fails leaves none behind.
pub struct Daemon {
    process: Child,
    log: PathBuf,
    address: OnceLock<String>,
}

impl Daemon {
    /// Starts it; what it writes goes to a new file in `folder`.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let log = tempfile::Builder::new().prefix("log-").tempfile_in(folder).unwrap();
        let (file, log): (File, PathBuf) = log.keep().unwrap();
        let process = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { process, log, address: OnceLock::new() }
    }

    /// The lines of its log, each one JSON object.
    pub fn log(&self) -> Vec<Value> {
        let text = read_to_string(&self.log).unwrap();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        whole.lines().map(line).collect()
    }

    /// Its lines of this level that contain these words.
    pub fn said(&self, level: &str, words: &str) -> Vec<String> {
        let log = self.log().into_iter().filter(|line| line["level"] == level);
        let said = log.filter_map(|line| line["message"].as_str().map(str::to_owned));
        said.filter(|said| said.contains(words)).collect()
    }

    /// The statuses that tenants have gone to.
    pub fn entered(&self) -> Vec<String> {
        let log = self.log();
        log.iter().filter_map(|line| line["to"].as_str().map(str::to_owned)).collect()
    }

    /// The values of all series whose name with its labels begins so, together.
    pub fn metric(&self, series: &str) -> f64 {
        let page = self.metrics();
        let lines = page.lines().filter(|line| line.starts_with(series));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }

    /// Calls that it has made.
    pub fn calls(&self) -> f64 {
        self.metric("keypulse_calls_total{")
    }

    /// Waits until something is true of it.
    pub fn until(&self, what: &str, mut true_of: impl FnMut(&Self) -> bool) {
        wait::until(what, || true_of(self), || self.tail());
    }

    /// SIGTERM, and its end without a complaint.
    pub fn stop(mut self) {
        let status = self.signalled("TERM");
        assert!(status.success(), "{status}\n{}", self.tail());
    }

    /// SIGKILL, which must find it running.
    pub fn kill(mut self) {
        let status = self.signalled("KILL");
        assert_eq!(status.signal(), Some(9), "it had ended: {status}\n{}", self.tail());
    }

    fn signalled(&mut self, name: &str) -> ExitStatus {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success(), "no SIG{name} could be sent: {}", self.tail());
        let mut status = None;
        let mut ended = || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        };
        wait::until("the end of the daemon", &mut ended, String::new);
        status.unwrap()
    }

    fn metrics(&self) -> String {
        let mut socket = TcpStream::connect(self.address()).unwrap_or_else(|error| {
            panic!("its listener cannot be reached: {error}\n{}", self.tail())
        });
        let question = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.write_all(question.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Where it serves, once it does.
    fn address(&self) -> &str {
        self.address.get_or_init(|| {
            let find = || {
                let text = read_to_string(&self.log).unwrap();
                let (_, rest) = text.split_once(SERVED)?;
                rest.split_once(';').map(|(address, _)| address.to_owned())
            };
            self.until("it says where it serves", |_| find().is_some());
            find().unwrap()
        })
    }

    /// The end of its log.
    fn tail(&self) -> String {
        let text = read_to_string(&self.log).unwrap();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
