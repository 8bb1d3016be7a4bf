//! What can go wrong in the store, in our own words: the driver's errors print values, so only
//! their kind and code come out of here.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};
use tokio::time::timeout;

use super::instance::Holder;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody answers, or the connection broke. Worth trying again.
    #[error("the database cannot be reached ({code})")]
    Unavailable {
        /// The driver's code or kind.
        code: String,
    },
    /// Another writer holds the lock for too long. Worth trying again.
    #[error("the database is busy ({code})")]
    Busy {
        /// The driver's code.
        code: String,
    },
    /// No space is left. Worth trying again: somebody may make room.
    #[error(
        "the disk that holds the database is full ({code}): make room; until then nobody is asked"
    )]
    DiskFull {
        /// The driver's code.
        code: String,
    },
    /// The file cannot be written. Worth trying again.
    #[error("the database cannot be written: is the disk read-only or failing? ({code})")]
    NotWritable {
        /// The driver's code.
        code: String,
    },
    /// The file is damaged.
    #[error("the database is damaged ({code}): stop keypulse and restore a backup")]
    Damaged {
        /// The driver's code.
        code: String,
    },
    /// A row says something that no row may say.
    #[error("the row of tenant {tenant} in {table} cannot be read: {what}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// Whose row.
        tenant: String,
        /// What is wrong, without any value.
        what: &'static str,
    },
    /// The file belongs to another program.
    #[error("{path} is not a keypulse database ({what}): name another file in `store.url`")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// There is no such file.
    #[error(
        "there is no database {0}: start in the right folder or set `store.url`; `keypulse run`, \
         `keypulse tenant add` and `tenant import` make a new one"
    )]
    Missing(PathBuf),
    /// The file lost its end.
    #[error(
        "{path} is cut off: it has {found} bytes and should have {expected}; restore a backup, or \
         move the file away to begin anew"
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The length that its header tells.
        expected: u64,
    },
    /// The file cannot be opened or made.
    #[error("{path} cannot be opened")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What must never come back could not be noted beside the database.
    #[error(
        "{path} cannot be written: what is taken out of use stands in the database alone, and a \
         backup that is restored would bring it back"
    )]
    NotNoted {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// After a restoring, nobody is written to before everybody was asked.
    #[error(
        "this database was restored from {backup}, and {} still to be asked since: nobody is written \
         to before everybody was; `keypulse mail release --unasked` does not wait for them",
        tenants(*to_ask)
    )]
    StillToAsk {
        /// How many.
        to_ask: u64,
        /// The backup's name and time.
        backup: String,
    },
    /// What is to be restored into is not empty.
    #[error(
        "the database is not empty: say `--replace` to put the backup in its place, or name another \
         one in `store.url`"
    )]
    NotEmpty,
    /// Another daemon has the file.
    #[error(
        "another keypulse is running on {} ({}): stop it first; other commands work beside it",
        path.display(),
        who(holder.as_ref())
    )]
    Running {
        /// The file.
        path: PathBuf,
        /// Which process, where that is known.
        holder: Option<Holder>,
    },
    /// The address is not one that keypulse understands.
    #[error("`store.url` {0}")]
    Url(&'static str),
    /// The schema is older than the program.
    #[error("the database has no schema yet, or an older one: run `keypulse migrate up` first")]
    NeedsMigration,
    /// The schema is newer than the program.
    #[error(
        "the database has the step `{step}` of a newer keypulse, and this one ({}) cannot work on it: \
         use {}",
        env!("CARGO_PKG_VERSION"),
        needed(needs.as_deref())
    )]
    NewerSchema {
        /// The step.
        step: String,
        /// The oldest version that can, as far as the database says.
        needs: Option<String>,
    },
    /// The reference is in use.
    #[error("there is already a tenant `{0}`")]
    RefTaken(String),
    /// Another tenant has the same key; which one is not said, because whoever offers a key may
    /// not be entitled to know.
    #[error("this key belongs to another tenant already: every tenant needs a key of its own")]
    KeyTaken,
    /// The key may have leaked; whose it was is not said.
    #[error(
        "this key was withdrawn because it may have leaked, and is never accepted again, for no \
         tenant: have a new key made, and see to it that this one is deleted at the provider"
    )]
    KeyWithdrawn,
    /// A key was sealed with a data key that is retired or gone by now: it has to be sealed anew.
    #[error(
        "data key {0} of the keyring no longer seals: read the keyring again and seal with the present one"
    )]
    NotTheSealingKey(u32),
    /// There is no such tenant.
    #[error("there is no tenant `{0}`")]
    NoTenant(String),
    /// Something has to be written into the audit chain, by somebody who has not opened the keyring.
    #[error(
        "nothing was changed: what changes a tenant, its key or the keyring is written into the \
         audit chain, and for that the keyring must be opened first (a fault of the program)"
    )]
    NotAudited,
    /// The audit chain takes no row.
    #[error(
        "nothing was changed, because it cannot be written into the audit chain ({code}): run \
         `keypulse audit verify`, which says what is wrong with it"
    )]
    Unchained {
        /// The driver's code, or what is wrong.
        code: String,
    },
    /// A tenant would have more labels than any may have.
    #[error("a tenant has at most {} labels", super::MOST_LABELS)]
    TooManyLabels,
    /// Anything else.
    #[error("the database refused ({code})")]
    Refused {
        /// The driver's code or kind.
        code: String,
    },
}

