//! Mail to customers, at most once. A lease saves work; a claim, taken right before the body of a mail
//! is begun, is what must not be taken twice: a delivery that was claimed and never settled is
//! `unknown`, for ever. What was not claimed was surely not sent.
//!
//! owed → (leased: owed) → claimed: `sending` → `sent` | owed | `dead` | `cancelled` | `unknown`

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::health::{Go, MailStage, Standings, may_go};
use crate::ids::TenantId;

use super::letter::NewLetter;
use super::mode::is_live;
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// The name of the channel.
pub const CHANNEL: &str = "mail";

/// A tenant's state `s` asks something of the customer.
pub(super) const ASKS: &str = "((s.status = 'needs_reconnection' AND s.cause <> 'never_accepted') \
     OR (s.status = 'disabled' AND s.cause = 'compromised'))";

/// The same in the form of an index: there are few of them, whatever the fleet.
pub(super) const FEW: &str = "s.status IN ('needs_reconnection', 'disabled')";

/// What is kept of a mail that may have been sent, while nobody knows.
const NOBODY_KNOWS: &str =
    "it may have been sent: whoever sent it ended before the answer was noted";

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailDrawn {
    /// Its id, the same at every try.
    pub id: String,
    /// Whose customer.
    pub tenant: TenantId,
    /// Which one it is.
    pub stage: String,
    /// How often it was tried and surely not sent.
    pub attempts: u32,
    /// The last of the contacts to whom it could not be sent, by their order.
    pub passed: Option<i64>,
    /// When the episode began.
    pub began_at: Option<DateTime<Utc>>,
    /// When it was decided.
    pub owed_at: DateTime<Utc>,
    /// Whether it was sent before, and came back.
    pub repeated: bool,
}

/// What a claim goes by beside what the store knows.
#[derive(Clone, Copy, Debug)]
pub struct MailTerms {
    /// Whether it is a time of day at which this customer may be written to.
    pub in_hours: bool,
    /// Whether a first mail waits for such a time.
    pub first_waits: bool,
    /// Mails to all customers in an hour at most.
    pub most_per_hour: u32,
    /// Mails to one customer in an hour at most.
    pub most_per_tenant_per_hour: u32,
}

/// A mail that is about to be begun.
#[derive(Clone, Copy, Debug)]
pub struct MailClaim<'a> {
    /// Which one.
    pub mail: &'a MailDrawn,
    /// Whose lease it is.
    pub lease: &'a str,
    /// To which of the tenant's contacts, by their order.
    pub contact: i64,
    /// What it goes by.
    pub terms: MailTerms,
    /// Until when its answer will be noted, or nobody will know.
    pub until: DateTime<Utc>,
    /// What it says.
    pub letter: NewLetter<'a>,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSettlement {
    /// The server took it.
    Sent,
    /// Surely not sent; to be tried again then, to the same contact or the next one.
    Again(DateTime<Utc>),
    /// Not tried, because something is in the way; to be looked at again then.
    PutOff(DateTime<Utc>),
    /// Surely not sent, and not tried any more; kept and shown.
    Dead,
    /// Not true any more.
    Cancelled,
    /// It may have been sent; never tried again.
    Unknown,
}

/// A settled try.
#[derive(Clone, Copy, Debug)]
pub struct MailSettled<'a> {
    /// The message.
    pub id: &'a str,
    /// Whose lease it was sent under.
    pub lease: &'a str,
    /// What became of it.
    pub settlement: MailSettlement,
    /// The same in words, without any value.
    pub fate: &'a str,
    /// Whether the relay worked, where that is known.
    pub relay: Option<bool>,
    /// Whether the next try is the first to another contact.
    pub afresh: bool,
    /// To whom it went; of what is to be tried again, the last to whom it could not.
    pub contact: Option<i64>,
}

