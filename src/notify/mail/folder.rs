//! A folder in the place of a relay: each mail becomes a file, whole or not at all, that only its
//! owner can read. For looking at what would be sent.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use super::letter::plain_id;
use super::outcome::{Failed, Outcome, Why};
use super::step::Step;

/// Writing a file takes no longer than this on a disk that works.
pub const LONGEST: Duration = Duration::from_mins(1);

/// A folder.
pub struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    /// The folder of that path, which has to be there.
    pub fn new(path: PathBuf) -> Self {
        let name = path.display().to_string();
        Self { path, name }
    }

    /// Its path, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes one mail, over an earlier one of the same id.
    pub async fn send<F, Fut>(
        &self,
        id: &str,
        letter: Vec<u8>,
        before_body: F,
        taken: &mut Vec<Step>,
    ) -> Outcome
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = bool> + Send,
    {
        if let Err(failed) = self.knock(taken).await {
            return Outcome::Failed(failed);
        }
        if !before_body().await {
            return Outcome::Withheld;
        }
        let Some(file) = plain_id(id).map(|id| self.path.join(format!("{id}.eml"))) else {
            return Outcome::Failed(Failed { step: Step::Body, why: Why::NotWritten });
        };
        let folder = self.path.clone();
        match spawn_blocking(move || write(&folder, &file, &letter)).await {
            Ok(Ok(())) => {
                taken.extend([Step::Body, Step::End]);
                Outcome::Sent
            }
            _ => Outcome::Failed(Failed { step: Step::Body, why: Why::NoFolder }),
        }
    }

    /// Tries whether a file can be made there.
    pub async fn knock(&self, taken: &mut Vec<Step>) -> Result<(), Failed> {
        let folder = self.path.clone();
        match spawn_blocking(move || NamedTempFile::new_in(folder).map(drop)).await {
            Ok(Ok(())) => {
                taken.push(Step::Connect);
                Ok(())
            }
            _ => Err(Failed { step: Step::Connect, why: Why::NoFolder }),
        }
    }
}

/// A temporary file is the owner's alone from the beginning, and takes its name when it is whole.
fn write(folder: &Path, file: &Path, letter: &[u8]) -> std::io::Result<()> {
    let mut unfinished = NamedTempFile::new_in(folder)?;
    unfinished.write_all(letter)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(file)?;
    Ok(())
}
