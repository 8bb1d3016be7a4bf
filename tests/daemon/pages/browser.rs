//! A real browser: Chromium by way of playwright, one Node process for each test. Dropped, all of it
//! ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::program::Running;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/daemon/pages/browser.mjs");

/// What `scripts/test` tells: where the browser is, and the modules that lead it.
const TOLD: [&str; 2] = ["KEYPULSE_TEST_CHROMIUM", "KEYPULSE_TEST_NODE_MODULES"];

/// A browser, in which several people may be at work.
pub struct Browser {
    process: Running,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Browser {
    pub fn start() -> Self {
        let mut command = Command::new("node");
        for name in TOLD {
            let path = std::env::var_os(name);
            let path = path.unwrap_or_else(|| panic!("{name} is not set: run scripts/test"));
            assert!(Path::new(&path).exists(), "{name}: {} is not there", path.display());
        }
        command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Running::start(&mut command);
        let (to, from) = (Some(process.stdin()), BufReader::new(process.stdout()));
        Self { process, to, from }
    }

    /// Has something done, and says what came of it.
    pub fn ask(&mut self, ask: &Value) -> Value {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{ask}").unwrap();
        to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the browser is gone ({error}): {line}"));
        // A key that was pasted is not to be read in the report of a failure.
        let (deed, name) = (&ask["do"], &ask["name"]);
        assert!(answer["failed"].is_null(), "{deed} for {name}: {}", answer["failed"]);
        answer["well"].take()
    }

    /// Somebody with a browser window of a telephone's size.
    pub fn visitor(&mut self, name: &'static str) -> Visitor {
        self.visitor_with(name, &json!({}))
    }

    /// The same with a few things otherwise.
    pub fn visitor_with(&mut self, name: &'static str, more: &Value) -> Visitor {
        let mut ask = json!({"do": "visitor", "name": name});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(&ask);
        Visitor { name, steps: Steps::default() }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // At the end of its input it closes the browser and ends.
        self.to = None;
        if !std::thread::panicking() {
            self.process.ended();
        }
    }
}

/// What a person has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    pub pages: u32,
    pub taps: u32,
    pub pastes: u32,
}

/// Somebody at a browser, with cookies of their own.
pub struct Visitor {
    name: &'static str,
    pub steps: Steps,
}

impl Visitor {
    pub fn open(&mut self, browser: &mut Browser, url: &str) -> Value {
        self.steps.pages += 1;
        self.act(browser, "open", &json!({"url": url}))
    }

    /// Pastes a key into the field; what stands there then.
    pub fn paste(&mut self, browser: &mut Browser, key: &str) -> Value {
        self.steps.pastes += 1;
        self.act(browser, "paste", &json!({"key": key}))
    }

    /// Presses a button that leads to a page.
    pub fn press(&mut self, browser: &mut Browser, button: &str) -> Value {
        self.steps.taps += 1;
        self.act(browser, "press", &json!({"button": button}))
    }

    pub fn unfold(&mut self, browser: &mut Browser, summary: &str) {
        self.steps.taps += 1;
        self.act(browser, "unfold", &json!({"summary": summary}));
    }

    /// Whatever else the browser can do.
    pub fn act(&self, browser: &mut Browser, deed: &str, more: &Value) -> Value {
        let mut ask = json!({"do": deed, "name": self.name});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        browser.ask(&ask)
    }

    pub fn look(&self, browser: &mut Browser) -> Value {
        self.act(browser, "look", &json!({}))
    }

    /// Complaints of the browser: errors on the console, whatever the page's policy forbade.
    pub fn complaints(&self, browser: &mut Browser) -> Value {
        self.act(browser, "seen", &json!({}))["complaints"].take()
    }
}
