//! The man pages and completions that the package brings along.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::{PROGRAM, run, said};

/// The pages, as the program writes them.
fn written(folder: &Path) -> BTreeSet<String> {
    let output = run(Command::new(PROGRAM).arg("man").arg(folder));
    assert!(output.status.success(), "{}", said(&output));
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The names below `Commands:` of a help text.
fn commands(path: &[String]) -> Vec<String> {
    let output = run(Command::new(PROGRAM).args(path).arg("--help"));
    let help = said(&output);
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    list.lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = written(folder.path());
    let mut paths = vec![Vec::new()];
    while let Some(path) = paths.pop() {
        let path: Vec<String> = path;
        let page = ["keypulse".to_owned()].into_iter().chain(path.clone()).collect::<Vec<_>>();
        let page = format!("{}.1", page.join("-"));
        assert!(pages.contains(&page), "no {page}");
        let below = commands(&path).into_iter();
        paths.extend(below.map(|name| path.iter().cloned().chain([name]).collect()));
    }
    let page = std::fs::read_to_string(folder.path().join("keypulse-tenant-add.1")).unwrap();
    assert!(page.contains("\\-\\-company") && page.contains(".SH OPTIONS"), "{page}");
}

#[test]
fn groff_finds_nothing_wrong_with_any_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = written(folder.path());
    let mut command = Command::new("groff");
    command.args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"]).current_dir(folder.path());
    assert_eq!(said(&run(command.args(pages))), "");
    // That it would say so.
    std::fs::write(folder.path().join("wrong.1"), ".TH wrong 1\n.NOSUCH macro\n").unwrap();
    let mut command = Command::new("groff");
    command.args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z", "wrong.1"]).current_dir(folder.path());
    assert!(said(&run(&mut command)).contains("NOSUCH"));
}
