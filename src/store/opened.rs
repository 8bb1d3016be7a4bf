//! When the page of a link was first looked at. It is for counting only: nothing goes by it.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use super::row::{micros, time};
use super::{KeptLink, Store, StoreError};

impl Store {
    /// Notes that the page of a link is looked at, if that is the first time. Gives back how long after
    /// the first mail of its story that was, where no page of the story was looked at before and such a
    /// mail was taken.
    pub async fn note_opened(
        &self,
        link: &KeptLink,
        now: DateTime<Utc>,
    ) -> Result<Option<TimeDelta>, StoreError> {
        if link.opened {
            return Ok(None);
        }
        let sql = "UPDATE link SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL";
        let values = [link.id.as_str().into(), micros(now).into()];
        let first = self.write.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0;
        let (true, Some(tenant), Some(episode)) = (first, link.tenant, link.episode) else {
            return Ok(None);
        };
        let sql = "SELECT d.settled_at FROM message m JOIN delivery d ON d.message_id = m.id \
                   WHERE m.tenant_id = $1 AND m.episode = $2 AND m.audience = 'customer' \
                   AND m.stage = 'first' AND d.state = 'sent' \
                   AND NOT EXISTS (SELECT 1 FROM link l WHERE l.tenant_id = m.tenant_id \
                   AND l.episode = m.episode AND l.id <> $3 AND l.opened_at IS NOT NULL)";
        let values = [tenant.raw().into(), i64::from(episode).into(), link.id.as_str().into()];
        let row = self.write.query_one_raw(self.statement(sql, values)).await?;
        let sent: Option<i64> = row.map_or(Ok(None), |row| row.try_get("", "settled_at"))?;
        Ok(sent.and_then(time).map(|sent| now - sent))
    }
}
