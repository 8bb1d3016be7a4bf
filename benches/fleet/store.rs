//! What the daemon's store holds, read from its file by plain SQL once the daemon has ended.

use std::path::Path;

use anyhow::Context;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

/// Sums over all tenants.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The versions of all rows: every decision that is saved raises its row's by one.
    pub versions: u64,
    /// Tenants that somebody still holds.
    pub leased: u64,
}

/// Reads the file.
pub async fn kept(file: &Path) -> anyhow::Result<Kept> {
    let database = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await?;
    let sql = "SELECT SUM(version) AS versions, SUM(lease IS NOT NULL) AS leased FROM tenant_state";
    let row = database.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let row = row.context("the store is empty")?;
    let sum = |column: &str| -> anyhow::Result<u64> {
        Ok(u64::try_from(row.try_get::<i64>("", column)?)?)
    };
    let kept = Kept { versions: sum("versions")?, leased: sum("leased")? };
    database.close().await?;
    Ok(kept)
}
