//! What the documents show of what keypulse says, held against what it says.

use std::process::Command;

use super::document::{self, Block};
use super::shape;
use crate::program;
use crate::rig::Rig;

/// The block of a document whose first line begins so.
fn block(file: &str, begins: &str) -> Block {
    let mut blocks = document::read(file).blocks.into_iter();
    blocks
        .find(|block| block.text.starts_with(begins))
        .unwrap_or_else(|| panic!("{file}: {begins}"))
}

#[test]
fn the_first_steps_of_the_api_show_what_the_manual_shows() {
    let rig = Rig::new(1);
    let daemon = rig.daemon();
    let block = block("docs/API.md", "$ keypulse token new");
    let script = block.script().replace("127.0.0.1:9464", &daemon.address());
    let mut bash = Command::new("bash");
    let path = std::env::var("PATH").unwrap();
    let folder = std::path::Path::new(program::PATH).parent().unwrap();
    bash.args(["-euo", "pipefail", "-c", &script])
        .current_dir(rig.path())
        .envs(rig.environment())
        .env("PATH", format!("{}:{path}", folder.display()));
    let said = program::run(&mut bash, b"").well();
    let shown: Vec<_> = block.text.lines().filter(|line| !line.starts_with("$ ")).collect();
    assert_eq!(said.stdout.trim(), shown.join("\n"));
}

#[test]
fn a_second_daemon_on_one_file_is_refused_in_the_words_of_the_manual() {
    let rig = Rig::new(1);
    let daemon = rig.daemon();
    let _ = daemon.address();
    let refusal = rig.run(&["run"]).refusal();
    let shown = block("docs/RUN.md", "keypulse: another keypulse is running");
    // Its folder is another one.
    let refusal = refusal.replace(&format!("{}/", rig.data().display()), "");
    let missing = shape::missing(&shown.text, &refusal);
    assert!(missing.is_empty(), "{missing:?} is not in {refusal}");
}

#[test]
fn the_demo_of_the_readme_counts_what_the_demo_counts() {
    let shown = block("README.md", "── 200 customers");
    let rows = shown.text.lines().skip_while(|line| !line.starts_with("what happened"));
    let source = ["ledger.rs", "view.rs", "stage.rs", "beats.rs"]
        .map(|name| {
            std::fs::read_to_string(document::root().join("src/cli/demo").join(name)).unwrap()
        })
        .concat()
        + &std::fs::read_to_string(document::root().join("src/cli/demo.rs")).unwrap();
    let names: Vec<_> =
        rows.filter_map(|line| line.split("  ").next()).filter(|name| !name.is_empty()).collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        assert!(source.contains(name), "the demo has no line `{name}`");
    }
}

#[test]
fn the_dashboard_of_the_readme_is_the_one_of_its_manual() {
    let begins = "Is anything wrong, and whose fault is it?";
    let manual = block("docs/DASHBOARDS.md", "$ python3 scripts/dashboards").text;
    let shown = block("README.md", begins).text;
    let (_, manual) = manual.split_once(begins).unwrap();
    assert!(manual.starts_with(shown.trim_start_matches(begins)), "{shown}");
}
