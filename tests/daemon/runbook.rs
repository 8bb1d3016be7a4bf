//! The commands that somebody types at three in the morning: every one that the runbook and the rules
//! name is one that the program has, with these options.

use std::collections::BTreeSet;
use std::process::Command;

use crate::program;

/// Every command between backticks of that text; spaces and ends of lines are one.
fn commands(text: &str) -> impl Iterator<Item = String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let words = quoted.map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|one| one.starts_with("keypulse ") || one.starts_with("amtool "))
}

#[test]
fn every_command_of_the_runbook_and_of_the_rules_is_one_that_can_be_typed() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let texts = ["docs/RUNBOOK.md", "docs/ALERTS.md", "dashboards/prometheus/alerts.yml"].map(read);
    let commands: BTreeSet<_> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(commands.len() > 30, "{commands:?}");
    for line in commands {
        // Some placeholders stand for what has a form.
        let typed = line.replace("SEQ:MAC", &format!("1:{}", "0".repeat(64)));
        let typed = typed.replace("ADDRESS", "anna@firm.example");
        let mut words = typed.split(' ');
        let mut command = match words.next() {
            Some("amtool") => Command::new("amtool"),
            _ => program::command(&[]),
        };
        // What is wrong before it is said instead of the help.
        let ran = program::run(command.args(words).arg("--help"), b"");
        let said = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
        assert!(ran.code == Some(0) && said.contains("usage"), "`{line}`: {ran:?}");
    }
}
