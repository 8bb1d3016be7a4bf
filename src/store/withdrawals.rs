//! What must never come back, in a file beside the database that only grows: keys that were taken out
//! of use, tenants that were erased, tokens that were revoked. A restored database is older than some
//! of that; the file is not. It holds no key, and nothing that opens one.
//!
//! Whoever does one of these things appends its line as soon as it is committed; a daemon completes
//! the file when it starts, and reads on once a second what others have done. A file that cannot be
//! written stops nobody: that is said, and tried again.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::TenantId;
use crate::redact::chain;

use super::audit::{Draft, hex};
use super::row::{micros, time};
use super::{Place, Store, StoreError};

/// So many rows of the audit chain are looked at in one go.
const PAGE: i64 = 1_000;

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
pub(super) struct Withdrawals {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The first row of the audit chain that is not in the file for certain.
    next: i64,
    known: BTreeSet<Identity>,
    /// So far the file was read, and ended in a whole line.
    read_to: u64,
}

impl Withdrawals {
    fn new(path: PathBuf) -> Self {
        let state = State { next: i64::MAX, known: BTreeSet::new(), read_to: 0 };
        Self { path, state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row of the chain, from this one on, may be about something that belongs into the file.
    pub(super) fn expect_from(&self, seq: i64) {
        let mut state = self.state();
        state.next = state.next.min(seq);
    }

    /// Appends what is not in the file yet, whoever wrote it.
    fn add(&self, lines: &[Withdrawal]) -> io::Result<usize> {
        let mut state = self.state();
        let is_new = !self.path.exists();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        if is_new {
            super::hand_to_owner(&self.path);
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

impl Draft {
    /// Whether what it says must never come back.
    pub(super) fn withdraws(&self) -> bool {
        match self.action {
            "key.disabled" | "tenant.erased" | "token.revoked" => true,
            "status.changed" => self.facts.get("status").is_some_and(|word| word == "disabled"),
            _ => false,
        }
    }
}

impl Store {
    /// The same store, which writes what must never come back into that file as well.
    #[must_use]
    pub fn noting_withdrawals(self, path: Option<PathBuf>) -> Self {
        Self { withdrawals: path.map(|path| Arc::new(Withdrawals::new(path))), ..self }
    }

    /// Where it is noted, if anywhere.
    pub fn withdrawn_file(&self) -> Option<&Path> {
        self.withdrawals.as_deref().map(|one| one.path.as_path())
    }

    /// Completes the file by all that the database knows, and makes it where there is none. Gives back
    /// how many lines were missing.
    pub async fn complete_withdrawals(&self) -> Result<usize, StoreError> {
        let Some(file) = &self.withdrawals else { return Ok(0) };
        file.expect_from(0);
        self.write_withdrawals().await
    }

    /// Appends what was done since, by whomever. Gives back how many lines that were.
    pub async fn write_withdrawals(&self) -> Result<usize, StoreError> {
        let Some(file) = &self.withdrawals else { return Ok(0) };
        let mut from = file.state().next;
        let Some(head) = self.audit_head().await? else { return Ok(0) };
        let mut added = 0;
        while from <= head.seq {
            let rows = self.withdrawals_from(from, head.seq).await?;
            let last =
                rows.last().map(|(seq, _)| *seq).filter(|_| i64::try_from(rows.len()) == Ok(PAGE));
            let lines: Vec<_> = rows.into_iter().filter_map(|(_, line)| line).collect();
            added += self.append_withdrawals(file, lines).await?;
            from = last.unwrap_or(head.seq) + 1;
            file.state().next = from;
        }
        Ok(added)
    }

    /// To be called after the commit of what withdraws something. What cannot be written is said: the
    /// database has it, and a daemon tries again.
    pub(super) async fn note_withdrawals(&self) {
        if let Err(error) = self.write_withdrawals().await {
            tracing::error!("{}; it is tried again by the daemon", chain(&error));
        }
    }

    async fn append_withdrawals(
        &self,
        file: &Arc<Withdrawals>,
        lines: Vec<Withdrawal>,
    ) -> Result<usize, StoreError> {
        let path = file.path.clone();
        let file = Arc::clone(file);
        let written = tokio::task::spawn_blocking(move || file.add(&lines)).await;
        written
            .unwrap_or_else(|_| Err(io::Error::other("the writing was broken off")))
            .map_err(|source| StoreError::NotNoted { path, source })
    }

    /// Rows of the chain about withdrawals, with their numbers.
    async fn withdrawals_from(
        &self,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Option<Withdrawal>)>, StoreError> {
        let sql = "SELECT a.seq, a.at, a.action, a.tenant_id, a.generation, a.facts, w.fingerprint \
                   FROM audit a LEFT JOIN withdrawn_key w ON w.tenant_id = a.tenant_id \
                   AND w.generation = a.generation WHERE a.seq >= $1 AND a.seq <= $2 \
                   AND (a.action IN ('key.disabled', 'tenant.erased', 'token.revoked') \
                   OR (a.action = 'status.changed' AND a.facts LIKE '%\"disabled\"%')) \
                   ORDER BY a.seq LIMIT $3";
        let values = [from.into(), to.into(), PAGE.into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(|row| Ok((row.try_get("", "seq")?, withdrawal(row)?))).collect()
    }

    /// In a restored database: keys of these fingerprints are never accepted again, whosever they were.
    pub async fn keep_tombstones(&self, all: &[Withdrawal]) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        for one in all {
            let (Some(fingerprint), Some(tenant)) = (one.fingerprint_bytes(), one.tenant_id())
            else {
                continue;
            };
            let generation = i64::from(one.generation.unwrap_or_default());
            let sql = "INSERT INTO withdrawn_key (fingerprint, tenant_id, generation, withdrawn_at) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT (fingerprint) DO NOTHING";
            let values =
                [fingerprint.into(), tenant.raw().into(), generation.into(), micros(one.at).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Whose key has this fingerprint.
    pub async fn tenant_with(&self, fingerprint: &[u8]) -> Result<Option<TenantId>, StoreError> {
        let sql = "SELECT tenant_id FROM tenant_key WHERE fingerprint = $1";
        let statement = self.statement(sql, [fingerprint.to_vec().into()]);
        let row = self.write.query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get("", "tenant_id")).transpose()?.map(TenantId::from_raw))
    }

    /// Counts on from the generation that was withdrawn after the backup was made, so that the next key
    /// is not taken for one of those that were; and wants that one deleted at the provider, if it may
    /// have leaked.
    pub async fn count_on_from(
        &self,
        tenant: TenantId,
        withdrawal: &Withdrawal,
    ) -> Result<(), StoreError> {
        let generation = i64::from(withdrawal.generation.unwrap_or_default());
        let sql = "UPDATE tenant_state SET generation = $2 \
                   WHERE tenant_id = $1 AND generation < $2 AND status = 'disabled'";
        let values = [tenant.raw().into(), generation.into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        if withdrawal.what == Withdrawn::Compromised {
            let sql = "INSERT INTO deletion (tenant_id, generation, wanted_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (tenant_id, generation) DO NOTHING";
            let values = [tenant.raw().into(), generation.into(), micros(withdrawal.at).into()];
            self.write.execute_raw(self.statement(sql, values)).await?;
        }
        Ok(())
    }
}

impl Place {
    /// The file for what must never come back, beside a database that is a file.
    pub fn withdrawn_file(&self) -> Option<PathBuf> {
        match self {
            Self::File(database) => Some(super::instance::beside(database, "-withdrawn")),
            Self::Server(_) => None,
        }
    }
}

fn withdrawal(row: &QueryResult) -> Result<Option<Withdrawal>, StoreError> {
    let action: String = row.try_get("", "action")?;
    let facts: String = row.try_get("", "facts")?;
    let facts: Value = serde_json::from_str(&facts).unwrap_or_default();
    let what = match action.as_str() {
        "token.revoked" => Withdrawn::TokenRevoked,
        "tenant.erased" => Withdrawn::Erased,
        _ if facts["status"] != "disabled" => return Ok(None),
        _ if facts["cause"] == "declined" => Withdrawn::Declined,
        _ => Withdrawn::Compromised,
    };
    let (tenant, generation): (Option<i64>, Option<i64>) =
        (row.try_get("", "tenant_id")?, row.try_get("", "generation")?);
    let fingerprint: Option<Vec<u8>> = row.try_get("", "fingerprint")?;
    Ok(Some(Withdrawal {
        at: time(row.try_get("", "at")?).unwrap_or(DateTime::UNIX_EPOCH),
        what,
        tenant: tenant.map(|id| TenantId::from_raw(id).to_string()),
        generation: generation.and_then(|number| u32::try_from(number).ok()),
        fingerprint: fingerprint.filter(|_| what == Withdrawn::Compromised).map(|one| hex(&one)),
        token: facts["token"].as_str().map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

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
