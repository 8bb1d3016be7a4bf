//! One check: ask the provider, then decide and save.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tracing::{error, warn};

use crate::clock::Clock;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Policy;
use crate::health::Standing;
use crate::health::Status;
use crate::health::cadence;
use crate::ids::TenantId;
use crate::provider::Client;
use crate::provider::Profile;
use crate::redact::chain;
use crate::store::ComparedRow;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Watched;
use crate::store::bounded;
use crate::telemetry::Metrics;

use super::budget::Budget;
use super::gate::Gate;
use super::keyring::KeyringSource;
use super::measure::effective_interval;
use super::pulse::Pulse;
use super::settle::Settler;
use super::source::Source;

/// All that a check needs.
#[derive(Debug)]
pub struct Checker {
    /// Where tenants are kept.
    pub store: Store,
    /// What opens their keys.
    pub keyring: KeyringSource,
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
    /// How many calls may be started, and how fast.
    pub budget: Budget,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether a key may still be used.
    pub gate: Arc<Gate>,
    /// Where keys lie that do not lie here, and how they stand to those.
    pub source: Arc<Source>,
    /// Who decides and saves what was found.
    pub settler: Settler,
    /// Signs of life, for those who judge from outside whether checks are made.
    pub pulse: Arc<Pulse>,
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
    /// What the key was seen to be allowed to do, as it is kept; nothing where that was not seen.
    pub granted: Option<String>,
    /// How many calls it took.
    pub calls: u32,
}

impl Observed {
    /// Whether what was found is an answer to what is required of the tenant now. What a person did
    /// needs no such thing.
    pub(super) fn still_asks(&self, now: &Watched) -> bool {
        match self.evidence.finding {
            Finding::Accepted | Finding::Failed(_) | Finding::Inconclusive(_) => {
                now.required == self.tenant.required
            }
            Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_)
            | Finding::Compared => true,
        }
    }
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

    /// Decides what was observed and saves it ([`Settler::settle`]). How the keys of those who failed
    /// stood to their sources is noted beside it, to be shown: if that cannot be written, no more than
    /// that is lost.
    pub async fn settle(&self, observed: &[Observed], lease: &str) -> Result<(), StoreError> {
        self.settler.settle(observed, lease).await?;
        if self.source.is_elsewhere() {
            let compared = observed.iter().filter_map(compared).collect::<Vec<_>>();
            if let Err(error) = bounded(self.store.note_compared(&compared)).await {
                self.count_store_error(&error);
            }
        }
        Ok(())
    }

    /// The time between two routine checks of one of so many tenants that the budget can carry.
    pub fn effective_interval(&self, tenants: u32) -> TimeDelta {
        effective_interval(tenants, &self.policy, &self.profile, &self.budget)
    }

    /// The tenant's own place within the interval.
    pub(super) fn phase(&self, tenant: TenantId) -> TimeDelta {
        cadence::phase(tenant.raw(), self.policy.interval)
    }
}

/// How the tenant's key was found to stand to its source, where that was asked.
fn compared(observed: &Observed) -> Option<ComparedRow> {
    let Evidence { finding, standing, generation, began, .. } = &observed.evidence;
    let asked = matches!(finding, Finding::Failed(_)) || *standing != Standing::Current;
    asked.then_some(ComparedRow {
        tenant: observed.tenant.id,
        generation: generation.0,
        standing: *standing,
        at: *began,
    })
}

/// Whether something is being confirmed of the tenant: the same as the store's `Who::Suspects`.
pub(super) fn is_urgent(tenant: &Watched) -> bool {
    let status = &tenant.health.status;
    status.doubt().is_some() && !matches!(status, Status::NeedsReconnection { .. })
}
