//! Keys that are not to be used any more: those that are never accepted again, those that every
//! process must stop using at once, and those that nobody has confirmed to be deleted at the
//! provider. It knows fingerprints only.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::ids::TenantId;

use super::audit::Draft;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// So many revocations before the last one that was read are read again: one that was numbered
/// earlier may have been committed later.
const AGAIN: i64 = 100;

/// Revocations, read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// Whose keys, up to and with which generation.
    pub revoked: Vec<(TenantId, u32)>,
    /// The number of the last one there is.
    pub last: i64,
}

/// A key that has to be deleted at the provider, where nobody has confirmed that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Which of the tenant's keys.
    pub generation: u32,
    /// Since when.
    pub wanted_at: DateTime<Utc>,
    /// Whether keypulse knows the key's fingerprint, and so never accepts it again.
    pub known: bool,
}

impl Store {
    /// Revocations since that moment, and all with a number above `after`, a few earlier ones
    /// included: whoever wrote one may go by another clock, or have been slow. Cheap: two ranges of
    /// indexes, and one value.
    pub async fn revocations(
        &self,
        since: DateTime<Utc>,
        after: i64,
    ) -> Result<Revocations, StoreError> {
        let values = [micros(since).into(), after.into(), AGAIN.into()];
        let statement = self.statement(self.dialect.revocations(), values);
        let bad = || StoreError::Refused { code: "a revocation that cannot be read".to_owned() };
        let row = self.read.query_one_raw(statement).await?.ok_or_else(bad)?;
        let rows: Option<String> = row.try_get("", "rows")?;
        let rows: Vec<(i64, u32)> =
            serde_json::from_str(rows.as_deref().unwrap_or("[]")).map_err(|_| bad())?;
        let revoked = rows.into_iter().map(|(id, generation)| (TenantId::from_raw(id), generation));
        Ok(Revocations { revoked: revoked.collect(), last: row.try_get("", "last")? })
    }

    /// The keys of a tenant that have to be deleted at the provider, and that nobody has confirmed
    /// to be.
    pub async fn deletions_wanted(&self, tenant: TenantId) -> Result<Vec<Deletion>, StoreError> {
        let sql = "SELECT d.generation, d.wanted_at, w.tenant_id AS known FROM deletion d \
                   LEFT JOIN withdrawn_key w \
                   ON w.tenant_id = d.tenant_id AND w.generation = d.generation \
                   WHERE d.tenant_id = $1 AND d.confirmed_at IS NULL ORDER BY d.generation";
        let rows = self.read.query_all_raw(self.statement(sql, [tenant.raw().into()])).await?;
        let bad = |what| StoreError::BadRow { table: "deletion", tenant: tenant.to_string(), what };
        rows.iter()
            .map(|row| {
                let generation: i64 = row.try_get("", "generation")?;
                let known: Option<i64> = row.try_get("", "known")?;
                Ok(Deletion {
                    generation: u32::try_from(generation).map_err(|_| bad("generation"))?,
                    wanted_at: time(row.try_get("", "wanted_at")?)
                        .ok_or_else(|| bad("wanted_at"))?,
                    known: known.is_some(),
                })
            })
            .collect()
    }

    /// How many keys of all tenants have to be deleted at the provider, and are not confirmed to be.
    pub async fn count_deletions_wanted(&self) -> Result<u32, StoreError> {
        let sql = "SELECT COUNT(*) AS wanted FROM deletion WHERE confirmed_at IS NULL";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let wanted: i64 = row.map_or(Ok(0), |row| row.try_get("", "wanted"))?;
        Ok(u32::try_from(wanted).unwrap_or(u32::MAX))
    }