fn needed(version: Option<&str>) -> String {
    version.map_or_else(
        || "the newer version".to_owned(),
        |version| format!("keypulse {} or later", crate::redact::printable(version)),
    )
}

fn tenants(number: u64) -> String {
    if number == 1 { "1 tenant is".to_owned() } else { format!("{number} tenants are") }
}

fn who(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "it has only just begun".to_owned(), Holder::to_string)
}

/// The longest that anybody waits for the database: a server that vanished in the middle of a
/// statement is not waited for as long as TCP would.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does work on the store, but gives up after 20 seconds. What was begun is rolled back.
pub async fn bounded<T>(
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Unavailable { code: "no answer in 20 seconds".to_owned() }),
    }
}

impl StoreError {
    /// Whether the same may succeed later without anybody's help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::DiskFull { .. }
            | Self::NotWritable { .. }
            | Self::NotNoted { .. } => true,
            Self::Damaged { .. }
            | Self::BadRow { .. }
            | Self::Foreign { .. }
            | Self::Missing(_)
            | Self::CutOff { .. }
            | Self::File { .. }
            | Self::Running { .. }
            | Self::StillToAsk { .. }
            | Self::NotEmpty
            | Self::Url(_)
            | Self::NeedsMigration
            | Self::NewerSchema { .. }
            | Self::RefTaken(_)
            | Self::KeyTaken
            | Self::KeyWithdrawn
            | Self::NotTheSealingKey(_)
            | Self::NoTenant(_)
            | Self::NotAudited
            | Self::Unchained { .. }
            | Self::TooManyLabels
            | Self::Refused { .. } => false,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) => {
                Self::Unavailable { code: "no connection within 5 seconds".into() }
            }
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => from_sqlx(cause),
            DbErr::Type(_) | DbErr::TryIntoErr { .. } => Self::Refused { code: "type".into() },
            _ => Self::Refused { code: "driver".into() },
        }
    }
}

/// Whether a statement ran into a unique constraint.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

fn from_sqlx(error: &SqlxError) -> StoreError {
    match error {
        SqlxError::Io(cause) => StoreError::Unavailable { code: cause.kind().to_string() },
        SqlxError::PoolTimedOut => {
            StoreError::Unavailable { code: "no connection within 5 seconds".into() }
        }
        SqlxError::PoolClosed | SqlxError::WorkerCrashed => {
            StoreError::Unavailable { code: "connection closed".into() }
        }
        SqlxError::Tls(_) => StoreError::Unavailable { code: "TLS".into() },
        SqlxError::Protocol(_) => StoreError::Unavailable { code: "protocol".into() },
        SqlxError::Database(cause) => {
            let code = cause.code().unwrap_or_default().into_owned();
            if cause.try_downcast_ref::<sea_orm::SqlxSqliteError>().is_some() {
                from_sqlite(code)
            } else {
                from_postgres(code)
            }
        }
        _ => StoreError::Refused { code: "driver".into() },
    }
}

/// <https://www.sqlite.org/rescode.html>; the primary code is the low byte of the extended one.
fn from_sqlite(code: String) -> StoreError {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5..=7) => StoreError::Busy { code },
        Ok(13) => StoreError::DiskFull { code },
        Ok(8 | 10) => StoreError::NotWritable { code },
        Ok(11 | 26) => StoreError::Damaged { code },
        Ok(14) => StoreError::Unavailable { code },
        _ => StoreError::Refused { code },
    }
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn from_postgres(code: String) -> StoreError {
    match (code.get(..2), code.as_str()) {
        (_, "53100") => StoreError::DiskFull { code },
        // A read-only transaction, as on a standby.
        (_, "25006") => StoreError::NotWritable { code },
        // Statement time-out, lock not available, serialization failure, deadlock.
        (_, "57014" | "55P03") | (Some("40"), _) => StoreError::Busy { code },
        // Connection lost, too many connections, shutting down or starting.
        // A session that was idle too long in a transaction; a fault of the server's system.
        (Some("08" | "53" | "57" | "58"), _) | (_, "25P03") => StoreError::Unavailable { code },
        (_, "XX001" | "XX002") => StoreError::Damaged { code },
        _ => StoreError::Refused { code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_lost_server_are_passing_and_a_damaged_file_is_not() {
        assert!(from_sqlite("13".into()).is_passing());
        assert!(from_sqlite("261".into()).is_passing());
        assert!(from_postgres("53100".into()).is_passing());
        assert!(from_postgres("57P01".into()).is_passing());
        assert!(from_postgres("53300".into()).is_passing());
        assert!(!from_sqlite("11".into()).is_passing());
        assert!(!from_postgres("42P01".into()).is_passing());
    }

    #[test]
    fn a_full_disk_is_called_a_full_disk_and_nothing_else_is() {
        for full in [from_sqlite("13".into()), from_postgres("53100".into())] {
            assert!(full.to_string().contains("disk that holds the database is full"), "{full}");
        }
        for other in [from_sqlite("778".into()), from_sqlite("8".into())] {
            assert!(!other.to_string().contains("full"), "{other}");
        }
    }
}
