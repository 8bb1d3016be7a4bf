//! Whether the installation sends anything. One row says it for all processes: what is decided while
//! it says `shadow` is written down as such and never sent.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::audit::Draft;
use super::row::{micros, time};
use super::{Store, StoreError};

/// How far a decision goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Decide and write down, send nothing.
    Shadow,
    /// Tell on-call and the integration.
    OnCall,
}

impl Mode {
    /// The word of this mode.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::OnCall => "on_call",
        }
    }

    /// The mode of that word. One that this version does not know sends no less than it knows to.
    fn read(word: &str) -> Self {
        if word == Self::Shadow.word() { Self::Shadow } else { Self::OnCall }
    }
}

/// The mode that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Which one.
    pub mode: Mode,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Store {
    /// The mode that is in force; none in an installation that never ran, which sends nothing.
    pub async fn mode(&self) -> Result<Option<InForce>, StoreError> {
        let sql = "SELECT mode, since FROM notify WHERE id = 1";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let word: String = row.try_get("", "mode")?;
        let since = time(row.try_get("", "since")?).unwrap_or(DateTime::UNIX_EPOCH);
        Ok(Some(InForce { mode: Mode::read(&word), since }))
    }

    /// The mode that is in force; `first` from now on, in an installation that never ran.
    pub async fn begin_mode(&self, first: Mode, now: DateTime<Utc>) -> Result<InForce, StoreError> {
        let sql = "INSERT INTO notify (id, mode, since) VALUES (1, $1, $2) \
                   ON CONFLICT (id) DO NOTHING";
        let values = [first.word().into(), micros(now).into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(self.mode().await?.unwrap_or(InForce { mode: first, since: now }))
    }

    /// Puts another mode in force, and chains it. Who goes back to `shadow` gives up what still
    /// waits: it is not sent when the mode changes again. Gives back whether that is news, and how
    /// much was given up.
    pub async fn set_mode(
        &self,
        mode: Mode,
        now: DateTime<Utc>,
    ) -> Result<(bool, u64), StoreError> {
        let tx = self.begin().await?;
        let sql = "INSERT INTO notify (id, mode, since) VALUES (1, $1, $2) ON CONFLICT (id) \
                   DO UPDATE SET mode = excluded.mode, since = excluded.since \
                   WHERE notify.mode <> excluded.mode";
        let values = [mode.word().into(), micros(now).into()];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            return Ok((false, 0));
        }
        let mut given_up = 0;
        if mode == Mode::Shadow {
            let sql = "UPDATE delivery SET state = 'cancelled', settled_at = $1, lease = NULL, \
                       lease_until = NULL, fate = 'given up: the mode went back to shadow' \
                       WHERE state IN ('owed', 'sending')";
            let values = [micros(now).into()];
            given_up = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
            // What was told goes on being true; what was not is not told later.
            let sql = "UPDATE message SET state = 'cancelled' WHERE state = 'owed' \
                       AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id \
                       AND d.state = 'cancelled') \
                       AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id \
                       AND d.state IN ('sent', 'unknown'))";
            tx.execute_raw(self.statement(sql, [])).await?;
        }
        let draft = Draft::of("notify.mode_changed").fact("mode", mode.word());
        self.append(&tx, &[draft.fact("given_up", given_up)]).await?;
        tx.commit().await?;
        Ok((true, given_up))
    }
}
