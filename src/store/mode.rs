//! How far the installation goes in telling people. One row says it for all processes, others say it
//! for tenants with a label: what is decided for somebody who is not told is written down as such and
//! never sent by itself.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::audit::Draft;
use super::filter::LabelFilter;
use super::row::{micros, time};
use super::{Store, StoreError};

/// How far a decision goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Decide and write down, send nothing.
    Shadow,
    /// Tell on-call and the integration.
    OnCall,
    /// Write to customers as well.
    Live,
}

impl Mode {
    /// Every one, from the quietest.
    pub const ALL: [Self; 3] = [Self::Shadow, Self::OnCall, Self::Live];

    /// The word of this mode.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::OnCall => "on_call",
            Self::Live => "live",
        }
    }

    /// The mode of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The mode of that word in the database. Of one that this version does not know, it says that
    /// customers are not written to.
    fn read(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::OnCall)
    }
}

/// The mode that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Which one.
    pub mode: Mode,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Since when anybody is told, whatever the mode was since then; of `shadow`, since when nobody is.
    pub telling_since: DateTime<Utc>,
}

/// The mode of tenants with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMode {
    /// The label, as `name` or `name=value`.
    pub label: String,
    /// Which mode.
    pub mode: Mode,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
}

/// For whom a mode is.
#[derive(Clone, Copy, Debug)]
pub enum For<'a> {
    /// For everybody who has no label with a mode of its own.
    All,
    /// For tenants with this label.
    Label(&'a LabelFilter),
}

/// What the change of a mode came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Whether it is another one than before.
    pub news: bool,
    /// How much that waited was given up, because it goes to somebody who is not told any more.
    pub given_up: u64,
}

/// Since when anybody is told, if from now on; nothing of shadow, so that a version which does not know it
/// leaves nothing behind that is too old.
fn telling(mode: Mode, now: DateTime<Utc>) -> Option<i64> {
    (mode != Mode::Shadow).then(|| micros(now))
}

impl Store {
    /// The mode that is in force; none in an installation that never ran, which sends nothing.
    pub async fn mode(&self) -> Result<Option<InForce>, StoreError> {
        let sql = "SELECT mode, since, telling_since FROM notify WHERE id = 1";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let word: String = row.try_get("", "mode")?;
        let since = time(row.try_get("", "since")?).unwrap_or(DateTime::UNIX_EPOCH);
        let telling: Option<i64> = row.try_get("", "telling_since")?;
        let telling_since = telling.and_then(time).unwrap_or(since);
        Ok(Some(InForce { mode: Mode::read(&word), since, telling_since }))
    }

