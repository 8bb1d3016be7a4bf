//! Opens a database with the settings that the promises rest on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use secrecy::{ExposeSecret, SecretString};

use super::dialect::Dialect;
use super::error::StoreError;

/// Marks a file as ours: "kpls" in ASCII, as `PRAGMA application_id`.
const APPLICATION_ID: u32 = 0x6b70_6c73;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
const SERVER_CONNECTIONS: u32 = 8;

/// Where the store is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file on this machine.
    File(PathBuf),
    /// A server; the address may hold a password.
    Server(SecretString),
}

impl Place {
    /// Understands `sqlite://path` and `postgres://…`.
    pub fn parse(url: &SecretString) -> Result<Self, StoreError> {
        let url = url.expose_secret();
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() {
                return Err(StoreError::Url("must name a file after sqlite://"));
            }
            if path.contains('?') {
                return Err(StoreError::Url("takes no `?` options for SQLite"));
            }
            if path.starts_with("file:") {
                return Err(StoreError::Url("must name a plain file, not a `file:` address"));
            }
            if path == ":memory:" {
                return Err(StoreError::Url("must name a file: keys in memory would not last"));
            }
            return Ok(Self::File(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Server(url.into()));
        }
        Err(StoreError::Url("must begin with sqlite:// or postgres://"))
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::File(_) => Dialect::Sqlite,
            Self::Server(_) => Dialect::Postgres,
        }
    }
}

/// One connection that writes and several that read; on a server both are the same pool.
///
/// A file that is missing is made where `create` says so.
pub async fn open(
    place: &Place,
    create: bool,
) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    match place {
        Place::File(path) => {
            inspect(path, create)?;
            mark(path).await?;
            let write = Database::connect(sqlite(path, 1, false)).await?;
            let read = Database::connect(sqlite(path, READERS, true)).await?;
            Ok((write, read))
        }
        Place::Server(url) => {
            let pool = Database::connect(postgres(url.expose_secret())).await?;
            Ok((pool.clone(), pool))
        }
    }
}

fn quiet(url: impl Into<String>, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        // A statement in a log helps nobody who runs keypulse, and is logged again as an error.
        .sqlx_logging(false);
    options
}

fn sqlite(path: &Path, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = quiet("sqlite::memory:", connections);
    // A connection of SQLite costs nothing to keep and holds the statement cache.
    options.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    options.map_sqlx_sqlite_pool_opts(|options| {
        options.after_release(|connection, _| Box::pin(is_idle(connection)))
    });
    let path = path.to_owned();
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .in_memory(false)
            .shared_cache(false)
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was lost would repeat a mail.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // What is deleted leaves the file.
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            // Pages that are written again and again are copied into the file less often.
            .pragma("wal_autocheckpoint", "4000")
            .pragma("query_only", if read_only { "ON" } else { "OFF" })
    });
    options
}

/// Whether a connection that is given back is in no transaction; else it is closed, and the next one
/// is new. SQLite ends a transaction by itself when the disk is full. The driver then counts one too
/// many: what follows would be nested in a transaction that nobody commits, and be lost.
async fn is_idle(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The end of a transaction that was dropped still waits its turn.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn postgres(url: &str) -> ConnectOptions {
    let mut options = quiet(url, SERVER_CONNECTIONS);
    options.map_sqlx_postgres_opts(|options| {
        options.application_name("keypulse").options([
            ("synchronous_commit", "on"),
            ("statement_timeout", "15s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ])
    });
    options
}

/// Looks at a file before SQLite does, and touches nothing: opening another program's database
/// would already change it.
fn inspect(path: &Path, create: bool) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let foreign = |what| Err(StoreError::Foreign { path: path.to_owned(), what });
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::Missing(path.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    if metadata.is_dir() {
        return foreign("it is a directory");
    }
    if !metadata.is_file() {
        return foreign("it is no regular file");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{0} can be read by others: run `chmod 600 {0}`", path.display());
    }
    let mut file = File::open(path).map_err(failed)?;
    let length = metadata.len();
    if length == 0 {
        return Ok(());
    }
    let mut header = [0_u8; 100];
    if length < 100 {
        return foreign("it is too short for any database");
    }
    file.read_exact(&mut header).map_err(failed)?;
    // https://www.sqlite.org/fileformat.html#the_database_header
    if !header.starts_with(b"SQLite format 3\0") {
        return foreign("it is not an SQLite file");
    }
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if number(68) != APPLICATION_ID {
        return foreign("it is an SQLite file of another program");
    }
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    let counted = number(24) == number(92);
    let expected = page * u64::from(number(28));
    // With a log beside it the file may be shorter than its header says: a checkpoint that was cut
    // short is taken up again by SQLite.
    let logged = ["-wal", "-journal"].iter().any(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        std::fs::metadata(beside).is_ok_and(|log| log.len() > 0)
    });
    if counted && !logged && length < expected {
        return Err(StoreError::CutOff { path: path.to_owned(), found: length, expected });
    }
    Ok(())
}

/// One connection to a file, without what the promises rest on. A file without a write-ahead log is one
/// file, and can be moved.
pub(super) fn plain(path: &Path, journal: SqliteJournalMode) -> ConnectOptions {
    let mut options = quiet("sqlite::memory:", 1);
    let file = path.to_owned();
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .in_memory(false)
            .shared_cache(false)
            .filename(&file)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(journal)
    });
    options
}

/// Makes a file that only its owner can read, and marks it as ours while it is still empty and
/// has no write-ahead log, so that the mark is in the file itself.
async fn mark(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > 0 {
        return Ok(());
    }
    let options = plain(path, SqliteJournalMode::Delete);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared(&format!("PRAGMA application_id = {APPLICATION_ID}")).await?;
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Place, StoreError> {
        Place::parse(&SecretString::from(url))
    }

    #[test]
    fn an_address_that_is_neither_database_is_refused_with_what_would_work() {
        let error = |url: &str| parse(url).unwrap_err().to_string();
        assert!(error("mysql://x").contains("sqlite:// or postgres://"));
        assert!(error("sqlite::memory:").contains("would not last"));
        assert!(error("sqlite://").contains("name a file"));
    }

    #[test]
    fn a_path_may_be_relative_or_absolute() {
        for (url, expected) in [("sqlite://a.db", "a.db"), ("sqlite:///v/a.db", "/v/a.db")] {
            let place = parse(url).unwrap();
            assert!(
                matches!(&place, Place::File(path) if path == Path::new(expected)),
                "{place:?}"
            );
        }
    }

    #[test]
    fn an_address_with_a_password_is_not_printed() {
        let place = parse("postgres://me:hunter2@localhost/x").unwrap();
        assert!(!format!("{place:?}").contains("hunter2"));
    }
}
