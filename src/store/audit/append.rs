//! Appends to the chain, within the transaction that does what is written down. The head is the last
//! row that a transaction locks, so those who append wait for each other and never for ever.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;

use crate::ids::random_bytes;
use crate::store::row::micros;
use crate::store::tenants::json;
use crate::store::{Dialect, Store, StoreError};

use super::draft::Draft;
use super::encoding::ChainRow;
use super::{Actor, Auditor, Head, hex};

/// A row as the statement takes it: its number, when, what, whose, which key, who, how it ended,
/// facts, digest of the detail, code.
type New<'a> = (
    i64,
    i64,
    &'a str,
    Option<i64>,
    Option<i64>,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    Option<String>,
    String,
);

impl Store {
    /// Writes something down that changes nothing else in the database, such as a refusal.
    pub async fn chain(&self, draft: Draft) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        self.append(&tx, &[draft]).await?;
        Ok(tx.commit().await?)
    }

    /// Begins the chain, where there is none yet, with a row that says what there was before it.
    pub async fn begin_audit(&self) -> Result<(), StoreError> {
        if self.audit_head().await?.is_none_or(|head| head.seq > 0) {
            return Ok(());
        }
        let tx = self.begin().await?;
        self.append_some(&tx, &[]).await?;
        Ok(tx.commit().await?)
    }

    /// To be called in every transaction that changes what has to be chained, last before its
    /// commit: whoever locks anything after the head may be waited for by somebody who waits for
    /// the head. On an error the transaction must not be committed.
    pub(in crate::store) async fn append(
        &self,
        tx: &DatabaseTransaction,
        drafts: &[Draft],
    ) -> Result<(), StoreError> {
        if drafts.is_empty() { Ok(()) } else { self.append_some(tx, drafts).await }
    }

    async fn append_some(
        &self,
        tx: &DatabaseTransaction,
        drafts: &[Draft],
    ) -> Result<(), StoreError> {
        let auditor = self.auditor.as_ref().ok_or(StoreError::NotAudited)?;
        let Auditor(making) = auditor;
        match self.append_with(tx, auditor, drafts).await {
            Ok(rows) => {
                making.appended.fetch_add(rows, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                making.failed.fetch_add(1, Ordering::Relaxed);
                Err(match error {
                    passing if passing.is_passing() => passing,
                    StoreError::Refused { code } => StoreError::Unchained { code },
                    other => other,
                })
            }
        }
    }

    async fn append_with(
        &self,
        tx: &DatabaseTransaction,
        auditor: &Auditor,
        drafts: &[Draft],
    ) -> Result<u64, StoreError> {
        let sql =
            format!("SELECT seq, mac FROM audit_head WHERE id = 1{}", self.dialect.for_update());
        let Some(row) = tx.query_one_raw(self.statement(sql, [])).await? else {
            return Err(StoreError::Unchained { code: "its head is gone".to_owned() });
        };
        let before = head(row.try_get("", "seq")?, &row.try_get::<Vec<u8>>("", "mac")?);
        let mut writing = Writing { auditor, head: before, rows: Vec::new(), details: Vec::new() };
        if before.seq == 0 {
            writing.add(&Actor::default(), &self.begun(tx).await?)?;
        }
        for draft in drafts {
            writing.add(&self.actor, draft)?;
        }
        let Writing { head, rows, details, .. } = writing;
        if let Some(file) = &self.withdrawals
            && drafts.iter().any(Draft::withdraws)
        {
            file.expect_from(before.seq + 1);
        }
        let rows: Vec<New<'_>> = rows.iter().map(new).collect();
        let insert = self.statement(self.dialect.chain(), [json(&rows)?.into()]);
        tx.execute_raw(insert).await?;
        if !details.is_empty() {
            let insert = self.statement(self.dialect.chain_details(), [json(&details)?.into()]);
            tx.execute_raw(insert).await?;
        }
        let sql = "UPDATE audit_head SET seq = $1, mac = $2 WHERE id = 1 AND seq = $3";
        let values = [head.seq.into(), head.mac.to_vec().into(), before.seq.into()];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() != 1 {
            return Err(StoreError::Unchained { code: "its head cannot be moved".to_owned() });
        }
        Ok(rows.len() as u64)
    }

    /// What there is in a database whose chain begins now.
    async fn begun(&self, tx: &DatabaseTransaction) -> Result<Draft, StoreError> {
        let mut draft = Draft::of("audit.begun");
        for (name, sql) in [
            ("tenants", "SELECT COUNT(*) AS number FROM tenant_state"),
            ("keys", "SELECT COUNT(*) AS number FROM tenant_key"),
        ] {
            let row = tx.query_one_raw(self.statement(sql, [])).await?;
            let number: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
            draft = draft.fact(name, number);
        }
        Ok(draft)
    }
}

