//! How each tenant's key was last found to stand to the one at its source: shown, never decided by.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::health::Standing;
use crate::ids::TenantId;

use super::row::{micros, time};
use super::{Store, StoreError};

/// How a key was found to stand to the one at its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedRow {
    /// Whose key.
    pub tenant: TenantId,
    /// Which of the tenant's keys.
    pub generation: u32,
    /// How it stood.
    pub standing: Standing,
    /// When that was found.
    pub at: DateTime<Utc>,
}

/// The same of the present key, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedView {
    /// How it stood.
    pub standing: Standing,
    /// When that was found.
    pub at: DateTime<Utc>,
}

impl Store {
    /// Notes how these keys were found to stand, in one statement; what is known of later stays.
    pub async fn note_compared(&self, rows: &[ComparedRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let list: Vec<(i64, u32, &str, i64)> = rows
            .iter()
            .map(|row| (row.tenant.raw(), row.generation, word(row.standing), micros(row.at)))
            .collect();
        let list = serde_json::to_string(&list)
            .map_err(|_| StoreError::Refused { code: "JSON".to_owned() })?;
        let rows = self.dialect.list(&[
            ("tenant_id", "bigint"),
            ("generation", "bigint"),
            ("standing", "text"),
            ("compared_at", "bigint"),
        ]);
        // A tenant may have been erased since; in the order of the ids, so that two do not wait for
        // each other.
        let sql = format!(
            "INSERT INTO comparison (tenant_id, generation, standing, compared_at) \
             SELECT v.tenant_id, v.generation, v.standing, v.compared_at FROM ({rows}) AS v \
             JOIN tenant t ON t.id = v.tenant_id WHERE TRUE ORDER BY v.tenant_id \
             ON CONFLICT (tenant_id) DO UPDATE SET generation = excluded.generation, \
             standing = excluded.standing, compared_at = excluded.compared_at \
             WHERE comparison.compared_at <= excluded.compared_at"
        );
        self.write.execute_raw(self.statement(sql, [list.into()])).await?;
        Ok(())
    }

    /// How the present key of a tenant was last found to stand, if it was ever compared.
    pub async fn compared(&self, tenant: TenantId) -> Result<Option<ComparedView>, StoreError> {
        let sql = "SELECT c.standing, c.compared_at FROM comparison c JOIN tenant_state s \
                   ON s.tenant_id = c.tenant_id AND s.generation = c.generation \
                   WHERE c.tenant_id = $1";
        let row = self.read.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?;
        row.as_ref().map(view).transpose()
    }

    /// How many tenants are failing whose keys could not be compared when they last failed.
    pub async fn count_not_compared(&self) -> Result<u32, StoreError> {
        let sql = "SELECT COUNT(*) AS tenants FROM comparison c JOIN tenant_state s \
                   ON s.tenant_id = c.tenant_id AND s.generation = c.generation \
                   WHERE c.standing = 'not_compared' AND s.doubt_kind IS NOT NULL \
                   AND s.paused_at IS NULL";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "tenants"))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

fn view(row: &QueryResult) -> Result<ComparedView, StoreError> {
    let bad = || StoreError::Refused { code: "a comparison that cannot be read".to_owned() };
    let standing: String = row.try_get("", "standing")?;
    let standing = [Standing::Current, Standing::OutOfStep, Standing::NotCompared]
        .into_iter()
        .find(|known| word(*known) == standing)
        .ok_or_else(bad)?;
    Ok(ComparedView { standing, at: time(row.try_get("", "compared_at")?).ok_or_else(bad)? })
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Current => "same",
        Standing::OutOfStep => "differs",
        Standing::NotCompared => "not_compared",
    }
}
