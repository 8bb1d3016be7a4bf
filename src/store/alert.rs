//! What on-call is told for as long as it lasts: conditions, read as they stand, each with how many
//! it is true of, since when, and a few of them; and since when each was told.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use crate::health::{MailStage, Wait};

use super::mail::{ASKS, FEW};
use super::row::{micros, time};
use super::{Store, StoreError};

/// So many of those it is true of are named.
const NAMED: i64 = 5;

/// Something on-call has to know for as long as it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Keys were judged dead, by cause.
    NeedsReconnection,
    /// Keys may have leaked, and nobody has confirmed that they were deleted at the provider.
    KeyCompromised,
    /// The integration has not said that it stopped using withdrawn keys.
    DisableUnacknowledged,
    /// Keys were not fetched by the integration in time.
    HandoverLate,
    /// Endpoints of the integration were switched off.
    EndpointOff,
    /// Customers who must be told and cannot be reached by any address.
    CustomerUnreachable,
    /// Mail that nobody could send for a while.
    MailFailing,
    /// Mail that waits because as much as is allowed was sent.
    MailCapped,
    /// All mail is held by a person, for a while now.
    MailHeld,
    /// Customers who were reminded for the last time and did nothing.
    GivenUp,
    /// Many keys fail together, and failures of that class are held.
    ProviderIncident,
    /// They were held for so long that a person has to decide.
    HoldTooLong,
    /// The canary is refused while all others are well.
    CanaryRefused,
}

impl Condition {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::NeedsReconnection,
        Self::KeyCompromised,
        Self::DisableUnacknowledged,
        Self::HandoverLate,
        Self::EndpointOff,
        Self::CustomerUnreachable,
        Self::MailFailing,
        Self::MailCapped,
        Self::MailHeld,
        Self::GivenUp,
        Self::ProviderIncident,
        Self::HoldTooLong,
        Self::CanaryRefused,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NeedsReconnection => "needs_reconnection",
            Self::KeyCompromised => "key_compromised",
            Self::DisableUnacknowledged => "disable_unacknowledged",
            Self::HandoverLate => "handover_late",
            Self::EndpointOff => "endpoint_off",
            Self::CustomerUnreachable => "customer_unreachable",
            Self::MailFailing => "mail_failing",
            Self::MailCapped => "mail_capped",
            Self::MailHeld => "mail_held",
            Self::GivenUp => "given_up",
            Self::ProviderIncident => "provider_incident",
            Self::HoldTooLong => "hold_too_long",
            Self::CanaryRefused => "canary_refused",
        }
    }

    /// What it is true of, as `FROM … WHERE …` with `name`, `since` and `cause`, and its parameter.
    fn rows(self, limits: &Limits) -> (String, Vec<Value>) {
        let (sql, values) = match self {
            Self::NeedsReconnection => (
                "SELECT t.ref AS name, s.since AS since, s.cause AS cause FROM tenant_state s \
                 CROSS JOIN message m JOIN tenant t ON t.id = m.tenant_id \
                 WHERE s.status IN ('needs_reconnection', 'disabled') \
                 AND m.tenant_id = s.tenant_id AND m.episode = s.episodes AND m.audience = 'on_call' AND m.stage = 'first' AND m.state = 'owed' \
                 AND s.status = 'needs_reconnection' AND s.paused_at IS NULL",
                Vec::new(),
            ),
            Self::KeyCompromised => (
                "SELECT t.ref AS name, d.wanted_at AS since, '' AS cause FROM message m \
                 JOIN deletion d ON d.tenant_id = m.tenant_id AND d.wanted_at = m.owed_at \
                 JOIN tenant t ON t.id = m.tenant_id \
                 WHERE m.audience = 'on_call' AND m.stage = 'first' AND m.state = 'owed' \
                 AND d.confirmed_at IS NULL",
                Vec::new(),
            ),
            Self::DisableUnacknowledged => (
                "SELECT t.ref AS name, m.owed_at AS since, '' AS cause FROM message m \
                 JOIN tenant t ON t.id = m.tenant_id \
                 WHERE m.audience = 'integration' AND m.stage = 'disabled' AND m.state = 'owed' \
                 AND m.acknowledged_at IS NULL AND m.owed_at <= $1",
                vec![micros(limits.unacknowledged_before).into()],
            ),
            Self::HandoverLate => (
                "SELECT t.ref AS name, h.owed_at AS since, '' AS cause FROM handover h \
                 JOIN tenant t ON t.id = h.tenant_id \
                 WHERE h.acknowledged_at IS NULL AND h.fetched_at IS NULL \
                 AND h.sealed IS NOT NULL AND h.owed_at < $1 AND h.owed_at >= $2",
                vec![micros(limits.late_before).into(), micros(limits.sending_since).into()],
            ),
            Self::EndpointOff => (
                "SELECT host AS name, off_at AS since, '' AS cause FROM channel \
                 WHERE kind = 'webhook' AND active = 1 AND off_at IS NOT NULL",
                Vec::new(),
            ),
            Self::CustomerUnreachable => return (unreachable(), Vec::new()),
            // What is put off is due later again: what stays due is seen to by nobody.
            Self::MailFailing => (
                "SELECT t.ref AS name, m.owed_at AS since, '' AS cause FROM delivery d \
                 JOIN message m ON m.id = d.message_id JOIN tenant t ON t.id = m.tenant_id \
                 WHERE d.channel = 'mail' AND d.state IN ('owed', 'sending') \
                 AND d.state = 'owed' AND NOT EXISTS (SELECT 1 FROM notify WHERE held_at IS NOT NULL) \
                 AND (d.due_at <= $1 OR EXISTS (SELECT 1 FROM channel c \
                 WHERE c.kind = 'mail' AND c.failing_since <= $1))",
                vec![micros(limits.mail_stuck_before).into()],
            ),
            Self::MailCapped => (
                "SELECT t.ref AS name, m.owed_at AS since, '' AS cause FROM delivery d \
                 JOIN message m ON m.id = d.message_id JOIN tenant t ON t.id = m.tenant_id \
                 WHERE d.channel = 'mail' AND d.state IN ('owed', 'sending') \
                 AND d.state = 'owed' AND d.fate = $1",
                vec![Wait::FleetCap.words().into()],
            ),
            Self::MailHeld => (
                "SELECT held_why AS name, held_at AS since, '' AS cause FROM notify \
                 WHERE held_at <= $1",
                vec![micros(limits.held_before).into()],
            ),
            Self::GivenUp => return (given_up(), given_up_values(limits)),
            // The counts are of tenants: those that failed, of those that were asked.
            Self::ProviderIncident => (
                "SELECT CASE WHEN asked = 0 THEN 'declared by an operator' \
                 ELSE failing || ' of ' || asked || ' asked' END AS name, since, class AS cause \
                 FROM weather WHERE state = 'incident' AND confirmed_at >= $1",
                vec![micros(limits.sending_since).into()],
            ),
            Self::HoldTooLong => (
                "SELECT CASE WHEN asked = 0 THEN 'declared by an operator' \
                 ELSE failing || ' of ' || asked || ' asked' END AS name, since, class AS cause \
                 FROM weather WHERE state = 'incident' AND page_at <= $1",
                vec![micros(limits.now).into()],
            ),
            // Not in the minutes in which it may be the first that a fault meets.
            Self::CanaryRefused => (
                "SELECT 'canary' AS name, failing_since AS since, '' AS cause FROM canary \
                 WHERE failing_since <= $1 AND NOT EXISTS (SELECT 1 FROM weather \
                 WHERE state IN ('suspected', 'incident'))",
                vec![micros(limits.canary_before).into()],
            ),
        };
        (sql.to_owned(), values)
    }
}

