//! What a restored database has to begin with: a moment of the past is put in force again, and the
//! world has gone on. Nobody may be told twice because of it, no link and no lease of then holds, and
//! everybody is asked before anybody is written to.
//!
//! All of it is done to a copy that nobody works on; only the finished copy takes the database's place.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

use super::audit::Draft;
use super::backup::{Progress, TABLES, copy};
use super::mail::CHANNEL;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// Sessions of a command that has just ended are waited for so often, and so long each time.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(300);

/// What is restored, in the words that people will read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoring {
    /// The name of the backup, without its folder.
    pub backup: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// By which version.
    pub version: String,
}

/// What was changed in the copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Mails to customers that waited or were under way: nobody knows what became of them.
    pub mails_unknown: u64,
    /// Links that lead nowhere any more.
    pub links_revoked: u64,
    /// Messages to on-call and the integration that are sent, perhaps once more.
    pub messages_again: u64,
    /// Tenants to be asked.
    pub to_ask: u64,
}

/// A restoring that is not over: mail is held, and everybody is being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Since when.
    pub at: DateTime<Utc>,
    /// From which backup.
    pub backup: String,
    /// When that was made.
    pub made_at: DateTime<Utc>,
    /// How many tenants are still to be asked.
    pub to_ask: u64,
}

/// Other keypulse processes that have a server's database open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Others {
    /// How many sessions they have.
    pub sessions: i64,
    /// Since when the oldest of them lasts.
    pub since: Option<DateTime<Utc>>,
}

/// A tenant of state `s` that is asked regularly and of which nothing is certain since `$1`: accepted, or
/// dead by the bound. A single refusal is not enough: the mail that it may lead to would be decided after
/// the hold. Who does not answer alone, whose key is out of step and who was never accepted is written
/// to by nobody before an answer says otherwise.
const TO_ASK: &str = "s.due_at IS NOT NULL AND s.paused_at IS NULL AND s.destroyed_at IS NULL \
     AND s.status NOT IN ('disabled', 'pending') \
     AND NOT (s.status = 'degraded' AND s.cause IN ('unreachable', 'out_of_step')) \
     AND (s.accepted_at IS NULL OR s.accepted_at < $1) \
     AND NOT (s.status = 'needs_reconnection' AND s.doubt_last IS NOT NULL AND s.doubt_last >= $1)";

/// What is kept of a mail that the backup knows to be owed.
const MAY_BE_SENT: &str = "it may have been sent since the backup was made";

