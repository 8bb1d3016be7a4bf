//! Requests that carry a name of their own, so that a repetition gets the first answer again. It
//! knows a keyed hash of a request and the answer, never the request.
//!
//! A claim is a row without an answer. Whoever made it may have died: after a while another takes it
//! over, and the work is done again, which no work of ours minds.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::micros;
use super::{Store, StoreError};

/// For how long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// A claim without an answer for so long belongs to nobody; longer than any request takes.
const ABANDONED: TimeDelta = TimeDelta::minutes(3);

/// A request that may be a repetition.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Keyed hash of who asks and the name that they gave the request.
    pub name: &'a [u8; 32],
    /// Keyed hash of all else that makes the request.
    pub request: &'a [u8; 32],
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is new: whoever asks is to do the work and then [`Store::answered`] or
    /// [`Store::unclaim`].
    New,
    /// It is under way.
    UnderWay,
    /// It was answered so.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Another request was made under this name.
    Other,
}

impl Store {
    /// Claims a request for `claim`, a name of the caller's own.
    pub async fn claim_request(
        &self,
        request: &Request<'_>,
        claim: &str,
        now: DateTime<Utc>,
    ) -> Result<Claimed, StoreError> {
        let Request { name, request } = *request;
        // What has expired counts as never asked; an abandoned claim is taken over only for the
        // same request.
        let sql = "INSERT INTO api_answer (name, request, claim, claimed_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET \
                   request = excluded.request, claim = excluded.claim, \
                   claimed_at = excluded.claimed_at, expires_at = excluded.expires_at, \
                   status = NULL, body = NULL \
                   WHERE api_answer.expires_at <= $4 OR (api_answer.status IS NULL \
                   AND api_answer.claimed_at <= $6 AND api_answer.request = excluded.request)";
        let values = [
            name.to_vec().into(),
            request.to_vec().into(),
            claim.into(),
            micros(now).into(),
            micros(now + KEPT).into(),
            micros(now - ABANDONED).into(),
        ];
        if self.write.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0 {
            return Ok(Claimed::New);
        }
        let sql = "SELECT request, status, body FROM api_answer WHERE name = $1";
        let row = self.write.query_one_raw(self.statement(sql, [name.to_vec().into()])).await?;
        let Some(row) = row else {
            // It was given up this moment: whoever asks again finds it free.
            return Ok(Claimed::UnderWay);
        };
        let known: Vec<u8> = row.try_get("", "request")?;
        if known.as_slice() != request.as_slice() {
            return Ok(Claimed::Other);
        }
        let status: Option<i64> = row.try_get("", "status")?;
        let body: Option<String> = row.try_get("", "body")?;
        Ok(match status.and_then(|status| u16::try_from(status).ok()) {
            Some(status) => Claimed::Answered { status, body: body.unwrap_or_default() },
            None => Claimed::UnderWay,
        })
    }

    /// Keeps the answer to a request, unless somebody else has taken it over.
    pub async fn answered(
        &self,
        name: &[u8; 32],
        claim: &str,
        status: u16,
        body: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE api_answer SET status = $1, body = $2 WHERE name = $3 AND claim = $4";
        let values = [i64::from(status).into(), body.into(), name.to_vec().into(), claim.into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Gives a claim up: the same request may be made again, as if for the first time.
    pub async fn unclaim(&self, name: &[u8; 32], claim: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM api_answer WHERE name = $1 AND claim = $2 AND status IS NULL";
        let values = [name.to_vec().into(), claim.into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Forgets answers that have been kept long enough; gives back how many.
    pub async fn forget_answers(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "DELETE FROM api_answer WHERE expires_at <= $1";
        let done = self.write.execute_raw(self.statement(sql, [micros(now).into()])).await?;
        Ok(done.rows_affected())
    }
}
