//! Tries by links: when the next may come, how the latest came out, and the wish for a new link.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Value};

use crate::ids::TenantId;

use super::audit::Draft;
use super::link::LinkState;
use super::row::micros;
use super::tenants::json;
use super::{Store, StoreError, fresh_id};

/// How often a day a customer is sent a new link at their own wish.
const RENEWALS: i64 = 3;
/// The stage of that message.
const RENEWAL: &str = "link";

/// Whether a key may be tried by a link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Yes, and this is the how-manieth try.
    Begun(u32),
    /// Not before then.
    NotBefore(DateTime<Utc>),
    /// The link leads nowhere any more.
    Ended,
}

impl Store {
    /// Counts a try by an open link, of which the next may come at `next`. Of several at once only
    /// one begins, where there is a pause between them.
    pub async fn begin_try(
        &self,
        id: &str,
        next: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Trial, StoreError> {
        let sql = "UPDATE link SET tries = tries + 1, try_after = $2 \
                   WHERE id = $1 AND ended_at IS NULL AND expires_at > $3 \
                   AND (try_after IS NULL OR try_after <= $3) RETURNING tries";
        let values = [id.into(), micros(next).into(), micros(now).into()];
        if let Some(row) = self.write.query_one_raw(self.statement(sql, values)).await? {
            let tries: i64 = row.try_get("", "tries")?;
            return Ok(Trial::Begun(u32::try_from(tries).unwrap_or(u32::MAX)));
        }
        let kept = self.link(id).await?.filter(|kept| kept.state(now) == LinkState::Open);
        Ok(match kept.and_then(|kept| kept.try_after) {
            Some(after) if after > now => Trial::NotBefore(after),
            // It was let go meanwhile; whoever asks again may.
            Some(_) => Trial::NotBefore(now),
            None => Trial::Ended,
        })
    }

    /// Writes down how a try came out. One that says nothing of the key does not count. A key that
    /// waits for a yes is held with it; none is held otherwise.
    pub async fn end_try(
        &self,
        id: &str,
        outcome: &str,
        counts: bool,
        held: Option<(&[u8], DateTime<Utc>)>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let uncounted = if counts {
            ""
        } else {
            ", tries = CASE WHEN tries > 0 THEN tries - 1 ELSE 0 END, try_after = NULL"
        };
        let sql = format!(
            "UPDATE link SET outcome = $2, outcome_at = $3, held = $4, held_until = $5{uncounted} \
             WHERE id = $1"
        );
        let values: [Value; 5] = [
            id.into(),
            outcome.into(),
            micros(now).into(),
            held.map(|(sealed, _)| sealed.to_vec()).into(),
            held.map(|(_, until)| micros(until)).into(),
        ];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Owes a tenant's customer a new link at their wish, unless they had enough of them today. Whether
    /// it was, is nobody's business but the operators'.
    pub async fn owe_link(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let day = micros(now - TimeDelta::days(1));
        let id = fresh_id()?;
        // On a server two wishes at one moment may both count themselves the last: the dedup key,
        // of which there are so many, lets one of them through.
        let sql = "SELECT COUNT(*) AS number FROM message \
                   WHERE tenant_id = $1 AND stage = $2 AND owed_at > $3";
        let tx = self.begin().await?;
        let values = [tenant.raw().into(), RENEWAL.into(), day.into()];
        let row = tx.query_one_raw(self.statement(sql, values)).await?;
        let today: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
        if today >= RENEWALS {
            return Ok(false);
        }
        let dedup = format!("{tenant}/{RENEWAL}/{}-{today}", now.format("%F"));
        let none: Option<u32> = None;
        let rows =
            json(&[(id, tenant.raw(), none, "customer", RENEWAL, dedup, "{}", micros(now))])?;
        let owe = self.statement(self.dialect.owe(), [rows.clone().into()]);
        let owed = tx.execute_raw(owe).await?.rows_affected() > 0;
        if owed {
            self.owe_to_channels(&tx, &rows).await?;
            self.append(&tx, &[Draft::of("link.wanted").about(tenant)]).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(owed)
    }
}
