//! The database of an installation, and a look into it by statements of its own.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use keypulse::ids::random_name;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, Statement, TryGetableMany};

use crate::rig::RUNTIME;
use crate::wait;

/// Which kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Server,
}

/// Who is held by which lease.
pub const HELD: &str = "SELECT t.ref, s.lease FROM tenant_state s JOIN tenant t \
                        ON t.id = s.tenant_id WHERE s.lease IS NOT NULL";

/// A database of one test's own.
#[derive(Clone, Debug)]
pub enum Database {
    File(PathBuf),
    Server(String),
}

impl Database {
    /// A new one on the tests' server.
    pub fn on_server() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("KEYPULSE_TEST_POSTGRES") else {
            panic!("KEYPULSE_TEST_POSTGRES is not set: run scripts/test")
        };
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let name = format!("fleet_{process}_{count}_{}", &random_name().unwrap()[..8]);
        with(&server, async |admin| {
            admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        });
        let (base, _) = server.rsplit_once('/').unwrap();
        Self::Server(format!("{base}/{name}"))
    }

    pub fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite://{}", path.display()),
            Self::Server(url) => url.clone(),
        }
    }

    /// The rows of a statement.
    pub fn rows<T: TryGetableMany>(&self, sql: &str) -> Vec<T> {
        with(&self.url(), async |database| {
            let statement = Statement::from_string(database.get_database_backend(), sql);
            let rows = database.query_all_raw(statement).await.unwrap();
            rows.iter().map(|row| row.try_get_many_by_index().unwrap()).collect()
        })
    }

    /// Executes a statement, as somebody else who uses the database.
    pub fn execute(&self, sql: &str) {
        with(&self.url(), async |database| {
            database.execute_unprepared(sql).await.unwrap();
        });
    }

    /// How many rows of `tenant_state` this is true of.
    pub fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT COUNT(*), 0 FROM tenant_state WHERE {condition}");
        self.rows::<(i64, i32)>(&sql)[0].0
    }

    /// The same database as a process left it that was killed: of a file, a copy, so that it is
    /// the next daemon that finds what a crash leaves.
    pub fn wreck(&self) -> Self {
        match self {
            Self::File(path) => {
                let folder = path.with_extension("wreck");
                let _ = fs::remove_dir_all(&folder);
                fs::create_dir(&folder).unwrap();
                for file in fs::read_dir(path.parent().unwrap()).unwrap() {
                    let file = file.unwrap();
                    if file.file_type().unwrap().is_file() {
                        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
                    }
                }
                Self::File(folder.join(path.file_name().unwrap()))
            }
            Self::Server(_) => {
                // What the dead process had asked for is done to its end.
                let sql = "SELECT COUNT(*), 0 FROM pg_stat_activity WHERE application_name = \
                           'keypulse' AND datname = current_database()";
                let gone = || self.rows::<(i64, i32)>(sql)[0].0 == 0;
                wait::until("the server lets the dead process go", gone, String::new);
                self.clone()
            }
        }
    }
}

fn with<T>(url: &str, work: impl AsyncFnOnce(&DatabaseConnection) -> T) -> T {
    RUNTIME.block_on(async {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(1);
        let database = sea_orm::Database::connect(options).await.unwrap();
        let answer = work(&database).await;
        database.close().await.unwrap();
        answer
    })
}
