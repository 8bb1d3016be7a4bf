//! Going live: which stories are open that customers would hear of, and the beginning of those that a
//! person has looked at, and of no others.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::audit::Draft;
use super::filter::{LabelFilter, TenantFilter};
use super::mail::{ASKS, CHANNEL};
use super::mode::{For, Mode, is_live, labelled};
use super::row::{micros, time};
use super::tenants::json;
use super::{Store, StoreError};

/// A story that is open and of which the customer was told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// The message that would begin it.
    pub message: String,
    /// The integration's own name for the tenant.
    pub tenant: String,
    /// The name that people know.
    pub name: String,
    /// The word of the status.
    pub status: String,
    /// The word of its cause.
    pub cause: Option<String>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// The address that would be written to; none where there is none that was not refused.
    pub contact: Option<String>,
}

/// How going live goes.
#[derive(Clone, Copy, Debug)]
pub struct GoLive<'a> {
    /// For tenants with this label only; for all otherwise.
    pub label: Option<&'a LabelFilter>,
    /// The messages that begin the stories that were looked at.
    pub messages: &'a [String],
    /// The time between two of them.
    pub apart: TimeDelta,
}

impl Store {
    /// Every open story that going live may begin, those first that began first.
    pub async fn untold(&self, label: Option<&LabelFilter>) -> Result<Vec<Untold>, StoreError> {
        let labels = label.into_iter().cloned().collect();
        let filter = TenantFilter { labels, ..TenantFilter::default() };
        let mut values = Vec::new();
        let clause = filter.clause(self.dialect, &mut values);
        // A label that says quiet keeps its tenants out of it, whatever else they are.
        values.push(label.map(ToString::to_string).unwrap_or_default().into());
        let quiet =
            labelled("t.id", &format!(" AND nl.mode <> 'live' AND nl.label <> ${}", values.len()));
        let sql = format!(
            "SELECT m.id, t.ref, t.name, s.status, s.cause, s.since, (SELECT c.address \
             FROM contact c WHERE c.tenant_id = t.id AND c.refused_at IS NULL \
             ORDER BY c.ordinal LIMIT 1) AS contact FROM message m \
             JOIN tenant t ON t.id = m.tenant_id JOIN tenant_state s ON s.tenant_id = t.id \
             WHERE {UNTOLD} AND {ASKS} AND s.paused_at IS NULL AND NOT {quiet}{clause} ORDER BY s.since, t.ref"
        );
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(untold).collect()
    }

    /// Goes live, and begins these stories if they are still open and untold. Chained. Gives back how
    /// many were begun.
    pub async fn go_live(&self, how: GoLive<'_>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let whom = how.label.map_or(For::All, For::Label);
        self.put_mode(&tx, whom, Some(Mode::Live), now).await?;
        let mut begun: u64 = 0;
        let live = is_live("m.tenant_id");
        for (at, message) in how.messages.iter().enumerate() {
            // What was decided in shadow becomes what it would have been: the same message, so that
            // there is no second one of its stage.
            let sql = format!(
                "UPDATE message SET state = 'owed' WHERE id = $1 AND id IN (SELECT m.id \
                 FROM message m JOIN tenant_state s ON s.tenant_id = m.tenant_id \
                 WHERE m.id = $1 AND {UNTOLD} AND {ASKS} AND {live})"
            );
            let values = [message.as_str().into()];
            if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
                continue;
            }
            let due = now + how.apart * i32::try_from(at).unwrap_or(i32::MAX);
            let sql = "INSERT INTO delivery (message_id, channel, state, due_at, attempts) \
                       VALUES ($1, $2, 'owed', $3, 0) ON CONFLICT (message_id, channel) \
                       DO UPDATE SET state = 'owed', due_at = excluded.due_at, attempts = 0, \
                       fate = NULL WHERE delivery.state IN ('cancelled', 'dead')";
            let values: [Value; 3] = [message.as_str().into(), CHANNEL.into(), micros(due).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
            // Reminders count from a mail that was sent.
            let sql = "UPDATE message SET dedup_key = dedup_key || '/shadow' \
                       WHERE state = 'shadow' AND audience = 'customer' \
                       AND (tenant_id, episode) IN (SELECT m.tenant_id, m.episode FROM message m \
                       WHERE m.id = $1) AND dedup_key NOT LIKE '%/shadow'";
            tx.execute_raw(self.statement(sql, [message.as_str().into()])).await?;
            begun += 1;
        }
        let draft = Draft::of("notify.went_live").fact("stories", begun);
        let draft = match how.label {
            Some(label) => draft.fact("label", label.to_string()),
            None => draft,
        };
        self.append(&tx, &[draft.fact("listed", json(&how.messages.len())?)]).await?;
        tx.commit().await?;
        self.wake();
        Ok(begun)
    }
}

/// A message `m` that begins a story and was never on its way to anybody.
const UNTOLD: &str = "m.audience = 'customer' AND m.stage = 'first' \
     AND m.state IN ('shadow', 'cancelled') AND s.episodes = m.episode \
     AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id \
     AND d.state IN ('owed', 'sending', 'sent', 'unknown'))";

fn untold(row: &QueryResult) -> Result<Untold, StoreError> {
    let since: i64 = row.try_get("", "since")?;
    Ok(Untold {
        message: row.try_get("", "id")?,
        tenant: row.try_get("", "ref")?,
        name: row.try_get("", "name")?,
        status: row.try_get("", "status")?,
        cause: row.try_get("", "cause")?,
        since: time(since),
        contact: row.try_get("", "contact")?,
    })
}
