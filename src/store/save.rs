//! Saves what was decided of many tenants, with all that follows from it, in one transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use serde_json::json;

use crate::health::Decision;
use crate::health::Effect;
use crate::health::Notice;
use crate::health::Stage;
use crate::ids::TenantId;
use crate::ids::random_name;

use super::row::{StateRow, micros};
use super::tenants::json;
use super::{Store, StoreError, ids};

/// How a message is kept that nobody may send: what was decided while nothing was live is never
/// sent later by itself.
const SHADOW: &str = "shadow";

/// A decision about one tenant, to be saved.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whose.
    pub tenant: TenantId,
    /// The integration's own name for it, which its messages carry.
    pub reference: String,
    /// The version of the belief that was decided upon.
    pub version: i64,
    /// What was decided.
    pub decision: Decision,
    /// Whether the word or the cause that people see has changed, and from which word.
    pub changed_from: Option<&'static str>,
    /// The client that the key was accepted for, the first time it is.
    pub client: Option<String>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Those whose decision holds now.
    pub saved: BTreeSet<TenantId>,
    /// Those whose row had changed since it was read: to be read and decided again.
    pub lost: BTreeSet<TenantId>,
}

impl Store {
    /// Saves the verdicts whose row has not changed since it was read, and says which. Episodes,
    /// messages and destroyed keys are written for those only, in the same transaction. Leases
    /// held as `lease` end.
    pub async fn save(
        &self,
        verdicts: &[Verdict],
        lease: &str,
        now: DateTime<Utc>,
    ) -> Result<Saved, StoreError> {
        if verdicts.is_empty() {
            return Ok(Saved::default());
        }
        let rows: Vec<StateRow> = verdicts
            .iter()
            .map(|v| StateRow::from_health(v.tenant, v.version, &v.decision.next, v.decision.due))
            .collect();
        let tx = self.begin().await?;
        let statement = self.statement(self.dialect.save(), [json(&rows)?.into(), lease.into()]);
        let changed = tx.query_all_raw(statement).await?;
        let saved: BTreeSet<_> = ids(&changed)?.into_iter().map(TenantId::from_raw).collect();
        for verdict in verdicts.iter().filter(|verdict| saved.contains(&verdict.tenant)) {
            self.follow(&tx, verdict, now).await?;
        }
        tx.commit().await?;
        let destroyed = verdicts.iter().any(|verdict| {
            saved.contains(&verdict.tenant)
                && verdict.decision.effects.contains(&Effect::DestroyKey)
        });
        if destroyed && let Err(error) = self.empty_log().await {
            tracing::warn!(
                "a destroyed key may stand in the write-ahead log until it is emptied: {error}"
            );
        }
        let lost = verdicts.iter().map(|v| v.tenant).filter(|id| !saved.contains(id)).collect();
        Ok(Saved { saved, lost })
    }

    /// Ends all leases held as `lease` without having learnt anything.
    pub async fn release(&self, lease: &str) -> Result<(), StoreError> {
        let sql = "UPDATE tenant_state SET lease = NULL, lease_until = NULL WHERE lease = $1";
        self.write.execute_raw(self.statement(sql, [lease.into()])).await?;
        Ok(())
    }

    /// Ends the leases of these tenants, if they are held as `lease`, so that others need not wait
    /// for them to run out.
    pub async fn release_some(&self, tenants: &[TenantId], lease: &str) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE tenant_state SET lease = NULL, lease_until = NULL WHERE lease = $2 \
             AND tenant_id IN ({})",
            self.dialect.numbers(1)
        );
        let list = super::list_of(tenants)?;
        self.write.execute_raw(self.statement(sql, [list.into(), lease.into()])).await?;
        Ok(())
    }

    async fn follow(
        &self,
        tx: &DatabaseTransaction,
        verdict: &Verdict,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tenant = Value::from(verdict.tenant.raw());
        if let Some(client) = &verdict.client {
            let sql = "UPDATE tenant SET client_id = $1 WHERE id = $2 AND client_id IS NULL";
            let values = [client.clone().into(), tenant.clone()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        for effect in &verdict.decision.effects {
            match effect {
                Effect::OpenEpisode { number, began } => {
                    let sql = "INSERT INTO episode (tenant_id, number, began_at, opened_at) \
                               VALUES ($1, $2, $3, $4)";
                    let values = [
                        tenant.clone(),
                        i64::from(*number).into(),
                        micros(*began).into(),
                        micros(now).into(),
                    ];
                    tx.execute_raw(self.statement(sql, values)).await?;
                }
                Effect::CloseEpisode { number, outcome } => {
                    let sql = "UPDATE episode SET closed_at = $1, outcome = $2 \
                               WHERE tenant_id = $3 AND number = $4 AND closed_at IS NULL";
                    let values = [
                        micros(now).into(),
                        outcome.name().into(),
                        tenant.clone(),
                        i64::from(*number).into(),
                    ];
                    tx.execute_raw(self.statement(sql, values)).await?;
                }
                Effect::Owe(notice) => self.owe(tx, verdict, *notice, now).await?,
                Effect::DestroyKey => {
                    let sql = "DELETE FROM tenant_key WHERE tenant_id = $1 AND generation = $2";
                    let generation = verdict.decision.next.generation.0;
                    let values = [tenant.clone(), i64::from(generation).into()];
                    tx.execute_raw(self.statement(sql, values)).await?;
                }
                // Nothing is ever unsent yet, and there are no links: messages are kept as what
                // would have been sent.
                Effect::CancelUnsent | Effect::RevokeLinks => {}
            }
        }
        Ok(())
    }

    /// Writes down that somebody is owed a message. The dedup key makes a second one of the same
    /// stage impossible; good news is owed only to those who were owed the bad.
    async fn owe(
        &self,
        tx: &DatabaseTransaction,
        verdict: &Verdict,
        notice: Notice,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let next = &verdict.decision.next;
        let (tenant, audience, stage) =
            (verdict.tenant, notice.audience.name(), notice.stage.name());
        let dedup_key = match notice.stage {
            Stage::First | Stage::Resolved => {
                format!("{tenant}/episode-{}/{audience}/{stage}", next.episodes)
            }
            Stage::StatusChanged => {
                format!("{tenant}/version-{}/{audience}/{stage}", verdict.version + 1)
            }
        };
        let body = json!({
            "tenant": verdict.reference,
            "from": verdict.changed_from,
            "to": next.status.word(),
            "cause": next.status.cause(),
            "reason": verdict.decision.reason.to_string(),
        });
        let mut sql = String::from(
            "INSERT INTO message (id, tenant_id, episode, audience, stage, state, dedup_key, \
             body, owed_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE ",
        );
        sql.push_str(if notice.stage == Stage::Resolved {
            "EXISTS (SELECT 1 FROM message m WHERE m.tenant_id = $2 AND m.episode = $3 \
             AND m.audience = $4 AND m.stage = 'first')"
        } else {
            "true"
        });
        sql.push_str(" ON CONFLICT (dedup_key) DO NOTHING");
        let id = random_name().map_err(|_| StoreError::Refused { code: "randomness".into() })?;
        let values: [Value; 9] = [
            id.into(),
            tenant.raw().into(),
            i64::from(next.episodes).into(),
            audience.into(),
            stage.into(),
            SHADOW.into(),
            dedup_key.into(),
            body.to_string().into(),
            micros(now).into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }
}
