//! Who is due, and all that a probe of them needs.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::health::CompanyId;
use crate::health::Health;
use crate::health::Scopes;
use crate::ids::TenantId;

use super::row::{StateRow, micros, select_state, time};
use super::{Store, StoreError, ids};

/// What to claim.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Who is asked for.
    pub who: Who,
    /// Whoever is due by then.
    pub horizon: DateTime<Utc>,
    /// The present moment: leases that ended before it are void.
    pub now: DateTime<Utc>,
    /// How long the lease lasts.
    pub until: DateTime<Utc>,
    /// Whose lease it is.
    pub lease: &'a str,
    /// How many at most.
    pub limit: u32,
}

/// Who is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Those of whom something is being confirmed.
    Suspects,
    /// Everybody.
    Everybody,
}

/// A tenant as a probe and a decision need it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its id.
    pub id: TenantId,
    /// The integration's own name for it.
    pub reference: String,
    /// The company that the key must belong to.
    pub company: CompanyId,
    /// The client that the key was accepted for.
    pub client: Option<String>,
    /// What the key must be allowed to do.
    pub required: Scopes,
    /// What is believed.
    pub health: Health,
    /// The version of the belief: it can be saved only while this is still the row's.
    pub version: i64,
    /// When the probe is due.
    pub due_at: Option<DateTime<Utc>>,
    /// The sealed key; `None` once it was destroyed.
    pub sealed: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct WatchedRow {
    r#ref: String,
    company_id: String,
    client_id: Option<String>,
    required_scopes: String,
    sealed: Option<Vec<u8>>,
    #[sea_orm(nested)]
    state: StateRow,
}

impl Store {
    /// Leases tenants that are due, in the order of their due times. Two processes never hold the
    /// same tenant; a lease that is not ended runs out.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Watched>, StoreError> {
        let values = [
            micros(claim.horizon).into(),
            micros(claim.now).into(),
            i64::from(claim.limit).into(),
            claim.lease.into(),
            micros(claim.until).into(),
        ];
        let rows = self
            .write
            .query_all_raw(self.statement(self.dialect.claim(claim.who == Who::Suspects), values))
            .await?;
        let ids: Vec<_> = ids(&rows)?.into_iter().map(TenantId::from_raw).collect();
        let mut watched = self.watched(&ids).await?;
        watched.sort_by_key(|tenant| (tenant.due_at, tenant.id));
        Ok(watched)
    }

    /// Leases one tenant, due or not; `None` while somebody else holds it.
    pub async fn claim_one(
        &self,
        tenant: TenantId,
        lease: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Watched>, StoreError> {
        let sql = "UPDATE tenant_state SET lease = $1, lease_until = $2 WHERE tenant_id = $3 \
                   AND (lease_until IS NULL OR lease_until <= $4) RETURNING tenant_id";
        let values = [lease.into(), micros(until).into(), tenant.raw().into(), micros(now).into()];
        let rows = self.write.query_all_raw(self.statement(sql, values)).await?;
        let ids: Vec<_> = ids(&rows)?.into_iter().map(TenantId::from_raw).collect();
        Ok(self.watched(&ids).await?.pop())
    }

    /// These tenants as they stand now; a row that cannot be understood is logged and left out.
    pub async fn watched(&self, ids: &[TenantId]) -> Result<Vec<Watched>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT t.ref, t.company_id, t.client_id, t.required_scopes, k.sealed, {} \
             FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id \
             LEFT JOIN tenant_key k ON k.tenant_id = s.tenant_id \
             AND k.generation = s.generation WHERE s.tenant_id IN ({})",
            select_state(),
            self.dialect.numbers(1)
        );
        let list = super::list_of(ids)?;
        let rows = self.write.query_all_raw(self.statement(sql, [list.into()])).await?;
        let mut understood = Vec::with_capacity(rows.len());
        for row in &rows {
            match watched(WatchedRow::from_query_result(row, "")?) {
                Ok(tenant) => understood.push(tenant),
                // One damaged row must not keep all others from being watched.
                Err(error) => tracing::error!("{error}; this tenant is not being watched"),
            }
        }
        Ok(understood)
    }
}

fn watched(row: WatchedRow) -> Result<Watched, StoreError> {
    let id = TenantId::from_raw(row.state.tenant_id);
    let company = CompanyId::parse(&row.company_id).ok_or_else(|| StoreError::BadRow {
        table: "tenant",
        tenant: id.to_string(),
        what: "company_id",
    })?;
    Ok(Watched {
        id,
        health: row.state.health()?,
        version: row.state.version,
        due_at: row.state.due_at.and_then(time),
        reference: row.r#ref,
        company,
        client: row.client_id,
        required: Scopes::parse(&row.required_scopes),
        sealed: row.sealed,
    })
}
