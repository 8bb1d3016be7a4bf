//! Who is due, and all that a probe of them needs.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use serde::Deserialize;

use crate::health::CompanyId;
use crate::health::Health;
use crate::health::Scopes;
use crate::ids::TenantId;

use super::row::{StateRow, micros, time};
use super::{Dialect, Store, StoreError, ids};

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
    /// What it was last seen to be allowed to do, as it is kept ([`Scopes::kept`]); nothing where it
    /// was not seen yet, or the provider does not say.
    pub granted: Option<String>,
    /// What is believed.
    pub health: Health,
    /// The version of the belief: it can be saved only while this is still the row's.
    pub version: i64,
    /// When the probe is due.
    pub due_at: Option<DateTime<Utc>>,
    /// The sealed key; `None` once it was destroyed, and where the key lies elsewhere.
    pub sealed: Option<Vec<u8>>,
    /// The keyed fingerprint of the key; `None` once it was destroyed.
    pub fingerprint: Option<Vec<u8>>,
    /// Where the key lies, if not here.
    pub key_ref: Option<String>,
}

/// The values of the statements that find who is due.
fn who(claim: &Claim<'_>) -> [Value; 3] {
    [micros(claim.horizon).into(), micros(claim.now).into(), i64::from(claim.limit).into()]
}

/// A row of `Dialect::select_watched`, in the order of its columns.
#[derive(Deserialize)]
struct WatchedRow {
    r#ref: String,
    company_id: String,
    client_id: Option<String>,
    required_scopes: String,
    granted_scopes: Option<String>,
    sealed: Option<String>,
    fingerprint: Option<String>,
    key_ref: Option<String>,
    state: StateRow,
}

impl Store {
    /// Leases tenants that are due, in the order of their due times. Two processes never hold the
    /// same tenant; a lease that is not ended runs out.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Watched>, StoreError> {
        let ids = match self.dialect {
            Dialect::Sqlite => self.claim_locked(claim).await?,
            Dialect::Postgres => self.claim_shared(claim).await?,
        };
        let mut watched = self.watched(&ids).await?;
        watched.sort_by_key(|tenant| (tenant.due_at, tenant.id));
        Ok(watched)
    }

    /// In one statement, beside other processes that do the same.
    async fn claim_shared(&self, claim: &Claim<'_>) -> Result<Vec<TenantId>, StoreError> {
        let [horizon, now, limit] = who(claim);
        let values = [horizon, now, limit, claim.lease.into(), micros(claim.until).into()];
        let sql = self.dialect.claim(claim.who == Who::Suspects);
        ids(&self.write.query_all_raw(self.statement(sql, values)).await?)
    }

    /// Under the one write lock. SQLite hands rows over one by one, each at the cost of waking a
    /// thread: so the ids come as one value.
    async fn claim_locked(&self, claim: &Claim<'_>) -> Result<Vec<TenantId>, StoreError> {
        let tx = self.begin().await?;
        let sql = self.dialect.due(claim.who == Who::Suspects);
        let row = tx.query_one_raw(self.statement(sql, who(claim))).await?;
        let list: Option<String> = row.map(|row| row.try_get("", "ids")).transpose()?;
        let ids: Vec<i64> = serde_json::from_str(list.as_deref().unwrap_or("[]"))
            .map_err(|_| StoreError::Refused { code: "ids that cannot be read".to_owned() })?;
        let (Some(list), false) = (list, ids.is_empty()) else {
            tx.rollback().await?;
            return Ok(Vec::new());
        };
        let values = [list.into(), claim.lease.into(), micros(claim.until).into()];
        tx.execute_raw(self.statement(self.dialect.lease(), values)).await?;
        tx.commit().await?;
        Ok(ids.into_iter().map(TenantId::from_raw).collect())
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
        Ok(self.watched(&ids(&rows)?).await?.pop())
    }

    /// These tenants as they stand now; a row that cannot be understood is logged and left out.
    pub async fn watched(&self, tenants: &[TenantId]) -> Result<Vec<Watched>, StoreError> {
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let rows = match self.read_rows(tenants).await {
            // One damaged row must not keep all others from being watched.
            Err(error) if !error.is_passing() => self.read_apart(tenants).await?,
            rows => rows?,
        };
        let mut understood = Vec::with_capacity(rows.len());
        for row in rows {
            match watched(row) {
                Ok(tenant) => understood.push(tenant),
                Err(error) => tracing::error!("{error}; this tenant is not being watched"),
            }
        }
        Ok(understood)
    }

    /// All rows in one value: a row of thirty columns costs more to hand over than to read.
    async fn read_rows(&self, tenants: &[TenantId]) -> Result<Vec<WatchedRow>, StoreError> {
        let sql = self.dialect.select_watched();
        let list = super::list_of(tenants)?;
        let row = self.write.query_one_raw(self.statement(sql, [list.into()])).await?;
        let text: Option<String> = row.map(|row| row.try_get("", "rows")).transpose()?;
        serde_json::from_str(text.as_deref().unwrap_or("[]"))
            .map_err(|_| StoreError::Refused { code: "a row that cannot be read".to_owned() })
    }

    /// The same one by one, without those that cannot be read.
    async fn read_apart(&self, tenants: &[TenantId]) -> Result<Vec<WatchedRow>, StoreError> {
        let mut rows = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            match self.read_rows(std::slice::from_ref(tenant)).await {
                Ok(one) => rows.extend(one),
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => tracing::error!(
                    "the row of tenant {tenant} cannot be read ({error}); it is not being watched"
                ),
            }
        }
        Ok(rows)
    }
}

fn watched(row: WatchedRow) -> Result<Watched, StoreError> {
    let id = TenantId::from_raw(row.state.tenant_id);
    let bad = |what| StoreError::BadRow { table: "tenant", tenant: id.to_string(), what };
    let company = CompanyId::parse(&row.company_id).ok_or_else(|| bad("company_id"))?;
    let bytes = |hex: Option<String>, what| {
        let hex = hex.filter(|hex| !hex.is_empty());
        hex.map(|hex| unhex(&hex).ok_or_else(|| bad(what))).transpose()
    };
    let (sealed, fingerprint) =
        (bytes(row.sealed, "sealed")?, bytes(row.fingerprint, "fingerprint")?);
    Ok(Watched {
        id,
        health: row.state.health()?,
        version: row.state.version,
        due_at: row.state.due_at.and_then(time),
        reference: row.r#ref,
        company,
        client: row.client_id,
        required: Scopes::parse(&row.required_scopes),
        granted: row.granted_scopes,
        sealed,
        fingerprint,
        key_ref: row.key_ref,
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_of_both_databases_are_bytes_and_nothing_else_is() {
        assert_eq!(unhex("00FFa5"), Some(vec![0, 255, 165]));
        assert_eq!(unhex(""), Some(Vec::new()));
        assert_eq!((unhex("0"), unhex("0g"), unhex("é")), (None, None, None));
    }
}
