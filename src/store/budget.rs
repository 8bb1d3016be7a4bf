//! The budget of calls, charged before it is spent, for all processes on one store together.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

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
        let values = [budget.into(), cost.into(), micros(now).into()];
        let charged =
            self.write.query_one_raw(self.statement(self.dialect.charge(), values)).await?;
        if charged.is_some() {
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
