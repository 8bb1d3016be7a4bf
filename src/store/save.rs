//! Saves what was decided of many tenants, with all that follows from it, in one transaction.
//!
//! Long because what follows from a decision is listed in one place, whatever its sort.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use crate::health::Decision;
use crate::health::Due;
use crate::health::Effect;
use crate::health::Notice;
use crate::health::Reason;
use crate::health::Rebinding;
use crate::health::Stage;
use crate::health::Status;
use crate::ids::TenantId;

use super::audit::Draft;
use super::row::{StateRow, micros};
use super::tenants::json;
use super::{Dialect, Store, StoreError, fresh_id, ids};

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
    /// From which company to which the tenant was bound anew, if it was.
    pub rebound: Option<Rebinding>,
    /// What the key was seen to be allowed to do, where that is not what was known before.
    pub granted: Option<String>,
    /// Whether nothing but the last acceptance and the next due time has changed
    /// ([`Decision::is_routine`]): then only those are written.
    pub routine: bool,
    /// Why, in the words of the person who did it, if it was one.
    pub remark: Option<String>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Those whose decision holds now.
    pub saved: Vec<TenantId>,
    /// Those whose row had changed since it was read: to be read and decided again.
    pub lost: BTreeSet<TenantId>,
}

/// Rows to be written by one statement.
pub(super) struct Batch {
    sql: String,
    rows: String,
    number: usize,
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
        let batch = self.batch(verdicts)?;
        let mut tx = self.begin().await?;
        let mut lost = BTreeSet::new();
        if !self.save_all(&tx, &batch, lease).await? {
            // Some row had changed. Which one is not told, and now all look changed.
            tx.rollback().await?;
            tx = self.begin().await?;
            lost.extend(verdicts.iter().map(|verdict| verdict.tenant));
            for saved in self.save_some(&tx, &batch, lease).await? {
                lost.remove(&saved);
            }
        }
        let mut follows = Follows::default();
        let mut saved = Vec::with_capacity(verdicts.len() - lost.len());
        for verdict in verdicts.iter().filter(|verdict| !lost.contains(&verdict.tenant)) {
            follows.add(verdict, now)?;
            saved.push(verdict.tenant);
        }
        self.follow(&tx, &follows).await?;
        self.append(&tx, &follows.chained).await?;
        tx.commit().await?;
        self.tell_of(&follows);
        if follows.chained.iter().any(Draft::withdraws) {
            self.note_withdrawals().await;
        }
        if !follows.destroyed.is_empty() {
            let why = match self.empty_log().await {
                Ok(true) => None,
                Ok(false) => Some("somebody is reading".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = why {
                tracing::warn!(
                    "a destroyed key may stand in the write-ahead log until it is emptied: {why}"
                );
            }
        }
        Ok(Saved { saved, lost })
    }

    /// The statements that write a batch, each with its rows and their number: those of which
    /// little is written, and the others. A server locks the rows of one statement in the order of
    /// their ids; with two, batches could wait for each other.
    pub(super) fn batch(&self, verdicts: &[Verdict]) -> Result<Vec<Batch>, StoreError> {
        let all_routine = verdicts.iter().all(|verdict| verdict.routine);
        let apart = all_routine || self.dialect == Dialect::Sqlite;
        let (routine, other): (Vec<_>, Vec<_>) =
            verdicts.iter().partition(|verdict| apart && verdict.routine);
        let seen: Vec<_> = routine.into_iter().map(seen).collect();
        let rows: Vec<_> = other
            .into_iter()
            .map(|v| StateRow::from_health(v.tenant, v.version, &v.decision.next, v.decision.due))
            .collect();
        let mut batch = Vec::with_capacity(2);
        if !seen.is_empty() {
            let sql = self.dialect.save_seen();
            batch.push(Batch { sql, rows: json(&seen)?, number: seen.len() });
        }
        if !rows.is_empty() {
            batch.push(Batch { sql: self.dialect.save(), rows: json(&rows)?, number: rows.len() });
        }
        Ok(batch)
    }

    /// Whether all rows were saved.
    pub(super) async fn save_all(
        &self,
        tx: &DatabaseTransaction,
        batch: &[Batch],
        lease: &str,
    ) -> Result<bool, StoreError> {
        for Batch { sql, rows, number } in batch {
            let values = [rows.clone().into(), lease.into()];
            let done = tx.execute_raw(self.statement(sql, values)).await?;
            if usize::try_from(done.rows_affected()) != Ok(*number) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Saves the rows that have not changed, and says which.
    async fn save_some(
        &self,
        tx: &DatabaseTransaction,
        batch: &[Batch],
        lease: &str,
    ) -> Result<Vec<TenantId>, StoreError> {
        let mut saved = Vec::new();
        for Batch { sql, rows, .. } in batch {
            let sql = format!("{sql}{}", self.dialect.saved());
            let values = [rows.clone().into(), lease.into()];
            saved.extend(ids(&tx.query_all_raw(self.statement(sql, values)).await?)?);
        }
        Ok(saved)
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
        if tenants.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE tenant_state SET lease = NULL, lease_until = NULL WHERE lease = $2 \
             AND tenant_id IN ({})",
            self.dialect.numbers(1)
        );
        let list = super::list_of(tenants)?;
        self.write.execute_raw(self.statement(sql, [list.into(), lease.into()])).await?;
        Ok(())
    }

    /// One statement for each sort of what follows, however many it follows for.
    pub(super) async fn follow(
        &self,
        tx: &DatabaseTransaction,
        all: &Follows,
    ) -> Result<(), StoreError> {
        let dialect = self.dialect;
        let statements = [
            (all.clients.is_empty(), dialect.note_clients(), json(&all.clients)?),
            (all.rebound.is_empty(), dialect.rebind(), json(&all.rebound)?),
            (all.granted.is_empty(), dialect.note_granted(), json(&all.granted)?),
            (all.opened.is_empty(), dialect.open_episodes(), json(&all.opened)?),
            (all.closed.is_empty(), dialect.close_episodes(), json(&all.closed)?),
            // Good news is owed to those only whose bad news is not taken back here.
            (all.over.is_empty(), dialect.cancel_messages(), json(&all.over)?),
            (all.over.is_empty(), dialect.cancel_deliveries(), json(&all.over)?),
            (all.owed.is_empty(), dialect.owe(), json(&all.owed)?),
            // The fingerprint is read from the row that is deleted after it.
            (all.withdrawn.is_empty(), dialect.withdraw_keys(), json(&all.withdrawn)?),
            (all.withdrawn.is_empty(), dialect.want_deletions(), json(&all.withdrawn)?),
            (all.unlinked.is_empty(), dialect.revoke_links(), json(&all.unlinked)?),
            (all.destroyed.is_empty(), dialect.revoke(), json(&all.destroyed)?),
            (all.destroyed.is_empty(), dialect.destroy_keys(), json(&all.destroyed)?),
            (all.destroyed.is_empty(), dialect.withdraw_handovers(), json(&all.destroyed)?),
        ];
        for (_, sql, rows) in statements.into_iter().filter(|(empty, ..)| !empty) {
            tx.execute_raw(self.statement(sql, [rows.into()])).await?;
        }
        if !all.owed.is_empty() {
            self.owe_to_channels(tx, &json(&all.owed)?).await?;
        }
        Ok(())
    }

    /// To be called once it is committed: wakes whoever sends.
    pub(super) fn tell_of(&self, all: &Follows) {
        if !all.owed.is_empty() {
            self.wake();
        }
    }
}

/// What follows from the verdicts of a batch, in the columns of the statements that write it.
#[derive(Default)]
pub(super) struct Follows {
    clients: Vec<(i64, String)>,
    granted: Vec<(i64, String)>,
    rebound: Vec<(i64, String)>,
    opened: Vec<(i64, u32, i64, i64)>,
    closed: Vec<(i64, u32, i64, &'static str)>,
    over: Vec<(i64, u32)>,
    owed: Vec<Owed>,
    /// What the integration has to do to get a key that replaces another.
    pub(super) fetching: Option<&'static str>,
    destroyed: Vec<(i64, u32, i64)>,
    withdrawn: Vec<(i64, u32, i64, Option<String>)>,
    /// Whose links lead nowhere any more, and since when.
    unlinked: Vec<(i64, i64)>,
    /// What is to be appended to the audit chain once all else is written.
    pub(super) chained: Vec<Draft>,
}

/// A message: id, tenant, episode, audience, stage, dedup key, body, when it was owed. Whether it is
/// to be sent, the mode says that is in force when it is written.
type Owed = (String, i64, u32, &'static str, &'static str, String, String, i64);

impl Follows {
    pub(super) fn add(&mut self, verdict: &Verdict, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (tenant, now) = (verdict.tenant.raw(), micros(now));
        let generation = verdict.decision.next.generation.0;
        self.chained.extend(chained(verdict));
        if let Some(client) = &verdict.client {
            self.clients.push((tenant, client.clone()));
        }
        if let Some(bond) = &verdict.rebound {
            self.rebound.push((tenant, bond.to.as_str().to_owned()));
        }
        if let Some(granted) = &verdict.granted {
            self.granted.push((tenant, granted.clone()));
        }
        for effect in &verdict.decision.effects {
            match effect {
                Effect::OpenEpisode { number, began } => {
                    self.opened.push((tenant, *number, micros(*began), now));
                }
                Effect::CloseEpisode { number, outcome } => {
                    self.closed.push((tenant, *number, now, outcome.name()));
                }
                Effect::Owe(notice) => {
                    self.owed.push(owed(verdict, *notice, self.fetching, now)?);
                }
                Effect::DestroyKey => {
                    self.destroyed.push((tenant, generation, now));
                }
                Effect::WithdrawKey => {
                    self.withdrawn.push((tenant, generation, now, verdict.remark.clone()));
                    self.unlinked.push((tenant, now));
                }
                Effect::RevokeLinks => self.unlinked.push((tenant, now)),
                Effect::CancelUnsent => self.over.push((tenant, over(&verdict.decision))),
            }
        }
        Ok(())
    }
}

/// What the audit chain says of a verdict: nothing of one that people do not see.
fn chained(verdict: &Verdict) -> Option<Draft> {
    let Decision { next, effects, reason, .. } = &verdict.decision;
    let destroyed = effects.contains(&Effect::DestroyKey);
    let action = if matches!(reason, Reason::Replaced | Reason::ReplacedWhilePaused) {
        "key.replaced"
    } else if verdict.rebound.is_some() {
        "tenant.company_changed"
    } else if effects.contains(&Effect::WithdrawKey) {
        "key.disabled"
    } else if *reason == Reason::Paused {
        "tenant.paused"
    } else if *reason == Reason::Resumed {
        "tenant.resumed"
    } else if verdict.changed_from.is_some() {
        "status.changed"
    } else if destroyed {
        "key.destroyed"
    } else {
        return None;
    };
    let mut draft = Draft::of(action)
        .about(verdict.tenant)
        .generation(next.generation.0)
        .fact("status", next.status.word())
        .fact("reason", reason.to_string());
    if let Some(from) = verdict.changed_from {
        draft = draft.fact("from", from);
    }
    if let Some(cause) = next.status.cause() {
        draft = draft.fact("cause", cause);
    }
    if let Some(bond) = &verdict.rebound {
        draft =
            draft.detail("company", bond.to.as_str()).detail("company_before", bond.from.as_str());
    }
    if destroyed {
        draft = draft.fact("destroyed", true);
    }
    if let Status::Paused { until: Some(until), .. } = &next.status {
        draft = draft.fact("until", until.to_rfc3339());
    }
    if let Some(remark) = &verdict.remark {
        draft = draft.detail("remark", remark.as_str());
    }
    Some(draft)
}

/// The episode that a decision ends; the latest where it ends none.
fn over(decision: &Decision) -> u32 {
    let closed = decision.effects.iter().find_map(|effect| match effect {
        Effect::CloseEpisode { number, .. } => Some(*number),
        _ => None,
    });
    closed.unwrap_or(decision.next.episodes)
}

fn owed(
    verdict: &Verdict,
    notice: Notice,
    fetching: Option<&'static str>,
    now: i64,
) -> Result<Owed, StoreError> {
    let next = &verdict.decision.next;
    let (tenant, audience, stage) = (verdict.tenant, notice.audience.name(), notice.stage.name());
    let dedup_key = match notice.stage {
        Stage::First | Stage::Resolved => {
            format!("{tenant}/episode-{}/{audience}/{stage}", next.episodes)
        }
        Stage::StatusChanged | Stage::CompanyChanged | Stage::KeyReplaced | Stage::Disabled => {
            format!("{tenant}/version-{}/{audience}/{stage}", verdict.version + 1)
        }
    };
    let mut body = json!({
        "tenant": verdict.reference,
        "from": verdict.changed_from,
        "to": next.status.word(),
        "cause": next.status.cause(),
        "reason": verdict.decision.reason.to_string(),
    });
    if let (Stage::CompanyChanged, Some(bond)) = (notice.stage, &verdict.rebound) {
        body["company_id"] = bond.to.as_str().into();
        body["company_id_before"] = bond.from.as_str().into();
    }
    match notice.stage {
        Stage::KeyReplaced => {
            body["generation"] = next.generation.0.into();
            body["action"] = fetching.unwrap_or("none").into();
        }
        Stage::Disabled => {
            body["generation"] = next.generation.0.into();
            body["action"] = "stop_using_the_key".into();
        }
        Stage::First | Stage::Resolved | Stage::StatusChanged | Stage::CompanyChanged => {}
    }
    let id = fresh_id()?;
    let body = body.to_string();
    Ok((id, tenant.raw(), next.episodes, audience, stage, dedup_key, body, now))
}

/// What is written of a verdict that changes nothing else: id, version, when it was accepted, when
/// it is due.
fn seen(verdict: &Verdict) -> (i64, i64, Option<i64>, Option<i64>) {
    let due = match verdict.decision.due {
        Due::At(at) => Some(micros(at)),
        Due::Never => None,
    };
    let accepted = verdict.decision.next.accepted_at.map(micros);
    (verdict.tenant.raw(), verdict.version, accepted, due)
}
