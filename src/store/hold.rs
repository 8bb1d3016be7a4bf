//! Holding all mail to customers: one row, read in the instant in which a mail is begun, so that it
//! holds for every process at once.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::audit::Draft;
use super::mail::CHANNEL;
use super::row::{micros, time};
use super::{Store, StoreError};

/// That mail is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, in the words of whoever did it.
    pub why: String,
}

/// How mail is let go again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// What waits by now is given up.
    pub drop: bool,
    /// After a restoring: although not everybody was asked since.
    pub unasked: bool,
    /// After a restoring: what was decided since is sent too, though it may be the second mail of its
    /// kind.
    pub may_be_second: bool,
}

/// Mail that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many mails.
    pub mails: u64,
    /// Since when the oldest of them was owed.
    pub since: Option<DateTime<Utc>>,
}

impl Store {
    /// Whether all mail is held.
    pub async fn held(&self) -> Result<Option<Held>, StoreError> {
        let sql = "SELECT held_at, held_why FROM notify WHERE held_at IS NOT NULL";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let why: Option<String> = row.try_get("", "held_why")?;
        let since = time(row.try_get("", "held_at")?).unwrap_or(DateTime::UNIX_EPOCH);
        Ok(Some(Held { since, why: why.unwrap_or_default() }))
    }

    /// The mail that waits, for whatever it waits.
    pub async fn waiting_mail(&self) -> Result<Waiting, StoreError> {
        let sql = "SELECT COUNT(*) AS mails, MIN(m.owed_at) AS since FROM delivery d \
                   JOIN message m ON m.id = d.message_id \
                   WHERE d.channel = $1 AND d.state IN ('owed', 'sending') \
                   AND d.state = 'owed'";
        let row = self.read.query_one_raw(self.statement(sql, [CHANNEL.into()])).await?;
        let Some(row) = row else { return Ok(Waiting::default()) };
        let (mails, since): (i64, Option<i64>) =
            (row.try_get("", "mails")?, row.try_get("", "since")?);
        Ok(Waiting { mails: u64::try_from(mails).unwrap_or(0), since: since.and_then(time) })
    }

    /// Holds all mail from the commit on, and chains it. Gives back whether it is news; who holds
    /// again changes the reason. `None` where the installation never ran.
    pub async fn hold_mail(
        &self,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<bool>, StoreError> {
        let tx = self.begin().await?;
        let sql = "UPDATE notify SET held_at = $1, held_why = $2 WHERE held_at IS NULL";
        let values = || [micros(now).into(), why.into()];
        let news = tx.execute_raw(self.statement(sql, values())).await?.rows_affected() > 0;
        if !news {
            let sql = "UPDATE notify SET held_why = $2 WHERE held_at <= $1";
            if tx.execute_raw(self.statement(sql, values())).await?.rows_affected() == 0 {
                return Ok(None);
            }
        }
        self.append(&tx, &[Draft::of("mail.held").detail("reason", why)]).await?;
        tx.commit().await?;
        Ok(Some(news))
    }

    /// Lets mail go again, and chains it; with `drop`, what waits by now is given up. Gives back how
    /// much was; `None` where nothing was held.
    pub async fn release_mail(
        &self,
        drop: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError> {
        self.release_mail_as(Release { drop, ..Release::default() }, now).await
    }

    /// The same, said more exactly. After a restoring, what may be the second mail of its kind counts
    /// among what is given up.
    pub async fn release_mail_as(
        &self,
        how: Release,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError> {
        let tx = self.begin().await?;
        let sql = "UPDATE notify SET held_at = NULL, held_why = NULL WHERE held_at IS NOT NULL";
        if tx.execute_raw(self.statement(sql, [])).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let mut dropped = 0;
        let mut draft = Draft::of("mail.released");
        if let Some(restored) = self.restored_seen_by(&tx).await? {
            if restored.to_ask > 0 && !how.unasked {
                let made = restored.made_at.format("%Y-%m-%d %H:%M:%S UTC");
                let backup = format!("{} of {made}", restored.backup);
                return Err(StoreError::StillToAsk { to_ask: restored.to_ask, backup });
            }
            dropped += self.end_restoring(&tx, &restored, how.may_be_second, now).await?;
            draft = draft.fact("unasked", restored.to_ask).fact("unknown", dropped);
        }
        if how.drop {
            self.lock_waiting(&tx).await?;
            let sql = "UPDATE delivery SET state = 'cancelled', settled_at = $1, lease = NULL, \
                       lease_until = NULL, fate = 'given up when mail was released' \
                       WHERE channel = $2 AND state = 'owed'";
            let values = [micros(now).into(), CHANNEL.into()];
            dropped += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
            let sql = "UPDATE message SET state = 'cancelled' WHERE state = 'owed' \
                       AND audience = 'customer' AND EXISTS (SELECT 1 FROM delivery d \
                       WHERE d.message_id = message.id AND d.state = 'cancelled')";
            tx.execute_raw(self.statement(sql, [])).await?;
        }
        self.append(&tx, &[draft.fact("given_up", dropped)]).await?;
        tx.commit().await?;
        self.wake();
        Ok(Some(dropped))
    }
}
