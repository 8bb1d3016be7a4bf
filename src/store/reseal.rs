//! Exchanges the sealed keys of tenants for the same keys sealed anew, and counts them. What is in
//! them, only `vault` knows.

use std::time::Duration;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use tokio::time::{Instant, sleep};

use crate::ids::TenantId;
use crate::redact::chain;

use super::{Store, StoreError};

/// For how long, and with which pause, it is tried to empty the log of a file that somebody reads.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A tenant's sealed key, as it lies there.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Whose.
    pub tenant: TenantId,
    /// Which of the tenant's keys.
    pub generation: u32,
    /// The data key that sealed it.
    pub key_id: u32,
    /// The sealed key.
    pub sealed: Vec<u8>,
}

/// A sealed key and what is to lie there instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Resealed {
    /// The row as it was read: it is exchanged only while it is still the same.
    pub before: SealedRow,
    /// The same key, sealed anew.
    pub sealed: Vec<u8>,
}

#[derive(FromQueryResult)]
pub(super) struct Row {
    tenant_id: i64,
    generation: i64,
    key_id: i64,
    sealed: Vec<u8>,
}

impl Store {
    /// Up to `limit` keys that are sealed with another data key than `present`, of tenants whose
    /// ids come after `after`, in the order of the ids.
    pub async fn sealed_with_others(
        &self,
        present: u32,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let sql = "SELECT tenant_id, generation, key_id, sealed FROM tenant_key \
                   WHERE key_id <> $1 AND key_id <> 0 AND tenant_id > $2 ORDER BY tenant_id LIMIT $3";
        // Ids are positive.
        let after = after.map_or(0, TenantId::raw);
        let values = [i64::from(present).into(), after.into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(|row| sealed_row(Row::from_query_result(row, "")?)).collect()
    }

    /// Exchanges these keys for the same ones sealed with the data key `with`, in one transaction,
    /// and says how many. A key that was replaced, destroyed or sealed anew by another since it was
    /// read is left alone. Refused when `with` seals no longer.
    pub async fn reseal(&self, with: u32, keys: &[Resealed]) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        self.hold_sealing_key(&tx, with).await?;
        let sql = "UPDATE tenant_key SET sealed = $1, key_id = $2 WHERE tenant_id = $3 \
                   AND generation = $4 AND key_id = $5 AND sealed = $6";
        let mut changed = 0;
        for Resealed { before, sealed } in keys {
            let values: [Value; 6] = [
                sealed.clone().into(),
                i64::from(with).into(),
                before.tenant.raw().into(),
                i64::from(before.generation).into(),
                i64::from(before.key_id).into(),
                before.sealed.clone().into(),
            ];
            changed += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// How many tenants' keys are sealed with which data key: id and number, by id. A data key that
    /// sealed none is not among them.
    pub async fn count_sealed(&self) -> Result<Vec<(u32, u64)>, StoreError> {
        let sql = "SELECT key_id, COUNT(*) AS keys FROM tenant_key WHERE key_id <> 0 \
                   GROUP BY key_id ORDER BY key_id";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let id: i64 = row.try_get("", "key_id")?;
                let keys: i64 = row.try_get("", "keys")?;
                let id = u32::try_from(id)
                    .map_err(|_| StoreError::Refused { code: "key_id".to_owned() })?;
                Ok((id, keys.unsigned_abs()))
            })
            .collect()
    }

    /// On SQLite, takes what was overwritten out of the write-ahead log as well, as far as no reader
    /// of this moment keeps it there; says whether that was done.
    pub async fn forget_overwritten(&self) -> Result<bool, StoreError> {
        self.empty_log().await
    }

    /// The same, tried for ten seconds while somebody reads; else why it was not done, in words.
    pub async fn forget_overwritten_soon(&self) -> Result<(), String> {
        let mut why = "somebody has been reading it for seconds".to_owned();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.forget_overwritten().await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => why = chain(&error),
            }
            sleep(PAUSE).await;
        }
        Err(why)
    }
}

pub(super) fn sealed_row(row: Row) -> Result<SealedRow, StoreError> {
    let tenant = TenantId::from_raw(row.tenant_id);
    let number = |value: i64, what| {
        u32::try_from(value).map_err(|_| StoreError::BadRow {
            table: "tenant_key",
            tenant: tenant.to_string(),
            what,
        })
    };
    Ok(SealedRow {
        tenant,
        generation: number(row.generation, "generation")?,
        key_id: number(row.key_id, "key_id")?,
        sealed: row.sealed,
    })
}
