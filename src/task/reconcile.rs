//! Compares the keys held here with the list that the integration pushes. The list counts as a whole or
//! not at all; memory holds one page of tenants and one plain key at a time.
//!
//! Whoever uses another key than the one held here is out of step from then on, and whoever was and
//! uses the same again is not: decided on the road of every check. Nobody else is touched.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::warn;

use crate::clock::Clock;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Generation;
use crate::health::Standing;
use crate::ids::TenantId;
use crate::redact::chain;
use crate::store::Listed;
use crate::store::ListedTenant;
use crate::store::Outcomes;
use crate::store::SealedRow;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::vault::ComparisonKey;
use crate::vault::Purpose;
use crate::vault::SealContext;
use crate::vault::VaultError;

use super::check::Observed;
use super::keyring::KeyringSource;
use super::lease;
use super::settle::Settler;

/// Tenants that are compared, and decided, at a time.
const PAGE: u32 = 500;
/// Entries that are added in one transaction.
pub const BATCH: usize = 1_000;

/// All that comparing needs.
#[derive(Debug)]
pub struct Reconciler<'a> {
    /// Where the list is kept.
    pub store: &'a Store,
    /// What opens the keys.
    pub keyring: &'a KeyringSource,
    /// Who decides what follows.
    pub settler: &'a Settler,
    /// The provider's name, which every sealed key is bound to.
    pub provider: &'a str,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// A list on its way in. What is not finished never counts.
#[derive(Debug)]
pub struct Push<'a> {
    by: &'a Reconciler<'a>,
    list: i64,
    pushed_at: DateTime<Utc>,
}

/// Up to so many references of each outcome, as examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// Those with another key.
    pub differs: Vec<String>,
    /// Those that are not on the list.
    pub only_here: Vec<String>,
    /// Those on the list without a key here.
    pub only_there: Vec<String>,
}

/// What came of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many of each outcome.
    pub outcomes: Outcomes,
    /// Some of them.
    pub examples: Examples,
    /// Who is out of step from now on.
    pub newly_out: u64,
    /// Who was and is no longer.
    pub in_step_again: u64,
    /// Tenants whose keys were taken while the list was on its way: it says nothing of them.
    pub younger: u64,
    /// Tenants whose keys do not open, and why.
    pub unopened: Vec<(String, String)>,
}

/// Why a list does not count.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One that was pushed later is there already.
    #[error("another list was pushed meanwhile, and counts: nothing was changed by this one")]
    Overtaken,
}

impl<'a> Reconciler<'a> {
    /// Begins a list.
    pub async fn begin(&'a self) -> Result<Push<'a>, ReconcileError> {
        let pushed_at = self.clock.now();
        let list = self.store.begin_list(pushed_at).await?;
        Ok(Push { by: self, list, pushed_at })
    }
}

impl Push<'_> {
    /// Adds keys to it, [`BATCH`] at most. Gives back the references that are on it already, of which
    /// none may be twice among those given: then none of these is added, and the list is to be dropped.
    pub async fn add(&self, keys: &[Listed]) -> Result<Vec<String>, ReconcileError> {
        Ok(bounded(self.by.store.add_to_list(self.list, keys)).await?)
    }

    /// Gives it up: nothing has changed.
    pub async fn drop(self) -> Result<(), ReconcileError> {
        Ok(self.by.store.drop_list(self.list).await?)
    }

    /// Compares it and drops it, to see what it would say.
    pub async fn rehearse(self, examples: usize) -> Result<Compared, ReconcileError> {
        let compared = self.compare(examples, false).await;
        self.drop().await?;
        compared
    }

    /// Makes it count, compares, and decides who is out of step. Whoever stops in the middle may push
    /// the same list again.
    pub async fn finish(self, examples: usize) -> Result<Compared, ReconcileError> {
        if !bounded(self.by.store.complete_list(self.list)).await? {
            self.drop().await?;
            return Err(ReconcileError::Overtaken);
        }
        let compared = self.compare(examples, true).await?;
        bounded(self.by.store.note_outcomes(self.list, &compared.outcomes)).await?;
        // The list before this one counts no longer; if it cannot be deleted now, the next does it.
        if let Err(error) = self.by.store.sweep_lists(self.by.clock.now()).await {
            warn!("an old list of keys could not be deleted: {}", chain(&error));
        }
        Ok(compared)
    }