impl Store {
    /// Whether there is nothing in it yet that would be lost.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        for table in ["data_key", "tenant", "api_token", "audit"] {
            if self.has_table(table).await? && any(self, &self.write, table).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts the past at rest, all or nothing, and chains that it was restored.
    pub async fn settle_restored(
        &self,
        from: &Restoring,
        now: DateTime<Utc>,
    ) -> Result<Settled, StoreError> {
        let tx = self.begin().await?;
        let at = micros(now);
        let done = async |sql: &str, values: Vec<Value>| -> Result<u64, StoreError> {
            Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
        };
        let name = super::audit::shown(&from.backup);
        let made = from.made_at.format("%Y-%m-%d %H:%M:%S UTC");
        let why = format!(
            "restored from {name} of {made}: released once everybody was asked since; see \
             docs/BACKUP.md"
        );
        // Without a mode nothing was ever sent; whoever begins now shall be asked first as well.
        let sql = "INSERT INTO notify (id, mode, since) VALUES (1, 'shadow', $1) \
                   ON CONFLICT (id) DO NOTHING";
        done(sql, vec![at.into()]).await?;
        done("UPDATE notify SET held_at = $1, held_why = $2", vec![at.into(), why.into()]).await?;
        // Also what was given up: a contact that was added since may have got it. Reminders count from
        // when it can have been sent at the earliest.
        let sql = "UPDATE delivery SET state = 'unknown', fate = $2, \
                   settled_at = COALESCE(begun_at, \
                   (SELECT m.owed_at FROM message m WHERE m.id = delivery.message_id)), \
                   lease = NULL, lease_until = NULL \
                   WHERE channel = $1 AND state IN ('owed', 'sending', 'dead')";
        let values = vec![CHANNEL.into(), MAY_BE_SENT.into()];
        let mails_unknown = done(sql, values).await?;
        // To them at least once, under the same id: more often is no harm, and never is.
        let sql = "UPDATE delivery SET state = 'owed', due_at = $1, lease = NULL, \
                   lease_until = NULL WHERE channel <> $2 AND state IN ('owed', 'sending')";
        let messages_again = done(sql, vec![at.into(), CHANNEL.into()]).await?;
        let sql = "UPDATE link SET ended_at = $1, ending = $2, held = NULL, held_until = NULL \
                   WHERE ended_at IS NULL";
        let ending = super::Ending::Revoked.name();
        let links_revoked = done(sql, vec![at.into(), ending.into()]).await?;
        let sql = "UPDATE tenant_state SET lease = NULL, lease_until = NULL \
                   WHERE lease IS NOT NULL";
        done(sql, vec![]).await?;
        let sql = "UPDATE tenant_state SET due_at = $1 WHERE due_at IS NOT NULL \
                   AND paused_at IS NULL";
        done(sql, vec![at.into()]).await?;
        for table in ["page", "canary"] {
            done(&format!("UPDATE {table} SET lease = NULL, lease_until = NULL"), vec![]).await?;
        }
        for (table, _) in emptied() {
            if self.has_table(table).await? {
                done(&format!("DELETE FROM {table}"), vec![]).await?;
            }
        }
        let sql = "INSERT INTO restored (id, at, backup, made_at) VALUES (1, $1, $2, $3)";
        done(sql, vec![at.into(), name.clone().into(), micros(from.made_at).into()]).await?;
        let to_ask = self.to_ask(&tx, now).await?;
        let draft = Draft::of("database.restored")
            .fact("made_at", from.made_at.to_rfc3339())
            .fact("made_by", from.version.as_str())
            .fact("mails_unknown", mails_unknown)
            .fact("links_revoked", links_revoked)
            .fact("to_ask", to_ask)
            .detail("backup", name);
        self.append(&tx, &[draft]).await?;
        tx.commit().await?;
        Ok(Settled { mails_unknown, links_revoked, messages_again, to_ask })
    }

