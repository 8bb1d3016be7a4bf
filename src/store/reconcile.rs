//! Lists of the keys that the integration uses, by keyed fingerprint. A list is built up beside the
//! one that counts and takes its place as a whole, or not at all. Who is on it and what it means,
//! others say.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use crate::ids::TenantId;
use crate::ids::TenantRef;

use super::audit::Draft;
use super::reseal::SealedRow;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// Entries that are deleted in one transaction.
const SWEEP: i64 = 2_000;
/// A list that is not complete after this was given up by whoever pushed it.
const GIVEN_UP: TimeDelta = TimeDelta::hours(1);

/// One key of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Whose.
    pub reference: TenantRef,
    /// Its keyed fingerprint.
    pub fingerprint: [u8; 32],
}

/// What the list that counts says of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// When the list was pushed.
    pub pushed_at: DateTime<Utc>,
    /// The fingerprint of its key; `None` where the tenant is not on it.
    pub fingerprint: Option<[u8; 32]>,
    /// Since when its key lies here; `None` where none does.
    pub taken_at: Option<DateTime<Utc>>,
}

/// A tenant with its key, and what a list says of it.
#[derive(Clone)]
pub struct ListedTenant {
    /// The integration's own name for it.
    pub reference: String,
    /// Whose key it is.
    pub id: TenantId,
    /// The key as it lies here; `None` once it was destroyed.
    pub key: Option<SealedRow>,
    /// Since when it lies here.
    pub taken_at: Option<DateTime<Utc>>,
    /// The word of the tenant's cause.
    pub cause: Option<String>,
    /// The fingerprint on the list; `None` where the tenant is not on it.
    pub fingerprint: Option<[u8; 32]>,
}

/// What came of comparing a list with the keys that lie here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Both sides have the same key.
    pub same: u64,
    /// They have different ones.
    pub differs: u64,
    /// There is a key here and none on the list.
    pub only_here: u64,
    /// There is one on the list and none here.
    pub only_there: u64,
}

impl Outcomes {
    /// Each with the word for it, in the order in which they are shown.
    pub fn named(&self) -> [(&'static str, u64); 4] {
        [
            ("same", self.same),
            ("differs", self.differs),
            ("only_here", self.only_here),
            ("only_there", self.only_there),
        ]
    }
}

/// The list that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// When it was pushed.
    pub pushed_at: DateTime<Utc>,
    /// How many keys are on it.
    pub entries: u64,
    /// What came of comparing it then; `None` while that is not done.
    pub outcomes: Option<Outcomes>,
}

impl Store {
    /// Begins a list that does not count yet, and gives back its number. What others began and gave up
    /// is deleted.
    pub async fn begin_list(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        self.sweep_lists(now).await?;
        let sql = "INSERT INTO reconcile_list (pushed_at, complete, entries) VALUES ($1, 0, 0) \
                   RETURNING id";
        let row = self.write.query_one_raw(self.statement(sql, [micros(now).into()])).await?;
        let lost = || StoreError::Refused { code: "a list without a number".to_owned() };
        Ok(row.ok_or_else(lost)?.try_get("", "id")?)
    }

    /// Adds keys to a list that does not count yet, in one transaction. Gives back the references that
    /// are on it already; then nothing is added.
    pub async fn add_to_list(
        &self,
        list: i64,
        entries: &[Listed],
    ) -> Result<Vec<String>, StoreError> {
        let tx = self.begin().await?;
        let refs: Vec<&str> = entries.iter().map(|entry| entry.reference.as_str()).collect();
        let sql = format!(
            "SELECT ref FROM reconcile_entry WHERE list_id = $1 AND ref IN ({})",
            self.dialect.texts(2)
        );
        let rows =
            tx.query_all_raw(self.statement(sql, [list.into(), json(&refs)?.into()])).await?;
        let repeated: Vec<String> =
            rows.iter().map(|row| row.try_get("", "ref")).collect::<Result<_, _>>()?;
        if !repeated.is_empty() {
            tx.rollback().await?;
            return Ok(repeated);
        }
        let rows: Vec<(&str, String)> = entries
            .iter()
            .map(|entry| (entry.reference.as_str(), hex(&entry.fingerprint)))
            .collect();
        let values = [json(&rows)?.into(), list.into()];
        tx.execute_raw(self.statement(self.dialect.add_listed(), values)).await?;
        tx.commit().await?;
        Ok(repeated)
    }

