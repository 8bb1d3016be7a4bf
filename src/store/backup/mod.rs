//! Writes one consistent snapshot of the database into an SQLite file with the same schema, whichever
//! kind of database it is, beside whoever works on it. It needs no key: what is sealed stays so.
//!
//! What is written can be opened by no keypulse as its database: it has a mark of its own. Sealing the
//! file against alteration, its name and its place are the business of whoever asks for it.

mod copy;
mod tables;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::{
    AccessMode, ConnectionTrait, Database, DatabaseConnection, IsolationLevel, TransactionOptions,
    TransactionTrait,
};

use super::audit::Head;
use super::row::{micros, time};
use super::{Dialect, Place, Store, StoreError};

pub(super) use copy::copy;
pub use tables::{OTHERS, Restoring as TableRestoring, TABLES};

/// Marks a file as a backup: "kplb" in ASCII, as `PRAGMA application_id`.
pub const BACKUP_ID: u32 = 0x6b70_6c62;

/// How often it is said how far a copy has come.
const TOLD: Duration = Duration::from_millis(200);

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFacts {
    /// When the snapshot was taken.
    pub made_at: DateTime<Utc>,
    /// By which version.
    pub version: String,
    /// From which kind of database: `sqlite` or `postgres`.
    pub kind: String,
    /// How many tenants are in it.
    pub tenants: i64,
    /// The head of the audit chain.
    pub audit_head: Option<Head>,
}

/// How far it has come: bytes of a file, or rows of a server; and of how many, where that is known.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

impl Store {
    /// Writes the snapshot into `to`, an empty file that its owner alone can read.
    pub async fn back_up(
        &self,
        to: &Path,
        now: DateTime<Utc>,
        progress: Progress<'_>,
    ) -> Result<BackupFacts, StoreError> {
        match self.dialect {
            Dialect::Sqlite => self.vacuum_into(to, progress).await?,
            Dialect::Postgres => self.copy_into(to, progress).await?,
        }
        self.describe(to, now).await
    }

    /// `SQLite` copies itself within one reading transaction, without what was deleted.
    async fn vacuum_into(&self, to: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
        let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let row = self.read.query_one_raw(self.statement(sql, [])).await?;
        let file: String = row.map_or(Ok(String::new()), |row| row.try_get("", "file"))?;
        let total = std::fs::metadata(&file).map(|file| file.len()).ok();
        let connection = connect(Path::new(&file), SqliteJournalMode::Wal).await?;
        let target = to.to_str().ok_or(StoreError::Refused { code: "file name".to_owned() })?;
        let statement = self.statement("VACUUM INTO $1", [target.into()]);
        let mut copying = Box::pin(connection.execute_raw(statement));
        let copied = loop {
            tokio::select! {
                copied = &mut copying => break copied.map(|_| ()),
                () = tokio::time::sleep(TOLD) => {
                    progress(std::fs::metadata(to).map_or(0, |file| file.len()), total);
                }
            }
        };
        drop(copying);
        connection.close().await?;
        Ok(copied?)
    }

    /// A server's rows are read in one transaction that sees one moment.
    async fn copy_into(&self, to: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
        if let Some(step) = self.further_steps().await?.pop() {
            // Its tables would be missing.
            return Err(StoreError::NewerSchema { step: step.name, needs: step.brought_by });
        }
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..Default::default()
        };
        let steps = self.schema().await?.iter().filter(|step| step.applied).count();
        if steps == 0 {
            return Err(StoreError::NeedsMigration);
        }
        let from = self.write.begin_with_options(options).await?;
        for limit in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            from.execute_unprepared(&format!("SET LOCAL {limit} = 0")).await?;
        }
        let file = Store::open(&Place::File(to.to_owned())).await?;
        file.migrate_to(steps).await?;
        let tables = file.tables().await?;
        let into = file.begin().await?;
        // What the steps of the schema wrote is the server's to say.
        for table in tables.iter().rev() {
            into.execute_unprepared(&format!("DELETE FROM {}", table.name)).await?;
        }
        let mut done = 0;
        for table in &tables {
            let mut told = |rows| {
                done += rows;
                progress(done, None);
            };
            let (from, to) = ((&from, self.dialect), (&into, file.dialect));
            copy(table, from, to, &mut told).await?;
        }
        into.commit().await?;
        from.rollback().await?;
        file.close().await
    }

    /// Writes down what the backup is, and gives the file its mark.
    async fn describe(&self, to: &Path, now: DateTime<Utc>) -> Result<BackupFacts, StoreError> {
        let kind = match self.dialect {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        };
        let connection = connect(to, SqliteJournalMode::Delete).await?;
        let count = |sql: &str| sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        let row = connection.query_one_raw(count("SELECT COUNT(*) AS tenants FROM tenant")).await?;
        let tenants: i64 = row.map_or(Ok(0), |row| row.try_get("", "tenants"))?;
        let head = count("SELECT seq, mac FROM audit_head WHERE id = 1");
        let audit_head = match connection.query_one_raw(head).await {
            Ok(Some(row)) => {
                let mac: Vec<u8> = row.try_get("", "mac")?;
                let mac = mac.try_into().unwrap_or_default();
                Some(Head { seq: row.try_get("", "seq")?, mac })
            }
            // A schema from before there was a chain.
            Ok(None) | Err(_) => None,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        connection
            .execute_unprepared(
                "CREATE TABLE backup (made_at bigint NOT NULL, version text NOT NULL, \
                 kind text NOT NULL, tenants bigint NOT NULL)",
            )
            .await?;
        let insert = sea_orm::Statement::from_sql_and_values(
            sea_orm::DbBackend::Sqlite,
            "INSERT INTO backup (made_at, version, kind, tenants) VALUES ($1, $2, $3, $4)",
            [micros(now).into(), version.as_str().into(), kind.into(), tenants.into()],
        );
        connection.execute_raw(insert).await?;
        connection.execute_unprepared(&format!("PRAGMA application_id = {BACKUP_ID}")).await?;
        connection.close().await?;
        let kind = kind.to_owned();
        Ok(BackupFacts { made_at: now, version, kind, tenants, audit_head })
    }

    /// What the copy of a backup says of itself, which is not part of it any more then.
    pub async fn take_backup_facts(&self) -> Result<Option<BackupFacts>, StoreError> {
        if !self.has_table("backup").await? {
            return Ok(None);
        }
        let sql = "SELECT made_at, version, kind, tenants FROM backup";
        let Some(row) = self.write.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let facts = BackupFacts {
            made_at: time(row.try_get("", "made_at")?).unwrap_or(DateTime::UNIX_EPOCH),
            version: row.try_get("", "version")?,
            kind: row.try_get("", "kind")?,
            tenants: row.try_get("", "tenants")?,
            audit_head: self.audit_head().await?,
        };
        self.write.execute_unprepared("DROP TABLE backup").await?;
        Ok(Some(facts))
    }
}

async fn connect(
    path: &Path,
    journal: SqliteJournalMode,
) -> Result<DatabaseConnection, StoreError> {
    Ok(Database::connect(super::open::plain(path, journal)).await?)
}
