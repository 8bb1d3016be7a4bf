//! All that was decided to be told about one tenant, to whomever, and what became of it.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::ids::TenantId;

use super::row::time;
use super::{Store, StoreError};

/// A message about one tenant, on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOf {
    /// Its id.
    pub id: String,
    /// Who is told: `customer`, `on_call`, `integration` or `operator`.
    pub audience: String,
    /// Which one it is.
    pub stage: String,
    /// The episode that it belongs to.
    pub episode: Option<u32>,
    /// What was decided of it: `owed`, `shadow` or `cancelled`.
    pub state: String,
    /// When.
    pub owed_at: Option<DateTime<Utc>>,
    /// How it fares on a channel; none where it is owed to none.
    pub fares: Option<Fares>,
}

/// How a message fares on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fares {
    /// The channel.
    pub channel: String,
    /// `owed`, `sending`, `sent`, `dead`, `cancelled` or `unknown`.
    pub state: String,
    /// When it is tried next, or was to be.
    pub due_at: Option<DateTime<Utc>>,
    /// When something became of a try last.
    pub settled_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: u32,
    /// What became of the last try, in words.
    pub fate: Option<String>,
}

impl Store {
    /// Up to `limit` messages about a tenant, each on each of its channels, the newest first.
    pub async fn told_of(&self, tenant: TenantId, limit: u32) -> Result<Vec<ToldOf>, StoreError> {
        let sql = "SELECT m.id, m.audience, m.stage, m.episode, m.state, m.owed_at, d.channel, \
                   d.state AS fares, d.due_at, d.settled_at, d.attempts, d.fate FROM message m \
                   LEFT JOIN delivery d ON d.message_id = m.id WHERE m.tenant_id = $1 \
                   ORDER BY m.owed_at DESC, m.id, d.channel LIMIT $2";
        let values = [tenant.raw().into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(told_of).collect()
    }
}

fn told_of(row: &QueryResult) -> Result<ToldOf, StoreError> {
    let moment = |column| -> Result<_, StoreError> {
        let micros: Option<i64> = row.try_get("", column)?;
        Ok(micros.and_then(time))
    };
    let episode: Option<i64> = row.try_get("", "episode")?;
    let channel: Option<String> = row.try_get("", "channel")?;
    let fares = match channel {
        None => None,
        Some(channel) => {
            let attempts: i64 = row.try_get("", "attempts")?;
            Some(Fares {
                channel,
                state: row.try_get("", "fares")?,
                due_at: moment("due_at")?,
                settled_at: moment("settled_at")?,
                attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                fate: row.try_get("", "fate")?,
            })
        }
    };
    Ok(ToldOf {
        id: row.try_get("", "id")?,
        audience: row.try_get("", "audience")?,
        stage: row.try_get("", "stage")?,
        episode: episode.and_then(|number| u32::try_from(number).ok()),
        state: row.try_get("", "state")?,
        owed_at: moment("owed_at")?,
        fares,
    })
}
