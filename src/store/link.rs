//! Links that lead customers to a page: whom each is for, whether it still leads there, and how the
//! latest try came out. It holds hashes only, and knows no page.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};

use crate::ids::TenantId;

use super::audit::Draft;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// What an actor of this kind does is done by a link, whose name is the actor's id: a key that it
/// brings spends it.
pub const LINK_ACTOR: &str = "link";

/// A tenant's links that are listed, the newest.
const MOST_LISTED: i64 = 100;
/// An ended or expired link is remembered for so long, so that it can say that it has ended.
const REMEMBERED: TimeDelta = TimeDelta::days(90);
/// A link to be kept.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Its public name.
    pub id: String,
    /// SHA-256 of its token.
    pub hash: Vec<u8>,
    /// Whom it is about.
    pub about: LinkAbout,
    /// Who is given it, in a word.
    pub recipient: String,
    /// Until when it leads to the page.
    pub expires_at: DateTime<Utc>,
}

/// Whom a link is about.
#[derive(Clone, Debug)]
pub enum LinkAbout {
    /// A tenant that is there, and its open episode.
    Tenant(TenantId, Option<u32>),
    /// Somebody who becomes a tenant by it.
    Newcomer {
        /// The id that its key is sealed for while it waits for a yes.
        seat: TenantId,
        /// The reference it will have.
        reference: String,
        /// All that is wanted of it, as whoever takes it in wrote it down.
        wanted: String,
    },
}

/// A link as it is kept.
#[derive(Clone, Debug)]
pub struct KeptLink {
    /// Its public name.
    pub id: String,
    /// SHA-256 of its token.
    pub hash: Vec<u8>,
    /// The tenant; `None` of an invitation that nobody has followed yet.
    pub tenant: Option<TenantId>,
    /// The episode that it belongs to.
    pub episode: Option<u32>,
    /// Who was given it.
    pub recipient: String,
    /// The tenant's id, or the one that a newcomer will have.
    pub seat: TenantId,
    /// What is wanted of a newcomer.
    pub wanted: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// Until when it leads to the page.
    pub expires_at: DateTime<Utc>,
    /// How and when it ended.
    pub ended: Option<(Ending, DateTime<Utc>)>,
    /// How often a key was tried in vain.
    pub tries: u32,
    /// From when on the next may be tried.
    pub try_after: Option<DateTime<Utc>>,
    /// How the latest try came out, as whoever tried wrote it down, and when.
    pub outcome: Option<(String, DateTime<Utc>)>,
    /// A sealed key that waits for a yes, and until when.
    pub held: Option<(Vec<u8>, DateTime<Utc>)>,
    /// Whether its page was ever looked at.
    pub opened: bool,
}

/// How a link ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A key that was given by it is live.
    Spent,
    /// It is not needed any more, or was taken back.
    Revoked,
}

impl Ending {
    /// The word of this ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::Revoked => "revoked",
        }
    }
}

/// Whether a link still leads to its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It does.
    Open,
    /// It ended.
    Ended(Ending),
    /// Its time is over.
    Expired,
}

impl LinkState {
    /// The word of this state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended(ending) => ending.name(),
            Self::Expired => "expired",
        }
    }
}

impl KeptLink {
    /// Whether it leads to its page at that moment.
    pub fn state(&self, now: DateTime<Utc>) -> LinkState {
        match self.ended {
            Some((ending, _)) => LinkState::Ended(ending),
            None if now >= self.expires_at => LinkState::Expired,
            None => LinkState::Open,
        }
    }
}

const COLUMNS: &str = "id, hash, tenant_id, episode, recipient, seat, wanted, created_at, \
                       expires_at, ended_at, ending, tries, try_after, outcome, outcome_at, held, \
                       held_until, opened_at";

