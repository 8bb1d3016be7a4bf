//! One check: ask the provider, decide, save.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::{Mutex, broadcast};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::health::Class;
use crate::health::Counts;
use crate::health::Decision;
use crate::health::Due;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Policy;
use crate::health::Weather;
use crate::health::cadence;
use crate::health::decide;
use crate::health::judge;
use crate::ids::TenantId;
use crate::provider::Client;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Profile;
use crate::provider::Step;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Saved;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Verdict;
use crate::store::Watched;
use crate::telemetry::Metrics;
use crate::vault::Keyring;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::budget::Budget;

/// A decision is made again at most so often; somebody else changing a row faster than this is
/// a fault that a later check will see.
const MOST_ROUNDS: usize = 5;
/// Counts for the weather are at most so old.
const MOST_STALE: Duration = Duration::from_secs(2);

/// All that a check needs.
#[derive(Debug)]
pub struct Checker {
    /// Where tenants are kept.
    pub store: Store,
    /// What opens their keys.
    pub keyring: Keyring,
    /// How the provider is asked.
    pub profile: Arc<Profile>,
    /// What asks it.
    pub client: Client,
    /// The client that keys must have been made for, where a key was not accepted yet.
    pub client_id: Option<String>,
    /// How much evidence it takes.
    pub policy: Policy,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How many calls may be started.
    pub budget: Budget,
    /// What is counted.
    pub metrics: Metrics,
    /// Who wants to hear of changes.
    pub changes: broadcast::Sender<Change>,
    /// The latest counts for the weather, and when they were counted.
    pub counted: Mutex<Option<(Instant, Counts)>>,
}

/// What a probe found of one tenant.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The tenant as it was when it was asked.
    pub tenant: Watched,
    /// What was found.
    pub evidence: Evidence,
    /// The client that the key was made for, where it was accepted.
    pub client: Option<String>,
    /// How many calls it took.
    pub calls: u32,
}

/// A change of status, as programs are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "tenant.status_changed")]
pub struct Change {
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// The integration's own name for the tenant.
    pub tenant: String,
    /// The word of the status before.
    pub from: &'static str,
    /// The word of the status now.
    pub to: &'static str,
    /// The word of its cause, if it needs one.
    pub cause: Option<&'static str>,
    /// Why, in a sentence.
    pub reason: String,
}

impl Checker {
    /// Asks the provider about one tenant. `None` when no call could be started: the budget could
    /// not be asked, or nothing new is to be begun.
    #[tracing::instrument(name = "check.probe", skip_all, fields(tenant.id = %tenant.id))]
    pub async fn probe(&self, tenant: Watched, shutdown: &Shutdown) -> Option<Observed> {
        let expected = Expected {
            company: &tenant.company,
            client: tenant.client.as_deref().or(self.client_id.as_deref()),
            required: &tenant.required,
        };
        let doubted = tenant.health.status.doubt().map(|doubt| &doubt.failure);
        let turn = cadence::turn(self.clock.now(), self.policy.interval, self.phase(tenant.id));
        let mut examination = Examination::new(&self.profile, expected, doubted, turn);
        let mut step = examination.step();
        let mut calls = 0_u32;
        let mut started: Option<(DateTime<Utc>, Instant)> = None;
        let finding = loop {
            let call = match step {
                Step::Ask(call) => call,
                Step::Conclude(finding) => break finding,
            };
            // A key that is not there costs nobody a call.
            if tenant.sealed.is_some() {
                self.may_call(shutdown).await?;
            }
            let now = self.clock.now();
            started.get_or_insert_with(|| (now, Instant::now()));
            let key = match self.open(&tenant) {
                Ok(key) => key,
                Err(why) => {
                    error!("the key of {} could not be opened: {why}", tenant.reference);
                    break Finding::Inconclusive(Inconclusive::KeyUnavailable);
                }
            };
            calls += 1;
            let reply = self.client.call(&call, &key, now).await;
            drop(key);
            let labels = [call.kind.name(), Client::label(&reply)];
            self.metrics.calls.with_label_values(&labels).inc();
            step = examination.answer(&reply);
        };
        let client = match (&finding, examination.seen()) {
            (Finding::Accepted, Some(seen)) if tenant.client.is_none() => seen.client.clone(),
            _ => None,
        };
        let pause = examination.pause();
        let (began, clock) = started?;
        self.metrics.checks.with_label_values(&[finding.name()]).inc();
        self.metrics.check_seconds.observe(clock.elapsed().as_secs_f64());
        if let Some(due) = tenant.due_at {
            let late = (began - due).to_std().unwrap_or_default();
            self.metrics.lateness_seconds.observe(late.as_secs_f64());
        }
        debug!(finding = finding.name(), "{} was asked: {}", tenant.reference, finding.name());
        let evidence = Evidence { generation: tenant.health.generation, began, finding, pause };
        Some(Observed { tenant, evidence, client, calls })
    }

    /// Waits for the budget; `None` when no call may be started.
    async fn may_call(&self, shutdown: &Shutdown) -> Option<()> {
        let taken = tokio::select! {
            taken = self.budget.take() => taken,
            () = shutdown.begun() => return None,
        };
        taken.map_err(|error| self.count_store_error(&error)).ok()
    }

