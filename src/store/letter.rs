//! Mails as they were sent: what a customer was written, word for word, without the link. Forgotten
//! together with the message.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::ids::TenantId;

use super::row::{micros, time};
use super::{Store, StoreError};

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct NewLetter<'a> {
    /// The language.
    pub language: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The text; without its link.
    pub text: &'a str,
}

/// The same as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLetter {
    /// The message.
    pub message: String,
    /// The language.
    pub language: String,
    /// The subject.
    pub subject: String,
    /// The text, without its link.
    pub text: String,
    /// When its sending was begun.
    pub written_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Keeps what is about to be sent; in the transaction after which it may have been.
    pub(super) async fn keep_letter(
        &self,
        tx: &DatabaseTransaction,
        message: &str,
        letter: NewLetter<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO letter (message_id, language, subject, text, written_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (message_id) DO UPDATE SET \
                   language = excluded.language, subject = excluded.subject, \
                   text = excluded.text, written_at = excluded.written_at";
        let values = [
            message.into(),
            letter.language.into(),
            letter.subject.into(),
            letter.text.into(),
            micros(now).into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Up to `limit` letters about a tenant, the newest first.
    pub async fn letters_of(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<KeptLetter>, StoreError> {
        let sql = "SELECT l.message_id, l.language, l.subject, l.text, l.written_at \
                   FROM message m JOIN letter l ON l.message_id = m.id WHERE m.tenant_id = $1 \
                   ORDER BY l.written_at DESC, l.message_id LIMIT $2";
        let values = [tenant.raw().into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(KeptLetter {
                    message: row.try_get("", "message_id")?,
                    language: row.try_get("", "language")?,
                    subject: row.try_get("", "subject")?,
                    text: row.try_get("", "text")?,
                    written_at: time(row.try_get("", "written_at")?),
                })
            })
            .collect()
    }
}
