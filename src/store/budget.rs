//! The budget of calls, charged before it is spent, for all processes on one store together.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

/// A budget that is charged further ahead than its cost and this was charged by a clock that was
/// wrong, and is free.
const CLOCK_FAULT: TimeDelta = TimeDelta::minutes(1);

impl Store {
    /// Charges `cost` to the budget of that name if it is free at `now`: GCRA with the theoretical
    /// arrival time in one row. `Ok(None)` means charged; otherwise the budget is not free before
    /// the time given.
    pub async fn charge(
        &self,
        budget: &str,
        cost: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let cost = cost.num_microseconds().unwrap_or(i64::MAX / 2);
        let ahead = cost.saturating_add(CLOCK_FAULT.num_microseconds().unwrap_or(0));
        let values = [budget.into(), cost.into(), micros(now).into(), ahead.into()];
        // All rows are asked for: SQLite commits a statement only when it has run to its end.
        let statement = self.statement(self.dialect.charge(), values);
        if !self.write.query_all_raw(statement).await?.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT arrival_at FROM budget WHERE name = $1";
        let row = self.write.query_one_raw(self.statement(sql, [budget.into()])).await?;
        let free_at = match row {
            Some(row) => row.try_get::<i64>("", "arrival_at")?,
            None => micros(now),
        };
        Ok(Some(super::row::time(free_at).unwrap_or(now)))
    }
}
