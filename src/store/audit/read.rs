//! What the chain says, for people, and the erasing of what is personal. Whether it is true,
//! `verify` tells.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::ids::TenantId;
use crate::store::row::time;
use crate::store::{Store, StoreError};

use super::draft::Draft;

/// One row of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place.
    pub seq: i64,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// What was done.
    pub action: String,
    /// To which tenant.
    pub tenant: Option<TenantId>,
    /// With which of its keys.
    pub generation: Option<i64>,
    /// What kind of actor did it.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: String,
    /// How it ended.
    pub outcome: String,
    /// What else is covered by the chain, as JSON.
    pub facts: String,
    /// What may be erased.
    pub detail: Detail,
}

/// What may be erased of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing was written.
    None,
    /// It was erased.
    Erased,
    /// It is there, as JSON.
    Known(String),
}

#[derive(FromQueryResult)]
struct Read {
    seq: i64,
    at: i64,
    action: String,
    tenant_id: Option<i64>,
    generation: Option<i64>,
    actor_kind: String,
    actor_id: String,
    outcome: String,
    facts: String,
    detail_digest: Option<Vec<u8>>,
    detail: Option<String>,
}

impl Store {
    /// Up to `limit` rows after the row `after`, in their order; of one tenant, where one is given.
    pub async fn audit_rows(
        &self,
        tenant: Option<TenantId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.audit_page(tenant, "a.seq > $1", after, "a.seq", limit).await
    }

    /// The last `limit` rows, in their order; of one tenant, where one is given.
    pub async fn latest_audit_rows(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut rows =
            self.audit_page(tenant, "a.seq <= $1", i64::MAX, "a.seq DESC", limit).await?;
        rows.reverse();
        Ok(rows)
    }

    async fn audit_page(
        &self,
        tenant: Option<TenantId>,
        which: &str,
        seq: i64,
        order: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let also = if tenant.is_some() { " AND a.tenant_id = $3" } else { "" };
        let sql = format!(
            "SELECT a.seq, a.at, a.action, a.tenant_id, a.generation, a.actor_kind, a.actor_id, \
             a.outcome, a.facts, a.detail_digest, d.detail \
             FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq \
             WHERE {which}{also} ORDER BY {order} LIMIT $2"
        );
        let mut values: Vec<Value> = vec![seq.into(), i64::from(limit).into()];
        values.extend(tenant.map(|tenant| tenant.raw().into()));
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let read = rows.iter().map(|row| Read::from_query_result(row, ""));
        Ok(read.map(|row| row.map(AuditRow::from)).collect::<Result<_, _>>()?)
    }

    /// Erases what is personal in all rows of a tenant, and gives back of how many. The chain stays
    /// whole; that something was erased is written down.
    pub async fn erase_audit_details(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let sql = "DELETE FROM audit_detail WHERE seq IN \
                   (SELECT seq FROM audit WHERE tenant_id = $1)";
        let statement = self.statement(sql, [tenant.raw().into()]);
        let erased = tx.execute_raw(statement).await?.rows_affected();
        if erased > 0 {
            let draft = Draft::of("audit.details_erased").about(tenant).fact("rows", erased);
            self.append(&tx, &[draft]).await?;
        }
        tx.commit().await?;
        if erased > 0 {
            self.empty_log().await?;
        }
        Ok(erased)
    }
}

impl From<Read> for AuditRow {
    fn from(row: Read) -> Self {
        let detail = match (row.detail, row.detail_digest) {
            (Some(detail), _) => Detail::Known(detail),
            (None, Some(_)) => Detail::Erased,
            (None, None) => Detail::None,
        };
        Self {
            seq: row.seq,
            at: time(row.at),
            action: row.action,
            tenant: row.tenant_id.map(TenantId::from_raw),
            generation: row.generation,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            outcome: row.outcome,
            facts: row.facts,
            detail,
        }
    }
}
