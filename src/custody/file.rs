//! Keys in files of their own: read with a bound, and exchanged whole.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::error::PlaceError;

/// More than this is no key, whatever stands round it.
const LARGEST: u64 = 4 * 1024;
/// Its group may read a file, because that is how an orchestrator hands a secret to a process that
/// is not root; everybody else must have no permission at all.
const OF_OTHERS: u32 = 0o007;

/// The text of the file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, PlaceError> {
    Ok(open(path)?.0)
}

/// Puts `text` in the place of what is in the file, if that is still `before`: whoever reads it sees
/// the one or the other, and owner and permissions stay as they are.
pub(super) fn replace(path: &Path, before: &str, text: &str) -> Result<(), PlaceError> {
    // Where the name is a link, what it leads to is exchanged, and not the link.
    let path = fs::canonicalize(path).map_err(|error| PlaceError::of_file(&error))?;
    let (present, metadata) = open(&path)?;
    if present.as_str() != before {
        return Err(PlaceError::Changed);
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let written = || -> io::Result<NamedTempFile> {
        let mut new = tempfile::Builder::new().prefix(".keypulse-").tempfile_in(folder)?;
        let owner = new.as_file().metadata()?;
        if (owner.uid(), owner.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
        }
        let mode = metadata.permissions().mode() & 0o7777;
        new.as_file().set_permissions(Permissions::from_mode(mode))?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        Ok(new)
    };
    let new = written().map_err(|error| PlaceError::of_file(&error))?;
    // Looked at once more, as late as can be: file systems know no exchange under a condition.
    if open(&path)?.0.as_str() != before {
        return Err(PlaceError::Changed);
    }
    new.persist(&path).map_err(|error| PlaceError::of_file(&error.error))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| PlaceError::of_file(&error))
}

fn open(path: &Path) -> Result<(Zeroizing<String>, fs::Metadata), PlaceError> {
    let failed = |error: io::Error| PlaceError::of_file(&error);
    // Looked at before it is opened, because opening a pipe waits for a writer; looked at again
    // after it is opened, because only that answer is about the file that is read.
    check(path, &fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check(path, &metadata)?;
    // Room for all of it from the start, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LARGEST).unwrap_or(0) + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(PlaceError::NoKey("it is longer than 4 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| PlaceError::NoKey("it is not text"))?;
    Ok((Zeroizing::new(text.to_owned()), metadata))
}

fn check(path: &Path, found: &fs::Metadata) -> Result<(), PlaceError> {
    if !found.is_file() {
        return Err(PlaceError::NoKey("it is not a file"));
    }
    if found.permissions().mode() & OF_OTHERS != 0 {
        return Err(PlaceError::OpenToOthers { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::custody::error::What;

    fn file(folder: &Path, text: &str, mode: u32) -> std::path::PathBuf {
        let path = folder.join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_that_strangers_can_use_is_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o604, 0o602, 0o644] {
            let path = file(folder.path(), "first", mode);
            assert_eq!(read(&path), Err(PlaceError::OpenToOthers { path: path.clone() }));
            assert!(replace(&path, "first", "second").is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), "first");
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(read(&file(folder.path(), "first", 0o440)).unwrap().as_str(), "first");
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "first\n", 0o640);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        replace(&link, "first\n", "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // Nothing is left beside it.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_somebody_else_has_written_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "theirs", 0o600);
        assert_eq!(replace(&path, "first", "ours"), Err(PlaceError::Changed));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn what_is_endless_missing_or_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")), Err(PlaceError::Missing(What::File)));
        assert!(matches!(read(folder.path()), Err(PlaceError::NoKey(_))));
        assert!(matches!(read(Path::new("/dev/zero")), Err(PlaceError::NoKey(_))));
        let long = file(folder.path(), &"x".repeat(4097), 0o600);
        assert!(matches!(read(&long), Err(PlaceError::NoKey(_))));
    }
}
