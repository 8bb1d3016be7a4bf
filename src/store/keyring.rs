//! The wrapped keys of the keyring. What they are good for, only `vault` knows.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryOrder};

use super::audit::Draft;
use super::entity::data_key;
use super::reference::ELSEWHERE;
use super::row::micros;
use super::{Store, StoreError};

/// The role of the keys that seal tenants' keys.
const SEAL: &str = "seal";

/// One wrapped key, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringRow {
    /// What it is for.
    pub role: String,
    /// Its number within the keyring.
    pub id: u32,
    /// The key, wrapped by the master key.
    pub wrapped: Vec<u8>,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// Since when it seals nothing new, in microseconds since 1970.
    pub retired_at: Option<i64>,
}

/// What became of the wish to remove a sealing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// There is no such sealing key.
    Absent,
    /// It is not retired: new keys may be sealed with it.
    Sealing,
    /// So many tenants' keys are sealed with it.
    InUse(u64),
}

impl Store {
    /// All keys of the keyring; none in a database that is new.
    pub async fn keyring(&self) -> Result<Vec<KeyringRow>, StoreError> {
        keyring(&self.read).await
    }

    /// Keeps a new keyring, unless there is one: of several processes that begin together, the
    /// first one's keyring holds for all. Gives back the one that is kept.
    pub async fn init_keyring(&self, rows: &[KeyringRow]) -> Result<Vec<KeyringRow>, StoreError> {
        let (tx, kept) = self.locked_keyring().await?;
        if !kept.is_empty() {
            return Ok(kept);
        }
        let models = rows.iter().map(model);
        data_key::Entity::insert_many(models).exec_without_returning(&tx).await?;
        self.append(&tx, &[Draft::of("keyring.created").fact("keys", rows.len())]).await?;
        tx.commit().await?;
        Ok(rows.to_vec())
    }

    /// Adds a sealing key and retires all others, unless the keyring is no longer the one that was
    /// `seen`. From the commit on nothing can be stored that is sealed with another one.
    pub async fn add_sealing_key(
        &self,
        fresh: &KeyringRow,
        seen: &[KeyringRow],
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (tx, kept) = self.locked_keyring().await?;
        if kept != seen || fresh.role != SEAL || kept.iter().any(|row| row.id >= fresh.id) {
            return Ok(false);
        }
        let sql = "UPDATE data_key SET retired_at = $1 WHERE role = $2 AND retired_at IS NULL";
        tx.execute_raw(self.statement(sql, [micros(now).into(), SEAL.into()])).await?;
        data_key::Entity::insert(model(fresh)).exec_without_returning(&tx).await?;
        self.append(&tx, &[Draft::of("keyring.rotated").fact("data_key", fresh.id)]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Removes a retired sealing key for good, if nothing is sealed with it. Counted and removed
    /// under one lock, which waits for everybody who is storing a sealed key at this moment; who
    /// comes later finds the key gone.
    pub async fn remove_sealing_key(&self, id: u32) -> Result<Removal, StoreError> {
        let (tx, kept) = self.locked_keyring().await?;
        let Some(row) = kept.iter().find(|row| row.role == SEAL && row.id == id) else {
            return Ok(Removal::Absent);
        };
        if row.retired_at.is_none() {
            return Ok(Removal::Sealing);
        }
        let count = "SELECT COUNT(*) FROM tenant_key WHERE key_id = $1";
        let count = self.statement(count, [i64::from(id).into()]);
        let sealed: i64 = match tx.query_one_raw(count).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        if sealed != 0 {
            return Ok(Removal::InUse(sealed.unsigned_abs()));
        }
        let delete = "DELETE FROM data_key WHERE role = $1 AND id = $2";
        tx.execute_raw(self.statement(delete, [SEAL.into(), i64::from(id).into()])).await?;
        self.append(&tx, &[Draft::of("keyring.retired").fact("data_key", id)]).await?;
        tx.commit().await?;
        self.empty_log().await?;
        Ok(Removal::Removed)
    }

    /// Exchanges what wraps every key of the keyring, all or none, unless the keyring is no longer
    /// the one that was `seen`.
    pub async fn rewrap_keyring(
        &self,
        fresh: &[KeyringRow],
        seen: &[KeyringRow],
    ) -> Result<bool, StoreError> {
        let (tx, kept) = self.locked_keyring().await?;
        if kept != seen {
            return Ok(false);
        }
        let sql = "UPDATE data_key SET wrapped = $1 WHERE role = $2 AND id = $3";
        for row in fresh {
            let values =
                [row.wrapped.clone().into(), row.role.clone().into(), i64::from(row.id).into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        let same = |row: &KeyringRow| KeyringRow { wrapped: Vec::new(), ..row.clone() };
        // Every row and no other, or one would be left that only the former master key opens.
        if !kept.iter().map(same).eq(fresh.iter().map(same)) {
            return Ok(false);
        }
        self.append(&tx, &[Draft::of("keyring.rewrapped").fact("keys", fresh.len())]).await?;
        tx.commit().await?;
        self.empty_log().await?;
        Ok(true)
    }

    /// To be called in every transaction that stores a sealed key, before it is stored: refuses one
    /// that is sealed with a key that is retired or gone, and keeps the key from being retired or
    /// removed until the transaction ends. Of a key that lies elsewhere nothing is sealed.
    pub(super) async fn hold_sealing_key(
        &self,
        tx: &DatabaseTransaction,
        id: u32,
    ) -> Result<(), StoreError> {
        if id == ELSEWHERE {
            return Ok(());
        }
        let sql = format!(
            "SELECT retired_at FROM data_key WHERE role = $1 AND id = $2{}",
            self.dialect.for_share()
        );
        let statement = self.statement(sql, [SEAL.into(), i64::from(id).into()]);
        let Some(row) = tx.query_one_raw(statement).await? else {
            return Err(StoreError::NotTheSealingKey(id));
        };
        match row.try_get::<Option<i64>>("", "retired_at")? {
            None => Ok(()),
            Some(_) => Err(StoreError::NotTheSealingKey(id)),
        }
    }

    /// A transaction that alone may change the keyring or store sealed keys, and the keyring.
    async fn locked_keyring(&self) -> Result<(DatabaseTransaction, Vec<KeyringRow>), StoreError> {
        let tx = self.begin().await?;
        if let Some(lock) = self.dialect.lock_keyring() {
            tx.execute_raw(self.statement(lock, [])).await?;
        }
        let kept = keyring(&tx).await?;
        Ok((tx, kept))
    }
}

fn model(row: &KeyringRow) -> data_key::ActiveModel {
    data_key::ActiveModel {
        role: Set(row.role.clone()),
        id: Set(i64::from(row.id)),
        wrapped: Set(row.wrapped.clone()),
        created_at: Set(row.created_at),
        retired_at: Set(row.retired_at),
    }
}

async fn keyring(connection: &impl ConnectionTrait) -> Result<Vec<KeyringRow>, StoreError> {
    let rows = data_key::Entity::find().order_by_asc(data_key::Column::Id).all(connection).await?;
    rows.into_iter()
        .map(|row| {
            Ok(KeyringRow {
                id: u32::try_from(row.id).map_err(|_| StoreError::BadRow {
                    table: "data_key",
                    tenant: "none".to_owned(),
                    what: "id",
                })?,
                role: row.role,
                wrapped: row.wrapped,
                created_at: row.created_at,
                retired_at: row.retired_at,
            })
        })
        .collect()
}