/// Stories that customers are to be told of and cannot be: nobody is known whose address works, or the
/// first mail is dead, and none after it was sent.
fn unreachable() -> String {
    format!(
        "SELECT t.ref AS name, s.since AS since, '' AS cause FROM tenant_state s \
         CROSS JOIN message m JOIN tenant t ON t.id = m.tenant_id \
         WHERE {FEW} AND m.tenant_id = s.tenant_id AND m.episode = s.episodes \
         AND m.audience = 'customer' AND m.stage = 'first' AND m.state = 'owed' \
         AND {ASKS} AND s.paused_at IS NULL \
         AND (NOT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = m.tenant_id \
         AND c.refused_at IS NULL) OR (EXISTS (SELECT 1 FROM delivery d \
         WHERE d.message_id = m.id AND d.state = 'dead') \
         AND NOT EXISTS (SELECT 1 FROM message l JOIN delivery d ON d.message_id = l.id \
         WHERE l.tenant_id = m.tenant_id AND l.episode = m.episode AND l.audience = 'customer' \
         AND d.state IN ('sent', 'unknown'))))"
    )
}

/// Stories of which the customer was told for the last time long ago, of the stage `$1` and by `$2`.
fn given_up() -> String {
    format!(
        "SELECT t.ref AS name, d.settled_at AS since, '' AS cause FROM tenant_state s \
         CROSS JOIN message m \
         JOIN delivery d ON d.message_id = m.id AND d.state IN ('sent', 'unknown') \
         JOIN tenant t ON t.id = m.tenant_id \
         WHERE {FEW} AND m.tenant_id = s.tenant_id AND m.episode = s.episodes \
         AND m.audience = 'customer' AND m.stage = $1 AND d.settled_at <= $2 \
         AND {ASKS} AND s.paused_at IS NULL"
    )
}

fn given_up_values(limits: &Limits) -> Vec<Value> {
    vec![limits.last_stage.word().into(), micros(limits.given_up_before).into()]
}

