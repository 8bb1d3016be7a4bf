//! Puts a new key in the place of a tenant's key, with all that follows, in one transaction. What the
//! new key is and whether it may, others have decided.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::health::Scopes;
use crate::ids::TenantId;

use super::error::is_unique_violation;
use super::handover::HandOver;
use super::row::micros;
use super::save::{Follows, Verdict};
use super::{ELSEWHERE, Store, StoreError};

/// A new key, sealed for the generation that its tenant's verdict names.
#[derive(Clone, Debug)]
pub struct Successor {
    /// The number of the keyring's key that sealed it, or [`ELSEWHERE`](super::ELSEWHERE) for one
    /// that lies elsewhere, of which nothing is sealed.
    pub key_id: u32,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// The keyed fingerprint; no two tenants have the same.
    pub fingerprint: Vec<u8>,
    /// What people may see of the key.
    pub masked: String,
    /// What it was found to be allowed to do and is held to from now on.
    pub required: Scopes,
    /// Whether a copy of it is owed to the integration.
    pub hand_over: HandOver,
}

/// What became of a replacement. Only [`Replacement::Done`] has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The new key is live, the one before is gone.
    Done,
    /// The tenant's row had changed since it was read.
    Lost,
    /// The key may not be this tenant's.
    Barred(Bearer),
}

/// Who has a key, by its fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// Nobody has it.
    Nobody,
    /// It is the present key of this tenant.
    Tenant(TenantId),
    /// It was withdrawn: whosever it was, it is never accepted again.
    Withdrawn,
}

impl Store {
    /// Who has the key of this fingerprint.
    pub async fn bearer(&self, fingerprint: &[u8]) -> Result<Bearer, StoreError> {
        self.bearer_seen_by(&self.read, fingerprint).await
    }

    /// The one place that says who has a key, before it is tried and again in the transaction that
    /// would make it live.
    async fn bearer_seen_by(
        &self,
        connection: &impl ConnectionTrait,
        fingerprint: &[u8],
    ) -> Result<Bearer, StoreError> {
        if self.is_withdrawn(connection, fingerprint).await? {
            return Ok(Bearer::Withdrawn);
        }
        let sql = "SELECT tenant_id FROM tenant_key WHERE fingerprint = $1";
        let row =
            connection.query_one_raw(self.statement(sql, [fingerprint.to_vec().into()])).await?;
        Ok(match row {
            Some(row) => Bearer::Tenant(TenantId::from_raw(row.try_get("", "tenant_id")?)),
            None => Bearer::Nobody,
        })
    }

    /// Saves the verdict, if the row has not changed since it was read, and in the same transaction
    /// makes the new key live in place of whatever key there was, and a copy of it owed: from the commit on nothing opens
    /// the one before, and on SQLite it is gone from the file and its log. Refused when the data key
    /// that sealed the new one seals no longer.
    pub async fn replace(
        &self,
        verdict: &Verdict,
        new: &Successor,
        lease: &str,
        now: DateTime<Utc>,
    ) -> Result<Replacement, StoreError> {
        let batch = self.batch(std::slice::from_ref(verdict))?;
        let tx = self.begin().await?;
        self.hold_sealing_key(&tx, new.key_id).await?;
        match self.bearer_seen_by(&tx, &new.fingerprint).await? {
            Bearer::Nobody => {}
            // Somebody has just given this tenant this very key.
            Bearer::Tenant(tenant) if tenant == verdict.tenant => return Ok(Replacement::Lost),
            bearer => return Ok(Replacement::Barred(bearer)),
        }
        // What was begun is rolled back when it is dropped.
        if !self.save_all(&tx, &batch, lease).await? {
            return Ok(Replacement::Lost);
        }
        let sql = "INSERT INTO tenant_key (tenant_id, generation, key_id, sealed, fingerprint, \
                   masked, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                   ON CONFLICT (tenant_id) DO UPDATE SET generation = excluded.generation, \
                   key_id = excluded.key_id, sealed = excluded.sealed, \
                   fingerprint = excluded.fingerprint, masked = excluded.masked, \
                   created_at = excluded.created_at";
        let values: [Value; 7] = [
            verdict.tenant.raw().into(),
            i64::from(verdict.decision.next.generation.0).into(),
            i64::from(new.key_id).into(),
            new.sealed.clone().into(),
            new.fingerprint.clone().into(),
            new.masked.as_str().into(),
            micros(now).into(),
        ];
        match tx.execute_raw(self.statement(sql, values)).await {
            Ok(_) => {}
            Err(error) => return taken_meanwhile(error),
        }
        // Whoever withdraws this key at this moment has made the insert wait.
        if self.is_withdrawn(&tx, &new.fingerprint).await? {
            return Ok(Replacement::Barred(Bearer::Withdrawn));
        }
        // What the new key was seen to be granted follows, where the provider says.
        let sql = "UPDATE tenant SET required_scopes = $1, granted_scopes = NULL WHERE id = $2";
        let values = [new.required.joined().into(), verdict.tenant.raw().into()];
        tx.execute_raw(self.statement(sql, values)).await?;
        let generation = verdict.decision.next.generation.0;
        self.hand_over(&tx, verdict.tenant, generation, &new.hand_over, now).await?;
        self.spend_link(&tx, verdict.tenant, None, now).await?;
        let fetching = match &new.hand_over {
            _ if new.key_id == ELSEWHERE => Some("read_again"),
            HandOver::Owed(_) => Some("fetch_handover"),
            HandOver::Delivered => None,
        };
        let mut follows = Follows::default();
        follows.fetching = fetching;
        follows.add(verdict, now)?;
        let key = self.trace(&new.fingerprint);
        let chained = follows.chained.drain(..).map(|row| row.fact("key", key.clone()));
        let chained: Vec<_> = chained.collect();
        self.follow(&tx, &follows).await?;
        self.append(&tx, &chained).await?;
        tx.commit().await?;
        self.tell_of(&follows);
        if let Err(error) = self.empty_log().await {
            tracing::warn!(
                "a replaced key may stand in the write-ahead log until it is emptied: {error}"
            );
        }
        Ok(Replacement::Done)
    }
}

/// Another tenant was given the same key between the look and the writing.
fn taken_meanwhile(error: DbErr) -> Result<Replacement, StoreError> {
    if is_unique_violation(&error) { Err(StoreError::KeyTaken) } else { Err(error.into()) }
}
