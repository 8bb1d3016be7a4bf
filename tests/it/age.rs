//! The standard `age` tool, as an integration would use it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A pair of keys made by it. The secret one lies in a folder that keypulse is never told of.
pub struct Pair {
    pub public: String,
    folder: TempDir,
}

impl Pair {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = Self { public: String::new(), folder };
        run(Command::new("age-keygen").arg("-o").arg(pair.secret()));
        let public = run(Command::new("age-keygen").arg("-y").arg(pair.secret())).unwrap();
        Self { public: String::from_utf8(public).unwrap().trim().to_owned(), ..pair }
    }

    /// The file of the secret key.
    pub fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// What was sealed, if this pair opens it.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let file = self.folder.path().join("sealed");
        std::fs::write(&file, sealed).unwrap();
        run(Command::new("age").arg("-d").arg("-i").arg(self.secret()).arg(file))
    }

    /// The same as a text.
    pub fn text(&self, sealed: &[u8]) -> String {
        String::from_utf8(self.open(sealed).unwrap()).unwrap()
    }
}

/// Standard output, if it succeeds.
fn run(command: &mut Command) -> Option<Vec<u8>> {
    match command.stdin(Stdio::null()).output() {
        Ok(ran) => ran.status.success().then_some(ran.stdout),
        Err(error) => panic!("{command:?} cannot be run ({error}): scripts/test installs `age`"),
    }
}
