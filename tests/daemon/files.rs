//! The files of a folder, to be compared byte by byte.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Every file of a folder and what is in it. Printed, it shows lengths only.
#[derive(PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

/// The files of this folder as they are now, but for the lock that a daemon takes beside its
/// database before it looks at it, and leaves there.
pub fn of(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| path.extension().is_none_or(|end| end != "lock"));
    let files = entries.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(&path).unwrap())
    });
    Files(files.collect())
}

/// The same without what SQLite keeps beside a database that is open: its index, and a write-ahead
/// log in which nothing is written. A command that was refused may leave the two behind.
pub fn content(folder: &Path) -> Files {
    let mut files = of(folder);
    files.0.retain(|name, bytes| {
        let beside = name.ends_with("-shm") || (name.ends_with("-wal") && bytes.is_empty());
        !beside
    });
    files
}

impl Files {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = self.0.iter().map(|(name, bytes)| (name, bytes.len()));
        f.debug_map().entries(lengths).finish()
    }
}
