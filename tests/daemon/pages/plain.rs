//! What comes at the pages without a browser: one request of curl's each.

use std::collections::BTreeMap;
use std::process::Command;

use crate::program;

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The cookie that it sets, as it is sent back.
    pub fn cookie(&self) -> String {
        let set = self.header("set-cookie");
        set.split(';').next().unwrap().to_owned()
    }
}

/// Sends one request; of redirects nothing is followed and of cookies nothing is kept.
pub fn ask(url: &str, more: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--insecure", "--max-time", "30"]);
    // What is long is sent at once, and one answer comes.
    command.args(["--noproxy", "*", "--header", "Expect:"]).args(more).arg(url);
    let ran = program::run(&mut command, b"").well();
    let (head, body) = ran.stdout.split_once("\r\n\r\n").unwrap_or((&ran.stdout, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_end().to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}
