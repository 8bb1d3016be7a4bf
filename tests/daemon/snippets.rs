//! What the manual gives an integration to compute fingerprints by, run as it stands there.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::rig::Rig;

/// The code blocks of one language in the section on comparing.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string("docs/CUSTODY.md").unwrap();
    let (_, text) = text.split_once("### Setting it up").unwrap();
    let (text, _) = text.split_once("### Being asked").unwrap();
    let mut found = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (kind, code) = block.split_once('\n').unwrap();
        if kind == language {
            found.push(code.to_owned());
        }
    }
    found
}

/// What a program says of this key, in a folder with the comparison key.
fn said(folder: &Path, program: &[&str], key: &str) -> String {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    child.stdin.take().unwrap().write_all(format!("{key}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_snippet_of_the_manual_computes_what_keypulse_compares_by() {
    let rig = Rig::new(4).set("custody.mode", "mirror");
    rig.add(1..=4);
    let file = rig.path().join("comparison.key");
    rig.run(&["reconcile", "key", "--out", file.to_str().unwrap()]).well();
    let java = rig.path().join("Fingerprint.java");
    std::fs::write(&java, &blocks("java")[0]).unwrap();
    let (python, node) = (blocks("python").remove(0), blocks("js").remove(0));
    // The first block of a shell is the command that writes the comparison key.
    let shell = blocks("sh").remove(1);
    let programs: [&[&str]; 4] = [
        &["python3", "-c", &python],
        &["node", "-e", &node],
        &["java", java.to_str().unwrap()],
        &["sh", "-c", &shell],
    ];
    let mut list = "ref,fingerprint\n".to_owned();
    for (number, program) in (1..).zip(programs) {
        let print = said(rig.path(), program, &rig.key(number));
        assert_eq!(print.len(), 64, "{program:?}: {print}");
        list.extend([rig.reference(number), format!(",{print}\n")]);
    }
    let list = rig.file("keys.csv", list);
    let compared = rig.run(&["reconcile", list.to_str().unwrap(), "--json"]).json();
    assert_eq!((&compared["same"], &compared["differs"]), (&4.into(), &0.into()), "{compared}");
}
