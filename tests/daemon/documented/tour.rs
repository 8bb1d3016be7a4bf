//! The tour of the README in its three terminals, and the sandbox as its manual shows it. Ports are others
//! than the usual ones, minutes are shorter, and instead of sleeping the test waits for what must come.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::document::{self, Block};
use super::shape;
use crate::pages::place::free_port;
use crate::program::{self, Running};
use crate::wait;

/// What makes it shorter than a reader's.
const QUICK: [(&str, &str); 7] = [
    // As on a terminal.
    ("KEYPULSE__LOG__FORMAT", "pretty"),
    ("KEYPULSE__WATCH__INTERVAL", "2s"),
    ("KEYPULSE__POLICY__SPAN", "2s"),
    ("KEYPULSE__POLICY__CONFIRM_AFTER", r#"["300ms","1s","3s"]"#),
    ("KEYPULSE__POLICY__DEAD_INTERVAL", "2s"),
    ("KEYPULSE__BUDGET__PER_MINUTE", "6000"),
    ("KEYPULSE__NOTIFY__MODE", "shadow"),
];

/// A reader, in a folder of their own, with three ports.
struct Reader {
    folder: TempDir,
    ports: [u16; 3],
}

impl Reader {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), ports: [(); 3].map(|()| free_port()) }
    }

    fn bash(&self, script: &str) -> Command {
        let [api, control, private] = self.ports;
        let mut bash = Command::new("bash");
        let path = std::env::var("PATH").unwrap();
        let program = PathBuf::from(program::PATH);
        bash.args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .envs(QUICK)
            .env("API", format!("127.0.0.1:{api}"))
            .env("CONTROL", format!("127.0.0.1:{control}"))
            .env("KEYPULSE__PRIVATE__LISTEN", format!("127.0.0.1:{private}"))
            .env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
        bash
    }

    /// The script of a block with these ports in the place of the usual ones.
    fn script(&self, block: &Block) -> String {
        let [api, control, private] = self.ports;
        let usual =
            [("9000", api), ("4010", api), ("9001", control), ("4011", control), ("9464", private)];
        usual.iter().fold(block.script(), |text, (port, other)| {
            text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{other}"))
        })
    }

    /// Types a block to its end.
    fn well(&self, script: &str) -> String {
        let ran = program::run(&mut self.bash(script), b"");
        assert_eq!(ran.code, Some(0), "{script}\n{ran:?}");
        format!("{}{}", ran.stdout, ran.stderr)
    }

    /// Types a block that goes on, in a terminal of its own.
    fn terminal(&self, script: &str, said: &Path) -> Running {
        let file = File::create(said).unwrap();
        // Its last command takes the place of the shell, so that it ends with it.
        let (before, last) = script.trim_end().rsplit_once('\n').unwrap_or(("", script.trim_end()));
        let mut bash = self.bash(&format!("{before}\nexec {last}"));
        bash.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Running::start(&mut bash)
    }
}

