//! Where the keys of tenants lie that do not lie here. Of such a key there is a fingerprint and what
//! people may see of it, and nothing sealed.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::health::Status;
use crate::ids::TenantId;

use super::row::micros;
use super::{Store, StoreError, ids, list_of};

/// The number of the data key of a key that lies elsewhere: there is none of that number.
pub const ELSEWHERE: u32 = 0;

/// A tenant and where its key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// The integration's own name for it.
    pub tenant: String,
    /// The place.
    pub key_ref: String,
}

impl Store {
    /// Notes where the key of a tenant lies; says whether that is news. Whatever was sealed of it
    /// here is gone from then on.
    pub(super) async fn refer(
        &self,
        tx: &DatabaseTransaction,
        tenant: i64,
        key_ref: &str,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO key_reference (tenant_id, reference) VALUES ($1, $2) \
                   ON CONFLICT (tenant_id) DO UPDATE SET reference = excluded.reference \
                   WHERE key_reference.reference <> excluded.reference";
        let values = [tenant.into(), key_ref.into()];
        let noted = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        let sql = "UPDATE tenant_key SET key_id = $1, sealed = $2 WHERE tenant_id = $3 \
                   AND key_id <> $1";
        let values = [i64::from(ELSEWHERE).into(), Vec::<u8>::new().into(), tenant.into()];
        let emptied = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        let sql = "DELETE FROM handover WHERE tenant_id = $1";
        tx.execute_raw(self.statement(sql, [tenant.into()])).await?;
        Ok(noted + emptied > 0)
    }

    /// How many tenants' keys lie elsewhere, and up to `limit` of them in the order of their names.
    pub async fn referred(&self, limit: u32) -> Result<(u64, Vec<Referred>), StoreError> {
        let sql = "SELECT COUNT(*) AS tenants FROM key_reference";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let all: i64 = row.map_or(Ok(0), |row| row.try_get("", "tenants"))?;
        let sql = "SELECT t.ref, r.reference FROM key_reference r JOIN tenant t \
                   ON t.id = r.tenant_id ORDER BY t.ref LIMIT $1";
        let rows = self.read.query_all_raw(self.statement(sql, [i64::from(limit).into()])).await?;
        let some = rows
            .iter()
            .map(|row| {
                Ok(Referred {
                    tenant: row.try_get("", "ref")?,
                    key_ref: row.try_get("", "reference")?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok((all.unsigned_abs(), some))
    }

    /// Up to `limit` tenants whose keys lie elsewhere and are seldom asked about because they are
    /// dead, whose ids come after `after`, in the order of the ids.
    pub async fn referred_dead(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError> {
        let sql = "SELECT r.tenant_id FROM key_reference r JOIN tenant_state s \
                   ON s.tenant_id = r.tenant_id WHERE s.status = $1 AND s.paused_at IS NULL \
                   AND r.tenant_id > $2 ORDER BY r.tenant_id LIMIT $3";
        let dead = Status::WORDS.into_iter().find(|word| *word == "needs_reconnection");
        let values = [dead.into(), after.map_or(0, TenantId::raw).into(), i64::from(limit).into()];
        ids(&self.read.query_all_raw(self.statement(sql, values)).await?)
    }

    /// Makes the checks of these tenants due now, where they are due later.
    pub async fn bring_forward(
        &self,
        tenants: &[TenantId],
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        if tenants.is_empty() {
            return Ok(0);
        }
        let sql = format!(
            "UPDATE tenant_state SET due_at = $2 WHERE due_at > $2 AND tenant_id IN ({})",
            self.dialect.numbers(1)
        );
        let values = [list_of(tenants)?.into(), micros(now).into()];
        Ok(self.write.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}
