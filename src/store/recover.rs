//! What a daemon finds when it starts: leases of one that died, and times that a wrong clock wrote.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

/// A moment of the past that lies further ahead than this was written by a clock that was wrong.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// What was put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Tenants whose lease a daemon that is gone had left.
    pub leases: u64,
    /// Tenants that were due by a clock that was ahead.
    pub brought_forward: u64,
}

impl Store {
    /// Ends all leases, of tenants and of messages that may be sent twice, where nobody else can be at work (`alone`), and has everybody asked within
    /// one `interval` whose belief was written in the future: otherwise they would be asked when the
    /// clock has caught up, which may be a year. A pause keeps its end.
    pub async fn recover(
        &self,
        alone: bool,
        interval: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Recovered, StoreError> {
        let leases = if alone {
            let sql = "UPDATE tenant_state SET lease = NULL, lease_until = NULL \
                       WHERE lease IS NOT NULL";
            let leases = self.write.execute_raw(self.statement(sql, [])).await?.rows_affected();
            // Endpoints know a message by its id, so one that was being sent is sent again at once.
            let sql = "UPDATE delivery SET state = 'owed', lease = NULL, lease_until = NULL \
                       WHERE state = 'sending' \
                       AND channel IN (SELECT name FROM channel WHERE kind = 'webhook')";
            self.write.execute_raw(self.statement(sql, [])).await?;
            self.recover_mail(now).await?;
            leases
        } else {
            0
        };
        let sql = "UPDATE tenant_state SET due_at = $1 + tenant_id % $2 WHERE due_at > $1 \
                   AND paused_at IS NULL AND (accepted_at > $3 OR since > $3 OR doubt_last > $3)";
        let interval = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
        let values = [micros(now).into(), interval.into(), micros(now + SLACK).into()];
        let done = self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(Recovered { leases, brought_forward: done.rows_affected() })
    }
}
