//! Where a key may come from: a file of its owner's, or standard input. Never an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

/// More than this is no key, whatever stands round it.
const MAX_BYTES: u64 = 4 * 1024;

/// Reads the text of a key from `file`, or from standard input: at a terminal it is asked for and
/// not shown.
pub fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match file {
        Some(path) => bounded(open_private(path)?)
            .with_context(|| format!("{} cannot be used", path.display())),
        None if io::stdin().is_terminal() => {
            rpassword::prompt_password("Paste the key (it is not shown) and press Enter: ")
                .map(Zeroizing::new)
                .context("the key cannot be read from the terminal")
        }
        None => bounded(io::stdin().lock()).context("standard input cannot be used"),
    }
}

/// Opens a file that holds keys; one that others can read is refused.
pub fn open_private(path: &Path) -> anyhow::Result<File> {
    let unreadable = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let mode = file.metadata().with_context(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "{0} can be read by others: run `chmod 600 {0}`, and consider what is in it as known \
             to them",
            path.display()
        );
    }
    Ok(file)
}

fn bounded(source: impl Read) -> anyhow::Result<Zeroizing<String>> {
    // Room for all of it from the start, so that no copy is left behind by growing.
    let room = usize::try_from(MAX_BYTES + 1)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes).context("it cannot be read")?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("it is longer than any key (4 KiB)");
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(Some(file.path())).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn endless_input_is_cut_and_refused() {
        let error = bounded(io::repeat(b'x')).unwrap_err().to_string();
        assert!(error.contains("4 KiB"), "{error}");
    }
}
