//! Who is signed in to the console: sessions by the hashes of their cookies. What a session may do is
//! not kept with it; that is asked of the token or the proxy each time.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use super::audit::Draft;
use super::row::{micros, time};
use super::{Store, StoreError};

/// When somebody was there is noted at most so often.
const NOTED: TimeDelta = TimeDelta::minutes(1);

/// Whose a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// Whoever has the API token of that public name.
    Token(String),
    /// Somebody whom a proxy has let through under that name.
    Person(String),
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub holder: SignedIn,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When somebody was there last, to the minute.
    pub seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// Begins a session, and chains it. `hash` is SHA-256 of what the cookie holds.
    pub async fn begin_session(&self, hash: &[u8], session: &Session) -> Result<(), StoreError> {
        let sql = "INSERT INTO console_session \
                   (hash, token_id, person, created_at, seen_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let (token, person) = match &session.holder {
            SignedIn::Token(id) => (Some(id.as_str()), None),
            SignedIn::Person(name) => (None, Some(name.as_str())),
        };
        let values = [
            hash.to_vec().into(),
            token.into(),
            person.into(),
            micros(session.created_at).into(),
            micros(session.seen_at).into(),
            micros(session.expires_at).into(),
        ];
        let tx = self.begin().await?;
        tx.execute_raw(self.statement(sql, values)).await?;
        self.append(&tx, &[Draft::of("console.signed_in")]).await?;
        Ok(tx.commit().await?)
    }

    /// The session of that hash, unless it has expired or nobody has been there for `idle`.
    pub async fn session(
        &self,
        hash: &[u8],
        idle: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT token_id, person, created_at, seen_at, expires_at FROM console_session \
                   WHERE hash = $1 AND expires_at > $2 AND seen_at > $3";
        let values = [hash.to_vec().into(), micros(now).into(), micros(now - idle).into()];
        let row = self.read.query_one_raw(self.statement(sql, values)).await?;
        Ok(row.as_ref().map(session).transpose()?.flatten())
    }

    /// Notes that somebody was there, if that was not noted a moment ago.
    pub async fn note_session(
        &self,
        hash: &[u8],
        session: &Session,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if now - session.seen_at < NOTED {
            return Ok(());
        }
        let sql = "UPDATE console_session SET seen_at = $2 WHERE hash = $1";
        let values = [hash.to_vec().into(), micros(now).into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Ends a session, and chains it. Gives back whether there was one.
    pub async fn end_session(&self, hash: &[u8]) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        let sql = "DELETE FROM console_session WHERE hash = $1";
        let statement = self.statement(sql, [hash.to_vec().into()]);
        if tx.execute_raw(statement).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.append(&tx, &[Draft::of("console.signed_out")]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Forgets sessions that have expired. Gives back how many.
    pub async fn forget_sessions(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "DELETE FROM console_session WHERE expires_at <= $1";
        let statement = self.statement(sql, [micros(now).into()]);
        Ok(self.write.execute_raw(statement).await?.rows_affected())
    }
}

/// Nothing of a row that nobody could have written.
fn session(row: &QueryResult) -> Result<Option<Session>, StoreError> {
    let moment = |column| -> Result<_, StoreError> { Ok(time(row.try_get("", column)?)) };
    let (token, person): (Option<String>, Option<String>) =
        (row.try_get("", "token_id")?, row.try_get("", "person")?);
    let holder = token.map(SignedIn::Token).or(person.map(SignedIn::Person));
    let times = (moment("created_at")?, moment("seen_at")?, moment("expires_at")?);
    let (Some(holder), (Some(created_at), Some(seen_at), Some(expires_at))) = (holder, times)
    else {
        return Ok(None);
    };
    Ok(Some(Session { holder, created_at, seen_at, expires_at }))
}