    async fn compare(&self, examples: usize, decide: bool) -> Result<Compared, ReconcileError> {
        let Reconciler { store, keyring, .. } = self.by;
        let with = keyring.held().comparison_key();
        let mut found = Compared::default();
        let keep = |kept: &mut Vec<String>, one: &ListedTenant| {
            if kept.len() < examples {
                kept.push(one.reference.clone());
            }
        };
        let mut after = None;
        loop {
            let page = bounded(store.listed_tenants(self.list, after, PAGE)).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            let mut changes = Vec::new();
            for one in &page {
                let Some(key) = &one.key else {
                    if one.fingerprint.is_some() {
                        found.outcomes.only_there += 1;
                        keep(&mut found.examples.only_there, one);
                    }
                    continue;
                };
                let Some(theirs) = one.fingerprint else {
                    found.outcomes.only_here += 1;
                    keep(&mut found.examples.only_here, one);
                    continue;
                };
                if one.taken_at.is_none_or(|at| at > self.pushed_at) {
                    found.younger += 1;
                    continue;
                }
                keyring.prepare(&key.sealed).await;
                let same = match self.own(&with, key) {
                    Ok(own) => own == theirs,
                    Err(why) => {
                        found.unopened.push((one.reference.clone(), chain(&why)));
                        continue;
                    }
                };
                let out = one.cause.as_deref() == Some("out_of_step");
                let generation = Generation(key.generation);
                if same {
                    found.outcomes.same += 1;
                    if out {
                        changes.push((one.id, generation, Standing::Current));
                    }
                } else {
                    found.outcomes.differs += 1;
                    keep(&mut found.examples.differs, one);
                    if !out {
                        changes.push((one.id, generation, Standing::OutOfStep));
                    }
                }
            }
            if decide {
                let (out, again) = self.decide(&changes).await?;
                found.newly_out += out;
                found.in_step_again += again;
            }
        }
        let room = u32::try_from(examples - found.examples.only_there.len()).unwrap_or(u32::MAX);
        let (unknown, refs) = bounded(store.unknown_on_list(self.list, room)).await?;
        found.outcomes.only_there += unknown;
        found.examples.only_there.extend(refs);
        Ok(found)
    }

    fn own(&self, with: &ComparisonKey, key: &SealedRow) -> Result<[u8; 32], VaultError> {
        let context = SealContext {
            provider: self.by.provider,
            tenant: key.tenant,
            generation: key.generation,
            purpose: Purpose::LiveKey,
        };
        let plain = self.by.keyring.held().open_sealed(&context, &key.sealed)?;
        Ok(*with.fingerprint(&plain).as_bytes())
    }

    /// Decides what follows for these tenants; says how many are out of step since, and how many are
    /// no longer.
    async fn decide(
        &self,
        changes: &[(TenantId, Generation, Standing)],
    ) -> Result<(u64, u64), ReconcileError> {
        let ids: Vec<TenantId> = changes.iter().map(|(id, ..)| *id).collect();
        let began = self.by.clock.now();
        let observed: Vec<Observed> = bounded(self.by.store.watched(&ids))
            .await?
            .into_iter()
            .filter_map(|tenant| {
                let (_, generation, standing) =
                    *changes.iter().find(|(id, ..)| *id == tenant.id)?;
                let finding = Finding::Compared;
                let evidence = Evidence { generation, began, finding, standing, pause: None };
                Some(Observed { tenant, evidence, client: None, granted: None, calls: 0 })
            })
            .collect();
        // Nobody holds this lease: a check under way keeps its own.
        let lease = lease::fresh_name()?;
        let (mut out, mut again) = (0, 0);
        for verdict in bounded(self.by.settler.settle(&observed, &lease)).await? {
            let apart = verdict.decision.next.status.cause() == Some("out_of_step");
            if verdict.changed_from.is_some() {
                *(if apart { &mut out } else { &mut again }) += 1;
            }
        }
        Ok((out, again))
    }
}
