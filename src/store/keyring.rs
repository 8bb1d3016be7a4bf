//! The wrapped keys of the keyring. What they are good for, only `vault` knows.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder};

use super::entity::data_key;
use super::{Store, StoreError};

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

impl Store {
    /// All keys of the keyring; none in a database that is new.
    pub async fn keyring(&self) -> Result<Vec<KeyringRow>, StoreError> {
        keyring(&self.read).await
    }

    /// Keeps a new keyring, unless there is one: of several processes that begin together, the
    /// first one's keyring holds for all. Gives back the one that is kept.
    pub async fn init_keyring(&self, rows: &[KeyringRow]) -> Result<Vec<KeyringRow>, StoreError> {
        let tx = self.begin().await?;
        if self.dialect == super::Dialect::Postgres {
            let lock = self.statement("LOCK TABLE data_key IN EXCLUSIVE MODE", []);
            tx.execute_raw(lock).await?;
        }
        let kept = keyring(&tx).await?;
        if !kept.is_empty() {
            return Ok(kept);
        }
        let models = rows.iter().map(|row| data_key::ActiveModel {
            role: Set(row.role.clone()),
            id: Set(i64::from(row.id)),
            wrapped: Set(row.wrapped.clone()),
            created_at: Set(row.created_at),
            retired_at: Set(row.retired_at),
        });
        data_key::Entity::insert_many(models).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(rows.to_vec())
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
