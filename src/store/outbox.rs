//! What is owed to a channel: claimed, sent by others, settled. A claim is a lease that saves work
//! and nothing more: whoever dies with it lets it run out, and the message is sent again, with the
//! same id. So it can arrive twice, and never not at all; its receivers know it by its id.
//!
//! A message is what was decided and does not change; a delivery is how it fares on one channel:
//! `owed`, `sending`, then `sent`, `dead` or `cancelled`. Mail, which must not be sent twice, is claimed
//! in another way (`mail.rs`) and knows `unknown` too.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use super::mail::CHANNEL as MAIL;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// What to claim of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The channel.
    pub channel: &'a str,
    /// Whose lease it is.
    pub lease: &'a str,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long the lease lasts.
    pub until: DateTime<Utc>,
    /// How many at most.
    pub limit: u32,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its id, the same at every try and on every channel.
    pub id: String,
    /// Which one it is, such as `status_changed`.
    pub stage: String,
    /// What it says, as JSON.
    pub body: String,
    /// When it was decided.
    pub owed_at: DateTime<Utc>,
    /// How often it was tried here and not taken.
    pub attempts: u32,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was taken.
    Sent,
    /// It is to be tried again then.
    Again(DateTime<Utc>),
    /// It is not tried any more; it is kept and shown.
    Dead,
    /// Like `Dead`, and the channel says that it is there no longer.
    Gone,
}

/// A settled try.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// The message.
    pub id: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// Whose lease it was sent under.
    pub lease: &'a str,
    /// What became of it.
    pub settlement: Settlement,
    /// The same in words, without any value.
    pub fate: &'a str,
}

impl Store {
    /// Leases what is due on a channel, the oldest first. Nothing while the installation is in
    /// shadow, or the channel is switched off.
    pub async fn draw(&self, draw: &Draw<'_>) -> Result<Vec<Drawn>, StoreError> {
        let values = [
            draw.channel.into(),
            micros(draw.now).into(),
            i64::from(draw.limit).into(),
            draw.lease.into(),
            micros(draw.until).into(),
        ];
        let sql = self.dialect.draw();
        let rows = self.write.query_all_raw(self.statement(sql, values)).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT m.id, m.stage, m.body, m.owed_at, d.attempts FROM delivery d \
                   JOIN message m ON m.id = d.message_id \
                   WHERE d.channel = $1 AND d.lease = $2 AND d.state = 'sending' \
                   ORDER BY m.owed_at, m.id";
        let values = [draw.channel.into(), draw.lease.into()];
        let rows = self.write.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(drawn).collect()
    }