/// Rows that are being chained.
struct Writing<'a> {
    auditor: &'a Auditor,
    head: Head,
    rows: Vec<ChainRow>,
    /// Number, salt and text.
    details: Vec<(i64, String, String)>,
}

impl Writing<'_> {
    fn add(&mut self, actor: &Actor, draft: &Draft) -> Result<(), StoreError> {
        let seq = self.head.seq + 1;
        let personal: BTreeMap<&str, &Value> = actor
            .personal
            .iter()
            .chain(&draft.detail)
            .map(|(name, value)| (*name, value))
            .collect();
        let detail_digest = if personal.is_empty() {
            None
        } else {
            let salt = random_bytes::<16>()
                .map_err(|_| StoreError::Refused { code: "randomness".to_owned() })?;
            let text = json(&personal)?;
            let digest = self.auditor.digest(&salt, &text);
            self.details.push((seq, hex(&salt), text));
            Some(digest.to_vec())
        };
        let mut row = ChainRow {
            seq,
            at: micros(self.auditor.0.clock.now()),
            action: draft.action.to_owned(),
            tenant_id: draft.tenant.map(crate::ids::TenantId::raw),
            generation: draft.generation.map(i64::from),
            actor_kind: actor.kind.to_owned(),
            actor_id: actor.id.clone(),
            outcome: draft.outcome.to_owned(),
            facts: json(&draft.facts)?,
            detail_digest,
            mac: Vec::new(),
        };
        let mac = self.auditor.mac(&row.message(&self.head.mac));
        row.mac = mac.to_vec();
        self.head = Head { seq, mac };
        self.rows.push(row);
        Ok(())
    }
}

fn new(row: &ChainRow) -> New<'_> {
    (
        row.seq,
        row.at,
        &row.action,
        row.tenant_id,
        row.generation,
        &row.actor_kind,
        &row.actor_id,
        &row.outcome,
        &row.facts,
        row.detail_digest.as_deref().map(hex),
        hex(&row.mac),
    )
}

/// The head as its columns say. A code of another length is no code, and fits no row.
pub(super) fn head(seq: i64, mac: &[u8]) -> Head {
    Head { seq, mac: mac.try_into().unwrap_or_default() }
}

impl Dialect {
    /// Bytes that a statement is given as hexadecimal digits.
    fn bytes(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex({column})"),
            Self::Postgres => format!("decode({column}, 'hex')"),
        }
    }

    /// Appends rows: `[seq, at, action, tenant, generation, actor's kind, actor's id, outcome,
    /// facts, digest, code]` (`$1`).
    fn chain(self) -> String {
        let columns = [
            ("seq", "bigint"),
            ("at", "bigint"),
            ("action", "text"),
            ("tenant_id", "bigint"),
            ("generation", "bigint"),
            ("actor_kind", "text"),
            ("actor_id", "text"),
            ("outcome", "text"),
            ("facts", "text"),
            ("detail_digest", "text"),
            ("mac", "text"),
        ];
        format!(
            "INSERT INTO audit (seq, at, action, tenant_id, generation, actor_kind, actor_id, \
             outcome, facts, detail_digest, mac) SELECT seq, at, action, tenant_id, generation, \
             actor_kind, actor_id, outcome, facts, {}, {} FROM ({}) AS v",
            self.bytes("detail_digest"),
            self.bytes("mac"),
            self.list(&columns)
        )
    }

    /// Writes what may be erased: `[seq, salt, detail]` (`$1`).
    fn chain_details(self) -> String {
        let columns = [("seq", "bigint"), ("salt", "text"), ("detail", "text")];
        format!(
            "INSERT INTO audit_detail (seq, salt, detail) SELECT seq, {}, detail FROM ({}) AS v",
            self.bytes("salt"),
            self.list(&columns)
        )
    }
}