/// Blocks between this heading and the next of the same rank.
fn section(file: &str, heading: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(document::root().join(file)).unwrap();
    let at =
        text.lines().position(|line| line == heading).unwrap_or_else(|| panic!("no {heading}"));
    let mut lines = text.lines().skip(at + 1);
    let length = lines.position(|line| line.starts_with("## ")).unwrap_or(usize::MAX);
    let within = |block: &Block| block.place.line > at && block.place.line - at <= length;
    document::read(file).blocks.into_iter().filter(within).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_tour_of_the_readme_shows_what_the_readme_shows() {
    let reader = Reader::new();
    let (first, second) = (reader.folder.path().join("first"), reader.folder.path().join("second"));
    let blocks = section("README.md", "## A tour in five minutes");
    let languages: Vec<_> = blocks.iter().map(|block| block.language.as_str()).collect();
    let expected = ["sh", "sh", "sh", "text", "sh", "text", "sh", "text", "text", "sh"];
    assert_eq!(languages, expected, "another tour than this test takes");
    let script = |number: usize| reader.script(&blocks[number]);
    let comes = |number: usize, said: &str| {
        let missing = shape::missing(&blocks[number].text, said);
        assert!(missing.is_empty(), "{}: {missing:#?} is not in\n{said}", blocks[number].place);
    };

    // In a terminal of its own it comes by and by.
    let until_comes = |number: usize| {
        let all = || shape::missing(&blocks[number].text, &read(&second)).is_empty();
        wait::until_true(&blocks[number].place.to_string(), all, || read(&second));
    };

    // A release is built by scripts/test, not here.
    let _ = reader.well(&script(0).replace("cargo build --release", ":"));
    let place = "cd tour\n";
    let [api, control, _] = reader.ports;
    let sandbox = format!(
        "{place}{} --listen 127.0.0.1:{api} --control 127.0.0.1:{control}",
        script(1).trim_end()
    );
    let _sandbox = reader.terminal(&sandbox, &first);
    let keys = reader.folder.path().join("tour/keys.jsonl");
    wait::until_true(
        "the keys",
        || keys.exists() && read(&first).contains("http://"),
        || read(&first),
    );

    let said = reader.well(&format!("{place}{}", script(2)));
    comes(3, &said);
    let _daemon = reader.terminal(&format!("{place}{}", script(4)), &second);
    let serves = || read(&second).contains("watches Pleo");
    wait::until_true("the daemon", serves, || read(&second));
    until_comes(5);
    let healthy = format!(
        "{place}[ \"$(keypulse --config keypulse.toml tenant list --json | grep -c '\"status\":\"healthy\"')\" = 20 ]"
    );
    let all_healthy = || program::run(&mut reader.bash(&healthy), b"").code == Some(0);
    wait::until_true("all are healthy", all_healthy, || read(&second));

    let is = |status: &str| {
        format!(
            "until keypulse --config keypulse.toml tenant show erp-0003 | grep -q '^status *{status}'; do sleep 0.1; done"
        )
    };
    let said = reader
        .well(&format!("{place}{}", script(6).replace("sleep 30", &is("needs reconnection"))));
    comes(7, &said);
    until_comes(8);

    // Until everybody was asked in vain.
    let asked = format!(
        "curl -s -X POST http://127.0.0.1:{control}/control/counts/reset\n\
         until [ \"$(curl -s http://127.0.0.1:{control}/control/counts | jq .total)\" -ge 25 ]; do sleep 0.1; done"
    );
    let mended = script(9).replacen("sleep 20", &is("healthy"), 1).replacen("sleep 20", &asked, 1);
    let said = reader.well(&format!("{place}{mended}"));
    let blamed = ["needs reconnection", "degraded"].iter().any(|word| said.contains(word));
    assert!(!blamed && said.contains("\nkeypulse_tenants{"), "{said}");
    // What the text around it names.
    let _ = reader.well(&format!("{place}keypulse --config keypulse.toml status"));

    let token = section("README.md", "## From a program").remove(0);
    let said = reader.well(&format!("{place}{}", reader.script(&token)));
    assert!(said.contains(r#"{"tenants":["#), "{said}");
}

#[test]
fn the_sandbox_does_whatever_its_manual_has_it_do() {
    let reader = Reader::new();
    let log = reader.folder.path().join("log");
    let mut blocks = document::read("docs/SANDBOX.md").blocks;
    blocks.retain(Block::is_typed);
    assert!(blocks.len() >= 5, "{blocks:#?}");
    let _sandbox = reader.terminal(&reader.script(&blocks.remove(0)), &log);
    let keys = reader.folder.path().join("keys.jsonl");
    wait::until_true("the keys", || keys.exists() && read(&log).contains("http://"), || read(&log));
    // Whatever is answered with an error ends the script.
    let mut script =
        "curl() { command curl --fail-with-body --no-progress-meter --max-time 30 \"$@\"; }\n"
            .to_owned();
    for block in blocks {
        script.push_str(&reader.script(&block));
    }
    let said = reader.well(&script);
    assert!(said.matches(r#""done":true"#).count() >= 25, "{said}");
}