    /// Makes a list the one that counts. `false` where one that was begun later counts already, or this
    /// one was taken for given up: then nothing has changed.
    pub async fn complete_list(&self, list: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE reconcile_list SET complete = 1, entries = (SELECT COUNT(*) \
                   FROM reconcile_entry e WHERE e.list_id = $1) WHERE id = $1 AND NOT EXISTS \
                   (SELECT 1 FROM reconcile_list n WHERE n.complete = 1 AND n.id > $1) \
                   RETURNING entries";
        let tx = self.begin().await?;
        let Some(row) = tx.query_one_raw(self.statement(sql, [list.into()])).await? else {
            return Ok(false);
        };
        let keys: i64 = row.try_get("", "entries")?;
        self.append(&tx, &[Draft::of("list.pushed").fact("keys", keys)]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes what came of comparing a list.
    pub async fn note_outcomes(&self, list: i64, found: &Outcomes) -> Result<(), StoreError> {
        let sql = "UPDATE reconcile_list SET same = $2, differs = $3, only_here = $4, \
                   only_there = $5 WHERE id = $1";
        let number = |(_, count): (_, u64)| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let values = std::iter::once(list.into()).chain(found.named().map(number));
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Deletes a list, some entries at a time.
    pub async fn drop_list(&self, list: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM reconcile_entry WHERE list_id = $1 AND ref IN \
                   (SELECT ref FROM reconcile_entry WHERE list_id = $1 ORDER BY ref LIMIT $2)";
        loop {
            let statement = self.statement(sql, [list.into(), SWEEP.into()]);
            if self.write.execute_raw(statement).await?.rows_affected() == 0 {
                break;
            }
        }
        let sql = "DELETE FROM reconcile_list WHERE id = $1";
        self.write.execute_raw(self.statement(sql, [list.into()])).await?;
        Ok(())
    }

    /// Deletes the lists that count no longer, and those that were given up.
    pub async fn sweep_lists(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "SELECT id FROM reconcile_list WHERE (complete = 0 AND pushed_at < $1) OR id < \
                   (SELECT MAX(id) FROM reconcile_list WHERE complete = 1) AND complete = 1";
        let statement = self.statement(sql, [micros(now - GIVEN_UP).into()]);
        let rows = self.read.query_all_raw(statement).await?;
        for row in rows {
            self.drop_list(row.try_get("", "id")?).await?;
        }
        Ok(())
    }

    /// The list that counts, if there is one.
    pub async fn reconciled(&self) -> Result<Option<Reconciled>, StoreError> {
        let sql = "SELECT pushed_at, entries, same, differs, only_here, only_there \
                   FROM reconcile_list WHERE complete = 1 ORDER BY id DESC LIMIT 1";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let count = |name: &str| -> Result<Option<u64>, StoreError> {
            Ok(row.try_get::<Option<i64>>("", name)?.map(i64::unsigned_abs))
        };
        let outcomes = match (count("same")?, count("differs")?) {
            (Some(same), Some(differs)) => Some(Outcomes {
                same,
                differs,
                only_here: count("only_here")?.unwrap_or_default(),
                only_there: count("only_there")?.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Some(Reconciled {
            pushed_at: moment(&row, "pushed_at")?.ok_or_else(bad)?,
            entries: count("entries")?.unwrap_or_default(),
            outcomes,
        }))
    }

    /// What the list that counts says of a tenant; `None` where there is none.
    pub async fn listed(&self, tenant: TenantId) -> Result<Option<ListedKey>, StoreError> {
        let sql = "SELECT l.pushed_at, e.fingerprint, k.created_at FROM tenant t \
                   JOIN reconcile_list l ON l.id = \
                   (SELECT MAX(id) FROM reconcile_list WHERE complete = 1) \
                   LEFT JOIN reconcile_entry e ON e.list_id = l.id AND e.ref = t.ref \
                   LEFT JOIN tenant_key k ON k.tenant_id = t.id WHERE t.id = $1";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?
        else {
            return Ok(None);
        };
        Ok(Some(ListedKey {
            pushed_at: moment(&row, "pushed_at")?.ok_or_else(bad)?,
            fingerprint: fingerprint(&row)?,
            taken_at: moment(&row, "created_at")?,
        }))
    }

    /// Up to `limit` tenants whose ids come after `after`, in the order of the ids, each with its key
    /// and what that list says of it.
    pub async fn listed_tenants(
        &self,
        list: i64,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<ListedTenant>, StoreError> {
        let sql = "SELECT t.id, t.ref, s.cause, k.generation, k.key_id, k.sealed, k.created_at, \
                   e.fingerprint FROM tenant t JOIN tenant_state s ON s.tenant_id = t.id \
                   LEFT JOIN tenant_key k ON k.tenant_id = t.id \
                   LEFT JOIN reconcile_entry e ON e.list_id = $1 AND e.ref = t.ref \
                   WHERE t.id > $2 ORDER BY t.id LIMIT $3";
        // Ids are positive.
        let values = [list.into(), after.map_or(0, TenantId::raw).into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(listed_tenant).collect()
    }

    /// Up to `limit` references on a list that no tenant has, and how many there are of them.
    pub async fn unknown_on_list(
        &self,
        list: i64,
        limit: u32,
    ) -> Result<(u64, Vec<String>), StoreError> {
        let from = "FROM reconcile_entry e WHERE e.list_id = $1 AND NOT EXISTS \
                    (SELECT 1 FROM tenant t WHERE t.ref = e.ref)";
        let sql = format!("SELECT COUNT(*) AS unknown {from}");
        let row = self.read.query_one_raw(self.statement(sql, [list.into()])).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "unknown"))?;
        let sql = format!("SELECT e.ref {from} ORDER BY e.ref LIMIT $2");
        let values = [list.into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let refs = rows.iter().map(|row| row.try_get("", "ref")).collect::<Result<_, _>>()?;
        Ok((count.unsigned_abs(), refs))
    }
}

impl Dialect {
    /// Adds `[ref, fingerprint in hexadecimal digits]` (`$1`) to the list `$2`.
    fn add_listed(self) -> String {
        let rows = self.list(&[("ref", "text"), ("fingerprint", "text")]);
        let bytes = match self {
            Self::Sqlite => "unhex(v.fingerprint)",
            Self::Postgres => "decode(v.fingerprint, 'hex')",
        };
        format!(
            "INSERT INTO reconcile_entry (list_id, ref, fingerprint) \
             SELECT CAST($2 AS bigint), v.ref, {bytes} FROM ({rows}) AS v WHERE TRUE"
        )
    }
}

#[derive(FromQueryResult)]
struct KeyRow {
    generation: Option<i64>,
    key_id: Option<i64>,
    sealed: Option<Vec<u8>>,
}

fn listed_tenant(row: &QueryResult) -> Result<ListedTenant, StoreError> {
    let id = TenantId::from_raw(row.try_get("", "id")?);
    let key = KeyRow::from_query_result(row, "")?;
    let whole = |number: i64| u32::try_from(number).map_err(|_| bad());
    let key = match (key.generation, key.key_id, key.sealed) {
        (Some(generation), Some(key_id), Some(sealed)) => Some(SealedRow {
            tenant: id,
            generation: whole(generation)?,
            key_id: whole(key_id)?,
            sealed,
        }),
        _ => None,
    };
    Ok(ListedTenant {
        reference: row.try_get("", "ref")?,
        id,
        key,
        taken_at: moment(row, "created_at")?,
        cause: row.try_get("", "cause")?,
        fingerprint: fingerprint(row)?,
    })
}

fn fingerprint(row: &QueryResult) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get("", "fingerprint")?;
    bytes.map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| bad())).transpose()
}

fn moment(row: &QueryResult, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(row.try_get::<Option<i64>>("", column)?.and_then(time))
}

fn bad() -> StoreError {
    StoreError::Refused { code: "a list of the integration's keys that cannot be read".to_owned() }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Refused { code: "JSON".to_owned() })
}

fn hex(bytes: &[u8; 32]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
