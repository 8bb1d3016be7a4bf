//! How keypulse is brought onto a machine: the unit, the image, the manifests, the man pages. The life of the
//! Debian package itself is `life` in this folder, which `scripts/test` runs once it has a release.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

mod image;
mod manifests;
mod manual;
mod shipped;
mod unit;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program itself.
const PROGRAM: &str = env!("CARGO_BIN_EXE_keypulse");

/// A file of the repository.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Its text.
fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs to the end; a program that is not there is a failure that names it.
fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        let program = command.get_program().display();
        panic!("{program}: {error}; scripts/test installs what is missing")
    })
}

/// All that was said.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
