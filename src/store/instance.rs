//! Keeps a second daemon off the same file. The lock is the kernel's and ends with the process,
//! however that ends; the file beside the database only says whose it is.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound, Utc};

use super::error::StoreError;
use super::open::Place;

/// More than this is not read of the file: what it says fits into one line.
const MOST: u64 = 256;

/// The right to be the one daemon of a file, for as long as it lives.
#[derive(Debug)]
pub struct Instance {
    _locked: File,
}

/// Who holds the right, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number of the process.
    pub process: u32,
    /// Since when it runs.
    pub since: DateTime<Utc>,
}

/// Whether a daemon works on a database, as far as can be seen from beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// This one; `None` in the moment in which it begins.
    Running(Option<Holder>),
    /// No daemon.
    Nobody,
    /// Several may share a server, and none of them is seen from here.
    Unseen,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}, since {}", self.process, self.since)
    }
}

impl Instance {
    /// Takes the right, or says who has it. `None` on a server, which several processes may share.
    pub fn take(
        place: &Place,
        process: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        let Place::File(database) = place else { return Ok(None) };
        let path = beside(database, ".lock");
        let failed = |source| StoreError::File { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read(&file).map_err(failed)?;
                return Err(StoreError::Running { path: database.clone(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        hand_to_owner(&path);
        // Never removed: a file that is removed and made again could be locked twice.
        let line = format!("{process} {}\n", now.trunc_subsecs(0).to_rfc3339());
        file.set_len(0).and_then(|()| file.write_all(line.as_bytes())).map_err(failed)?;
        Ok(Some(Self { _locked: file }))
    }

    /// Who has the right at this moment.
    pub fn seen(place: &Place) -> Result<Seen, StoreError> {
        let Place::File(database) = place else { return Ok(Seen::Unseen) };
        let path = beside(database, ".lock");
        let failed = |source| StoreError::File { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Nobody),
            Err(error) => return Err(failed(error)),
        };
        // Shared, so that two who look do not see each other; it ends with the file.
        match file.try_lock_shared() {
            Ok(()) => Ok(Seen::Nobody),
            Err(TryLockError::WouldBlock) => Ok(Seen::Running(read(&file).map_err(failed)?)),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Gives a file that root has made to whoever owns its folder: the daemon has to open it. Whoever is not
/// root made it for themselves.
pub fn hand_to_owner(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = std::fs::metadata(folder.unwrap_or(Path::new("."))) {
        let _ = chown(path, Some(folder.uid()), Some(folder.gid()));
    }
}

/// Another file beside the one that is meant, by whatever link it was named, and named like it.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let real = database.canonicalize().or_else(|_| {
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
        Ok::<_, io::Error>(folder.join(database.file_name().unwrap_or_default()))
    });
    let mut name = real.unwrap_or_else(|_| database.to_owned()).into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// `None` in the moment between the lock and its line.
fn read(file: &File) -> io::Result<Option<Holder>> {
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    let line = text.trim_end().split_once(' ');
    Ok(line.and_then(|(process, since)| {
        Some(Holder { process: process.parse().ok()?, since: since.parse().ok()? })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
    }

    #[test]
    fn the_second_is_told_who_the_first_is_and_may_follow_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("a.db"));
        assert_eq!(Instance::seen(&place).unwrap(), Seen::Nobody);
        let first = Instance::take(&place, 4711, noon()).unwrap();
        let said = Instance::take(&place, 4712, noon()).unwrap_err().to_string();
        assert!(said.contains("a.db (process 4711, since 2024-10-04 00:00:00 UTC)"), "{said}");
        assert!(said.contains("stop it first; other commands work beside it"), "{said}");
        let holder = Holder { process: 4711, since: noon() };
        assert_eq!(Instance::seen(&place).unwrap(), Seen::Running(Some(holder)));
        drop(first);
        assert_eq!(Instance::seen(&place).unwrap(), Seen::Nobody);
        assert!(Instance::take(&place, 4712, noon()).unwrap().is_some());
    }

    #[test]
    fn another_name_of_the_same_file_does_not_let_a_second_one_in() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("a.db"), folder.path().join("b.db"));
        std::fs::write(&real, b"").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let first = Instance::take(&Place::File(real), 1, noon()).unwrap();
        let second = Instance::take(&Place::File(link), 2, noon());
        assert!(matches!(second, Err(StoreError::Running { .. })), "{second:?}");
        drop(first);
    }

    #[test]
    fn several_daemons_may_share_a_server() {
        let place = Place::Server("postgres://localhost/x".into());
        assert!(Instance::take(&place, 1, noon()).unwrap().is_none());
        assert_eq!(Instance::seen(&place).unwrap(), Seen::Unseen);
    }
}
