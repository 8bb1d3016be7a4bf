//! Tokens of the private API, by their hashes. It knows no token, and not what a role may do.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use super::audit::Draft;
use super::row::{micros, time};
use super::{Store, StoreError};

/// When a token was used is noted at most so often.
const NOTED: TimeDelta = TimeDelta::minutes(1);

/// More tokens than this are not listed; the newest are.
const MOST_LISTED: i64 = 10_000;

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its public name.
    pub id: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// The word of its role.
    pub role: String,
    /// What people call it.
    pub name: String,
    /// Until when it is taken.
    pub expires_at: DateTime<Utc>,
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptToken {
    /// Its public name.
    pub id: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// The word of its role.
    pub role: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// Until when it is taken.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is not taken any more.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub used_at: Option<DateTime<Utc>>,
}

impl KeptToken {
    /// Whether it is taken at this moment. One whose times cannot be read is not.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_some_and(|at| now < at)
    }
}

const COLUMNS: &str = "id, hash, role, name, created_at, expires_at, revoked_at, used_at";

impl Store {
    /// Keeps a new token, and chains that it was made.
    pub async fn add_token(&self, new: &NewToken, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "INSERT INTO api_token (id, hash, role, name, created_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values = [
            new.id.as_str().into(),
            new.hash.clone().into(),
            new.role.as_str().into(),
            new.name.as_str().into(),
            micros(now).into(),
            micros(new.expires_at).into(),
        ];
        let made = Draft::of("token.made").fact("token", new.id.as_str());
        let made = made.fact("role", new.role.as_str()).detail("name", new.name.as_str());
        let tx = self.begin().await?;
        tx.execute_raw(self.statement(sql, values)).await?;
        self.append(&tx, &[made]).await?;
        Ok(tx.commit().await?)
    }

    /// The token of that public name.
    pub async fn token(&self, id: &str) -> Result<Option<KeptToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_token WHERE id = $1");
        let row = self.read.query_one_raw(self.statement(sql, [id.into()])).await?;
        row.as_ref().map(token).transpose()
    }

    /// All tokens, the newest first, whether they are still taken or not.
    pub async fn tokens(&self) -> Result<Vec<KeptToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_token ORDER BY created_at DESC, id LIMIT $1");
        let rows = self.read.query_all_raw(self.statement(sql, [MOST_LISTED.into()])).await?;
        rows.iter().map(token).collect()
    }

    /// Takes a token no more, and chains it. Gives back whether that is news; `None` where there is none.
    pub async fn revoke_token(
        &self,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<bool>, StoreError> {
        let sql = "UPDATE api_token SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
        let values = [micros(now).into(), id.into()];
        let tx = self.begin().await?;
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0 {
            self.append(&tx, &[Draft::of("token.revoked").fact("token", id)]).await?;
            tx.commit().await?;
            self.note_withdrawals().await;
            return Ok(Some(true));
        }
        drop(tx);
        Ok(self.token(id).await?.map(|_| false))
    }

    /// Notes that a token was used, if that was not noted a moment ago.
    pub async fn note_token(
        &self,
        token: &KeptToken,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if token.used_at.is_some_and(|at| now - at < NOTED) {
            return Ok(());
        }
        let sql = "UPDATE api_token SET used_at = $1 WHERE id = $2";
        let values = [micros(now).into(), token.id.as_str().into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }
}

fn token(row: &QueryResult) -> Result<KeptToken, StoreError> {
    let moment = |column| -> Result<_, StoreError> {
        let micros: Option<i64> = row.try_get("", column)?;
        Ok(micros.and_then(time))
    };
    Ok(KeptToken {
        id: row.try_get("", "id")?,
        hash: row.try_get("", "hash")?,
        role: row.try_get("", "role")?,
        name: row.try_get("", "name")?,
        created_at: moment("created_at")?,
        expires_at: moment("expires_at")?,
        revoked_at: moment("revoked_at")?,
        used_at: moment("used_at")?,
    })
}
