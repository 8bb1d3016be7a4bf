//! The channels that messages leave by: which there are, how they are, and which are switched off.
//! It knows no address; a channel has a name and, for people, a host.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use super::audit::Draft;
use super::row::{micros, time};
use super::{Store, StoreError};

/// A channel that has failed for so long without one success is switched off.
pub const MOST_FAILING: TimeDelta = TimeDelta::days(5);

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// An endpoint of the integration.
    Webhook,
    /// All members of an Alertmanager together.
    Alertmanager,
    /// PagerDuty, or whoever takes its events.
    PagerDuty,
    /// Slack, or whoever takes its messages.
    Slack,
    /// The customers' mail.
    Mail,
}

impl ChannelKind {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Webhook, Self::Alertmanager, Self::PagerDuty, Self::Slack, Self::Mail];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pagerduty",
            Self::Slack => "slack",
            Self::Mail => "mail",
        }
    }

    fn audience(self) -> &'static str {
        match self {
            Self::Webhook => "integration",
            Self::Alertmanager | Self::PagerDuty | Self::Slack => "on_call",
            Self::Mail => "customer",
        }
    }
}

/// A channel that is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name, the same in every process that has this address.
    pub name: String,
    /// What it is.
    pub kind: ChannelKind,
    /// Where it leads, for people.
    pub host: String,
}

/// A channel as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// Its name.
    pub name: String,
    /// The word of its kind.
    pub kind: String,
    /// Where it leads, for people.
    pub host: String,
    /// Whether the configuration names it.
    pub active: bool,
    /// Since when nothing was taken there any more.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when it is switched off.
    pub off_at: Option<DateTime<Utc>>,
    /// Why.
    pub off_why: Option<String>,
}

impl Store {
    /// Takes these for the configured channels from now on: what is owed from now on is owed to
    /// them. What was owed to another waits until a process has it again.
    pub async fn know_channels(&self, channels: &[Channel]) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        // Mail is one channel of the whole installation, whichever of its processes send it.
        let sql = "UPDATE channel SET active = 0 WHERE name <> $1";
        tx.execute_raw(self.statement(sql, [super::mail::CHANNEL.into()])).await?;
        for channel in channels {
            let sql = "INSERT INTO channel (name, kind, audience, host, active) \
                       VALUES ($1, $2, $3, $4, 1) ON CONFLICT (name) \
                       DO UPDATE SET active = 1, host = excluded.host";
            let values = [
                channel.name.as_str().into(),
                channel.kind.word().into(),
                channel.kind.audience().into(),
                channel.host.as_str().into(),
            ];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// All channels that were ever configured, by name.
    pub async fn channels(&self) -> Result<Vec<ChannelView>, StoreError> {
        let sql = "SELECT name, kind, host, active, failing_since, off_at, off_why FROM channel \
                   ORDER BY name";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter().map(view).collect()
    }

    /// Switches a channel on again, and chains it; messages that died meanwhile stay dead until they
    /// are sent again. Gives back whether that is news; `None` where there is no such channel.
    pub async fn enable_channel(&self, name: &str) -> Result<Option<bool>, StoreError> {
        let sql = "UPDATE channel SET off_at = NULL, off_why = NULL, failing_since = NULL \
                   WHERE name = $1 AND off_at IS NOT NULL";
        let tx = self.begin().await?;
        if tx.execute_raw(self.statement(sql, [name.into()])).await?.rows_affected() > 0 {
            self.append(&tx, &[Draft::of("channel.enabled").fact("channel", name)]).await?;
            tx.commit().await?;
            return Ok(Some(true));
        }
        drop(tx);
        Ok(self.channels().await?.iter().any(|one| one.name == name).then_some(false))
    }

    /// Notes that something was taken there.
    pub(super) async fn channel_works(
        &self,
        tx: &DatabaseTransaction,
        name: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE channel SET failing_since = NULL \
                   WHERE name = $1 AND failing_since IS NOT NULL";
        tx.execute_raw(self.statement(sql, [name.into()])).await?;
        Ok(())
    }

    /// Notes that something was not taken there, of a channel that is never switched off.
    pub(super) async fn channel_falters(
        &self,
        tx: &DatabaseTransaction,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE channel SET failing_since = $2 \
                   WHERE name = $1 AND failing_since IS NULL";
        tx.execute_raw(self.statement(sql, [name.into(), micros(now).into()])).await?;
        Ok(())
    }

    /// Notes that something was not taken there; switches the channel off if it said to, or has
    /// taken nothing for [`MOST_FAILING`]. What waits for it then is dead. Gives back whether it was
    /// switched off by this.
    pub(super) async fn channel_fails(
        &self,
        tx: &DatabaseTransaction,
        name: &str,
        gone: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.channel_falters(tx, name, now).await?;
        let why = if gone { "it answered 410: gone" } else { "it took nothing for 5 days" };
        let before = if gone { now } else { now - MOST_FAILING };
        let sql = "UPDATE channel SET off_at = $2, off_why = $4 \
                   WHERE name = $1 AND off_at IS NULL AND failing_since <= $3";
        let values = [name.into(), micros(now).into(), micros(before).into(), why.into()];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let sql = "UPDATE delivery SET state = 'dead', settled_at = $2, lease = NULL, \
                   lease_until = NULL, fate = 'the endpoint was switched off' \
                   WHERE channel = $1 AND state IN ('owed', 'sending')";
        tx.execute_raw(self.statement(sql, [name.into(), micros(now).into()])).await?;
        Ok(true)
    }
}

fn view(row: &QueryResult) -> Result<ChannelView, StoreError> {
    let moment = |column| -> Result<_, StoreError> {
        let micros: Option<i64> = row.try_get("", column)?;
        Ok(micros.and_then(time))
    };
    Ok(ChannelView {
        name: row.try_get("", "name")?,
        kind: row.try_get("", "kind")?,
        host: row.try_get("", "host")?,
        active: row.try_get::<i64>("", "active")? != 0,
        failing_since: moment("failing_since")?,
        off_at: moment("off_at")?,
        off_why: row.try_get("", "off_why")?,
    })
}