    /// The modes of single labels, by label.
    pub async fn label_modes(&self) -> Result<Vec<LabelMode>, StoreError> {
        let sql = "SELECT label, mode, since FROM notify_label ORDER BY label";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| {
                let word: String = row.try_get("", "mode")?;
                let (mode, since) = (Mode::read(&word), time(row.try_get("", "since")?));
                Ok(LabelMode { label: row.try_get("", "label")?, mode, since })
            })
            .collect()
    }

    /// The mode that is in force; `first` from now on, in an installation that never ran.
    pub async fn begin_mode(&self, first: Mode, now: DateTime<Utc>) -> Result<InForce, StoreError> {
        let sql = "INSERT INTO notify (id, mode, since, telling_since) VALUES (1, $1, $2, $3) \
                   ON CONFLICT (id) DO NOTHING";
        let values = [first.word().into(), micros(now).into(), telling(first, now).into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(self.mode().await?.unwrap_or(InForce { mode: first, since: now, telling_since: now }))
    }

    /// Puts another mode in force, and chains it. What waits for somebody who is not told any more is
    /// given up: it is not sent when the mode changes again.
    pub async fn set_mode(&self, mode: Mode, now: DateTime<Utc>) -> Result<Put, StoreError> {
        let tx = self.begin().await?;
        let put = self.put_mode(&tx, For::All, Some(mode), now).await?;
        tx.commit().await?;
        Ok(put)
    }

    /// The same for tenants with a label; with no mode, they are told like all others.
    pub async fn set_label_mode(
        &self,
        label: &LabelFilter,
        mode: Option<Mode>,
        now: DateTime<Utc>,
    ) -> Result<Put, StoreError> {
        let tx = self.begin().await?;
        let put = self.put_mode(&tx, For::Label(label), mode, now).await?;
        tx.commit().await?;
        Ok(put)
    }

    pub(super) async fn put_mode(
        &self,
        tx: &DatabaseTransaction,
        whom: For<'_>,
        mode: Option<Mode>,
        now: DateTime<Utc>,
    ) -> Result<Put, StoreError> {
        let word = mode.map_or("as_all", Mode::word);
        // What was owed by somebody who had read the mode before it changed the last time.
        let stray = self.give_up(tx, now).await?;
        let done = match (whom, mode) {
            (For::All, mode) => {
                let word = mode.unwrap_or(Mode::Shadow).word();
                let sql = "INSERT INTO notify (id, mode, since, telling_since) \
                           VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE SET \
                           telling_since = CASE WHEN notify.mode = 'shadow' \
                           OR excluded.mode = 'shadow' THEN excluded.telling_since \
                           ELSE COALESCE(notify.telling_since, notify.since) END, \
                           mode = excluded.mode, since = excluded.since \
                           WHERE notify.mode <> excluded.mode";
                let telling = telling(mode.unwrap_or(Mode::Shadow), now);
                let values = [word.into(), micros(now).into(), telling.into()];
                tx.execute_raw(self.statement(sql, values)).await?
            }
            (For::Label(label), Some(mode)) => {
                let sql = "INSERT INTO notify_label (label, name, value, mode, since) \
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (label) \
                           DO UPDATE SET mode = excluded.mode, since = excluded.since \
                           WHERE notify_label.mode <> excluded.mode";
                let values = [
                    label.to_string().into(),
                    label.name.as_str().into(),
                    label.value.clone().into(),
                    mode.word().into(),
                    micros(now).into(),
                ];
                tx.execute_raw(self.statement(sql, values)).await?
            }
            (For::Label(label), None) => {
                let sql = "DELETE FROM notify_label WHERE label = $1";
                tx.execute_raw(self.statement(sql, [label.to_string().into()])).await?
            }
        };
        if done.rows_affected() == 0 {
            return Ok(Put::default());
        }
        let given_up = stray + self.give_up(tx, now).await?;
        let mut draft = Draft::of("notify.mode_changed").fact("mode", word);
        if let For::Label(label) = whom {
            draft = draft.fact("label", label.to_string());
        }
        self.append(tx, &[draft.fact("given_up", given_up)]).await?;
        Ok(Put { news: true, given_up })
    }

    /// Locks the messages that wait before their deliveries are changed, as whoever saves what ends a
    /// story does.
    pub(super) async fn lock_waiting(&self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        let lock = self.dialect.for_update();
        if lock.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT id FROM message WHERE state = 'owed' AND id IN (SELECT d.message_id \
             FROM delivery d WHERE d.state IN ('owed', 'sending')) ORDER BY id{lock}"
        );
        tx.query_all_raw(self.statement(sql, [])).await?;
        Ok(())
    }

    /// Gives up what waits for somebody who is not told any more. A mail whose body is being sent at
    /// this moment ends as it ends.
    async fn give_up(
        &self,
        tx: &DatabaseTransaction,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.lock_waiting(tx).await?;
        let sql = format!(
            "UPDATE delivery SET state = 'cancelled', settled_at = $1, lease = NULL, \
             lease_until = NULL, fate = 'given up: those it is for are not told in this mode' \
             WHERE (state = 'owed' OR (state = 'sending' AND channel <> '{}')) \
             AND message_id IN (SELECT m.id FROM message m WHERE m.state = 'owed' AND NOT {})",
            super::mail::CHANNEL,
            reaches("m")
        );
        let values = [micros(now).into()];
        let given_up = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        // What was told goes on being true; what was not is not told later.
        let sql = format!(
            "UPDATE message SET state = 'cancelled' WHERE state = 'owed' AND NOT {} \
             AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id \
             AND d.state = 'cancelled') \
             AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id \
             AND d.state IN ('sending', 'sent', 'unknown'))",
            reaches("message")
        );
        tx.execute_raw(self.statement(sql, [])).await?;
        Ok(given_up)
    }
}

/// Whether those are told whom a row is for, which has an audience and a tenant (or none).
pub(super) fn reaches(row: &str) -> String {
    format!(
        "(CASE {row}.audience WHEN 'customer' THEN {} \
         WHEN 'on_call' THEN {told} WHEN 'integration' THEN {told} ELSE FALSE END)",
        is_live(&format!("{row}.tenant_id")),
        told = is_told(&format!("{row}.tenant_id"))
    )
}

/// Whether a tenant's customer is written to. In shadow nobody is, whatever label there is; of
/// several labels with modes the quietest counts.
pub(super) fn is_live(tenant: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM notify n WHERE n.mode <> 'shadow') \
         AND CASE WHEN {} THEN NOT {} ELSE EXISTS (SELECT 1 FROM notify n WHERE n.mode = 'live') END)",
        labelled(tenant, ""),
        labelled(tenant, " AND nl.mode <> 'live'"),
    )
}

/// Whether on-call and the integration are told of a tenant.
fn is_told(tenant: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM notify n WHERE n.mode <> 'shadow') AND NOT {})",
        labelled(tenant, " AND nl.mode = 'shadow'"),
    )
}

/// Whether a tenant has a label with a mode of its own, of which this is true.
pub(super) fn labelled(tenant: &str, and: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM notify_label nl JOIN label l ON l.name = nl.name \
         AND (nl.value IS NULL OR nl.value = l.value) WHERE l.tenant_id = {tenant}{and})"
    )
}
