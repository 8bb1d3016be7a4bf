//! Decides what was observed or what a person did, and saves it, with the weather of the whole
//! fleet at hand. The one way to change a tenant's status; it asks no provider and opens no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::health::Action;
use crate::health::Decision;
use crate::health::Due;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Health;
use crate::health::Policy;
use crate::health::Reason;
use crate::health::Repair;
use crate::health::Standing;
use crate::health::cadence;
use crate::health::decide;
use crate::ids::TenantId;
use crate::store::Actor;
use crate::store::Saved;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Verdict;
use crate::store::Watched;
use crate::telemetry::Metrics;

use super::check::{Change, Observed};
use super::lease;
use super::pulse::Pulse;
use super::weather::{Judge, Skies};

/// A decision is made again at most so often; somebody else changing a row faster than this is
/// a fault that a later check will see.
pub(super) const MOST_ROUNDS: usize = 5;

/// Changes that a slow listener may fall behind by.
const CHANGES_KEPT: usize = 4_096;

/// All that a decision needs.
#[derive(Debug)]
pub struct Settler {
    /// Who wants to hear of changes.
    pub changes: broadcast::Sender<Change>,
    pub(super) store: Store,
    policy: Policy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    /// The least time between two calls for one key.
    distance: TimeDelta,
    /// Who judges the weather.
    pub(super) judge: Arc<Judge>,
    /// Signs of life, for those who judge from outside whether checks are made.
    pulse: Arc<Pulse>,
}

impl Settler {
    /// Decides by this policy and saves in this store. `distance` is the least time between two
    /// calls for one key.
    pub fn new(
        store: Store,
        policy: Policy,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        distance: TimeDelta,
        pulse: Arc<Pulse>,
        judge: Arc<Judge>,
    ) -> Self {
        let changes = broadcast::channel(CHANGES_KEPT).0;
        Self { changes, store, policy, clock, metrics, distance, judge, pulse }
    }

