//! Looks at the outbox, and owes again what did not arrive.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use super::audit::Draft;
use super::row::{micros, time};
use super::{Store, StoreError};

/// A message on one channel, as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its id.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// Whose; empty where it is about the provider.
    pub tenant: String,
    /// Who is told.
    pub audience: String,
    /// Which one it is.
    pub stage: String,
    /// How it fares there.
    pub state: String,
    /// When it was decided.
    pub owed_at: Option<DateTime<Utc>>,
    /// When it is tried next, or was to be.
    pub due_at: Option<DateTime<Utc>>,
    /// When something became of a try last.
    pub settled_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: u32,
    /// What became of the last try, in words.
    pub fate: Option<String>,
}

/// How many messages are in one state on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostCount {
    /// The kind of the channel.
    pub kind: String,
    /// The state.
    pub state: String,
    /// How many.
    pub messages: i64,
    /// Since when the oldest of them waits.
    pub oldest: Option<DateTime<Utc>>,
}

/// How many messages of one stage are in one state on one kind of channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCount {
    /// The kind of the channel.
    pub kind: String,
    /// The stage, with its number where it has one.
    pub stage: String,
    /// The state.
    pub state: String,
    /// How many.
    pub messages: i64,
    /// When the oldest of them was decided.
    pub oldest: Option<DateTime<Utc>>,
}

/// Every state of a message on a channel.
pub const POST_STATES: [&str; 6] = ["owed", "sending", "sent", "dead", "cancelled", "unknown"];

/// The states in which a message has not arrived.
pub const OPEN_STATES: [&str; 4] = ["owed", "sending", "dead", "unknown"];

