//! Keeps tenants, sealed keys, beliefs, episodes and owed messages.
//!
//! The only place that knows tables. It opens no sealed key, decides nothing, and reads no clock:
//! every time is handed in; only rows of the audit chain are dated by a clock that was handed in.

mod alert;
mod audit;
mod backup;
mod budget;
mod canary;
mod care;
mod change;
mod channel;
mod compared;
mod contact;
mod counts;
mod dialect;
mod entity;
mod erase;
mod error;
mod filter;
mod forget;
mod handover;
mod hold;
mod idempotency;
mod instance;
mod intake;
mod kept;
mod keyring;
mod letter;
mod link;
mod live;
mod mail;
mod mode;
mod open;
mod opened;
mod outbox;
mod page;
mod posted;
mod recipient;
mod reconcile;
mod recover;
mod reference;
mod remind;
mod replace;
mod reseal;
mod resend;
mod restore;
mod row;
mod sample;
mod save;
mod scopes;
mod search;
mod session;
mod shadow;
mod step;
mod sweep;
mod tenants;
mod token;
mod told;
mod trial;
mod weather;
mod withdrawals;
mod withdrawn;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::watch;

use crate::ids::{TenantId, random_name};

pub use alert::{AlertRow, Condition, Limits, Standing};
pub use audit::{
    Actor, Appended, AuditRow, Auditor, BadHead, Detail, Draft, Fault, Head, Mac, Verified,
};
pub use backup::{BACKUP_ID, BackupFacts, OTHERS, Progress, TABLES, TableRestoring};
pub use budget::MOST_HELD;
pub use canary::CanaryRow;
pub use care::{Care, Contact};
pub use change::{Changes, Edit, MOST_LABELS};
pub use channel::{Channel, ChannelKind, ChannelView, MOST_FAILING};
pub use compared::{ComparedRow, ComparedView};
pub use contact::{ContactAdded, ContactView, MOST_CONTACTS, recipient as contact_place};
pub use counts::{FleetCount, MessageCount, PutOff, StatusCount};
pub use dialect::Dialect;
pub use erase::Erased;
pub use error::{StoreError, bounded};
pub use filter::{LabelFilter, TenantFilter};
pub use forget::MESSAGES_KEPT;
pub use handover::{
    Acknowledged, Fetched, HandOver, HandoverCount, HandoverView, Pickup, SealedCopy,
};
pub use hold::{Held, Release, Waiting};
pub use idempotency::{Claimed, Request};
pub use instance::{Holder, Instance, Seen, hand_to_owner};
pub use intake::{Entry, Fate};
pub use kept::KeptKey;
pub use keyring::{KeyringRow, Removal};
pub use letter::{KeptLetter, NewLetter};
pub use link::{Ending, KeptLink, LINK_ACTOR, LinkAbout, LinkState, NewLink};
pub use live::{GoLive, Untold};
pub use mail::{
    CHANNEL as MAIL_CHANNEL, MailClaim, MailDrawn, MailSettled, MailSettlement, MailTerms,
};
pub use mode::{InForce, LabelMode, Mode, Put};
pub use open::Place;
pub use outbox::{Draw, Drawn, Settled, Settlement};
pub use page::{PageClaim, PageOutcome, PageRow};
pub use posted::{Again, OPEN_STATES, POST_STATES, PostCount, Posted, StageCount};
pub use recipient::RecipientRow;
pub use reconcile::{Listed, ListedKey, ListedTenant, Outcomes, Reconciled};
pub use recover::Recovered;
pub use reference::{ELSEWHERE, Referred};
pub use remind::{Expiring, TimelyMail, Told};
pub use replace::{Bearer, Replacement, Successor};
pub use reseal::{Resealed, SealedRow};
pub use resend::MailResent;
pub use restore::{Others, Restored, Restoring, Settled as RestoredSettled};
pub use save::{Saved, Verdict};
pub use scopes::{Binding, Reach, ScopeGroup};
pub use search::Found;
pub use session::{Session, SignedIn};
pub use shadow::{ShadowCount, WouldHave};
pub use step::{FurtherStep, SchemaStep};
pub use sweep::{Claim, Watched, Who};
pub use tenants::{KeyKind, NewTenant, TenantPage, TenantView};
pub use token::{KeptToken, NewToken};
pub use told::{Fares, ToldOf};
pub use trial::Trial;
pub use weather::{INCIDENT, Longer, Turn, WeatherRow};
pub use withdrawals::{Withdrawal, Withdrawn, WithdrawnFile};
pub use withdrawn::{Deletion, Revocations};

