//! A backup as a file: made beside its place and put there whole, and known again by its end, which
//! says what stands before it. Whoever cuts it off or alters it is found out before it is used; whoever
//! can also make it anew is not, so keep it where only those can write who may.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::{NamedTempFile, TempPath};

use crate::store::BACKUP_ID;
use crate::store::BackupFacts;
use crate::store::Progress;
use crate::store::StoreError;
use crate::vault::Sha256;

use super::App;

/// So much is read at a time.
const PIECE: usize = 1 << 20;
/// What the end begins with.
const BEGINS: &str = "\nkeypulse backup 1, sha256 ";
/// What the name of a copy begins with, beside the database that it will be.
pub const COPY: &str = ".keypulse-restore-";
/// The end has this length: the beginning, 64 digits, and the length of what stands before it.
const END: usize = BEGINS.len() + 64 + " of ".len() + 20 + " bytes\n".len();
/// Where an SQLite file says whose it is, and how long it is at least.
const MARK: usize = 68;
const HEAD: usize = 100;
/// What a database of keypulse says there: "kpls".
const DATABASE_ID: u32 = 0x6b70_6c73;

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What is in it.
    pub facts: BackupFacts,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of what stands before its end.
    pub digest: String,
}

/// Makes a backup. Until it is whole there is no file of that name, and never in another's place.
pub async fn make(app: &App, to: &Path, progress: Progress<'_>) -> anyhow::Result<Made> {
    if to.symlink_metadata().is_ok() {
        bail!("{} is there already: a backup takes no file's place", to.display());
    }
    let folder = folder(to);
    let work = beside(to, ".partial")?;
    let facts = match app.store.back_up(work.path(), app.clock.now(), progress).await {
        Ok(facts) => facts,
        Err(StoreError::DiskFull { code }) => bail!(
            "there is no room in {} for the backup ({code}): nothing was left there",
            folder.display()
        ),
        Err(error) => return Err(error.into()),
    };
    let sealed = seal(work.path());
    let (bytes, digest) = sealed.with_context(|| {
        format!("the backup cannot be written in {}: nothing was left there", folder.display())
    })?;
    work.persist_noclobber(to)
        .with_context(|| format!("the backup cannot be named {}", to.display()))?;
    File::open(folder).and_then(|folder| folder.sync_all()).context("the folder is not on disk")?;
    Ok(Made { facts, bytes, digest })
}

/// Writes the end, and all of it to the disk.
fn seal(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::options().read(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    let digest = digest(&mut file, length)?;
    file.write_all(end(&digest, length).as_bytes())?;
    file.sync_all()?;
    Ok((length + END as u64, digest))
}

/// What the end says of so many bytes.
fn end(digest: &str, length: u64) -> String {
    format!("{BEGINS}{digest} of {length:020} bytes\n")
}

fn digest(file: &mut File, length: u64) -> io::Result<String> {
    let (mut sum, mut piece) = (Sha256::begin(), vec![0; PIECE]);
    file.seek(SeekFrom::Start(0))?;
    let mut file = file.take(length);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(sum.end()),
            read => sum.add(&piece[..read]),
        }
    }
}

/// Looks at a backup, and copies what stands before its end into a new database file in `folder`.
pub fn unpack(backup: &Path, folder: &Path) -> anyhow::Result<TempPath> {
    let shown = backup.display();
    let metadata = fs::metadata(backup).with_context(|| format!("{shown} cannot be read"))?;
    if !metadata.is_file() {
        bail!("{shown} is no backup: it is no regular file");
    }
    let mut file = File::open(backup).with_context(|| format!("{shown} cannot be read"))?;
    let length =
        look(&mut file, metadata.len()).with_context(|| format!("{shown} cannot be used"))?;
    let mut copied = || -> io::Result<TempPath> {
        let mut to = named(folder, COPY, "")?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut (&mut file).take(length), to.as_file_mut())?;
        to.as_file_mut().seek(SeekFrom::Start(MARK as u64))?;
        to.as_file_mut().write_all(&DATABASE_ID.to_be_bytes())?;
        Ok(to.into_temp_path())
    };
    copied().with_context(|| format!("the backup cannot be copied into {}", folder.display()))
}

