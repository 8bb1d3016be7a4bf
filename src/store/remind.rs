//! Who is to be reminded, and whose key is about to expire: candidates, and the debts themselves. When
//! something is due the core says, and at which hours whoever asks.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::health::MailStage;
use crate::ids::TenantId;

use super::mail::{ASKS, CHANNEL, FEW};
use super::row::{micros, time};
use super::tenants::json;
use super::{Store, StoreError, fresh_id};

/// An open story of which the customer was told, or would have been in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub tenant: TenantId,
    /// The integration's own name for it.
    pub reference: String,
    /// Its number.
    pub episode: u32,
    /// When the first mail was sent.
    pub told_at: DateTime<Utc>,
    /// The number of the last reminder that was owed since.
    pub reminded: u32,
    /// The customer's time zone.
    pub time_zone: Option<String>,
}

/// A key that will expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Whose.
    pub tenant: TenantId,
    /// The integration's own name for it.
    pub reference: String,
    /// The generation of the key.
    pub generation: u32,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// The customer's time zone.
    pub time_zone: Option<String>,
}

/// A mail that is owed because its time has come.
#[derive(Clone, Debug)]
pub struct TimelyMail {
    /// Whose customer.
    pub tenant: TenantId,
    /// The integration's own name for it.
    pub reference: String,
    /// The episode that it belongs to.
    pub episode: Option<u32>,
    /// Which one.
    pub stage: MailStage,
    /// What there is only one mail of.
    pub dedup: String,
    /// Whether its time came between a backup and the end of its restoring: it may have been sent, and
    /// is written down and not sent.
    pub lost: bool,
}

impl Store {
    /// Every open story of which the customer was told, with the reminders since; none of which one
    /// still waits to be sent.
    pub async fn told(&self) -> Result<Vec<Told>, StoreError> {
        // In shadow nothing is sent: what would have been was, when it was decided.
        let sql = format!(
            "SELECT m.tenant_id, t.ref, m.episode, t.time_zone, \
             CASE WHEN m.state = 'shadow' THEN m.owed_at ELSE d.settled_at END AS told_at, \
             (SELECT r.stage FROM message r WHERE r.tenant_id = m.tenant_id \
             AND r.episode = m.episode AND r.audience = 'customer' \
             AND r.stage LIKE 'reminder-%' AND r.dedup_key NOT LIKE '%/shadow' \
             ORDER BY length(r.stage) DESC, r.stage DESC LIMIT 1) AS latest \
             FROM tenant_state s CROSS JOIN message m JOIN tenant t ON t.id = m.tenant_id \
             LEFT JOIN delivery d ON d.message_id = m.id AND d.state IN ('sent', 'unknown') \
             WHERE {FEW} AND m.tenant_id = s.tenant_id AND m.episode = s.episodes \
             AND m.audience = 'customer' AND m.stage = 'first' \
             AND s.paused_at IS NULL AND {ASKS} \
             AND (m.state = 'shadow' OR (m.state = 'owed' AND d.state IS NOT NULL)) \
             AND NOT EXISTS (SELECT 1 FROM message r JOIN delivery x ON x.message_id = r.id \
             WHERE r.tenant_id = m.tenant_id AND r.episode = m.episode \
             AND r.audience = 'customer' AND r.stage LIKE 'reminder-%' \
             AND x.state IN ('owed', 'sending'))"
        );
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        rows.iter().map(told).collect()
    }

    /// Every healthy tenant whose key expires within that time, and of whom nothing was said of this
    /// date within the last `days` of it.
    pub async fn expiring(
        &self,
        days: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<Expiring>, StoreError> {
        let span = TimeDelta::days(i64::from(days));
        let sql = "SELECT s.tenant_id, t.ref, s.generation, s.expires_at, t.time_zone \
                   FROM tenant_state s JOIN tenant t ON t.id = s.tenant_id \
                   WHERE s.expires_at > $1 AND s.expires_at <= $2 AND s.status = 'healthy' \
                   AND s.paused_at IS NULL AND s.destroyed_at IS NULL \
                   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.tenant_id = s.tenant_id \
                   AND m.audience = 'customer' AND m.stage = $3 AND m.owed_at > s.expires_at - $4)";
        let values = [
            micros(now).into(),
            micros(now + span).into(),
            MailStage::Expiring(days).word().into(),
            span.num_microseconds().unwrap_or(i64::MAX).into(),
        ];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(expiring).collect()
    }

    /// Owes these mails; one that was owed before is not owed again. Gives back how many are new.
    pub async fn owe_mails(
        &self,
        mails: &[TimelyMail],
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut rows = Vec::with_capacity(mails.len());
        for mail in mails {
            let id = fresh_id()?;
            let body = serde_json::json!({ "tenant": mail.reference }).to_string();
            let stage = mail.stage.word();
            rows.push((
                id,
                mail.tenant.raw(),
                mail.episode,
                "customer",
                stage,
                mail.dedup.clone(),
                body,
                micros(now),
            ));
        }
        if rows.is_empty() {
            return Ok(0);
        }
        let tx = self.begin().await?;
        let owe = self.statement(self.dialect.owe(), [json(&rows)?.into()]);
        let owed = tx.execute_raw(owe).await?.rows_affected();
        self.owe_to_channels(&tx, &json(&rows)?).await?;
        for row in mails.iter().zip(&rows).filter(|(mail, _)| mail.lost).map(|(_, row)| row) {
            let sql = "UPDATE delivery SET state = 'unknown', settled_at = $2, fate = $3 \
                       WHERE message_id = $1 AND channel = $4";
            let fate = "its time came in what is lost: it may have been sent then";
            let values = [row.0.as_str().into(), micros(now).into(), fate.into(), CHANNEL.into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        tx.commit().await?;
        if owed > 0 {
            self.wake();
        }
        Ok(owed)
    }
}

fn told(row: &QueryResult) -> Result<Told, StoreError> {
    let latest: Option<String> = row.try_get("", "latest")?;
    let reminded = match latest.as_deref().and_then(MailStage::parse) {
        Some(MailStage::Reminder(number)) => number,
        _ => 0,
    };
    let (episode, at): (i64, Option<i64>) =
        (row.try_get("", "episode")?, row.try_get("", "told_at")?);
    Ok(Told {
        tenant: TenantId::from_raw(row.try_get("", "tenant_id")?),
        reference: row.try_get("", "ref")?,
        episode: u32::try_from(episode).unwrap_or(u32::MAX),
        told_at: at.and_then(time).unwrap_or(DateTime::<Utc>::MAX_UTC),
        reminded,
        time_zone: row.try_get("", "time_zone")?,
    })
}

fn expiring(row: &QueryResult) -> Result<Expiring, StoreError> {
    let generation: i64 = row.try_get("", "generation")?;
    Ok(Expiring {
        tenant: TenantId::from_raw(row.try_get("", "tenant_id")?),
        reference: row.try_get("", "ref")?,
        generation: u32::try_from(generation).unwrap_or(u32::MAX),
        expires_at: time(row.try_get("", "expires_at")?).unwrap_or(DateTime::<Utc>::MAX_UTC),
        time_zone: row.try_get("", "time_zone")?,
    })
}