impl Store {
    /// Keeps a new link, and chains that it was made and for whom.
    pub async fn add_link(&self, new: &NewLink, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "INSERT INTO link (id, hash, tenant_id, episode, recipient, seat, wanted, \
                   wanted_ref, created_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let draft = Draft::of("link.made").fact("link", new.id.as_str());
        let draft = draft.fact("recipient", new.recipient.as_str());
        let (tenant, episode, seat, wanted, reference, draft) = match &new.about {
            LinkAbout::Tenant(id, episode) => {
                (Some(*id), *episode, *id, None, None, draft.about(*id))
            }
            LinkAbout::Newcomer { seat, reference, wanted } => {
                let draft = draft.detail("reference", reference.as_str());
                (None, None, *seat, Some(wanted), Some(reference), draft)
            }
        };
        let values: [Value; 10] = [
            new.id.as_str().into(),
            new.hash.clone().into(),
            tenant.map(TenantId::raw).into(),
            episode.map(i64::from).into(),
            new.recipient.as_str().into(),
            seat.raw().into(),
            wanted.cloned().into(),
            reference.cloned().into(),
            micros(now).into(),
            micros(new.expires_at).into(),
        ];
        let tx = self.begin().await?;
        tx.execute_raw(self.statement(sql, values)).await?;
        self.append(&tx, &[draft]).await?;
        Ok(tx.commit().await?)
    }

