//! The budget of calls, charged before it is spent, for all processes on one store together.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

/// A budget that is charged further ahead than its cost and this was charged by a clock that was
/// wrong, and is free. Nobody holds one for longer either.
pub const MOST_HELD: TimeDelta = TimeDelta::minutes(1);

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
        let ahead = cost.saturating_add(MOST_HELD.num_microseconds().unwrap_or(0));
        let hold = hold_of(budget);
        let values =
            [budget.into(), cost.into(), micros(now).into(), ahead.into(), hold.clone().into()];
        // All rows are asked for: SQLite commits a statement only when it has run to its end.
        let statement = self.statement(self.dialect.charge(), values);
        if !self.write.query_all_raw(statement).await?.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT MAX(arrival_at) AS arrival_at FROM budget WHERE name IN ($1, $2)";
        let row =
            self.write.query_one_raw(self.statement(sql, [budget.into(), hold.into()])).await?;
        let free_at: Option<i64> = row.map(|row| row.try_get("", "arrival_at")).transpose()?;
        Ok(Some(free_at.and_then(super::row::time).unwrap_or(now)))
    }

    /// Keeps the budget of that name from being charged by anybody until then, at most a minute
    /// from now: the provider asked for fewer calls.
    pub async fn hold(&self, budget: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        let values = [hold_of(budget).into(), micros(until).into()];
        self.write.query_all_raw(self.statement(self.dialect.hold(), values)).await?;
        Ok(())
    }
}

impl Store {
    /// For how long yet no call may be charged, to whichever budget is held longest.
    pub async fn held_for(&self, now: DateTime<Utc>) -> Result<TimeDelta, StoreError> {
        // What is further ahead than anybody holds was written by a clock that was wrong.
        let sql = "SELECT MAX(arrival_at) AS until FROM budget \
                   WHERE name LIKE '%/hold' AND arrival_at <= $1";
        let most = micros(now + MOST_HELD);
        let row = self.read.query_one_raw(self.statement(sql, [most.into()])).await?;
        let until: Option<i64> = match row {
            Some(row) => row.try_get("", "until")?,
            None => None,
        };
        let left = until.and_then(super::row::time).map(|until| until - now);
        Ok(left.unwrap_or_default().max(TimeDelta::zero()))
    }
}

/// The row that holds a budget.
fn hold_of(budget: &str) -> String {
    format!("{budget}/hold")
}
