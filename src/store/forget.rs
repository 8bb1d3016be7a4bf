//! Forgets messages of long ago: what was said in stories that are over. What still waits, what is still
//! asked for and what a rule still looks at is kept, however old.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

/// How long a message is kept. Longer than a year: by then no announcement of an expiry, no incident and
/// no question of a customer's auditor is about it.
pub const MESSAGES_KEPT: TimeDelta = TimeDelta::days(400);

/// So many are forgotten in one transaction, so that nobody waits for it.
const BATCH: i64 = 500;

impl Store {
    /// Forgets messages that are older than [`MESSAGES_KEPT`], with what became of them on each channel.
    /// Gives back how many, which is at most one batch.
    pub async fn forget_messages(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "DELETE FROM message WHERE id IN (SELECT m.id FROM message m WHERE m.owed_at < $1 \
                   AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id \
                   AND d.state IN ('owed', 'sending')) \
                   AND NOT EXISTS (SELECT 1 FROM episode e WHERE e.tenant_id = m.tenant_id \
                   AND e.number = m.episode AND e.closed_at IS NULL) \
                   AND NOT EXISTS (SELECT 1 FROM deletion x WHERE x.tenant_id = m.tenant_id \
                   AND x.wanted_at = m.owed_at AND x.confirmed_at IS NULL) \
                   AND NOT (m.audience = 'integration' AND m.stage = 'disabled' \
                   AND m.state = 'owed' AND m.acknowledged_at IS NULL) \
                   ORDER BY m.owed_at LIMIT $2)";
        let values = [micros(now - MESSAGES_KEPT).into(), BATCH.into()];
        Ok(self.write.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}