    /// Decides what was observed and saves it. Whatever was lost to another writer is read and
    /// decided again with the same evidence, unless the key or the company has changed: then the
    /// evidence is about something else. On an error nothing was saved, and the same may be tried
    /// again.
    pub async fn settle(&self, observed: &[Observed], lease: &str) -> Result<(), StoreError> {
        let mut pending: BTreeMap<TenantId, Observed> =
            observed.iter().map(|one| (one.tenant.id, one.clone())).collect();
        for _ in 0..MOST_ROUNDS {
            if pending.is_empty() {
                return Ok(());
            }
            let now = self.clock.now();
            let weather = self.weather(pending.values(), now).await?;
            let verdicts: Vec<Verdict> =
                pending.values().map(|one| self.judge(one, weather, now)).collect();
            let Saved { saved, lost } = self.store.save(&verdicts, lease, now).await?;
            self.metrics.saved.inc_by(saved.len() as u64);
            for verdict in verdicts.iter().filter(|verdict| saved.contains(&verdict.tenant)) {
                self.announce(verdict, now);
                pending.remove(&verdict.tenant);
            }
            if lost.is_empty() {
                return Ok(());
            }
            self.metrics.decided_again.inc_by(lost.len() as u64);
            let lost: Vec<TenantId> = lost.into_iter().collect();
            let mut fresh: BTreeMap<_, _> =
                self.store.watched(&lost).await?.into_iter().map(|one| (one.id, one)).collect();
            pending.retain(|id, one| match fresh.remove(id) {
                Some(now)
                    if now.company == one.tenant.company
                        && now.health.generation == one.evidence.generation =>
                {
                    one.tenant = now;
                    true
                }
                Some(_) | None => {
                    self.metrics.evidence_discarded.inc();
                    false
                }
            });
        }
        for id in pending.keys() {
            self.metrics.evidence_discarded.inc();
            warn!(tenant.id = %id, "what was found of tenant {id} was dropped: its row kept changing");
        }
        Ok(())
    }

    /// Counts and logs an error of the store, once, where it is handled.
    pub fn count_store_error(&self, error: &StoreError) {
        let kind = if error.is_passing() { "passing" } else { "lasting" };
        self.metrics.store_errors.with_label_values(&[kind]).inc();
        if error.is_passing() {
            warn!("{}; it is tried again", chain(error));
        } else {
            error!("{}", chain(error));
        }
    }

    fn phase(&self, tenant: TenantId) -> TimeDelta {
        cadence::phase(tenant.raw(), self.policy.interval)
    }

    fn open(&self, tenant: &Watched) -> Result<crate::redact::ApiKey, String> {
        let sealed = tenant.sealed.as_deref().ok_or("it was destroyed")?;
        let context = SealContext {
            provider: &self.profile.name,
            tenant: tenant.id,
            generation: tenant.health.generation.0,
            purpose: Purpose::LiveKey,
        };
        self.keyring.open_sealed(&context, sealed).map_err(|error| chain(&error))
    }

    fn judge(&self, one: &Observed, weather: Skies, now: DateTime<Utc>) -> Verdict {
        let before = &one.tenant.health;
        let class = one.evidence.finding.class();
        let phase = self.phase(one.tenant.id);
        let mut decision =
            decide(before, &one.evidence, weather.of(class), &self.policy, phase, now);
        if let Due::At(due) = decision.due {
            let distance = self.budget.distance() * i32::try_from(one.calls).unwrap_or(1);
            decision.due = Due::At(due.max(one.evidence.began + distance));
        }
        Verdict {
            tenant: one.tenant.id,
            reference: one.tenant.reference.clone(),
            version: one.tenant.version,
            changed_from: decision.changed(before).then(|| before.status.word()),
            client: one.client.clone(),
            decision,
        }
    }

    /// The weather of each class that the evidence needs. The window is one interval and one
    /// confirmation: everybody was asked in it, and whoever began to fail in it is new.
    async fn weather(
        &self,
        observed: impl Iterator<Item = &Observed>,
        now: DateTime<Utc>,
    ) -> Result<Skies, StoreError> {
        let mut skies = Skies { refused: Weather::Unknown, silent: Weather::Unknown };
        if observed.into_iter().all(|one| one.evidence.finding.class().is_none()) {
            return Ok(skies);
        }
        let last_step = self.policy.confirm_after.last().copied().unwrap_or_default();
        let window = self.policy.interval.max(self.policy.span) + last_step;
        let counts = self.counts(now, window).await?;
        let refused = judge(Class::Refused, &counts);
        let silent = judge(Class::Silent, &counts);
        debug!(?counts, ?refused, ?silent, "weather judged");
        skies.refused = refused.weather;
        skies.silent = silent.weather;
        Ok(skies)
    }

    /// The fleet's counts, asked of the store at most once in two seconds (less under a short
    /// policy): a whole fleet that fails together is saved in many batches.
    async fn counts(&self, now: DateTime<Utc>, window: TimeDelta) -> Result<Counts, StoreError> {
        let mut cached = self.counted.lock().await;
        let fresh = (window / 100).to_std().unwrap_or_default().min(MOST_STALE);
        if let Some((at, counts)) = *cached
            && at.elapsed() < fresh
        {
            return Ok(counts);
        }
        let counts = self.store.fleet_since(now - window).await?;
        *cached = Some((Instant::now(), counts));
        Ok(counts)
    }

    fn announce(&self, verdict: &Verdict, now: DateTime<Utc>) {
        let Decision { next, reason, .. } = &verdict.decision;
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

/// The weather of each class.
#[derive(Clone, Copy, Debug)]
struct Skies {
    refused: Weather,
    silent: Weather,
}

impl Skies {
    fn of(self, class: Option<Class>) -> Weather {
        match class {
            Some(Class::Refused) => self.refused,
            Some(Class::Silent) => self.silent,
            None => Weather::Unknown,
        }
    }
}