    /// The restoring that is not over, if there is one.
    pub async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        self.restored_seen_by(&self.read).await
    }

    pub(super) async fn restored_seen_by(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Option<Restored>, StoreError> {
        let sql = "SELECT at, backup, made_at FROM restored WHERE released_at IS NULL";
        let Some(row) = connection.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let moment = |column| -> Result<_, StoreError> {
            Ok(time(row.try_get("", column)?).unwrap_or(DateTime::UNIX_EPOCH))
        };
        let at = moment("at")?;
        Ok(Some(Restored {
            at,
            backup: row.try_get("", "backup")?,
            made_at: moment("made_at")?,
            to_ask: self.to_ask(connection, at).await?,
        }))
    }

    async fn to_ask(
        &self,
        connection: &impl ConnectionTrait,
        since: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = format!("SELECT COUNT(*) AS tenants FROM tenant_state s WHERE {TO_ASK}");
        let row = connection.query_one_raw(self.statement(sql, [micros(since).into()])).await?;
        let tenants: i64 = row.map_or(Ok(0), |row| row.try_get("", "tenants"))?;
        Ok(tenants.unsigned_abs())
    }

    /// Ends the restoring, in the transaction that lets mail go: what was decided meanwhile may tell a
    /// customer what they were told before, by what is lost. Unless somebody says that this is no
    /// harm, nobody knows and it is not sent. Gives back how many mails that were.
    pub(super) async fn end_restoring(
        &self,
        tx: &DatabaseTransaction,
        restored: &Restored,
        may_be_second: bool,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE restored SET released_at = $1 WHERE released_at IS NULL";
        tx.execute_raw(self.statement(sql, [micros(now).into()])).await?;
        if may_be_second {
            return Ok(0);
        }
        self.lock_waiting(tx).await?;
        // A link, and what a person sends again, was wished for since. Reminders count from the earliest
        // moment at which it can have been sent, so that none comes that came in what is lost.
        let sql = "UPDATE delivery SET state = 'unknown', settled_at = $1, fate = $3, \
                   lease = NULL, lease_until = NULL WHERE channel = $2 AND state = 'owed' \
                   AND message_id IN (SELECT m.id FROM message m WHERE m.audience = 'customer' \
                   AND m.stage NOT IN ('link', 'again'))";
        let fate = "it may tell once more what was told between the backup and its restoring";
        let values = [micros(restored.made_at).into(), CHANNEL.into(), fate.into()];
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    /// Until when something may have been told that is lost: when the last restoring was over.
    pub async fn lost_until(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT released_at FROM restored";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let at: Option<i64> = row.try_get("", "released_at")?;
        Ok(at.and_then(time))
    }

    /// How far ahead each budget is charged.
    pub async fn budgets(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT name, arrival_at FROM budget";
        let rows = self.write.query_all_raw(self.statement(sql, [])).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "arrival_at")?)))
            .collect()
    }

    /// Never sets a budget back: what was charged since the backup is charged.
    pub async fn keep_budgets(&self, budgets: &[(String, i64)]) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        self.keep_budgets_in(&tx, budgets).await?;
        Ok(tx.commit().await?)
    }

    async fn keep_budgets_in(
        &self,
        tx: &DatabaseTransaction,
        budgets: &[(String, i64)],
    ) -> Result<(), StoreError> {
        for (name, arrival_at) in budgets {
            let values = [name.as_str().into(), (*arrival_at).into()];
            tx.execute_raw(self.statement(self.dialect.hold(), values)).await?;
        }
        Ok(())
    }

    /// Other processes of keypulse on the same server's database, as far as this user may see them;
    /// `None` where the database is a file. To be asked before this process has opened further sessions.
    pub async fn others(&self) -> Result<Option<Others>, StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(None);
        }
        let sql = "SELECT COUNT(*) AS sessions, \
                   (extract(epoch FROM MIN(backend_start)) * 1000000)::bigint AS since \
                   FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'keypulse' AND pid <> pg_backend_pid()";
        let mut looks = 1;
        loop {
            let row = self.write.query_one_raw(self.statement(sql, [])).await?;
            let Some(row) = row else { return Ok(None) };
            let sessions = row.try_get("", "sessions")?;
            if sessions == 0 || looks == LOOKS {
                let since: Option<i64> = row.try_get("", "since")?;
                return Ok(Some(Others { sessions, since: since.and_then(time) }));
            }
            looks += 1;
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// Puts all rows of a finished copy in the place of those of a server's database, all or nothing.
    pub async fn refill(
        &self,
        from: &Store,
        replace: bool,
        progress: Progress<'_>,
    ) -> Result<u64, StoreError> {
        let tables = from.tables().await?;
        let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        let tx = self.begin().await?;
        for limit in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            tx.execute_unprepared(&format!("SET LOCAL {limit} = 0")).await?;
        }
        tx.execute_unprepared(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")))
            .await?;
        if !replace {
            for table in ["data_key", "tenant", "api_token", "audit"] {
                if any(self, &tx, table).await? {
                    return Err(StoreError::NotEmpty);
                }
            }
        }
        let sql = "SELECT name, arrival_at FROM budget";
        let rows = tx.query_all_raw(self.statement(sql, [])).await?;
        let budgets: Vec<(String, i64)> = rows
            .iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "arrival_at")?)))
            .collect::<Result<_, StoreError>>()?;
        tx.execute_unprepared(&format!("TRUNCATE {}", names.join(", "))).await?;
        let mut done = 0;
        for table in &tables {
            let mut told = |rows| {
                done += rows;
                progress(done, None);
            };
            copy(table, (&from.write, from.dialect), (&tx, self.dialect), &mut told).await?;
        }
        // Numbers that the server gives go on behind those that are given.
        for (table, column) in [("revocation", "seq"), ("reconcile_list", "id")] {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
                 (SELECT COALESCE(MAX({column}), 0) + 1 FROM {table}), false)"
            );
            tx.query_one_raw(self.statement(sql, [])).await?;
        }
        self.keep_budgets_in(&tx, &budgets).await?;
        tx.commit().await?;
        Ok(done)
    }
}

/// The tables that are emptied.
fn emptied() -> impl Iterator<Item = (&'static str, super::backup::TableRestoring)> {
    let all = TABLES.into_iter().chain(super::backup::OTHERS);
    all.filter(|(_, becomes)| *becomes == super::backup::TableRestoring::Emptied)
}

async fn any(
    store: &Store,
    connection: &impl ConnectionTrait,
    table: &str,
) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 AS one FROM {table} LIMIT 1");
    Ok(connection.query_one_raw(store.statement(sql, [])).await?.is_some())
}