/// How much of a file is the database; an error where it is not a whole backup.
fn look(file: &mut File, length: u64) -> anyhow::Result<u64> {
    let mut head = [0; HEAD];
    if length < HEAD as u64 || file.read_exact(&mut head).is_err() {
        bail!("it is no backup: it is too short");
    }
    let mark = u32::from_be_bytes([head[MARK], head[MARK + 1], head[MARK + 2], head[MARK + 3]]);
    match (head.starts_with(b"SQLite format 3\0"), mark) {
        (true, BACKUP_ID) => {}
        (true, DATABASE_ID) => bail!(
            "it is a database of keypulse and no backup: `keypulse backup` makes one, or name it in \
             `store.url`"
        ),
        _ => bail!("it is no backup: `keypulse backup` makes one"),
    }
    let before = length.saturating_sub(END as u64);
    let mut last = vec![0; END];
    file.seek(SeekFrom::Start(before))?;
    if file.read_exact(&mut last).is_err() || !last.starts_with(BEGINS.as_bytes()) {
        bail!(
            "it is cut off, or something was added to it: its end is missing. Take another backup"
        );
    }
    if last != end(&digest(file, before)?, before).as_bytes() {
        bail!(
            "it is damaged or was altered: its content does not fit its checksum. Take another backup"
        );
    }
    Ok(before)
}

/// A new file beside another that only its owner can read. Dropped, it is gone.
fn beside(path: &Path, ending: &str) -> anyhow::Result<NamedTempFile> {
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    let (folder, begin) = (folder(path), format!(".{}-", name.to_string_lossy()));
    named(folder, &begin, ending)
        .with_context(|| format!("nothing can be written in {}", folder.display()))
}

fn named(folder: &Path, begin: &str, ending: &str) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(begin).suffix(ending).tempfile_in(folder)
}

/// The folder of a file.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file's name with more at its end.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        seal(file.path()).unwrap();
        file
    }

    fn content() -> Vec<u8> {
        let mut content = vec![7; 4_096];
        content[..16].copy_from_slice(b"SQLite format 3\0");
        content[MARK..MARK + 4].copy_from_slice(&BACKUP_ID.to_be_bytes());
        content
    }

    fn refusal(path: &Path) -> String {
        format!("{:#}", unpack(path, folder(path)).unwrap_err())
    }

    #[test]
    fn a_whole_backup_is_copied_without_its_end_and_with_the_mark_of_a_database() {
        let file = sealed(&content());
        let copy = unpack(file.path(), folder(file.path())).unwrap();
        let mut expected = content();
        expected[MARK..MARK + 4].copy_from_slice(&DATABASE_ID.to_be_bytes());
        assert_eq!(fs::read(&copy).unwrap(), expected);
    }

    #[test]
    fn one_bit_anywhere_and_one_byte_less_or_more_are_found_out() {
        let whole = fs::read(sealed(&content()).path()).unwrap();
        let tried = |bytes: &[u8]| {
            let mut file = NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            refusal(file.path())
        };
        for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
            let mut turned = whole.clone();
            turned[at] ^= 4;
            tried(&turned);
        }
        let mut turned = whole.clone();
        turned[2_000] ^= 1;
        assert!(tried(&turned).contains("does not fit its checksum"));
        assert!(tried(&whole[..whole.len() - 1]).contains("cut off"));
        assert!(tried(&whole[..3_000]).contains("cut off"));
        assert!(tried(&[&whole[..], b"x"].concat()).contains("added"));
        assert!(tried(b"a text").contains("too short"));
        assert!(tried(&[b'x'; 5_000]).contains("no backup"));
    }
}