    /// Notes that all keys of a tenant that had to be deleted at the provider were; gives back how
    /// many were open until now.
    pub async fn confirm_deleted(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE deletion SET confirmed_at = $1 \
                   WHERE tenant_id = $2 AND confirmed_at IS NULL";
        let values = [micros(now).into(), tenant.raw().into()];
        let tx = self.begin().await?;
        let confirmed = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        if confirmed > 0 {
            let draft = Draft::of("key.deletion_confirmed").about(tenant).fact("keys", confirmed);
            self.append(&tx, &[draft]).await?;
        }
        tx.commit().await?;
        Ok(confirmed)
    }

    /// To be called in every transaction that stores a fingerprint, *after* it is stored: whoever
    /// withdraws that key at this moment holds its row, so that storing it has waited for them.
    pub(super) async fn refuse_withdrawn(
        &self,
        tx: &DatabaseTransaction,
        fingerprint: &[u8],
    ) -> Result<(), StoreError> {
        if self.is_withdrawn(tx, fingerprint).await? {
            return Err(StoreError::KeyWithdrawn);
        }
        Ok(())
    }

    /// Whether a key of that fingerprint was withdrawn. What [`Store::refuse_withdrawn`] says of
    /// the order holds here too.
    pub(super) async fn is_withdrawn(
        &self,
        tx: &impl ConnectionTrait,
        fingerprint: &[u8],
    ) -> Result<bool, StoreError> {
        let sql = "SELECT tenant_id FROM withdrawn_key WHERE fingerprint = $1";
        let statement = self.statement(sql, [fingerprint.to_vec().into()]);
        Ok(tx.query_one_raw(statement).await?.is_some())
    }
}

impl Dialect {
    /// Keeps the fingerprints of keys that are never to be accepted again: `[tenant, generation,
    /// withdrawn_at, reason]` (`$1`).
    pub(super) fn withdraw_keys(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("generation", "bigint"),
            ("withdrawn_at", "bigint"),
            ("reason", "text"),
        ]);
        format!(
            "INSERT INTO withdrawn_key (fingerprint, tenant_id, generation, withdrawn_at, reason) \
             SELECT k.fingerprint, k.tenant_id, k.generation, v.withdrawn_at, v.reason \
             FROM tenant_key k JOIN ({rows}) AS v \
             ON v.tenant_id = k.tenant_id AND v.generation = k.generation WHERE TRUE \
             ON CONFLICT (fingerprint) DO NOTHING"
        )
    }

    /// Notes that keys have to be deleted at the provider: `[tenant, generation, wanted_at, …]`
    /// (`$1`).
    pub(super) fn want_deletions(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("generation", "bigint"),
            ("wanted_at", "bigint"),
        ]);
        format!(
            "INSERT INTO deletion (tenant_id, generation, wanted_at) \
             SELECT tenant_id, generation, wanted_at FROM ({rows}) AS v WHERE TRUE \
             ON CONFLICT (tenant_id, generation) DO NOTHING"
        )
    }

    /// Tells every process to use these keys no more: `[tenant, generation, revoked_at]` (`$1`).
    pub(super) fn revoke(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("generation", "bigint"),
            ("revoked_at", "bigint"),
        ]);
        format!("INSERT INTO revocation (tenant_id, generation, revoked_at) {rows}")
    }

    /// Revocations since `$1`, and all but the first of those that are numbered from `$3` before
    /// `$2` on, as one JSON list `rows` of `[tenant, generation]`; and the number of the `last`.
    fn revocations(self) -> String {
        let (list, array, text) = match self {
            Self::Sqlite => ("json_group_array", "json_array", ""),
            Self::Postgres => ("json_agg", "json_build_array", "::text"),
        };
        format!(
            "SELECT {list}({array}(tenant_id, generation)){text} AS rows, \
             (SELECT COALESCE(MAX(seq), 0) FROM revocation) AS last FROM revocation \
             WHERE revoked_at >= $1 OR seq > (SELECT CASE WHEN $2 < COALESCE(MAX(seq), 0) \
             THEN $2 ELSE COALESCE(MAX(seq), 0) END FROM revocation) - $3"
        )
    }
}