/// A database that is open. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    dialect: Dialect,
    /// What makes the codes of the audit chain; without it nothing can be written that is chained.
    auditor: Option<Auditor>,
    /// Who writes.
    actor: Arc<Actor>,
    /// How often this process has owed somebody something: whoever sends waits for it.
    owed: Arc<watch::Sender<u64>>,
    /// Where it is noted what must never come back.
    withdrawals: Option<Arc<withdrawals::Withdrawals>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database without looking at its schema. A file that is missing is made, readable
    /// by its owner only; a file of another program, or one that lost its end, is refused and not
    /// touched.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        let (write, read) = open::open(place, true).await?;
        Ok(Self::on(write, read, place.dialect()))
    }

    /// Like [`Store::open`], but makes nothing: a file that is missing is an error.
    pub async fn open_existing(place: &Place) -> Result<Self, StoreError> {
        let (write, read) = open::open(place, false).await?;
        Ok(Self::on(write, read, place.dialect()))
    }

    fn on(write: DatabaseConnection, read: DatabaseConnection, dialect: Dialect) -> Self {
        let (auditor, withdrawals) = (None, None);
        let (actor, owed) = (Arc::default(), Arc::default());
        Self { write, read, dialect, auditor, actor, owed, withdrawals }
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The server's clock; `None` where the database is a file on this machine.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(None);
        }
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let micros: Option<i64> = row.map(|row| row.try_get("", "now")).transpose()?;
        Ok(micros.and_then(row::time))
    }

    /// The database's settings on which promises rest, as the writing connection has them.
    pub async fn settings(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        let mut settings = Vec::new();
        for (name, sql) in self.dialect.settings() {
            if let Some(row) = self.write.query_one_raw(self.statement(*sql, [])).await? {
                settings.push((*name, row.try_get_by_index(0)?));
            }
        }
        Ok(settings)
    }

    /// Closes all connections; on SQLite the write-ahead log is emptied first, so that nothing
    /// that was deleted lingers in it.
    pub async fn close(self) -> Result<(), StoreError> {
        self.empty_log().await?;
        self.read.clone().close().await?;
        self.write.clone().close().await?;
        Ok(())
    }

    /// On SQLite, empties the write-ahead log into the file, so that what was deleted is gone from
    /// both. Readers of this moment may keep it from being done; the next time does it then. Gives
    /// back whether it was done; a server has no such log.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        if self.dialect != Dialect::Sqlite {
            return Ok(true);
        }
        let checkpoint = self.statement("PRAGMA wal_checkpoint(TRUNCATE)", []);
        let row = self.write.query_one_raw(checkpoint).await?;
        let busy: Option<i64> = row.map(|row| row.try_get("", "busy")).transpose()?;
        Ok(busy == Some(0))
    }

    /// A transaction that takes the write lock at once: one that reads first and writes later
    /// would fail as soon as another had written between.
    async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let sqlite_transaction_mode = match self.dialect {
            Dialect::Sqlite => Some(SqliteTransactionMode::Immediate),
            Dialect::Postgres => None,
        };
        let options = TransactionOptions { sqlite_transaction_mode, ..Default::default() };
        Ok(self.write.begin_with_options(options).await?)
    }

    fn statement(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.dialect.backend(), sql, values)
    }
}

/// A new id of a message.
fn fresh_id() -> Result<String, StoreError> {
    random_name().map_err(|_| StoreError::Refused { code: "randomness".to_owned() })
}

/// The ids of rows that a statement gave back.
fn ids(rows: &[QueryResult]) -> Result<Vec<TenantId>, StoreError> {
    let id = |row: &QueryResult| row.try_get("", "tenant_id").map(TenantId::from_raw);
    Ok(rows.iter().map(id).collect::<Result<_, _>>()?)
}

/// Ids as the JSON list that statements take.
fn list_of(tenants: &[TenantId]) -> Result<String, StoreError> {
    let raw: Vec<i64> = tenants.iter().map(|tenant| tenant.raw()).collect();
    serde_json::to_string(&raw).map_err(|_| StoreError::Refused { code: "JSON".to_owned() })
}