/// From when on things are late.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A withdrawn key whose end was not acknowledged, told before then.
    pub unacknowledged_before: DateTime<Utc>,
    /// A key that was not fetched, owed before then.
    pub late_before: DateTime<Utc>,
    /// Since when anything is sent: what was owed before is nobody's alert.
    pub sending_since: DateTime<Utc>,
    /// Mail that was to be sent before then, and a relay that has taken nothing since.
    pub mail_stuck_before: DateTime<Utc>,
    /// Mail that was held before then.
    pub held_before: DateTime<Utc>,
    /// The last that a customer is sent of a story.
    pub last_stage: MailStage,
    /// A last mail that was sent before then.
    pub given_up_before: DateTime<Utc>,
    /// A canary that has failed alone since then.
    pub canary_before: DateTime<Utc>,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// A condition that is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one.
    pub condition: Condition,
    /// Its cause; empty where it has none.
    pub cause: String,
    /// Of how many.
    pub count: u32,
    /// Since when it is true of one of them.
    pub since: DateTime<Utc>,
    /// A few of them, those first of whom it was true first.
    pub examples: Vec<String>,
}

/// When an alert of that name began, and whether it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name.
    pub name: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Every story that is given up: whose, and since when, those first that were given up first.
    pub async fn given_up(
        &self,
        limits: &Limits,
    ) -> Result<Vec<(String, Option<DateTime<Utc>>)>, StoreError> {
        let sql = format!("SELECT name, since FROM ({}) AS v ORDER BY since, name", given_up());
        let statement = self.statement(sql, given_up_values(limits));
        let rows = self.read.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, time(row.try_get("", "since")?))))
            .collect()
    }

    /// All conditions that are true.
    pub async fn standing(&self, limits: &Limits) -> Result<Vec<Standing>, StoreError> {
        let mut all = Vec::new();
        for condition in Condition::ALL {
            let (rows, values) = condition.rows(limits);
            let sql = format!(
                "SELECT cause, COUNT(*) AS tenants, MIN(since) AS since FROM ({rows}) AS v \
                 GROUP BY cause ORDER BY cause"
            );
            for row in self.read.query_all_raw(self.statement(sql, values.clone())).await? {
                let (count, since): (i64, i64) =
                    (row.try_get("", "tenants")?, row.try_get("", "since")?);
                let cause: Option<String> = row.try_get("", "cause")?;
                all.push(Standing {
                    condition,
                    cause: cause.unwrap_or_default(),
                    count: u32::try_from(count).unwrap_or(u32::MAX),
                    since: time(since).unwrap_or(DateTime::UNIX_EPOCH),
                    examples: Vec::new(),
                });
            }
            for standing in all.iter_mut().filter(|one| one.condition == condition) {
                let mut values = values.clone();
                values.push(standing.cause.as_str().into());
                let sql = format!(
                    "SELECT name FROM ({rows}) AS v WHERE COALESCE(cause, '') = ${} \
                     ORDER BY since, name LIMIT {NAMED}",
                    values.len()
                );
                for row in self.read.query_all_raw(self.statement(sql, values)).await? {
                    standing.examples.push(row.try_get("", "name")?);
                }
            }
        }
        Ok(all)
    }

    /// Notes that alerts of these names stand now and no others, and forgets those that ended before
    /// `forget_before`. Gives back all that are not forgotten.
    pub async fn note_alerts(
        &self,
        names: &[String],
        now: DateTime<Utc>,
        forget_before: DateTime<Utc>,
    ) -> Result<Vec<AlertRow>, StoreError> {
        let before = self.alerts().await?;
        let open = |row: &&AlertRow| row.ended_at.is_none();
        let same = before.iter().filter(open).count() == names.len()
            && before.iter().filter(open).all(|row| names.contains(&row.name));
        let stale = before.iter().any(|row| row.ended_at.is_some_and(|at| at < forget_before));
        if same && !stale {
            return Ok(before);
        }
        let tx = self.begin().await?;
        // Several read at the same time: who has read before another one began or ended an alert does
        // not undo that.
        for name in names {
            let sql = "INSERT INTO alert (name, started_at) VALUES ($1, $2) ON CONFLICT (name) \
                       DO UPDATE SET started_at = excluded.started_at, ended_at = NULL \
                       WHERE alert.ended_at <= excluded.started_at";
            let values = [name.as_str().into(), micros(now).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        for over in before.iter().filter(open).filter(|row| !names.contains(&row.name)) {
            let sql = "UPDATE alert SET ended_at = $2 WHERE name = $1 AND ended_at IS NULL \
                       AND started_at <= $2";
            let values = [over.name.as_str().into(), micros(now).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        let sql = "DELETE FROM alert WHERE ended_at < $1";
        tx.execute_raw(self.statement(sql, [micros(forget_before).into()])).await?;
        tx.commit().await?;
        self.alerts().await
    }

    async fn alerts(&self) -> Result<Vec<AlertRow>, StoreError> {
        let sql = "SELECT name, started_at, ended_at FROM alert ORDER BY name";
        let rows = self.write.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let ended: Option<i64> = row.try_get("", "ended_at")?;
                Ok(AlertRow {
                    name: row.try_get("", "name")?,
                    started_at: time(row.try_get("", "started_at")?)
                        .unwrap_or(DateTime::UNIX_EPOCH),
                    ended_at: ended.and_then(time),
                })
            })
            .collect()
    }
}
