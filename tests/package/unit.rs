//! The systemd unit: understood whole, and narrow.

use std::process::{Command, Output};

use crate::{PROGRAM, run, said, text};

/// The most that `systemd-analyze security` may find, in tenths: 2.0 of 10.
const THRESHOLD: &str = "--threshold=20";

fn shipped() -> String {
    text("packaging/deb/keypulse.service")
}

/// What systemd-analyze says of a unit. The program of the unit is the one that was just built, because the
/// named one is not installed here.
fn analyze(arguments: &[&str], unit: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keypulse.service");
    std::fs::write(&path, unit.replace("/usr/bin/keypulse", PROGRAM)).unwrap();
    run(Command::new("systemd-analyze").args(arguments).arg(path).env("SYSTEMD_COLORS", "0"))
}

/// `verify` ends well even where it knows a line not; what it prints counts. The man page is not here.
fn verified(unit: &str) -> String {
    said(&analyze(&["verify", "--man=no", "--recursive-errors=no"], unit))
}

fn narrow(unit: &str) -> (bool, String) {
    let output = analyze(&["security", "--offline=true", "--no-pager", THRESHOLD], unit);
    (output.status.success(), said(&output))
}

#[test]
fn systemd_knows_every_line_of_the_unit() {
    assert_eq!(verified(&shipped()), "");
    // That it would say so.
    let misspelt = shipped().replace("ProtectClock=", "ProtectClocks=");
    assert!(verified(&misspelt).contains("ProtectClocks"), "{}", verified(&misspelt));
}

#[test]
fn the_unit_is_exposed_no_more_than_2_of_10() {
    let (is_narrow, said) = narrow(&shipped());
    assert!(is_narrow && said.contains("Overall exposure level"), "{said}");
    let wide: String = shipped()
        .lines()
        .filter(|line| !line.starts_with("SystemCallFilter=") && !line.starts_with("Protect"))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(!narrow(&wide).0, "a unit without its walls is as narrow");
}
