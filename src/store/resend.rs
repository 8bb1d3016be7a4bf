//! Mails that are owed again: because a person says so, or because somebody can be reached now.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::health::MailStage;
use crate::ids::TenantId;

use super::audit::Draft;
use super::mail::{ASKS, CHANNEL};
use super::row::micros;
use super::tenants::json;
use super::{Store, StoreError, fresh_id};

/// What became of a wish to send a mail again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailResent {
    /// There is no such mail.
    NoMail,
    /// The same is owed again.
    Owed,
    /// Another one like it is owed, of this id.
    Another(String),
    /// It may have arrived, and nobody said that a second one is no harm.
    MayBeSecond,
    /// It was sent, is on its way, was never to be sent, or was sent once more before.
    NotNow,
}

impl Store {
    /// Owes a mail again that was surely not sent, or another like one that may have been, and chains
    /// it.
    pub async fn resend_mail(
        &self,
        id: &str,
        may_be_second: bool,
        now: DateTime<Utc>,
    ) -> Result<MailResent, StoreError> {
        let tx = self.begin().await?;
        let sql = "SELECT m.tenant_id, m.episode, m.stage, m.state AS message, d.state \
                   FROM message m LEFT JOIN delivery d ON d.message_id = m.id AND d.channel = $2 \
                   WHERE m.id = $1 AND m.audience = 'customer'";
        let values = || [id.into(), CHANNEL.into()];
        let Some(row) = tx.query_one_raw(self.statement(sql, values())).await? else {
            return Ok(MailResent::NoMail);
        };
        let (message, state): (String, Option<String>) =
            (row.try_get("", "message")?, row.try_get("", "state")?);
        let (which, tenant): (String, i64) =
            (row.try_get("", "stage")?, row.try_get("", "tenant_id")?);
        let draft = Draft::of("messages.sent_again").about(TenantId::from_raw(tenant));
        let draft = draft.fact("message", id).fact("stage", which.as_str());
        match state.as_deref() {
            Some("dead") if message == "owed" => {
                let sql = "UPDATE delivery SET state = 'owed', due_at = $3, attempts = 0, \
                           contact = NULL WHERE message_id = $1 AND channel = $2 \
                           AND state = 'dead'";
                let values = [id.into(), CHANNEL.into(), micros(now).into()];
                if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
                    return Ok(MailResent::NotNow);
                }
                self.append(&tx, &[draft]).await?;
                tx.commit().await?;
                self.wake();
                Ok(MailResent::Owed)
            }
            Some("unknown") if !may_be_second => Ok(MailResent::MayBeSecond),
            Some("unknown") if which == "first" || which.starts_with("reminder-") => {
                let other = fresh_id()?;
                let episode: Option<i64> = row.try_get("", "episode")?;
                let rows = json(&[(
                    other.as_str(),
                    tenant,
                    episode,
                    "customer",
                    MailStage::Again.word(),
                    format!("{id}/again"),
                    "{}",
                    micros(now),
                )])?;
                let owe = self.statement(self.dialect.owe(), [rows.clone().into()]);
                if tx.execute_raw(owe).await?.rows_affected() == 0 {
                    return Ok(MailResent::NotNow);
                }
                self.owe_to_channels(&tx, &rows).await?;
                self.append(&tx, &[draft.fact("as", other.as_str())]).await?;
                tx.commit().await?;
                self.wake();
                Ok(MailResent::Another(other))
            }
            _ => Ok(MailResent::NotNow),
        }
    }

    /// In the transaction that makes a tenant's customer reachable: what nobody could be told is owed
    /// again, if it is still to be said.
    pub(super) async fn revive_mail(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE delivery SET state = 'owed', due_at = settled_at, attempts = 0, \
                   contact = NULL WHERE channel = $2 AND state = 'dead' AND message_id IN (\
                   SELECT m.id FROM message m JOIN tenant_state s ON s.tenant_id = m.tenant_id \
                   WHERE m.tenant_id = $1 AND m.episode = s.episodes AND m.audience = 'customer' \
                   AND m.stage = 'first' AND m.state = 'owed')";
        tx.execute_raw(self.statement(sql, [tenant.raw().into(), CHANNEL.into()])).await?;
        Ok(())
    }

    /// In the transaction that marks an address from which a mail came back: the last mail of the open
    /// story is owed again if it went to this contact, and another one is left. It was surely not read, so
    /// it is no second one of its stage. Gives back how many are owed.
    pub(super) async fn repeat_mail(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        place: i64,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE delivery SET state = 'owed', due_at = $3, attempts = 0, settled_at = $3, \
             fate = 'it came back' WHERE channel = $4 AND state = 'sent' AND contact = $2 \
             AND message_id = (SELECT m.id FROM message m \
             JOIN tenant_state s ON s.tenant_id = m.tenant_id WHERE m.tenant_id = $1 \
             AND m.episode = s.episodes AND m.audience = 'customer' AND m.state = 'owed' \
             AND (m.stage IN ('first', 'again') OR m.stage LIKE 'reminder-%') AND {ASKS} \
             ORDER BY m.owed_at DESC, m.id LIMIT 1) \
             AND EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = $1 AND c.ordinal > $2 \
             AND c.refused_at IS NULL)"
        );
        let values = [tenant.raw().into(), place.into(), micros(now).into(), CHANNEL.into()];
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}