    /// The link of that name.
    pub async fn link(&self, id: &str) -> Result<Option<KeptLink>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM link WHERE id = $1");
        let row = self.read.query_one_raw(self.statement(sql, [id.into()])).await?;
        row.as_ref().map(link).transpose()
    }

    /// The link whose name begins so, where there is exactly one.
    pub async fn link_like(&self, beginning: &str) -> Result<Option<KeptLink>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM link WHERE id >= $1 AND id < $2 LIMIT 2");
        // Names are of lower-case hexadecimal digits, all of which come before `g`.
        let values = [beginning.into(), format!("{beginning}g").into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        match rows.as_slice() {
            [only] => link(only).map(Some),
            _ => Ok(None),
        }
    }

    /// The newest open link of a tenant for that recipient, of that episode or of none.
    pub async fn open_link(
        &self,
        tenant: TenantId,
        episode: Option<u32>,
        recipient: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<KeptLink>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM link WHERE tenant_id = $1 AND COALESCE(episode, 0) = $2 \
             AND recipient = $3 AND ended_at IS NULL AND expires_at > $4 \
             ORDER BY created_at DESC, id LIMIT 1"
        );
        let values = [
            tenant.raw().into(),
            i64::from(episode.unwrap_or(0)).into(),
            recipient.into(),
            micros(now).into(),
        ];
        let row = self.read.query_one_raw(self.statement(sql, values)).await?;
        row.as_ref().map(link).transpose()
    }

    /// Has an open link lead to its page until then, if it did so for a shorter time.
    pub async fn extend_link(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "UPDATE link SET expires_at = $2 \
                   WHERE id = $1 AND ended_at IS NULL AND expires_at < $2";
        self.write.execute_raw(self.statement(sql, [id.into(), micros(until).into()])).await?;
        Ok(())
    }

    /// The links of a tenant, the newest first.
    pub async fn links_of(&self, tenant: TenantId) -> Result<Vec<KeptLink>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM link WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT $2"
        );
        let values = [tenant.raw().into(), MOST_LISTED.into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(link).collect()
    }

    /// Takes back all open links of a tenant, and chains it. Gives back how many.
    pub async fn revoke_links(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let revoked = self.end_links(&tx, "tenant_id = $3", tenant.raw().into(), now).await?;
        if revoked > 0 {
            let draft = Draft::of("link.revoked").about(tenant).fact("links", revoked);
            self.append(&tx, &[draft]).await?;
        }
        tx.commit().await?;
        Ok(revoked)
    }

    /// Takes back all open invitations for that reference, and chains it. Gives back how many.
    pub async fn revoke_invitations(
        &self,
        reference: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let which = "tenant_id IS NULL AND wanted_ref = $3";
        let revoked = self.end_links(&tx, which, reference.into(), now).await?;
        if revoked > 0 {
            let draft = Draft::of("link.revoked").fact("links", revoked);
            self.append(&tx, &[draft.detail("reference", reference)]).await?;
        }
        tx.commit().await?;
        Ok(revoked)
    }

    /// Takes back the open links of a tenant for that recipient.
    pub(super) async fn end_links_of(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        recipient: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE link SET ended_at = $1, ending = $2, held = NULL, held_until = NULL \
                   WHERE ended_at IS NULL AND tenant_id = $3 AND recipient = $4";
        let ending = Ending::Revoked.name();
        let values = [micros(now).into(), ending.into(), tenant.raw().into(), recipient.into()];
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    async fn end_links(
        &self,
        tx: &DatabaseTransaction,
        which: &str,
        value: Value,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE link SET ended_at = $1, ending = $2, held = NULL, held_until = NULL, \
             wanted = NULL WHERE ended_at IS NULL AND {which}"
        );
        let values = [micros(now).into(), Ending::Revoked.name().into(), value];
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    /// In the transaction that makes a tenant's key live: the link that brought it is spent, and no
    /// other leads anywhere any more.
    pub(super) async fn spend_link(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        reference: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if let Some(link) = self.actor.id_as(LINK_ACTOR) {
            let sql = "UPDATE link SET ended_at = $1, ending = $2, tenant_id = $3, held = NULL, \
                       held_until = NULL, wanted = NULL WHERE id = $4 AND ended_at IS NULL";
            let values =
                [micros(now).into(), Ending::Spent.name().into(), tenant.raw().into(), link.into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        self.end_links(tx, "tenant_id = $3", tenant.raw().into(), now).await?;
        if let Some(reference) = reference {
            let which = "tenant_id IS NULL AND wanted_ref = $3";
            self.end_links(tx, which, reference.into(), now).await?;
        }
        Ok(())
    }

    /// Forgets links that ended or expired long ago, and keys that nobody said yes to in time. Gives
    /// back how many.
    pub async fn forget_links(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "UPDATE link SET held = NULL, held_until = NULL WHERE held_until <= $1";
        self.write.execute_raw(self.statement(sql, [micros(now).into()])).await?;
        let sql = "DELETE FROM link WHERE expires_at <= $1";
        let values = [micros(now - REMEMBERED).into()];
        Ok(self.write.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}

impl Dialect {
    /// Takes back all open links of tenants: `[tenant, at]` (`$1`).
    pub(super) fn revoke_links(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("at", "bigint")]);
        format!(
            "UPDATE link SET ended_at = v.at, ending = '{}', held = NULL, held_until = NULL \
             FROM ({rows}) AS v WHERE link.tenant_id = v.tenant_id AND link.ended_at IS NULL",
            Ending::Revoked.name()
        )
    }
}

fn link(row: &QueryResult) -> Result<KeptLink, StoreError> {
    let id: String = row.try_get("", "id")?;
    let bad = |what| StoreError::BadRow { table: "link", tenant: id.clone(), what };
    let number = |column| row.try_get::<Option<i64>>("", column);
    let moment = |column| -> Result<_, StoreError> { Ok(number(column)?.and_then(time)) };
    let ending: Option<String> = row.try_get("", "ending")?;
    let ending = match ending.as_deref() {
        None => None,
        Some("spent") => Some(Ending::Spent),
        Some(_) => Some(Ending::Revoked),
    };
    let outcome: Option<String> = row.try_get("", "outcome")?;
    let held: Option<Vec<u8>> = row.try_get("", "held")?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(KeptLink {
        hash: row.try_get("", "hash")?,
        tenant: number("tenant_id")?.map(TenantId::from_raw),
        episode: number("episode")?.map(count),
        recipient: row.try_get("", "recipient")?,
        seat: TenantId::from_raw(row.try_get("", "seat")?),
        wanted: row.try_get("", "wanted")?,
        created_at: moment("created_at")?,
        expires_at: moment("expires_at")?.ok_or_else(|| bad("expires_at"))?,
        ended: ending.zip(moment("ended_at")?),
        tries: count(row.try_get("", "tries")?),
        try_after: moment("try_after")?,
        outcome: outcome.zip(moment("outcome_at")?),
        held: held.zip(moment("held_until")?),
        opened: number("opened_at")?.is_some(),
        id,
    })
}
