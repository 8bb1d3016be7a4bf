//! Which written values are secrets, and the files that hold them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::address;
use super::error::FileError;
use super::keys::Key;
use super::written::Written;

/// The most that is read of a file that holds one secret, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What `config show` prints in place of a secret.
pub(super) const HIDDEN: &str = "(set, hidden)";

/// Whether `written` has to be kept from everybody's eyes. A store without a password may be
/// seen.
pub(super) fn is_secret(key: &Key, written: &Written) -> bool {
    match written {
        Written::Text(text) if key.name == "store.url" => address::store_url_has_password(text),
        _ => key.secret,
    }
}

/// The content of a file that the `_file` form of a key names, without its last line end. Its
/// group may read it, because that is how an orchestrator hands a secret to a process that is not
/// root; everybody else must have no permission at all.
pub(super) fn read_file(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let (mut text, mode) = read_text(path, LARGEST)?;
    if mode & 0o007 != 0 {
        let path = path.to_owned();
        return Err(FileError::OpenToOthers { path, mode });
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// The text of a file of at most `limit` bytes, and its permission bits. Both are taken from the
/// same open file, so that nobody can put another in its place in between.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<(Zeroizing<String>, u32), FileError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let room = usize::try_from(metadata.len().min(limit)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { limit });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| FileError::NotText)?;
    let mode = metadata.permissions().mode() & 0o7777;
    Ok((Zeroizing::new(text.to_owned()), mode))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;
    use crate::redact::chain;

    fn secret_file(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), content).unwrap();
        set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn only_one_line_end_is_dropped() {
        for (content, secret) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            ("hunter2\n\n", "hunter2\n"),
            (" hunter2 ", " hunter2 "),
        ] {
            let file = secret_file(content.as_bytes(), 0o600);
            assert_eq!(*read_file(file.path()).unwrap(), secret);
        }
    }

    #[test]
    fn a_secret_file_open_to_others_is_refused_with_the_way_out() {
        for mode in [0o604, 0o602, 0o601, 0o644] {
            let error = read_file(secret_file(b"hunter2", mode).path()).unwrap_err();
            assert!(chain(&error).contains("run `chmod o= /"), "{error}");
        }
        assert!(read_file(secret_file(b"hunter2", 0o440).path()).is_ok());
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_no_further() {
        let most = vec![b'x'; 64 * 1024];
        assert!(read_file(secret_file(&most, 0o600).path()).is_ok());
        let more = vec![b'x'; 64 * 1024 + 1];
        let error = read_file(secret_file(&more, 0o600).path()).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 64 KiB");
        let endless = read_text(Path::new("/dev/zero"), 1024).unwrap_err();
        assert!(matches!(endless, FileError::TooLarge { limit: 1024 }));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let error = read_file(secret_file(b"\xff\xfe", 0o600).path()).unwrap_err();
        assert!(matches!(error, FileError::NotText));
        let error = read_file(Path::new("/")).unwrap_err();
        assert!(matches!(error, FileError::Io(_)));
    }
}
