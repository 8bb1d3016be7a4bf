//! What each pager and chat was told of each alert. Whoever is to tell one leases it first, so that of
//! several processes one does; whoever dies with the lease lets it run out, and it is told again.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::health::Heard;

use super::row::{micros, time};
use super::{Store, StoreError};

/// How one alert stands with one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// The name of the alert.
    pub name: String,
    /// What was heard of it last.
    pub heard: Option<Heard>,
    /// The version of this row.
    pub version: i64,
    /// Not before then, after tries that failed.
    pub due_at: DateTime<Utc>,
    /// How often in a row nobody took it.
    pub attempts: u32,
}

/// Which telling is leased, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct PageClaim<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The name of the alert.
    pub name: &'a str,
    /// The version of the row that was read; 0 where there was none.
    pub version: i64,
    /// Whose lease it is.
    pub lease: &'a str,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long the lease lasts.
    pub until: DateTime<Utc>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOutcome {
    /// This was heard.
    Heard(Heard),
    /// That it is over was heard, or nothing is to be said of it any more.
    Over,
    /// Nobody took it; not again before then.
    Again(DateTime<Utc>),
}

impl Store {
    /// All that a channel was told, or was to be told.
    pub async fn pages(&self, channel: &str) -> Result<Vec<PageRow>, StoreError> {
        let sql = "SELECT name, began_at, count, told_at, version, due_at, attempts FROM page \
                   WHERE channel = $1 ORDER BY name";
        let rows = self.write.query_all_raw(self.statement(sql, [channel.into()])).await?;
        rows.iter().map(row).collect()
    }

    /// Leases the telling of one alert; false where it has changed meanwhile or somebody else has it.
    pub async fn claim_page(&self, claim: &PageClaim<'_>) -> Result<bool, StoreError> {
        let free = "page.version = $5 AND page.due_at <= $6 \
                    AND (page.lease_until IS NULL OR page.lease_until <= $6)";
        // A row that is gone was told to its end meanwhile: only what was never there is begun.
        let sql = if claim.version == 0 {
            format!(
                "INSERT INTO page (channel, name, began_at, count, told_at, version, due_at, \
                 attempts, lease, lease_until) VALUES ($1, $2, 0, 0, NULL, 0, 0, 0, $3, $4) \
                 ON CONFLICT (channel, name) DO UPDATE SET lease = excluded.lease, \
                 lease_until = excluded.lease_until WHERE {free}"
            )
        } else {
            format!(
                "UPDATE page SET lease = $3, lease_until = $4 \
                 WHERE channel = $1 AND name = $2 AND {free}"
            )
        };
        let values = [
            claim.channel.into(),
            claim.name.into(),
            claim.lease.into(),
            micros(claim.until).into(),
            claim.version.into(),
            micros(claim.now).into(),
        ];
        let done = self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes what came of a telling, if it was still this lease's.
    pub async fn settle_page(
        &self,
        claim: &PageClaim<'_>,
        outcome: PageOutcome,
    ) -> Result<(), StoreError> {
        let whose = || [claim.channel.into(), claim.name.into(), claim.lease.into()];
        let (sql, values) = match outcome {
            PageOutcome::Over => (
                "DELETE FROM page WHERE channel = $1 AND name = $2 AND lease = $3",
                Vec::from(whose()),
            ),
            PageOutcome::Heard(heard) => {
                let told = [
                    micros(heard.began_at).into(),
                    i64::from(heard.count).into(),
                    micros(heard.told_at).into(),
                ];
                (
                    "UPDATE page SET began_at = $4, count = $5, told_at = $6, attempts = 0, \
                     due_at = 0, version = version + 1, lease = NULL, lease_until = NULL \
                     WHERE channel = $1 AND name = $2 AND lease = $3",
                    whose().into_iter().chain(told).collect(),
                )
            }
            PageOutcome::Again(at) => (
                "UPDATE page SET attempts = attempts + 1, due_at = $4, version = version + 1, \
                 lease = NULL, lease_until = NULL \
                 WHERE channel = $1 AND name = $2 AND lease = $3",
                whose().into_iter().chain([micros(at).into()]).collect(),
            ),
        };
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }
}

fn row(row: &QueryResult) -> Result<PageRow, StoreError> {
    let moment = |column| -> Result<_, StoreError> {
        Ok(time(row.try_get("", column)?).unwrap_or(DateTime::UNIX_EPOCH))
    };
    let count = |column| -> Result<_, StoreError> {
        let number: i64 = row.try_get("", column)?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    let told: Option<i64> = row.try_get("", "told_at")?;
    let heard = match told.and_then(time) {
        Some(told_at) => {
            Some(Heard { began_at: moment("began_at")?, count: count("count")?, told_at })
        }
        None => None,
    };
    Ok(PageRow {
        name: row.try_get("", "name")?,
        heard,
        version: row.try_get("", "version")?,
        due_at: moment("due_at")?,
        attempts: count("attempts")?,
    })
}
