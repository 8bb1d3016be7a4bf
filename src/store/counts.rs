//! Counts over the whole fleet: for metrics, for the checks.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::health::CAUSES;

use super::row::{micros, time};
use super::{Store, StoreError};

/// How many tenants are in one state for one cause.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct StatusCount {
    /// The word of the status.
    pub status: String,
    /// The word of its cause.
    pub cause: Option<String>,
    /// How many.
    pub tenants: i64,
}

/// The whole fleet, counted with one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetCount {
    /// How many tenants there are of each status and cause, as people see them.
    pub by_status: Vec<StatusCount>,
    /// How many of them have an episode open, by what it is about; those who are paused too.
    pub episodes: Vec<(&'static str, i64)>,
    /// Of how many the integration uses another key than the one that was refused.
    pub out_of_step: i64,
}

/// Checks that are put off: nobody has begun them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutOff {
    /// Those that confirm a failure.
    pub confirmations: u32,
    /// All others.
    pub routine: u32,
    /// When the first of them all was due.
    pub since: Option<DateTime<Utc>>,
}

/// How many messages of one stage are owed to one audience.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct MessageCount {
    /// Who.
    pub audience: String,
    /// Which one.
    pub stage: String,
    /// `shadow`: written down and never sent.
    pub state: String,
    /// How many.
    pub messages: i64,
}

impl Store {
    /// How many messages there are of each audience, stage and state.
    pub async fn count_messages(&self) -> Result<Vec<MessageCount>, StoreError> {
        let sql = "SELECT audience, stage, state, COUNT(*) AS messages FROM message \
                   GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        Ok(rows
            .iter()
            .map(|row| MessageCount::from_query_result(row, ""))
            .collect::<Result<_, _>>()?)
    }

    /// How many tenants there are of each status and cause.
    pub async fn count_by_status(&self) -> Result<Vec<StatusCount>, StoreError> {
        Ok(self.count_fleet().await?.by_status)
    }

    /// Counts the fleet. Whether an episode is open, the state says.
    pub async fn count_fleet(&self) -> Result<FleetCount, StoreError> {
        let sql = "SELECT status, cause, COUNT(*) AS tenants, COUNT(paused_at) AS paused \
                   FROM tenant_state GROUP BY 1, 2 ORDER BY 1, 2";
        let mut fleet = FleetCount::default();
        let mut paused = 0;
        for row in self.read.query_all_raw(self.statement(sql, [])).await? {
            let mut one = StatusCount::from_query_result(&row, "")?;
            if let Some(cause) = CAUSES.iter().find(|cause| one.cause.as_deref() == Some(cause)) {
                fleet.episodes.push((cause, one.tenants));
            }
            let still: i64 = row.try_get("", "paused")?;
            one.tenants -= still;
            paused += still;
            if one.cause.as_deref() == Some("out_of_step") {
                fleet.out_of_step += one.tenants;
            }
            if one.tenants > 0 {
                fleet.by_status.push(one);
            }
        }
        if paused > 0 {
            let status = "paused".to_owned();
            fleet.by_status.push(StatusCount { status, cause: None, tenants: paused });
        }
        Ok(fleet)
    }

    /// How many tenants are asked at all.
    pub async fn count_watched(&self) -> Result<u32, StoreError> {
        let sql = "SELECT COUNT(*) AS watched FROM tenant_state WHERE due_at IS NOT NULL";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let count: Option<i64> = row.map(|row| row.try_get("", "watched")).transpose()?;
        Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// How many tenants count as healthy and failed at the latest check.
    pub async fn count_suspects(&self) -> Result<u32, StoreError> {
        let sql = "SELECT COUNT(*) AS suspects FROM tenant_state \
             WHERE status = 'healthy' AND doubt_kind IS NOT NULL AND paused_at IS NULL";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let count: Option<i64> = row.map(|row| row.try_get("", "suspects")).transpose()?;
        Ok(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// When the latest accepted check of anybody began.
    pub async fn latest_acceptance(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT MAX(accepted_at) AS accepted_at FROM tenant_state";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let at: Option<i64> = match row {
            Some(row) => row.try_get("", "accepted_at")?,
            None => None,
        };
        Ok(at.and_then(time))
    }

    /// Who was due by `due` and is claimed by nobody at `now`.
    pub async fn put_off(
        &self,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<PutOff, StoreError> {
        // The same distinction as in the claim of suspects.
        let sql = "SELECT COUNT(*) AS checks, MIN(due_at) AS since, \
             COUNT(CASE WHEN doubt_kind IS NOT NULL AND status <> 'needs_reconnection' \
                   THEN 1 END) AS confirmations \
             FROM tenant_state WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $2)";
        let values = [micros(due).into(), micros(now).into()];
        let Some(row) = self.read.query_one_raw(self.statement(sql, values)).await? else {
            return Ok(PutOff::default());
        };
        let count = |column| -> Result<u32, StoreError> {
            let count: i64 = row.try_get("", column)?;
            Ok(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let confirmations = count("confirmations")?;
        let since: Option<i64> = row.try_get("", "since")?;
        Ok(PutOff {
            confirmations,
            routine: count("checks")?.saturating_sub(confirmations),
            since: since.and_then(time),
        })
    }

    /// When the tenant that has waited longest was due, if any is due.
    pub async fn earliest_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT MIN(due_at) AS due_at FROM tenant_state";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let due: Option<i64> = match row {
            Some(row) => row.try_get("", "due_at")?,
            None => None,
        };
        Ok(due.and_then(time))
    }
}
