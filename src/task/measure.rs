//! Measures the fleet against what the budget can carry, and says when it cannot.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::health::Policy;
use crate::provider::Profile;
use crate::store::StoreError;
use crate::store::bounded;

use super::budget::Budget;
use super::check::Checker;

/// Time between two measurings though nobody pokes.
const LONGEST: Duration = Duration::from_secs(20);

/// Measures whenever it is poked.
#[derive(Debug)]
pub struct Measure {
    checker: Arc<Checker>,
    poked: Arc<Notify>,
    stretched: bool,
}

impl Measure {
    /// A measuring that waits to be poked.
    pub fn new(checker: Arc<Checker>, poked: Arc<Notify>) -> Self {
        Self { checker, poked, stretched: false }
    }

    /// Measures at once, at every poke and at least every 20 seconds, for as long as it is awaited.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = bounded(self.run_once()).await {
                self.checker.count_store_error(&error);
            }
            // Whoever pokes goes by the machine's clock, which may have been set back.
            let _poked = timeout(LONGEST, self.poked.notified()).await;
        }
    }

    async fn run_once(&mut self) -> Result<(), StoreError> {
        let checker = Arc::clone(&self.checker);
        let tenants = checker.store.count_watched().await?;
        let effective =
            effective_interval(tenants, &checker.policy, &checker.profile, &checker.budget);
        let overdue = match checker.store.earliest_due().await? {
            Some(due) => (checker.clock.now() - due).max(TimeDelta::zero()),
            None => TimeDelta::zero(),
        };
        let metrics = &checker.metrics;
        metrics.interval_seconds.set(seconds(checker.policy.interval));
        metrics.effective_interval_seconds.set(seconds(effective));
        metrics.overdue_seconds.set(seconds(overdue));
        metrics.clock_ahead_seconds.set(seconds(checker.clock.ahead()));
        let stretched = effective > checker.policy.interval;
        if stretched && !self.stretched {
            warn!(
                tenants,
                effective_seconds = effective.num_seconds(),
                "the budget cannot carry {tenants} tenants every {} s: each is asked about every \
                 {} s; confirmations still come first",
                checker.policy.interval.num_seconds(),
                effective.num_seconds()
            );
        } else if self.stretched && !stretched {
            info!(tenants, "the budget carries all tenants at the configured interval again");
        }
        self.stretched = stretched;
        Ok(())
    }
}

/// The time between two routine checks of one tenant that the budget can carry: the configured
/// one, or as long as the calls of one check of everybody take.
pub fn effective_interval(
    tenants: u32,
    policy: &Policy,
    profile: &Profile,
    budget: &Budget,
) -> TimeDelta {
    policy.interval.max(budget.time_for(f64::from(tenants) * profile.calls_of_a_check()))
}

fn seconds(span: TimeDelta) -> f64 {
    span.to_std().unwrap_or_default().as_secs_f64()
}