/// What is sent again.
#[derive(Clone, Copy, Debug)]
pub enum Again<'a> {
    /// One message, on all channels where it was not taken.
    Message(&'a str),
    /// On this channel, all that was decided since then and was not taken there; also what was
    /// decided while it was off.
    Channel(&'a str, DateTime<Utc>),
}

impl Store {
    /// How many messages there are of each kind of channel and state, of those that did not arrive
    /// or not yet: of those that did, there is no end.
    pub async fn count_posted(&self) -> Result<Vec<PostCount>, StoreError> {
        let sql = "SELECT c.kind, d.state, COUNT(*) AS messages, MIN(m.owed_at) AS oldest \
                   FROM delivery d JOIN channel c ON c.name = d.channel \
                   JOIN message m ON m.id = d.message_id \
                   WHERE d.state IN ('owed', 'sending', 'dead', 'unknown') \
                   GROUP BY 1, 2 ORDER BY 1, 2";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let oldest: Option<i64> = row.try_get("", "oldest")?;
                Ok(PostCount {
                    kind: row.try_get("", "kind")?,
                    state: row.try_get("", "state")?,
                    messages: row.try_get("", "messages")?,
                    oldest: oldest.and_then(time),
                })
            })
            .collect()
    }

    /// The same by stage. Each message is looked up by its id: to a join a server may prefer to read
    /// all that were ever owed.
    pub async fn count_stages(&self) -> Result<Vec<StageCount>, StoreError> {
        let sql = "SELECT v.kind, v.stage, v.state, COUNT(*) AS messages, MIN(v.owed_at) AS oldest \
                   FROM (SELECT c.kind, d.state, \
                   (SELECT m.stage FROM message m WHERE m.id = d.message_id) AS stage, \
                   (SELECT m.owed_at FROM message m WHERE m.id = d.message_id) AS owed_at \
                   FROM delivery d JOIN channel c ON c.name = d.channel \
                   WHERE d.state IN ('owed', 'sending', 'dead', 'unknown')) AS v GROUP BY 1, 2, 3";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let oldest: Option<i64> = row.try_get("", "oldest")?;
                Ok(StageCount {
                    kind: row.try_get("", "kind")?,
                    stage: row.try_get("", "stage")?,
                    state: row.try_get("", "state")?,
                    messages: row.try_get("", "messages")?,
                    oldest: oldest.and_then(time),
                })
            })
            .collect()
    }

    /// Up to `limit` messages on channels, the newest first; of one state and one stage, where
    /// they are given.
    pub async fn posted(
        &self,
        state: Option<&str>,
        which: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Posted>, StoreError> {
        let sql = "SELECT m.id, d.channel, COALESCE(t.ref, '') AS ref, m.audience, m.stage, d.state, m.owed_at, \
                   d.due_at, d.settled_at, d.attempts, d.fate FROM delivery d \
                   JOIN message m ON m.id = d.message_id LEFT JOIN tenant t ON t.id = m.tenant_id \
                   WHERE ($1 = '' OR d.state = $1) AND ($2 = '' OR m.stage = $2) \
                   ORDER BY m.owed_at DESC, m.id LIMIT $3";
        let values = [
            state.unwrap_or_default().into(),
            which.unwrap_or_default().into(),
            i64::from(limit).into(),
        ];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(posted).collect()
    }

    /// Owes again what was not taken, with the same ids, and chains it. What was decided in shadow is
    /// none of it. Gives back how many.
    pub async fn send_again(
        &self,
        again: Again<'_>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let (one, channel, since) = match again {
            Again::Message(id) => (id, "", DateTime::UNIX_EPOCH),
            Again::Channel(name, since) => ("", name, since),
        };
        let values = || [one.into(), channel.into(), micros(since).into(), micros(now).into()];
        let tx = self.begin().await?;
        let sql = "UPDATE delivery SET state = 'owed', due_at = $4, attempts = 0 \
                   WHERE state IN ('dead', 'cancelled') AND ($2 = '' OR channel = $2) \
                   AND message_id IN (SELECT m.id FROM message m WHERE m.state = 'owed' \
                   AND m.audience = 'integration' AND m.owed_at >= $3 AND ($1 = '' OR m.id = $1))";
        let mut owed = tx.execute_raw(self.statement(sql, values())).await?.rows_affected();
        let sql = "INSERT INTO delivery (message_id, channel, state, due_at, attempts) \
                   SELECT m.id, c.name, 'owed', $4, 0 FROM message m \
                   JOIN channel c ON c.audience = m.audience WHERE m.state = 'owed' \
                   AND m.audience = 'integration' AND c.active = 1 AND m.owed_at >= $3 \
                   AND ($1 = '' OR m.id = $1) AND ($2 = '' OR c.name = $2) \
                   ON CONFLICT (message_id, channel) DO NOTHING";
        owed += tx.execute_raw(self.statement(sql, values())).await?.rows_affected();
        if owed == 0 {
            return Ok(0);
        }
        let draft = Draft::of("messages.sent_again").fact("messages", owed);
        let draft = match again {
            Again::Message(id) => draft.fact("message", id),
            Again::Channel(name, since) => {
                draft.fact("channel", name).fact("since", since.to_rfc3339())
            }
        };
        self.append(&tx, &[draft]).await?;
        tx.commit().await?;
        self.wake();
        Ok(owed)
    }

    /// Whether the integration has still to say that it stopped using a withdrawn key of a tenant.
    pub async fn is_unacknowledged(
        &self,
        tenant: crate::ids::TenantId,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM message WHERE tenant_id = $1 AND stage = 'disabled' \
                   AND audience = 'integration' AND acknowledged_at IS NULL LIMIT 1";
        let statement = self.statement(sql, [tenant.raw().into()]);
        Ok(self.read.query_one_raw(statement).await?.is_some())
    }

    /// Notes that the integration has stopped using a withdrawn key of a tenant, and chains it.
    /// Gives back whether that is news; `None` where no such key was ever withdrawn.
    pub async fn acknowledge_disabled(
        &self,
        tenant: crate::ids::TenantId,
        now: DateTime<Utc>,
    ) -> Result<Option<bool>, StoreError> {
        let tx = self.begin().await?;
        let sql = "UPDATE message SET acknowledged_at = $2 WHERE tenant_id = $1 \
                   AND stage = 'disabled' AND audience = 'integration' AND acknowledged_at IS NULL";
        let values = [tenant.raw().into(), micros(now).into()];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0 {
            self.append(&tx, &[Draft::of("disabled.acknowledged").about(tenant)]).await?;
            tx.commit().await?;
            return Ok(Some(true));
        }
        let sql = "SELECT COUNT(*) AS told FROM message WHERE tenant_id = $1 \
                   AND stage = 'disabled' AND audience = 'integration'";
        let row = tx.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?;
        let told: i64 = row.map_or(Ok(0), |row| row.try_get("", "told"))?;
        Ok((told > 0).then_some(false))
    }
}

fn posted(row: &QueryResult) -> Result<Posted, StoreError> {
    let moment = |column| -> Result<_, StoreError> {
        let micros: Option<i64> = row.try_get("", column)?;
        Ok(micros.and_then(time))
    };
    let attempts: i64 = row.try_get("", "attempts")?;
    Ok(Posted {
        id: row.try_get("", "id")?,
        channel: row.try_get("", "channel")?,
        tenant: row.try_get("", "ref")?,
        audience: row.try_get("", "audience")?,
        stage: row.try_get("", "stage")?,
        state: row.try_get("", "state")?,
        owed_at: moment("owed_at")?,
        due_at: moment("due_at")?,
        settled_at: moment("settled_at")?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        fate: row.try_get("", "fate")?,
    })
}
