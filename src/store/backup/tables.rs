//! Every table, and what becomes of its rows when a backup is restored. A test holds this list against
//! the schema, so that nobody adds a table without having thought of it; what is not listed is backed
//! up and restored all the same.

use sea_orm::ConnectionTrait;

use crate::store::{Dialect, Store, StoreError};

/// What becomes of a table's rows in a restored database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restoring {
    /// They are as they were in the backup, but for what [`Store::settle_restored`] changes.
    Kept,
    /// They held for that moment only.
    Emptied,
}

use Restoring::{Emptied, Kept};

/// In an order in which each table comes after those that its rows hang on.
pub const TABLES: [(&str, Restoring); 33] = [
    ("data_key", Kept),
    ("tenant", Kept),
    ("tenant_key", Kept),
    ("tenant_state", Kept),
    ("key_reference", Kept),
    ("contact", Kept),
    ("label", Kept),
    ("comparison", Kept),
    ("episode", Kept),
    ("message", Kept),
    ("delivery", Kept),
    ("letter", Kept),
    ("channel", Kept),
    ("notify", Kept),
    ("notify_label", Kept),
    ("alert", Kept),
    ("page", Kept),
    ("weather", Kept),
    ("weather_sample", Kept),
    ("canary", Kept),
    ("link", Kept),
    ("handover", Kept),
    ("recipient", Kept),
    ("withdrawn_key", Kept),
    ("revocation", Kept),
    ("deletion", Kept),
    ("reconcile_list", Kept),
    ("reconcile_entry", Kept),
    ("audit", Kept),
    ("audit_detail", Kept),
    ("audit_head", Kept),
    ("api_token", Kept),
    ("budget", Kept),
];

/// Those that are emptied, and those that say what the database itself is.
pub const OTHERS: [(&str, Restoring); 4] = [
    ("api_answer", Emptied),
    ("console_session", Emptied),
    ("restored", Emptied),
    ("schema_step", Kept),
];

/// A table as it is copied.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, and what they hold.
    pub columns: Vec<(String, Holds)>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

impl Holds {
    /// By the type that SQLite was told.
    fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        if declared.contains("blob") || declared.contains("binary") {
            Self::Bytes
        } else if declared.contains("int") {
            Self::Number
        } else {
            Self::Text
        }
    }
}

impl Store {
    /// Every table of an SQLite file that holds what is ours, in an order in which they can be filled.
    pub(in crate::store) async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        if self.dialect != Dialect::Sqlite {
            return Err(StoreError::Refused { code: "tables are listed by a file".to_owned() });
        }
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
                   AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'schema_migration' \
                   AND name <> 'backup' ORDER BY name";
        let rows = self.write.query_all_raw(self.statement(sql, [])).await?;
        let mut names = Vec::with_capacity(rows.len());
        for row in &rows {
            names.push(row.try_get::<String>("", "name")?);
        }
        let place = |name: &String| {
            TABLES.iter().position(|(known, _)| known == name).unwrap_or(TABLES.len())
        };
        names.sort_by_key(place);
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let sql = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";
            let statement = self.statement(sql, [name.as_str().into()]);
            let rows = self.write.query_all_raw(statement).await?;
            let column = |row: &sea_orm::QueryResult| -> Result<_, StoreError> {
                let declared: String = row.try_get("", "type")?;
                Ok((row.try_get("", "name")?, Holds::of(&declared)))
            };
            let columns = rows.iter().map(column).collect::<Result<_, _>>()?;
            tables.push(Table { name, columns });
        }
        Ok(tables)
    }
}
