//! What the key of the integrator's own company was last found to be. One row for all processes, one of
//! which asks.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::health::Canary;
use crate::health::Class;

use super::row::{micros, time};
use super::{Store, StoreError};

/// The canary, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRow {
    /// What was found: `accepted`, or the word of a class, or `none` where it says nothing.
    pub finding: String,
    /// When it was asked.
    pub asked_at: Option<DateTime<Utc>>,
    /// Since when it fails.
    pub failing_since: Option<DateTime<Utc>>,
}

impl Store {
    /// What was found last; nothing where it was never asked.
    pub async fn canary(&self) -> Result<Option<CanaryRow>, StoreError> {
        let sql = "SELECT finding, asked_at, failing_since FROM canary WHERE id = 1 \
                   AND finding IS NOT NULL";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let moment = |column| -> Result<Option<DateTime<Utc>>, StoreError> {
            let micros: Option<i64> = row.try_get("", column)?;
            Ok(micros.and_then(time))
        };
        Ok(Some(CanaryRow {
            finding: row.try_get("", "finding")?,
            asked_at: moment("asked_at")?,
            failing_since: moment("failing_since")?,
        }))
    }

    /// The same as the judge takes it, if it was asked since then.
    pub(super) async fn canary_heard(&self, since: DateTime<Utc>) -> Result<Canary, StoreError> {
        let row = self.canary().await?.filter(|row| row.asked_at.is_some_and(|at| at >= since));
        Ok(match row.as_ref().map(|row| row.finding.as_str()) {
            Some("accepted") => Canary::Accepted,
            Some(word) => Class::read(word).map_or(Canary::Unheard, Canary::Fails),
            None => Canary::Unheard,
        })
    }

    /// Takes the turn to ask it until then, unless it was asked after `before` or somebody else has the
    /// turn.
    pub async fn claim_canary(
        &self,
        lease: &str,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO canary (id, lease, lease_until) VALUES (1, $1, $2) \
                   ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, \
                   lease_until = excluded.lease_until \
                   WHERE (canary.lease_until IS NULL OR canary.lease_until <= $3) \
                   AND (canary.asked_at IS NULL OR canary.asked_at <= $4)";
        let values =
            [lease.into(), micros(until).into(), micros(now).into(), micros(before).into()];
        Ok(self.write.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0)
    }

    /// Notes what was found by whoever has the turn. What says nothing leaves a failure standing.
    pub async fn note_canary(
        &self,
        lease: &str,
        finding: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE canary SET finding = $2, asked_at = $3, lease = NULL, \
                   lease_until = NULL, failing_since = CASE WHEN $2 = 'accepted' THEN NULL \
                   WHEN $2 = 'refused' THEN COALESCE(failing_since, $3) ELSE failing_since END \
                   WHERE id = 1 AND lease = $1";
        let values = [lease.into(), finding.into(), micros(now).into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }
}
