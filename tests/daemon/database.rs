//! A look into the database beside the program, by statements of its own.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

use crate::rig::{RUNTIME, Rig};

/// Who was owed which message, and how many.
pub type Messages = Vec<(String, String, i64)>;

/// One number.
pub fn number(rig: &Rig, sql: &str) -> i64 {
    number_at(&url(rig), sql)
}

/// One number of a database anywhere.
pub fn number_at(url: &str, sql: &str) -> i64 {
    with(url, async |database| {
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    })
}

/// One value of bytes.
pub fn bytes(rig: &Rig, sql: &str) -> Vec<u8> {
    with(&url(rig), async |database| {
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    })
}

/// Executes a statement, as somebody else who uses the database.
pub fn execute(rig: &Rig, sql: &str) {
    with(&url(rig), async |database| {
        database.execute_unprepared(sql).await.unwrap();
    });
}

/// Who outside is owed a message: everybody but the integration itself.
pub fn messages(rig: &Rig) -> Messages {
    with(&url(rig), async |database| {
        let sql = "SELECT audience, stage, COUNT(*) FROM message \
                   WHERE audience <> 'integration' GROUP BY 1, 2 ORDER BY 1, 2";
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let rows = database.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get_many_by_index().unwrap()).collect()
    })
}

/// Messages as they are expected.
pub fn owed(expected: &[(&str, &str, i64)]) -> Messages {
    let owned = |(audience, stage, count): &(&str, &str, i64)| {
        ((*audience).to_owned(), (*stage).to_owned(), *count)
    };
    expected.iter().map(owned).collect()
}

fn url(rig: &Rig) -> String {
    rig.environment()["KEYPULSE__STORE__URL"].clone()
}

fn with<T>(url: &str, work: impl AsyncFnOnce(&DatabaseConnection) -> T) -> T {
    RUNTIME.block_on(async {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(1);
        let database = Database::connect(options).await.unwrap();
        let answer = work(&database).await;
        database.close().await.unwrap();
        answer
    })
}