impl Store {
    /// Leases mails that are due, the oldest first; none while mail is held or nobody is told.
    pub async fn draw_mail(
        &self,
        lease: &str,
        limit: u32,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<MailDrawn>, StoreError> {
        let values =
            [micros(now).into(), i64::from(limit).into(), lease.into(), micros(until).into()];
        let sql = self.dialect.draw_mail();
        if self.write.query_all_raw(self.statement(sql, values)).await?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT m.id, m.tenant_id, m.stage, m.owed_at, d.attempts, d.contact, d.begun_at, e.began_at \
                   FROM delivery d JOIN message m ON m.id = d.message_id \
                   LEFT JOIN episode e ON e.tenant_id = m.tenant_id AND e.number = m.episode \
                   WHERE d.channel = $1 AND d.lease = $2 \
                   AND d.state IN ('owed', 'sending') AND d.state = 'owed' \
                   ORDER BY m.owed_at, m.id";
        let values = [CHANNEL.into(), lease.into()];
        let rows = self.write.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(drawn).collect()
    }

    /// What a mail would be judged by now: to spare a conversation that would lead to nothing. Only
    /// [`Store::claim_mail`] counts.
    pub async fn mail_standings(
        &self,
        mail: &MailDrawn,
        terms: MailTerms,
        now: DateTime<Utc>,
    ) -> Result<Option<Standings>, StoreError> {
        let sql = standings_sql();
        let row = self.read.query_one_raw(self.statement(sql, asked(mail, now))).await?;
        row.map(|row| standings(&row, terms)).transpose()
    }

    /// Takes a mail to be begun now, if it still may be and is this lease's. From the commit on it is
    /// never begun again unless it is settled as surely not sent. `None` where the lease is lost.
    pub async fn claim_mail(
        &self,
        claim: &MailClaim<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Go>, StoreError> {
        let tx = self.begin().await?;
        // One claim at a time, so that a cap is one; and no belief changes meanwhile.
        tx.execute_raw(self.statement("UPDATE notify SET mode = mode WHERE id = 1", [])).await?;
        let sql = format!(
            "SELECT tenant_id FROM tenant_state WHERE tenant_id = $1{}",
            self.dialect.for_share()
        );
        let values = [claim.mail.tenant.raw().into()];
        if tx.query_one_raw(self.statement(sql, values)).await?.is_none() {
            return Ok(None);
        }
        let row = tx.query_one_raw(self.statement(standings_sql(), asked(claim.mail, now))).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(stage) = MailStage::parse(&claim.mail.stage) else { return Ok(None) };
        let go = may_go(stage, &standings(&row, claim.terms)?);
        if go == Go::Now {
            // Before its delivery: messages are locked first.
            self.keep_letter(&tx, &claim.mail.id, claim.letter, now).await?;
            let sql = "UPDATE delivery SET state = 'sending', begun_at = $3, lease_until = $4, \
                       contact = $5 WHERE message_id = $1 AND channel = $6 AND lease = $2 \
                       AND lease_until > $3 AND state = 'owed'";
            let values = [
                claim.mail.id.as_str().into(),
                claim.lease.into(),
                micros(now).into(),
                micros(claim.until).into(),
                claim.contact.into(),
                CHANNEL.into(),
            ];
            if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
                return Ok(None);
            }
            tx.commit().await?;
        }
        Ok(Some(go))
    }

    /// Notes what became of a try, if it was this lease's. What was called `unknown` because nobody
    /// had settled it in time is put right by whoever knows.
    pub async fn settle_mail(
        &self,
        settled: &MailSettled<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        let (state, due, tried) = match settled.settlement {
            MailSettlement::Sent => ("sent", now, 1),
            MailSettlement::Again(at) => ("owed", at, 1),
            MailSettlement::PutOff(at) => ("owed", at, 0),
            MailSettlement::Dead => ("dead", now, 1),
            MailSettlement::Cancelled => ("cancelled", now, 0),
            MailSettlement::Unknown => ("unknown", now, 1),
        };
        // Whoever saves what ends a story locks its messages before their deliveries.
        if settled.settlement == MailSettlement::Cancelled {
            let sql = format!("SELECT id FROM message WHERE id = $1{}", self.dialect.for_update());
            tx.query_one_raw(self.statement(sql, [settled.id.into()])).await?;
        }
        // Whoever is put off was not begun this time, and keeps whether it was before.
        let keeps = matches!(
            settled.settlement,
            MailSettlement::Sent | MailSettlement::Unknown | MailSettlement::PutOff(_)
        );
        let sql = format!(
            "UPDATE delivery SET state = $1, due_at = $2, fate = $3, settled_at = $4, \
             attempts = {}, begun_at = {}, contact = $8, lease = NULL, lease_until = NULL \
             WHERE message_id = $5 AND channel = $6 AND lease = $7 \
             AND state IN ('owed', 'sending', 'unknown')",
            if settled.afresh { "0".to_owned() } else { format!("attempts + {tried}") },
            if keeps { "begun_at" } else { "NULL" },
        );
        let values = [
            state.into(),
            micros(due).into(),
            settled.fate.into(),
            micros(now).into(),
            settled.id.into(),
            CHANNEL.into(),
            settled.lease.into(),
            settled.contact.into(),
        ];
        let done = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        if done > 0 && settled.settlement == MailSettlement::Cancelled {
            let sql = "UPDATE message SET state = 'cancelled' WHERE id = $1 AND state = 'owed'";
            tx.execute_raw(self.statement(sql, [settled.id.into()])).await?;
        }
        match settled.relay {
            Some(true) => self.channel_works(&tx, CHANNEL).await?,
            // A relay is one's own, and comes back.
            Some(false) => self.channel_falters(&tx, CHANNEL, now).await?,
            None => {}
        }
        Ok(tx.commit().await?)
    }

    /// Settles what was begun by processes that never noted the answer: nobody knows, and it is not
    /// sent again. Gives back how many.
    pub async fn forsake_mail(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "UPDATE delivery SET state = 'unknown', settled_at = $1, fate = $3 \
                   WHERE channel = $2 AND state IN ('owed', 'sending') \
                   AND state = 'sending' AND lease_until <= $1";
        let values = [micros(now).into(), CHANNEL.into(), NOBODY_KNOWS.into()];
        Ok(self.write.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    /// The same at the start of the only process there can be: whatever was begun is unknown, and
    /// whatever was only leased is free.
    pub(super) async fn recover_mail(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "UPDATE delivery SET state = 'unknown', settled_at = $1, fate = $3, \
                   lease_until = $1 WHERE channel = $2 AND state = 'sending'";
        let values = [micros(now).into(), CHANNEL.into(), NOBODY_KNOWS.into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        let sql = "UPDATE delivery SET lease = NULL, lease_until = NULL \
                   WHERE channel = $1 AND state = 'owed' AND lease IS NOT NULL";
        self.write.execute_raw(self.statement(sql, [CHANNEL.into()])).await?;
        Ok(())
    }
}

impl Dialect {
    /// Leases up to `$2` mails that are due and free at `$1`, to `$3` until `$4`.
    fn draw_mail(self) -> String {
        let skip = match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        };
        format!(
            "WITH due AS MATERIALIZED (SELECT message_id FROM delivery WHERE channel = '{CHANNEL}' \
             AND state IN ('owed', 'sending') AND state = 'owed' \
             AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) \
             AND EXISTS (SELECT 1 FROM notify WHERE mode <> 'shadow' AND held_at IS NULL) \
             ORDER BY due_at LIMIT $2{skip}) \
             UPDATE delivery SET lease = $3, lease_until = $4 WHERE channel = '{CHANNEL}' \
             AND message_id IN (SELECT message_id FROM due) RETURNING message_id"
        )
    }
}

/// What [`standings`] are read from, of the message `$1`; within the hour since `$2`.
fn standings_sql() -> String {
    let flag = |condition: &str| format!("CASE WHEN {condition} THEN 1 ELSE 0 END");
    let own = "EXISTS (SELECT 1 FROM episode e WHERE e.tenant_id = m.tenant_id \
               AND e.number = m.episode AND e.closed_at IS NULL)";
    let told = "EXISTS (SELECT 1 FROM message b JOIN delivery d ON d.message_id = b.id \
                WHERE b.tenant_id = m.tenant_id AND b.episode = m.episode \
                AND b.audience = 'customer' AND b.stage <> 'resolved' \
                AND d.state IN ('sent', 'unknown'))";
    let telling = told.replace("IN ('sent', 'unknown')", "= 'sending'");
    let begun = format!(
        "FROM delivery d WHERE d.channel = '{CHANNEL}' AND d.begun_at > $2 AND d.message_id <> $1"
    );
    format!(
        "SELECT m.stage, {live} AS live, {held} AS held, {asks} AS asks, {own} AS own, \
         {paused} AS paused, {told} AS told, {telling} AS telling, {gone} AS gone, {weather} AS weather, \
         (SELECT COUNT(*) {begun}) AS hour, \
         (SELECT COUNT(*) {begun} AND d.message_id IN (SELECT o.id FROM message o \
         WHERE o.tenant_id = m.tenant_id AND o.audience = 'customer')) AS own_hour \
         FROM message m JOIN tenant_state s ON s.tenant_id = m.tenant_id WHERE m.id = $1",
        live = flag(&is_live("m.tenant_id")),
        held = flag("EXISTS (SELECT 1 FROM notify WHERE held_at IS NOT NULL)"),
        asks = flag(ASKS),
        own = flag(own),
        paused = flag("s.paused_at IS NOT NULL"),
        told = flag(told),
        telling = flag(&telling),
        // What a leaked key asks for, it asks for in any weather; and who was let go by a person is
        // told.
        weather = flag(
            "s.status = 'needs_reconnection' AND EXISTS (SELECT 1 FROM weather \
             WHERE class = 'refused' AND state IN ('suspected', 'incident')) \
             AND NOT EXISTS (SELECT 1 FROM weather_sample w WHERE w.class = 'refused' \
             AND w.part = 'released' AND w.tenant_id = m.tenant_id)"
        ),
        gone = flag("s.status = 'disabled' AND s.cause = 'declined'"),
    )
}

fn asked(mail: &MailDrawn, now: DateTime<Utc>) -> [Value; 2] {
    [mail.id.as_str().into(), micros(now - TimeDelta::hours(1)).into()]
}

fn standings(row: &QueryResult, terms: MailTerms) -> Result<Standings, StoreError> {
    let flag = |column| -> Result<bool, StoreError> { Ok(number(row, column)? != 0) };
    let count = |column| -> Result<u32, StoreError> {
        let count: i64 = row.try_get("", column)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    };
    let stage: String = row.try_get("", "stage")?;
    let of_episode = matches!(
        MailStage::parse(&stage),
        Some(MailStage::First | MailStage::Reminder(_) | MailStage::Again)
    );
    Ok(Standings {
        live: flag("live")?,
        held: flag("held")?,
        bad_weather: flag("weather")?,
        asks: flag("asks")? && (flag("own")? || !of_episode),
        paused: flag("paused")?,
        told: flag("told")?,
        telling: flag("telling")?,
        gone: flag("gone")?,
        in_hours: terms.in_hours,
        first_waits: terms.first_waits,
        hour: (count("hour")?, terms.most_per_hour),
        own_hour: (count("own_hour")?, terms.most_per_tenant_per_hour),
    })
}

/// A number that a server gives in 32 bits.
fn number(row: &QueryResult, column: &str) -> Result<i64, StoreError> {
    match row.try_get::<i32>("", column) {
        Ok(number) => Ok(number.into()),
        Err(_) => Ok(row.try_get("", column)?),
    }
}

fn drawn(row: &QueryResult) -> Result<MailDrawn, StoreError> {
    let attempts: i64 = row.try_get("", "attempts")?;
    let began: Option<i64> = row.try_get("", "began_at")?;
    Ok(MailDrawn {
        id: row.try_get("", "id")?,
        tenant: TenantId::from_raw(row.try_get("", "tenant_id")?),
        stage: row.try_get("", "stage")?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        passed: row.try_get("", "contact")?,
        began_at: began.and_then(time),
        owed_at: time(row.try_get("", "owed_at")?).unwrap_or(DateTime::UNIX_EPOCH),
        repeated: row.try_get::<Option<i64>>("", "begun_at")?.is_some(),
    })
}