    /// The same for somebody else: the audit chain says that this actor did it.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self {
            changes: self.changes.clone(),
            store: self.store.acting_as(actor),
            policy: self.policy.clone(),
            clock: Arc::clone(&self.clock),
            metrics: self.metrics.clone(),
            distance: self.distance,
            judge: Arc::clone(&self.judge),
            pulse: Arc::clone(&self.pulse),
        }
    }

    /// Who judges the weather for it.
    pub fn weather_judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge)
    }

    /// Where it saves, as whoever it saves for.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Decides what a person did to a tenant and saves it, on the road of every check: whoever is
    /// being asked at this moment is decided again. `None` where the tenant is gone, or its row
    /// kept changing; then nothing was done.
    pub async fn operate(
        &self,
        tenant: TenantId,
        action: Action,
    ) -> Result<Option<Verdict>, StoreError> {
        self.operate_because(tenant, action, None).await
    }

    /// The same, with the person's own words for why.
    pub async fn operate_because(
        &self,
        tenant: TenantId,
        action: Action,
        remark: Option<&str>,
    ) -> Result<Option<Verdict>, StoreError> {
        let Some(tenant) = self.store.watched(&[tenant]).await?.pop() else {
            return Ok(None);
        };
        let evidence = Evidence {
            generation: tenant.health.generation,
            began: self.clock.now(),
            finding: Finding::Operator(action),
            standing: Standing::Current,
            pause: None,
        };
        let observed = Observed { tenant, evidence, client: None, granted: None, calls: 0 };
        // Nobody holds this lease: a check under way keeps its own.
        let lease = lease::fresh_name()?;
        Ok(self.settle_as(&[observed], &lease, remark).await?.pop())
    }

    /// Decides what was observed and saves it; gives back what holds now. Whatever was lost to
    /// another writer is read and decided again with the same evidence, unless the key, the company or
    /// what is required of it has changed: then the evidence is about something else. On an error nothing was saved, and the same may be tried
    /// again.
    pub async fn settle(
        &self,
        observed: &[Observed],
        lease: &str,
    ) -> Result<Vec<Verdict>, StoreError> {
        self.settle_as(observed, lease, None).await
    }

    pub(super) async fn settle_as(
        &self,
        observed: &[Observed],
        lease: &str,
        remark: Option<&str>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut settled = Vec::with_capacity(observed.len());
        let mut pending: BTreeMap<TenantId, Pending<'_>> = observed
            .iter()
            .map(|observed| (observed.tenant.id, Pending { observed, reread: None }))
            .collect();
        for _ in 0..MOST_ROUNDS {
            if pending.is_empty() {
                return Ok(settled);
            }
            let now = self.clock.now();
            let weather = self.weather(pending.values().map(|one| one.observed)).await?;
            let verdicts: Vec<Verdict> =
                pending.values().map(|one| self.verdict(one, remark, &weather, now)).collect();
            let asked = Instant::now();
            let ended = self.store.save(&verdicts, lease, now).await;
            self.metrics.save_seconds.observe(asked.elapsed().as_secs_f64());
            let Saved { saved, lost } = ended?;
            self.metrics.saved.inc_by(saved.len() as u64);
            self.metrics.batch_size.observe(count(verdicts.len()));
            if !saved.is_empty() {
                self.pulse.settle();
            }
            for verdict in verdicts.into_iter().filter(|verdict| !lost.contains(&verdict.tenant)) {
                if let Some(one) = pending.get(&verdict.tenant) {
                    self.announce(&verdict, &one.tenant().health, now);
                }
                settled.push(verdict);
            }
            if lost.is_empty() {
                return Ok(settled);
            }
            pending.retain(|id, _| lost.contains(id));
            self.metrics.decided_again.inc_by(lost.len() as u64);
            let lost: Vec<TenantId> = lost.into_iter().collect();
            let mut fresh: BTreeMap<_, _> =
                self.store.watched(&lost).await?.into_iter().map(|one| (one.id, one)).collect();
            let mut discarded = Vec::new();
            pending.retain(|id, one| match fresh.remove(id) {
                Some(now)
                    if now.company == one.tenant().company
                        && now.health.generation == one.observed.evidence.generation
                        && one.observed.still_asks(&now) =>
                {
                    one.reread = Some(now);
                    true
                }
                Some(_) | None => {
                    self.metrics.evidence_discarded.inc();
                    discarded.push(*id);
                    false
                }
            });
            // They are asked again with what holds now, and not when a lease runs out.
            self.store.release_some(&discarded, lease).await?;
        }
        for id in pending.keys() {
            self.metrics.evidence_discarded.inc();
            warn!(tenant.id = %id, "what was found of tenant {id} was dropped: its row kept changing");
        }
        Ok(settled)
    }

    pub(super) fn verdict(
        &self,
        one: &Pending<'_>,
        remark: Option<&str>,
        weather: &Skies,
        now: DateTime<Utc>,
    ) -> Verdict {
        let (tenant, observed) = (one.tenant(), one.observed);
        let Observed { evidence, client, granted, calls, .. } = observed;
        let before = &tenant.health;
        let weather = weather.of(evidence.finding.class(), tenant.id);
        let phase = cadence::phase(tenant.id.raw(), self.policy.interval);
        let mut decision = decide(before, evidence, weather, &self.policy, phase, now);
        if let Due::At(due) = decision.due {
            let distance = self.distance * i32::try_from(*calls).unwrap_or(1);
            decision.due = Due::At(due.max(evidence.began + distance));
        }
        Verdict {
            tenant: tenant.id,
            reference: tenant.reference.clone(),
            version: tenant.version,
            changed_from: decision.changed(before).then(|| before.status.word()),
            client: client.clone(),
            granted: granted.clone().filter(|granted| {
                evidence.generation != before.generation || tenant.granted.as_ref() != Some(granted)
            }),
            rebound: match &evidence.finding {
                Finding::Rebound(bond) if decision.reason != Reason::OtherGeneration => {
                    Some(bond.clone())
                }
                _ => None,
            },
            routine: decision.is_routine(before),
            remark: remark.map(str::to_owned),
            decision,
        }
    }

    /// The weather that the evidence needs.
    async fn weather(
        &self,
        observed: impl Iterator<Item = &Observed>,
    ) -> Result<Skies, StoreError> {
        let bearing = observed.filter(|one| one.evidence.finding.class().is_some());
        let tenants: Vec<TenantId> = bearing.map(|one| one.tenant.id).collect();
        if tenants.is_empty() {
            return Ok(Skies::UNKNOWN);
        }
        self.judge.skies(&tenants).await
    }

    /// Counts and tells what was saved of a tenant of whom that was believed before.
    pub(super) fn announce(&self, verdict: &Verdict, before: &Health, now: DateTime<Utc>) {
        let Decision { next, reason, .. } = &verdict.decision;
        self.metrics.repairs.saved(Repair::of(before, &verdict.decision, now));
        let Some(from) = verdict.changed_from else {
            return;
        };
        self.metrics.status_changes.with_label_values(&[next.status.word()]).inc();
        info!(
            tenant.id = %verdict.tenant,
            tenant.r#ref = verdict.reference,
            from,
            to = next.status.word(),
            cause = next.status.cause(),
            "tenant {} is now {}: {reason}", verdict.reference, next.status
        );
        let change = Change {
            time: now,
            tenant: verdict.reference.clone(),
            from,
            to: next.status.word(),
            cause: next.status.cause(),
            reason: reason.to_string(),
        };
        // Nobody may be listening.
        let _ = self.changes.send(change);
    }
}

/// What was observed, with the tenant as it was read again since.
pub(super) struct Pending<'o> {
    pub(super) observed: &'o Observed,
    pub(super) reread: Option<Watched>,
}

impl Pending<'_> {
    pub(super) fn tenant(&self) -> &Watched {
        self.reread.as_ref().unwrap_or(&self.observed.tenant)
    }
}

/// A number of things as a metric takes it; exact up to four thousand million.
fn count(things: usize) -> f64 {
    u32::try_from(things).unwrap_or(u32::MAX).into()
}
