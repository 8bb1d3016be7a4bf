//! The file itself: what its lines say, and appending to it beside others who do.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::store::StoreError;

/// Something that must never come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What was done.
    pub what: Withdrawn,
    /// To which tenant, by its opaque id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Up to and with which of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// The keyed fingerprint by which the key is known again, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// To which token, by its public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawn {
    /// The key may have leaked.
    Compromised,
    /// The customer no longer uses the integration.
    Declined,
    /// The tenant was forgotten.
    Erased,
    /// The token is taken no more.
    TokenRevoked,
}

/// The same thing is written once.
type Identity = (Withdrawn, Option<String>, Option<u32>, Option<String>);

impl Withdrawal {
    fn identity(&self) -> Identity {
        (self.what, self.tenant.clone(), self.generation, self.token.clone())
    }

    /// Which tenant it is about.
    pub fn tenant_id(&self) -> Option<TenantId> {
        let raw = u64::from_str_radix(self.tenant.as_deref()?, 16).ok()?;
        Some(TenantId::from_raw(raw.cast_signed()))
    }

    /// The fingerprint as the database keeps it.
    pub fn fingerprint_bytes(&self) -> Option<Vec<u8>> {
        let digits = self.fingerprint.as_deref().filter(|digits| digits.is_ascii())?;
        let pairs = (0..digits.len()).step_by(2);
        pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
    }
}

/// All that such a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithdrawnFile {
    /// What can be read, in the order of the file.
    pub withdrawals: Vec<Withdrawal>,
    /// Lines that cannot: such as one that a full disk has cut off.
    pub unreadable: usize,
}

impl WithdrawnFile {
    /// Reads it; `None` where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut bytes = Vec::new();
        match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(Self::of(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
        }
    }

    fn of(bytes: &[u8]) -> Self {
        let mut all = Self::default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(withdrawal) => all.withdrawals.push(withdrawal),
                Err(_) => all.unreadable += 1,
            }
        }
        all
    }
}

/// The file of one process.
#[derive(Debug)]
pub(in crate::store) struct Withdrawals {
    pub(super) path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// The first row of the audit chain that is not in the file for certain.
    pub(super) next: i64,
    known: BTreeSet<Identity>,
    /// So far the file was read, and ended in a whole line.
    read_to: u64,
}

impl Withdrawals {
    pub(super) fn new(path: PathBuf) -> Self {
        let state = State { next: i64::MAX, known: BTreeSet::new(), read_to: 0 };
        Self { path, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row of the chain, from this one on, may be about something that belongs into the file.
    pub(in crate::store) fn expect_from(&self, seq: i64) {
        let mut state = self.state();
        state.next = state.next.min(seq);
    }

    /// Appends what is not in the file yet, whoever wrote it.
    pub(super) fn add(&self, lines: &[Withdrawal]) -> io::Result<usize> {
        let mut state = self.state();
        let is_new = !self.path.exists();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        if is_new {
            crate::store::hand_to_owner(&self.path);
        }
        // Others may append at this moment; it ends with the file.
        file.lock()?;
        let length = file.metadata()?.len();
        if length < state.read_to {
            (state.read_to, state.known) = (0, BTreeSet::new());
        }
        file.seek(SeekFrom::Start(state.read_to))?;
        let mut unread = Vec::new();
        file.read_to_end(&mut unread)?;
        let read = WithdrawnFile::of(&unread).withdrawals;
        state.known.extend(read.iter().map(Withdrawal::identity));
        // A line that was cut off is closed, so that the next one is whole.
        let torn = unread.last().is_some_and(|last| *last != b'\n');
        let mut text = if torn { b"\n".to_vec() } else { Vec::new() };
        let mut fresh = BTreeSet::new();
        for line in lines {
            if !state.known.contains(&line.identity()) && fresh.insert(line.identity()) {
                serde_json::to_writer(&mut text, line)?;
                text.push(b'\n');
            }
        }
        if let Err(error) = file.write_all(&text).and_then(|()| file.sync_data()) {
            // As it was, if that can be done; else the next one mends it.
            let _ = file.set_len(length);
            return Err(error);
        }
        if is_new && let Some(folder) = self.path.parent().filter(|one| !one.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        state.read_to = length + text.len() as u64;
        let added = fresh.len();
        state.known.extend(fresh);
        Ok(added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::hex;

    fn erased(tenant: &str) -> Withdrawal {
        Withdrawal {
            at: DateTime::UNIX_EPOCH,
            what: Withdrawn::Erased,
            tenant: Some(tenant.to_owned()),
            generation: None,
            fingerprint: None,
            token: None,
        }
    }

    #[test]
    fn the_same_is_written_once_whoever_wrote_it_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let (one, other) = (Withdrawals::new(path.clone()), Withdrawals::new(path.clone()));
        assert_eq!(one.add(&[erased("a"), erased("a"), erased("b")]).unwrap(), 2);
        assert_eq!(other.add(&[erased("b"), erased("c")]).unwrap(), 1);
        assert_eq!(one.add(&[erased("c")]).unwrap(), 0);
        let all = WithdrawnFile::read(&path).unwrap().unwrap();
        assert_eq!(all.withdrawals, [erased("a"), erased("b"), erased("c")]);
    }

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other_and_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let line = serde_json::to_string(&erased("a")).unwrap();
        std::fs::write(&path, format!("{line}\n{}", &line[..20])).unwrap();
        assert_eq!(Withdrawals::new(path.clone()).add(&[erased("b")]).unwrap(), 1);
        let all = WithdrawnFile::read(&path).unwrap().unwrap();
        assert_eq!((all.withdrawals, all.unreadable), (vec![erased("a"), erased("b")], 1));
    }

    #[test]
    fn a_file_that_was_emptied_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let file = Withdrawals::new(path.clone());
        file.add(&[erased("a")]).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(file.add(&[erased("a")]).unwrap(), 1);
    }

    #[test]
    fn a_tenant_and_a_fingerprint_are_read_as_they_were_written() {
        let id = TenantId::from_raw(-5);
        let mut line = erased(&id.to_string());
        line.fingerprint = Some(hex(&[0, 0xa5, 0xff]));
        assert_eq!(line.tenant_id(), Some(id));
        assert_eq!(line.fingerprint_bytes(), Some(vec![0, 0xa5, 0xff]));
        for bad in ["0", "zz", "äö"] {
            line.fingerprint = Some(bad.to_owned());
            assert_eq!(line.fingerprint_bytes(), None, "{bad}");
        }
    }
}
