//! All that differs between SQLite and PostgreSQL, in one place.

use sea_orm::DbBackend;

use super::row::{COLUMNS, select_state};

/// Which database it is, with the statements that are spelt differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// One file, one machine.
    Sqlite,
    /// One server, several machines.
    Postgres,
}

impl Dialect {
    /// The same in sea-orm's words.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// Settings on which promises rest, and how each is asked for as a text.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Sqlite => &[
                ("journal_mode", "SELECT journal_mode FROM pragma_journal_mode"),
                ("synchronous", "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous"),
                ("secure_delete", "SELECT CAST(secure_delete AS TEXT) FROM pragma_secure_delete"),
                ("foreign_keys", "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys"),
            ],
            Self::Postgres => &[("synchronous_commit", "SHOW synchronous_commit")],
        }
    }

    /// Makes a transaction the only one that changes the keyring or holds one of its keys; SQLite
    /// has one writer at a time anyway.
    pub fn lock_keyring(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("LOCK TABLE data_key IN EXCLUSIVE MODE"),
        }
    }

    /// What a select ends in that keeps its rows as they are until the transaction ends.
    pub fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
        }
    }

    /// What a select ends in that keeps its rows for this transaction alone until it ends.
    pub fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// A sub-query of the numbers in a JSON list given as parameter `$n`.
    pub fn numbers(self, parameter: u8) -> String {
        match self {
            Self::Sqlite => format!("SELECT value FROM json_each(${parameter})"),
            Self::Postgres => {
                format!("SELECT jsonb_array_elements_text(${parameter}::jsonb)::bigint")
            }
        }
    }

    /// A sub-query of the texts in a JSON list given as parameter `$n`.
    pub fn texts(self, parameter: u8) -> String {
        match self {
            Self::Sqlite => format!("SELECT value FROM json_each(${parameter})"),
            Self::Postgres => format!("SELECT jsonb_array_elements_text(${parameter}::jsonb)"),
        }
    }

    /// Whether a column contains the text of parameter `$n`, which is in small letters. Only the
    /// letters of ASCII are the same in both sizes: SQLite knows no others.
    pub fn contains(self, column: &str, parameter: usize) -> String {
        match self {
            Self::Sqlite => format!("instr(lower({column}), ${parameter}) > 0"),
            Self::Postgres => {
                format!("strpos(lower({column} COLLATE \"C\"), ${parameter}) > 0")
            }
        }
    }

    /// Leases up to `$3` rows that are due by `$1` and free at `$2`, to `$4` until `$5`, and gives
    /// back their ids; of suspects only, where something is being confirmed. One statement; the list
    /// is materialized, or the planner might run it twice and lease more than the limit. What
    /// another process is leasing at this moment is skipped. SQLite has [`Dialect::due`] instead.
    pub fn claim(self, suspects: bool) -> String {
        format!(
            "WITH due AS MATERIALIZED ({} FOR UPDATE SKIP LOCKED) \
             UPDATE tenant_state SET lease = $4, lease_until = $5 \
             WHERE tenant_id IN (SELECT tenant_id FROM due) RETURNING tenant_id",
            due(suspects)
        )
    }

    /// The same ids as one JSON list `ids`, without leasing them: for a transaction that has the
    /// write lock already, of a database that hands rows over one by one.
    pub fn due(self, suspects: bool) -> String {
        format!("SELECT json_group_array(tenant_id) AS ids FROM ({})", due(suspects))
    }

    /// Leases a JSON list of ids (`$1`) to `$2` until `$3`.
    pub fn lease(self) -> String {
        format!(
            "UPDATE tenant_state SET lease = $2, lease_until = $3 WHERE tenant_id IN ({})",
            self.numbers(1)
        )
    }

    /// Selects the tenants of a JSON list of ids (`$1`) as one JSON list `rows` of their rows: what
    /// identifies them, the sealed key in hexadecimal digits, and a list of its hot columns.
    pub fn select_watched(self) -> String {
        let (list, array, text) = match self {
            Self::Sqlite => ("json_group_array", "json_array", ""),
            Self::Postgres => ("json_agg", "json_build_array", "::text"),
        };
        let [sealed, print] = ["k.sealed", "k.fingerprint"].map(|column| match self {
            Self::Sqlite => format!("hex({column})"),
            Self::Postgres => format!("encode({column}, 'hex')"),
        });
        format!(
            "SELECT {list}({array}(t.ref, t.company_id, t.client_id, t.required_scopes, \
             t.granted_scopes, {sealed}, {print}, r.reference, \
             {array}({}))){text} AS rows FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id \
             LEFT JOIN tenant_key k ON k.tenant_id = s.tenant_id \
             AND k.generation = s.generation \
             LEFT JOIN key_reference r ON r.tenant_id = s.tenant_id WHERE s.tenant_id IN ({})",
            select_state(),
            self.numbers(1)
        )
    }

    /// Saves a JSON list of `[id, version, accepted_at, due_at]` (`$1`), each only if its version is
    /// still the one it was read with, and ends leases held as `$2`. Nearly all that is ever saved changes no more than this.
    pub fn save_seen(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("version", "bigint"),
            ("accepted_at", "bigint"),
            ("due_at", "bigint"),
        ]);
        self.update(&rows, &["accepted_at", "due_at"])
    }

    /// A select of a JSON list of lists (`$1`), with these columns and their PostgreSQL types.
    pub fn list(self, columns: &[(&str, &str)]) -> String {
        let fields = columns.iter().enumerate().map(|(at, (name, kind))| match self {
            Self::Sqlite => format!("json_extract(value, '$[{at}]') AS {name}"),
            Self::Postgres => format!("(value->>{at})::{kind} AS {name}"),
        });
        let from = match self {
            Self::Sqlite => "json_each($1)",
            Self::Postgres => "jsonb_array_elements($1::jsonb)",
        };
        format!("SELECT {} FROM {from}", fields.collect::<Vec<_>>().join(", "))
    }

    /// Notes for a JSON list of `[tenant, client]` (`$1`) which client a key was accepted for, where
    /// none is noted yet.
    pub fn note_clients(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("client_id", "text")]);
        format!(
            "UPDATE tenant SET client_id = v.client_id FROM ({rows}) AS v \
             WHERE tenant.id = v.tenant_id AND tenant.client_id IS NULL"
        )
    }

    /// Binds tenants to other companies: `[tenant, company]` (`$1`).
    pub fn rebind(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("company_id", "text")]);
        format!(
            "UPDATE tenant SET company_id = v.company_id FROM ({rows}) AS v \
             WHERE tenant.id = v.tenant_id"
        )
    }

    /// Opens episodes: `[tenant, number, began_at, opened_at]` (`$1`).
    pub fn open_episodes(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("number", "bigint"),
            ("began_at", "bigint"),
            ("opened_at", "bigint"),
        ]);
        format!("INSERT INTO episode (tenant_id, number, began_at, opened_at) {rows}")
    }

    /// Closes episodes that are open: `[tenant, number, closed_at, outcome]` (`$1`).
    pub fn close_episodes(self) -> String {
        let rows = self.list(&[
            ("tenant_id", "bigint"),
            ("number", "bigint"),
            ("closed_at", "bigint"),
            ("outcome", "text"),
        ]);
        format!(
            "UPDATE episode SET closed_at = v.closed_at, outcome = v.outcome FROM ({rows}) AS v \
             WHERE episode.tenant_id = v.tenant_id AND episode.number = v.number \
             AND episode.closed_at IS NULL"
        )
    }

    /// Writes messages down: `[id, tenant, episode, audience, stage, dedup_key, body, owed_at]`
    /// (`$1`). The dedup key makes a second one of the same stage impossible; good news is owed only
    /// to those who were owed the bad, and a reminder as well. To be sent is what is decided while the
    /// installation tells those it is for; of a story that began in shadow, nothing.
    pub fn owe(self) -> String {
        let columns = [
            ("id", "text"),
            ("tenant_id", "bigint"),
            ("episode", "bigint"),
            ("audience", "text"),
            ("stage", "text"),
            ("dedup_key", "text"),
            ("body", "text"),
            ("owed_at", "bigint"),
        ];
        let names = columns.map(|(name, _)| name).join(", ");
        let first = "EXISTS (SELECT 1 FROM message m WHERE m.tenant_id = v.tenant_id \
             AND m.episode = v.episode AND m.audience = v.audience AND m.stage = 'first' \
             AND m.state";
        let follows = "(v.stage = 'resolved' OR v.stage LIKE 'reminder-%')";
        format!(
            "INSERT INTO message ({names}, state) SELECT {names}, \
             CASE WHEN {} AND (NOT {follows} OR {first} = 'owed')) THEN 'owed' ELSE 'shadow' END \
             FROM ({}) AS v WHERE NOT {follows} OR {first} <> 'cancelled') \
             ON CONFLICT (dedup_key) DO NOTHING",
            super::mode::reaches("v"),
            self.list(&columns)
        )
    }

    /// Deletes sealed keys: `[tenant, generation, …]` (`$1`).
    pub fn destroy_keys(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("generation", "bigint")]);
        format!(
            "DELETE FROM tenant_key WHERE tenant_id IN (SELECT v.tenant_id FROM ({rows}) AS v) \
             AND EXISTS (SELECT 1 FROM ({rows}) AS v \
             WHERE tenant_key.tenant_id = v.tenant_id AND tenant_key.generation = v.generation)"
        )
    }

    /// A select of a JSON list of rows (`$1`), with every column of its own type.
    fn rows(self) -> String {
        match self {
            Self::Sqlite => {
                let fields: Vec<String> = COLUMNS
                    .iter()
                    .map(|(column, _)| format!("json_extract(value, '$.{column}') AS {column}"))
                    .collect();
                format!("SELECT {} FROM json_each($1)", fields.join(", "))
            }
            Self::Postgres => {
                let fields: Vec<String> =
                    COLUMNS.iter().map(|(column, kind)| format!("{column} {kind}")).collect();
                format!("SELECT * FROM jsonb_to_recordset($1::jsonb) AS v({})", fields.join(", "))
            }
        }
    }

    /// Inserts a JSON list of rows (`$1`).
    pub fn insert(self) -> String {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        format!("INSERT INTO tenant_state ({names}) SELECT {names} FROM ({}) AS v", self.rows())
    }

    /// Saves a JSON list of rows (`$1`), each only if its version is still the one it was read
    /// with, and ends leases held as `$2`.
    pub fn save(self) -> String {
        let names = COLUMNS.iter().map(|(name, _)| *name);
        let names: Vec<_> =
            names.filter(|name| !matches!(*name, "tenant_id" | "version")).collect();
        self.update(&self.rows(), &names)
    }

    /// What makes such a statement give back the ids that were saved.
    pub fn saved(self) -> &'static str {
        match self {
            Self::Sqlite => " RETURNING tenant_id",
            Self::Postgres => " RETURNING s.tenant_id",
        }
    }

    /// Sets these columns to what `rows` says. `PostgreSQL` locks the rows in the order of their
    /// ids first, so that two batches cannot wait for each other.
    fn update(self, rows: &str, columns: &[&str]) -> String {
        let set: Vec<_> = columns.iter().map(|name| format!("{name} = v.{name}")).collect();
        let set = format!(
            "version = s.version + 1, lease = CASE WHEN s.lease = $2 THEN NULL ELSE s.lease END, \
             lease_until = CASE WHEN s.lease = $2 THEN NULL ELSE s.lease_until END, {}",
            set.join(", ")
        );
        let rule = "s.tenant_id = v.tenant_id AND s.version = v.version";
        match self {
            Self::Sqlite => {
                format!("UPDATE tenant_state AS s SET {set} FROM ({rows}) AS v WHERE {rule}")
            }
            Self::Postgres => format!(
                "WITH v AS MATERIALIZED ({rows}), \
                 locked AS MATERIALIZED (SELECT s.tenant_id FROM tenant_state s \
                 JOIN v ON v.tenant_id = s.tenant_id ORDER BY s.tenant_id FOR UPDATE OF s) \
                 UPDATE tenant_state AS s SET {set} FROM v, locked \
                 WHERE {rule} AND locked.tenant_id = s.tenant_id"
            ),
        }
    }

    /// Charges `$2` microseconds to the budget `$1` if it is free by `$3`, and not held by the row
    /// `$5`. A budget that was never charged has no row and is free. So is one that is charged
    /// further ahead than `$4` microseconds, which no honest charge does: a clock was wrong when it
    /// was made.
    pub fn charge(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "INSERT INTO budget (name, arrival_at) SELECT $1, $3 + $2 WHERE NOT EXISTS \
                 (SELECT 1 FROM budget h WHERE h.name = $5 AND h.arrival_at > $3 \
                 AND h.arrival_at <= $3 + $4) \
                 ON CONFLICT (name) DO UPDATE SET arrival_at = $3 + $2 \
                 WHERE budget.arrival_at <= $3 OR budget.arrival_at > $3 + $4 \
                 RETURNING arrival_at"
            }
            Self::Postgres => {
                "INSERT INTO budget (name, arrival_at) SELECT $1, $3::bigint + $2::bigint \
                 WHERE NOT EXISTS (SELECT 1 FROM budget h WHERE h.name = $5 \
                 AND h.arrival_at > $3::bigint AND h.arrival_at <= $3::bigint + $4::bigint) \
                 ON CONFLICT (name) DO UPDATE SET arrival_at = $3::bigint + $2::bigint \
                 WHERE budget.arrival_at <= $3::bigint \
                 OR budget.arrival_at > $3::bigint + $4::bigint RETURNING arrival_at"
            }
        }
    }

    /// Holds the budget by the row `$1` until `$2`, unless it is held for longer already.
    pub fn hold(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "INSERT INTO budget (name, arrival_at) VALUES ($1, $2) ON CONFLICT (name) \
                 DO UPDATE SET arrival_at = max(budget.arrival_at, $2)"
            }
            Self::Postgres => {
                "INSERT INTO budget (name, arrival_at) VALUES ($1, $2) ON CONFLICT (name) \
                 DO UPDATE SET arrival_at = greatest(budget.arrival_at, $2)"
            }
        }
    }
}

/// Up to `$3` rows that are due by `$1` and free at `$2`, those first that are due first.
fn due(suspects: bool) -> String {
    let who = if suspects {
        " AND doubt_kind IS NOT NULL AND status <> 'needs_reconnection'"
    } else {
        ""
    };
    format!(
        "SELECT tenant_id FROM tenant_state WHERE due_at <= $1 AND \
         (lease_until IS NULL OR lease_until <= $2){who} ORDER BY due_at LIMIT $3"
    )
}
