//! The file of the master key: who may read it, and how it comes into being.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

use zeroize::Zeroizing;

use crate::vault::error::BadMasterKey;
use crate::vault::error::VaultError;

const MAX_BYTES: usize = 4096;
const ONLY_MINE: u32 = 0o600;
const OF_OTHERS: u32 = 0o077;
const READ_BY_GROUP: u32 = 0o040;
const ROOT: u32 = 0;

/// Reads the file into memory that is overwritten afterwards, and hands it to `parse`.
pub(super) fn read<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, BadMasterKey>,
) -> Result<T, VaultError> {
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => VaultError::NoFile { path: path.into() },
        _ => VaultError::Read { path: path.into(), source },
    };
    // Looked at before it is opened, because opening a pipe waits for a writer; looked at again
    // after it is opened, because only that answer is about the file that is read.
    check(path, &fs::metadata(path).map_err(failed)?)?;
    let mut file = File::open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?)?;
    let bad = |source| VaultError::BadFile { path: path.into(), source };
    let mut buffer = Zeroizing::new(vec![0; MAX_BYTES + 1]);
    let length = fill(&mut file, &mut buffer).map_err(failed)?;
    if length > MAX_BYTES {
        return Err(bad(BadMasterKey::TooLong));
    }
    buffer.truncate(length);
    parse(&buffer).map_err(bad)
}

/// Creates the file, which must not exist, with `text` in it. When this returns the file and its
/// name are on disk; when it fails nothing is left behind.
pub(super) fn write_new(path: &Path, text: &[u8]) -> Result<(), VaultError> {
    let failed = |source| VaultError::Write { path: path.into(), source };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(ONLY_MINE).open(path).map_err(
            |source| match source.kind() {
                ErrorKind::AlreadyExists => VaultError::AlreadyExists { path: path.into() },
                _ => failed(source),
            },
        )?;
    write_through(&mut file, path, text).map_err(|source| {
        // A file cut short would stand in the way of the next attempt. Its removal may fail as the
        // writing did; the error that counts is the first.
        let _ = fs::remove_file(path);
        failed(source)
    })
}

fn check(path: &Path, found: &fs::Metadata) -> Result<(), VaultError> {
    let mode = found.permissions().mode() & 0o7777;
    if !found.is_file() {
        Err(VaultError::NotAFile { path: path.into() })
    } else if is_open(mode, found.uid(), geteuid().as_raw()) {
        Err(VaultError::OpenToOthers { path: path.into(), mode })
    } else {
        Ok(())
    }
}

/// Whether the file can be used by whom it should not. A file of the reader's own is for nobody else.
/// One of root's was put there for a reader who is not root, and the group, or the mask of an access
/// list that shows in its place, is how: service managers and orchestrators hand secrets so.
fn is_open(mode: u32, owner: u32, reader: u32) -> bool {
    let given = if owner == ROOT && reader != ROOT { READ_BY_GROUP } else { 0 };
    mode & OF_OTHERS & !given != 0
}

/// Reads until the end or until the buffer is full, into no other memory than the buffer.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn write_through(file: &mut File, path: &Path, text: &[u8]) -> io::Result<()> {
    // The mode asked for at creation is cut by the umask, which may leave the owner nothing.
    file.set_permissions(Permissions::from_mode(ONLY_MINE))?;
    file.write_all(text)?;
    file.sync_all()?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_through_its_group_only_if_it_is_roots_and_the_reader_is_not() {
        let (root, me) = (0, 1000);
        assert!(!is_open(0o440, root, me));
        assert!(is_open(0o440, me, me));
        assert!(is_open(0o440, root, root));
        assert!(is_open(0o440, 1001, me));
        assert!(is_open(0o440, 1001, root));
        for mode in [0o460, 0o450, 0o444, 0o442, 0o441] {
            assert!(is_open(mode, root, me), "{mode:o}");
        }
        assert!(!is_open(0o400, me, me));
    }
}
