//! The public key that copies of keys are sealed to. There is one at a time; what it is good for,
//! only `vault` knows.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

use super::audit::Draft;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// Who copies of keys are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientRow {
    /// The public key as a text.
    pub public_key: String,
    /// What people call it.
    pub name: String,
    /// When it was added.
    pub added_at: DateTime<Utc>,
}

impl Store {
    /// The recipient, if one is registered.
    pub async fn recipient(&self) -> Result<Option<RecipientRow>, StoreError> {
        self.recipient_seen_by(&self.read).await
    }

    /// Registers a recipient in place of the one before. Copies that were sealed to another one are
    /// destroyed in the same transaction; they stay owed and wait to be sealed anew, also those
    /// that were fetched and not acknowledged.
    pub async fn set_recipient(&self, new: &RecipientRow) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        self.lock_recipient(&tx, Lock::Alone).await?;
        let before = self.recipient_seen_by(&tx).await?;
        tx.execute_raw(self.statement("DELETE FROM recipient", [])).await?;
        let sql = "INSERT INTO recipient (public_key, name, added_at) VALUES ($1, $2, $3)";
        let values: [Value; 3] =
            [new.public_key.as_str().into(), new.name.as_str().into(), micros(new.added_at).into()];
        tx.execute_raw(self.statement(sql, values)).await?;
        if before.is_none_or(|before| before.public_key != new.public_key) {
            self.unseal_all(&tx).await?;
        }
        let draft = Draft::of("recipient.registered").fact("public_key", new.public_key.as_str());
        self.append(&tx, &[draft.detail("name", new.name.as_str())]).await?;
        tx.commit().await?;
        self.empty_log().await?;
        Ok(())
    }

    /// Forgets the recipient of that name and destroys all copies that were sealed to it; they stay
    /// owed. Says whether there was one.
    pub async fn remove_recipient(&self, name: &str) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        self.lock_recipient(&tx, Lock::Alone).await?;
        let sql = "DELETE FROM recipient WHERE name = $1";
        if tx.execute_raw(self.statement(sql, [name.into()])).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.unseal_all(&tx).await?;
        self.append(&tx, &[Draft::of("recipient.removed").detail("name", name)]).await?;
        tx.commit().await?;
        self.empty_log().await?;
        Ok(true)
    }

    /// The public key that copies are sealed to, which nobody exchanges until the transaction ends.
    pub(super) async fn hold_recipient(
        &self,
        tx: &DatabaseTransaction,
    ) -> Result<Option<String>, StoreError> {
        self.lock_recipient(tx, Lock::Shared).await?;
        Ok(self.recipient_seen_by(tx).await?.map(|recipient| recipient.public_key))
    }

    async fn recipient_seen_by(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Option<RecipientRow>, StoreError> {
        let sql = "SELECT public_key, name, added_at FROM recipient";
        let Some(row) = connection.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(None);
        };
        let bad = || StoreError::Refused { code: "a recipient that cannot be read".to_owned() };
        Ok(Some(RecipientRow {
            public_key: row.try_get("", "public_key")?,
            name: row.try_get("", "name")?,
            added_at: time(row.try_get("", "added_at")?).ok_or_else(bad)?,
        }))
    }

    async fn unseal_all(&self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        let sql = "UPDATE handover SET sealed = NULL, recipient = NULL, fetched_at = NULL \
                   WHERE acknowledged_at IS NULL";
        tx.execute_raw(self.statement(sql, [])).await?;
        Ok(())
    }

    async fn lock_recipient(&self, tx: &DatabaseTransaction, lock: Lock) -> Result<(), StoreError> {
        if let Some(sql) = self.dialect.lock_recipient(lock) {
            tx.execute_raw(self.statement(sql, [])).await?;
        }
        Ok(())
    }
}

/// Beside whom.
#[derive(Clone, Copy)]
enum Lock {
    /// Beside others who seal.
    Shared,
    /// Beside nobody who seals or exchanges.
    Alone,
}

impl Dialect {
    /// Keeps the recipient as it is, or everybody else away; `SQLite` has one writer at a time anyway.
    fn lock_recipient(self, lock: Lock) -> Option<&'static str> {
        match (self, lock) {
            (Self::Sqlite, _) => None,
            (Self::Postgres, Lock::Shared) => Some("LOCK TABLE recipient IN ROW SHARE MODE"),
            (Self::Postgres, Lock::Alone) => Some("LOCK TABLE recipient IN EXCLUSIVE MODE"),
        }
    }
}
