//! One command of the program, run to its end as a user would.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::wait;

/// The program itself.
pub const PATH: &str = env!("CARGO_BIN_EXE_keypulse");

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The same, if it succeeded.
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// What it said when it refused: on standard error, as one line, with an exit code of its own
    /// and not that of a crash.
    pub fn refusal(self) -> String {
        assert!(matches!(self.code, Some(1 | 2)), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }

    /// Standard output as one JSON document.
    pub fn json(self) -> Value {
        let ran = self.well();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// Standard output as one JSON object a line.
    pub fn json_lines(self) -> Vec<Value> {
        let ran = self.well();
        ran.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

/// The program without any setting of whoever runs the tests.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(PATH);
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("KEYPULSE_") || name_text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs to the end, with this on standard input.
pub fn run(command: &mut Command, stdin: &[u8]) -> Ran {
    // Files, because a pipe that nobody reads would stop the program.
    let (mut out, mut err) = (file(b""), file(b""));
    command.stdin(file(stdin)).stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
    let code = Running::start(command).ended().code();
    Ran { code, stdout: text(&mut out), stderr: text(&mut err) }
}

/// A process that runs. Dropped, it is killed, so that a test that fails leaves none behind.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it reads, if that was asked for.
    pub fn stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    /// What it writes, if that was asked for.
    pub fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }

    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let what = format!("the end of process {}", self.id());
        wait::until(&what, || self.0.try_wait().unwrap(), String::new)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(sent.success(), "no SIG{name} could be sent to {pid}");
}

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