    /// Notes what became of a try, if it was still this lease's to send; gives back whether the
    /// channel was switched off because of it.
    pub async fn settle(
        &self,
        settled: &Settled<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (state, due) = match settled.settlement {
            Settlement::Sent => ("sent", now),
            Settlement::Again(at) => ("owed", at),
            Settlement::Dead | Settlement::Gone => ("dead", now),
        };
        let tx = self.begin().await?;
        let sql = "UPDATE delivery SET state = $1, due_at = $2, fate = $3, settled_at = $4, \
                   attempts = attempts + 1, lease = NULL, lease_until = NULL \
                   WHERE message_id = $5 AND channel = $6 AND lease = $7";
        let values = [
            state.into(),
            micros(due).into(),
            settled.fate.into(),
            micros(now).into(),
            settled.id.into(),
            settled.channel.into(),
            settled.lease.into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        let off = match settled.settlement {
            Settlement::Sent => {
                self.channel_works(&tx, settled.channel).await?;
                false
            }
            Settlement::Again(_) | Settlement::Dead => {
                self.channel_fails(&tx, settled.channel, false, now).await?
            }
            Settlement::Gone => self.channel_fails(&tx, settled.channel, true, now).await?,
        };
        tx.commit().await?;
        Ok(off)
    }

    /// Ids of the messages that wait on a channel which carries levels and not single messages.
    pub async fn waiting(&self, channel: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT message_id FROM delivery WHERE channel = $1 \
                   AND state IN ('owed', 'sending')";
        let rows = self.read.query_all_raw(self.statement(sql, [channel.into()])).await?;
        Ok(rows.iter().map(|row| row.try_get("", "message_id")).collect::<Result<_, _>>()?)
    }

    /// Notes what became of those that waited: they were taken, or not yet.
    pub async fn settle_waiting(
        &self,
        channel: &str,
        ids: &[String],
        taken: bool,
        fate: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let list = serde_json::to_string(ids)
            .map_err(|_| StoreError::Refused { code: "JSON".to_owned() })?;
        let sql = format!(
            "UPDATE delivery SET state = $1, fate = $2, settled_at = $3, attempts = attempts + 1 \
             WHERE channel = $4 AND state = 'owed' AND message_id IN ({})",
            self.dialect.texts(5)
        );
        let state = if taken { "sent" } else { "owed" };
        let values = [state.into(), fate.into(), micros(now).into(), channel.into(), list.into()];
        let tx = self.begin().await?;
        if !ids.is_empty() {
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        if taken {
            self.channel_works(&tx, channel).await?;
        } else {
            // Levels are told for as long as they last: this channel is never switched off.
            self.channel_falters(&tx, channel, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Owes messages that were just written to the channels of their audience: `[id, …]`.
    pub(super) async fn owe_to_channels(
        &self,
        tx: &DatabaseTransaction,
        rows: &str,
    ) -> Result<(), StoreError> {
        let sql = self.dialect.owe_to_channels();
        tx.execute_raw(self.statement(sql, [rows.into()])).await?;
        Ok(())
    }

    /// Wakes whoever sends in this process; to be called once what is owed is committed.
    pub(super) fn wake(&self) {
        self.owed.send_modify(|owed| *owed = owed.wrapping_add(1));
    }

    /// What changes whenever this process has owed somebody something. What other processes owe is not
    /// noticed here.
    pub fn owing(&self) -> tokio::sync::watch::Receiver<u64> {
        self.owed.subscribe()
    }
}

fn drawn(row: &QueryResult) -> Result<Drawn, StoreError> {
    let attempts: i64 = row.try_get("", "attempts")?;
    Ok(Drawn {
        id: row.try_get("", "id")?,
        stage: row.try_get("", "stage")?,
        body: row.try_get("", "body")?,
        owed_at: time(row.try_get("", "owed_at")?).unwrap_or(DateTime::UNIX_EPOCH),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    })
}

impl Dialect {
    /// Leases up to `$3` deliveries of channel `$1` that are due and free at `$2`, to `$4` until
    /// `$5`. What another process is leasing at this moment is skipped; on SQLite nobody is.
    fn draw(self) -> String {
        let skip = match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        };
        format!(
            "WITH due AS MATERIALIZED (SELECT message_id FROM delivery WHERE channel = $1 \
             AND state IN ('owed', 'sending') AND due_at <= $2 \
             AND (lease_until IS NULL OR lease_until <= $2) \
             AND EXISTS (SELECT 1 FROM notify WHERE mode <> 'shadow') \
             AND NOT EXISTS (SELECT 1 FROM channel WHERE name = $1 AND off_at IS NOT NULL) \
             ORDER BY due_at LIMIT $3{skip}) \
             UPDATE delivery SET state = 'sending', lease = $4, lease_until = $5 \
             WHERE channel = $1 AND message_id IN (SELECT message_id FROM due) \
             RETURNING message_id"
        )
    }

    /// Owes the messages of a JSON list `[id, …]` (`$1`) that are to be sent to each channel of
    /// their audience that is on; a customer's always by mail, whoever of the processes can send it.
    fn owe_to_channels(self) -> String {
        let rows = self.list(&[("id", "text")]);
        format!(
            "INSERT INTO delivery (message_id, channel, state, due_at, attempts) \
             SELECT u.id, u.channel, 'owed', u.owed_at, 0 FROM (\
             SELECT m.id AS id, c.name AS channel, m.owed_at AS owed_at FROM message m \
             JOIN channel c ON c.audience = m.audience WHERE m.state = 'owed' \
             AND m.audience <> 'customer' AND c.active = 1 AND c.off_at IS NULL \
             AND m.id IN (SELECT v.id FROM ({rows}) AS v) UNION ALL \
             SELECT m.id, '{MAIL}', m.owed_at FROM message m \
             WHERE m.state = 'owed' AND m.audience = 'customer' \
             AND m.id IN (SELECT v.id FROM ({rows}) AS v)) AS u WHERE TRUE \
             ON CONFLICT (message_id, channel) DO NOTHING"
        )
    }

    /// Takes back what is unsent of episodes that are over, where it would say what is no longer
    /// true: `[tenant, episode]` (`$1`). What the integration is owed stays owed: each of its
    /// messages says what happened, not how things are. A key that may have leaked has power at the
    /// provider also when another has taken its place.
    pub(super) fn cancel_messages(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("episode", "bigint")]);
        format!(
            "UPDATE message SET state = 'cancelled' WHERE state = 'owed' \
             AND audience IN ('customer', 'on_call') AND EXISTS (SELECT 1 FROM ({rows}) AS v \
             WHERE message.tenant_id = v.tenant_id AND message.episode = v.episode) \
             AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id \
             AND d.state IN ('sending', 'sent', 'unknown')) \
             AND NOT (audience = 'on_call' AND EXISTS (SELECT 1 FROM deletion x \
             WHERE x.tenant_id = message.tenant_id AND x.wanted_at = message.owed_at \
             AND x.confirmed_at IS NULL))"
        )
    }

    /// The same of their deliveries.
    pub(super) fn cancel_deliveries(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("episode", "bigint")]);
        format!(
            "UPDATE delivery SET state = 'cancelled' WHERE state = 'owed' \
             AND message_id IN (SELECT m.id FROM message m JOIN ({rows}) AS v \
             ON m.tenant_id = v.tenant_id AND m.episode = v.episode \
             WHERE m.state = 'cancelled')"
        )
    }
}
