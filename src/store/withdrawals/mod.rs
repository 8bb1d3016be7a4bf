//! What must never come back, in a file beside the database that only grows: keys that were taken out
//! of use, tenants that were erased, tokens that were revoked. A restored database is older than some
//! of that; the file is not. It holds no key, and nothing that opens one.
//!
//! Whoever does one of these things appends its line as soon as it is committed; a daemon completes
//! the file when it starts, and reads on once a second what others have done. A file that cannot be
//! written stops nobody: that is said, and tried again.

mod file;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value;

use crate::ids::TenantId;
use crate::redact::chain;

use super::audit::{Draft, hex};
use super::row::{micros, time};
use super::{Place, Store, StoreError};

pub(super) use file::Withdrawals;
pub use file::{Withdrawal, Withdrawn, WithdrawnFile};

/// So many rows of the audit chain are looked at in one go.
const PAGE: i64 = 1_000;

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

    /// All that the database knows of it, also where it is noted nowhere.
    pub async fn known_withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        let (mut all, mut from) = (Vec::new(), 0);
        let Some(head) = self.audit_head().await? else { return Ok(all) };
        while from <= head.seq {
            let rows = self.withdrawals_from(from, head.seq).await?;
            let last =
                rows.last().map(|(seq, _)| *seq).filter(|_| i64::try_from(rows.len()) == Ok(PAGE));
            all.extend(rows.into_iter().filter_map(|(_, line)| line));
            from = last.unwrap_or(head.seq) + 1;
        }
        Ok(all)
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
