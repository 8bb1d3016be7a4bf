//! Forgets a tenant. What stays names nobody: that there was one under a random id, what was done to it
//! and when, which keys are never to be accepted again, and which every process must stop using.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::ids::TenantId;

use super::audit::Draft;
use super::row::micros;
use super::tenants::json;
use super::{Store, StoreError, list_of};

/// What became of a wish to forget a tenant. Only [`Erased::Done`] has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It is forgotten.
    Done {
        /// Whether it had a key, which is destroyed.
        key: bool,
        /// Of how many rows of the audit chain what is personal was erased.
        details: u64,
    },
    /// A key of it that may have leaked is not confirmed to be deleted at the provider: once nobody
    /// knows whose it is, nobody can see to that.
    DeletionOpen,
    /// There is no such tenant.
    Gone,
}

impl Store {
    /// Forgets a tenant, all or nothing: its row and all that hangs on it, its sealed key, whatever
    /// is owed about it, and what is personal in the audit chain. From the commit on nothing opens
    /// its key, and every process that reads revocations stops using it. On `SQLite` all of it is
    /// gone from the file, and from the log as soon as nobody reads it any more.
    pub async fn erase_tenant(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<Erased, StoreError> {
        self.erase_tenant_because(tenant, None, now).await
    }

    /// The same for a reason, which stays: it must name nobody.
    pub async fn erase_tenant_because(
        &self,
        tenant: TenantId,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Erased, StoreError> {
        let id = tenant.raw();
        let tx = self.begin().await?;
        // States first, as whoever saves locks them.
        if let Some(lock) = self.dialect.lock_states() {
            tx.execute_raw(self.statement(lock, [list_of(&[tenant])?.into()])).await?;
        }
        let sql = "SELECT s.generation, t.ref, t.name, t.company_id, k.tenant_id AS kept \
                   FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id LEFT JOIN tenant_key k ON k.tenant_id = s.tenant_id WHERE s.tenant_id = $1";
        let Some(row) = tx.query_one_raw(self.statement(sql, [id.into()])).await? else {
            return Ok(Erased::Gone);
        };
        let generation: i64 = row.try_get("", "generation")?;
        let key = row.try_get::<Option<i64>>("", "kept")?.is_some();
        let sql = "SELECT tenant_id FROM deletion WHERE tenant_id = $1 AND confirmed_at IS NULL";
        if tx.query_one_raw(self.statement(sql, [id.into()])).await?.is_some() {
            return Ok(Erased::DeletionOpen);
        }
        if key {
            let sql = "INSERT INTO revocation (tenant_id, generation, revoked_at) \
                       VALUES ($1, $2, $3)";
            let values = [id.into(), generation.into(), micros(now).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        let mut details = 0;
        // All that hangs on a tenant goes with its row. What a person said of a withdrawn key is
        // theirs; its keyed fingerprint stays.
        let sql = "DELETE FROM reconcile_entry WHERE ref = $1";
        let reference: String = row.try_get("", "ref")?;
        tx.execute_raw(self.statement(sql, [reference.into()])).await?;
        for (sql, counts) in [
            ("DELETE FROM tenant WHERE id = $1", false),
            ("UPDATE withdrawn_key SET reason = NULL WHERE tenant_id = $1", false),
            (
                "DELETE FROM audit_detail WHERE seq IN \
                 (SELECT seq FROM audit WHERE tenant_id = $1)",
                true,
            ),
        ] {
            let done = tx.execute_raw(self.statement(sql, [id.into()])).await?.rows_affected();
            details += if counts { done } else { 0 };
        }
        // Answers of the API that are kept for repetitions do not say whom they are about.
        let mut words = vec![format!("\"{}\"", escaped(&row, "ref")?)];
        words.extend([escaped(&row, "name")?, escaped(&row, "company_id")?]);
        let contains = |n| self.dialect.contains("body", n);
        let sql = format!(
            "DELETE FROM api_answer WHERE {} OR {} OR {}",
            contains(1),
            contains(2),
            contains(3)
        );
        let values = words.iter().map(|word| word.to_ascii_lowercase().into());
        tx.execute_raw(self.statement(sql, values)).await?;
        let draft = Draft::of("tenant.erased").about(tenant);
        let mut draft = draft.fact("key_destroyed", key).fact("details_erased", details);
        if let Some(reason) = reason {
            draft = draft.detail("remark", reason);
        }
        self.append(&tx, &[draft]).await?;
        tx.commit().await?;
        self.note_withdrawals().await;
        if let Err(error) = self.empty_log().await {
            tracing::warn!(
                "what was erased may stand in the write-ahead log until it is emptied: {error}"
            );
        }
        Ok(Erased::Done { key, details })
    }
}

/// A column as it stands within a text of JSON.
fn escaped(row: &QueryResult, column: &str) -> Result<String, StoreError> {
    let text = json(&row.try_get::<String>("", column)?)?;
    Ok(text.trim_matches('"').to_owned())
}
