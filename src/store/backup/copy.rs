//! Copies rows from one database into another, of whichever kind each is. Memory holds one batch.

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value as Sql};
use serde_json::Value;

use crate::store::audit::hex;
use crate::store::{Dialect, StoreError};

use super::tables::{Holds, Table};

/// So many rows are read and written at a time, fewer if they are long: a key that is sealed is some
/// hundred bytes, a text of a mail some thousand.
const ROWS: usize = 500;

/// Copies all rows of a table. `from` sees one moment, and `progress` is told of each batch how many rows
/// it had.
pub async fn copy(
    table: &Table,
    (from, from_dialect): (&impl ConnectionTrait, Dialect),
    (to, to_dialect): (&DatabaseTransaction, Dialect),
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, StoreError> {
    let insert = insert(table, to_dialect);
    let names: Vec<_> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let (names, name) = (names.join(", "), &table.name);
    let (mut copied, mut after) = (0_u64, i64::MIN);
    // Its name is the table's: what a driver has prepared for one does not fit another.
    if from_dialect == Dialect::Postgres {
        let sql = format!("DECLARE copied_{name} NO SCROLL CURSOR FOR SELECT {names} FROM {name}");
        from.execute_unprepared(&sql).await?;
    }
    loop {
        let read = match from_dialect {
            Dialect::Postgres => {
                let sql = format!("FETCH {ROWS} FROM copied_{name}");
                Statement::from_string(from_dialect.backend(), sql)
            }
            Dialect::Sqlite => {
                let sql = format!(
                    "SELECT {names}, rowid AS row_number FROM {name} WHERE rowid > $1 \
                     ORDER BY rowid LIMIT {ROWS}"
                );
                let after: Sql = after.into();
                Statement::from_sql_and_values(from_dialect.backend(), sql, [after])
            }
        };
        let rows = from.query_all_raw(read).await?;
        let Some(last) = rows.last() else { break };
        if from_dialect == Dialect::Sqlite {
            after = last.try_get("", "row_number")?;
        }
        let texts: Vec<_> = rows.iter().map(|row| text_of(table, row)).collect::<Result<_, _>>()?;
        let written: Sql = format!("[{}]", texts.join(",")).into();
        let write = Statement::from_sql_and_values(to_dialect.backend(), &insert, [written]);
        to.execute_raw(write).await?;
        progress(rows.len() as u64);
        copied += rows.len() as u64;
    }
    if from_dialect == Dialect::Postgres {
        from.execute_unprepared(&format!("CLOSE copied_{name}")).await?;
    }
    Ok(copied)
}

/// Inserts a JSON list of rows (`$1`), bytes as hexadecimal digits.
fn insert(table: &Table, dialect: Dialect) -> String {
    let typed: Vec<_> = table
        .columns
        .iter()
        .map(|(name, holds)| match holds {
            Holds::Number => (name.as_str(), "bigint"),
            Holds::Text | Holds::Bytes => (name.as_str(), "text"),
        })
        .collect();
    let names: Vec<_> = typed.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = table
        .columns
        .iter()
        .map(|(name, holds)| match (holds, dialect) {
            (Holds::Number | Holds::Text, _) => name.clone(),
            (Holds::Bytes, Dialect::Sqlite) => format!("unhex({name})"),
            (Holds::Bytes, Dialect::Postgres) => format!("decode({name}, 'hex')"),
        })
        .collect();
    format!(
        "INSERT INTO {} ({}) SELECT {} FROM ({}) AS v",
        table.name,
        names.join(", "),
        values.join(", "),
        dialect.list(&typed)
    )
}

/// A row as a JSON list.
fn text_of(table: &Table, row: &QueryResult) -> Result<String, StoreError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, (_, holds)) in table.columns.iter().enumerate() {
        values.push(match holds {
            Holds::Number => number(row, at)?,
            Holds::Text => {
                row.try_get_by::<Option<String>, _>(at)?.map_or(Value::Null, Value::from)
            }
            Holds::Bytes => {
                let bytes = row.try_get_by::<Option<Vec<u8>>, _>(at)?;
                bytes.map_or(Value::Null, |bytes| hex(&bytes).into())
            }
        });
    }
    serde_json::to_string(&values).map_err(|_| StoreError::Refused { code: "JSON".to_owned() })
}

/// A number, which a server may keep in fewer bits.
fn number(row: &QueryResult, at: usize) -> Result<Value, StoreError> {
    match row.try_get_by::<Option<i64>, _>(at) {
        Ok(number) => Ok(number.map_or(Value::Null, Value::from)),
        Err(_) => Ok(row.try_get_by::<Option<i32>, _>(at)?.map_or(Value::Null, Value::from)),
    }
}
