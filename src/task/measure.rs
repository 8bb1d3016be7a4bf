//! Measures the fleet against what the budget can carry, and says when it cannot.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::health::Policy;
use crate::provider::Profile;
use crate::store::StoreError;
use crate::store::bounded;

use super::budget::Budget;
use super::check::Checker;

/// A check that nobody has claimed so long after it was due is put off.
pub const PUT_OFF_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Time between two measurings though nobody pokes.
const LONGEST: Duration = Duration::from_secs(20);
/// Least time between two counts of a fleet that may have grown, so short that an import is followed
/// while it runs; a count that takes long is made less often.
const RECOUNT: Duration = Duration::from_millis(250);

/// Measures whenever it is poked.
#[derive(Debug)]
pub struct Measure {
    checker: Arc<Checker>,
    poked: Arc<Notify>,
    overload: Option<Overload>,
    /// Whether routine checks were put off at the latest measuring.
    behind: bool,
}

/// Why routine checks are put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Overload {
    /// They have waited for long, at two measurings in a row: a process that has just begun may
    /// find many that are due.
    Behind,
    /// The budget cannot carry the fleet at the configured interval.
    Fleet,
}

impl Overload {
    /// The worse of the two, if there is any.
    fn of(stretched: bool, behind: bool) -> Option<Self> {
        if stretched { Some(Self::Fleet) } else { behind.then_some(Self::Behind) }
    }
}

impl Measure {
    /// A measuring that waits to be poked.
    pub fn new(checker: Arc<Checker>, poked: Arc<Notify>) -> Self {
        let per_minute = checker.budget.per_minute();
        checker.metrics.budget_rate.set(f64::from(per_minute) / 60.0);
        Self { checker, poked, overload: None, behind: false }
    }

    /// Measures at once, at every poke and at least every 20 seconds, for as long as it is awaited.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = bounded(self.run_once()).await {
                self.checker.count_store_error(&error);
            }
            // Whoever pokes goes by the machine's clock, which may have been set back.
            let _poked = timeout(LONGEST, self.wait()).await;
        }
    }

    /// Waits to be poked; meanwhile counts the fleet anew whenever checks have to wait for the pace,
    /// because it may have grown.
    async fn wait(&self) {
        let mut rest = RECOUNT;
        loop {
            tokio::select! {
                () = self.poked.notified() => return,
                () = async { sleep(rest).await; self.checker.budget.pace().pressed().await } => {}
            }
            let begun = Instant::now();
            match bounded(self.checker.store.count_watched()).await {
                Ok(tenants) => {
                    let effective = self.checker.effective_interval(tenants);
                    self.checker.budget.pace().know(tenants, effective);
                }
                Err(error) => self.checker.count_store_error(&error),
            }
            rest = RECOUNT.max(begun.elapsed() * 20);
        }
    }

    async fn run_once(&mut self) -> Result<(), StoreError> {
        let checker = Arc::clone(&self.checker);
        let tenants = checker.store.count_watched().await?;
        let effective = checker.effective_interval(tenants);
        let now = checker.clock.now();
        checker.budget.pace().know(tenants, effective);
        let overdue = match checker.store.earliest_due().await? {
            Some(due) => (now - due).max(TimeDelta::zero()),
            None => TimeDelta::zero(),
        };
        let put_off = checker.store.put_off(now - PUT_OFF_AFTER, now).await?;
        let deletions = checker.store.count_deletions_wanted().await?;
        let metrics = &checker.metrics;
        metrics.deletions_wanted.set(deletions.into());
        metrics.interval_seconds.set(seconds(checker.policy.interval));
        metrics.effective_interval_seconds.set(seconds(effective));
        metrics.overdue_seconds.set(seconds(overdue));
        metrics.set_put_off(put_off.confirmations, put_off.routine);
        let was_behind = std::mem::replace(&mut self.behind, put_off.routine > 0);
        metrics.clock_ahead_seconds.set(seconds(checker.clock.ahead()));
        let stretched = effective > checker.policy.interval;
        let overload = Overload::of(stretched, was_behind && self.behind);
        metrics.shedding.set(overload.is_some().into());
        let before = std::mem::replace(&mut self.overload, overload);
        match overload {
            Some(Overload::Fleet) if overload > before => warn!(
                tenants,
                effective_seconds = effective.num_seconds(),
                "the budget cannot carry {tenants} tenants every {} s: each is asked about every \
                 {} s; {ORDER}",
                checker.policy.interval.num_seconds(),
                effective.num_seconds()
            ),
            Some(Overload::Behind) if overload > before => warn!(
                put_off = put_off.routine,
                overdue_seconds = overdue.num_seconds(),
                "{} routine checks have waited for over {} s: there is more to do than can be \
                 done; {ORDER}",
                put_off.routine,
                PUT_OFF_AFTER.num_seconds()
            ),
            None if before.is_some() => {
                info!(tenants, "routine checks are made at the configured interval again");
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the claims of the watch loop do, in words.
const ORDER: &str = "confirmations still come first, then everybody in the order of their due \
                     times; nothing is concluded from a check that was not made";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_too_large_is_a_worse_overload_than_being_behind_and_is_told_after_it() {
        let [none, behind, fleet] = [(false, false), (false, true), (true, true)]
            .map(|(stretched, behind)| Overload::of(stretched, behind));
        assert_eq!(none, None);
        assert!(none < behind && behind < fleet);
        assert_eq!(Overload::of(true, false), fleet);
    }
}
