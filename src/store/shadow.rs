//! What would have been sent: decisions that were written down while those they are for were told
//! nothing.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::row::{micros, time};
use super::{Store, StoreError};

/// A message that was not sent because nobody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldHave {
    /// Its id.
    pub id: String,
    /// The integration's own name for the tenant.
    pub tenant: Option<String>,
    /// The name that people know.
    pub name: Option<String>,
    /// Who would have been told.
    pub audience: String,
    /// Which one it is.
    pub stage: String,
    /// What was decided, as JSON.
    pub body: String,
    /// When.
    pub owed_at: Option<DateTime<Utc>>,
    /// The address that a customer's mail would have gone to.
    pub contact: Option<String>,
}

/// How many there are for one audience and stage.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ShadowCount {
    /// Who would have been told.
    pub audience: String,
    /// Which one.
    pub stage: String,
    /// How many messages.
    pub messages: i64,
    /// Of how many tenants.
    pub tenants: i64,
}

impl Store {
    /// How many messages were written down since then and not sent, by audience and stage.
    pub async fn count_shadow(&self, since: DateTime<Utc>) -> Result<Vec<ShadowCount>, StoreError> {
        let sql = "SELECT audience, stage, COUNT(*) AS messages, \
                   COUNT(DISTINCT tenant_id) AS tenants FROM message \
                   WHERE state = 'shadow' AND owed_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2";
        let rows = self.read.query_all_raw(self.statement(sql, [micros(since).into()])).await?;
        Ok(rows
            .iter()
            .map(|row| ShadowCount::from_query_result(row, ""))
            .collect::<Result<_, _>>()?)
    }

    /// Up to `limit` of them, the newest first; for one audience, where it is given.
    pub async fn shadow(
        &self,
        since: DateTime<Utc>,
        audience: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WouldHave>, StoreError> {
        let sql = "SELECT m.id, t.ref, t.name, m.audience, m.stage, m.body, m.owed_at, \
                   CASE WHEN m.audience = 'customer' THEN (SELECT c.address FROM contact c \
                   WHERE c.tenant_id = t.id AND c.refused_at IS NULL \
                   ORDER BY c.ordinal LIMIT 1) END AS contact \
                   FROM message m LEFT JOIN tenant t ON t.id = m.tenant_id \
                   WHERE m.state = 'shadow' AND m.owed_at >= $1 AND ($2 = '' OR m.audience = $2) \
                   ORDER BY m.owed_at DESC, m.id LIMIT $3";
        let values =
            [micros(since).into(), audience.unwrap_or_default().into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter()
            .map(|row| {
                let at: i64 = row.try_get("", "owed_at")?;
                Ok(WouldHave {
                    id: row.try_get("", "id")?,
                    tenant: row.try_get("", "ref")?,
                    name: row.try_get("", "name")?,
                    audience: row.try_get("", "audience")?,
                    stage: row.try_get("", "stage")?,
                    body: row.try_get("", "body")?,
                    owed_at: time(at),
                    contact: row.try_get("", "contact")?,
                })
            })
            .collect()
    }
}
