//! Reads all that is needed to leave: every live key, still sealed, with what is known of its tenant.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use chrono::{DateTime, Utc};

use crate::ids::TenantId;

use super::care::{Care, Contact};
use super::reseal::SealedRow;
use super::row::time;
use super::{KeyKind, Store, StoreError, list_of};

/// A live key and whose it is.
#[derive(Clone)]
pub struct KeptKey {
    /// The key, sealed.
    pub key: SealedRow,
    /// The integration's own name for the tenant.
    pub reference: String,
    /// The name that people know.
    pub name: String,
    /// The company that the key belongs to.
    pub company: String,
    /// Which kind of key.
    pub kind: Option<KeyKind>,
    /// When it expires, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// What is known of the tenant beside its key.
    pub care: Care,
}

#[derive(FromQueryResult)]
struct Row {
    tenant_id: i64,
    generation: i64,
    key_id: i64,
    sealed: Vec<u8>,
    r#ref: String,
    name: String,
    company_id: String,
    key_kind: String,
    locale: Option<String>,
    time_zone: Option<String>,
    expires_at: Option<i64>,
    address: Option<String>,
    role: Option<String>,
}

impl Store {
    /// Up to `limit` live keys that lie here, of tenants whose ids come after `after`, in the order of the ids.
    pub async fn kept_keys(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<KeptKey>, StoreError> {
        let sql = "SELECT k.tenant_id, k.generation, k.key_id, k.sealed, t.ref, t.name, \
                   t.company_id, t.key_kind, t.locale, t.time_zone, s.expires_at, c.address, \
                   c.role FROM tenant_key k JOIN tenant t ON t.id = k.tenant_id \
                   JOIN tenant_state s ON s.tenant_id = k.tenant_id \
                   AND s.generation = k.generation \
                   LEFT JOIN contact c ON c.tenant_id = t.id AND c.ordinal = 1 \
                   WHERE k.tenant_id > $1 AND k.key_id <> 0 ORDER BY k.tenant_id LIMIT $2";
        // Ids are positive.
        let values = [after.map_or(0, TenantId::raw).into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let rows: Vec<Row> =
            rows.iter().map(|row| Row::from_query_result(row, "")).collect::<Result<_, _>>()?;
        let ids: Vec<TenantId> = rows.iter().map(|row| TenantId::from_raw(row.tenant_id)).collect();
        let mut labels = self.labels_of(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let labels = labels.remove(&row.tenant_id).unwrap_or_default();
                kept(row, labels)
            })
            .collect()
    }

    /// How many live keys lie here.
    pub async fn count_kept_keys(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS keys FROM tenant_key WHERE key_id <> 0";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let keys: i64 = row.map_or(Ok(0), |row| row.try_get("", "keys"))?;
        Ok(keys.unsigned_abs())
    }

    async fn labels_of(
        &self,
        tenants: &[TenantId],
    ) -> Result<BTreeMap<i64, BTreeMap<String, String>>, StoreError> {
        let sql = format!(
            "SELECT tenant_id, name, value FROM label WHERE tenant_id IN ({})",
            self.dialect.numbers(1)
        );
        let mut labels: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
        let list = list_of(tenants)?;
        for row in self.read.query_all_raw(self.statement(sql, [list.into()])).await? {
            let of = labels.entry(row.try_get("", "tenant_id")?).or_default();
            of.insert(row.try_get("", "name")?, row.try_get("", "value")?);
        }
        Ok(labels)
    }
}

fn kept(row: Row, labels: BTreeMap<String, String>) -> Result<KeptKey, StoreError> {
    let tenant = TenantId::from_raw(row.tenant_id);
    let number = |value: i64, what| {
        let bad = |_| StoreError::BadRow { table: "tenant_key", tenant: tenant.to_string(), what };
        u32::try_from(value).map_err(bad)
    };
    let contact = row.address.zip(row.role);
    Ok(KeptKey {
        key: SealedRow {
            tenant,
            generation: number(row.generation, "generation")?,
            key_id: number(row.key_id, "key_id")?,
            sealed: row.sealed,
        },
        reference: row.r#ref,
        name: row.name,
        company: row.company_id,
        kind: KeyKind::parse(&row.key_kind),
        expires_at: row.expires_at.and_then(time),
        care: Care {
            contact: contact.map(|(address, role)| Contact { address, role }),
            locale: row.locale,
            time_zone: row.time_zone,
            labels,
        },
    })
}
