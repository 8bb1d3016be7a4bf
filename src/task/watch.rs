//! The loop: claims who is due, has them asked, saves in batches.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{error, info};

use crate::ids::NoRandomness;
use crate::ids::random_name;
use crate::shutdown::Shutdown;
use crate::store::Claim;

use super::check::{Checker, Observed};

/// How often the store is asked who is due.
const POKE: Duration = Duration::from_millis(250);
/// Results wait at most so long for others to be saved with.
const GATHER: Duration = Duration::from_millis(100);
/// At most so many results are saved in one transaction.
const BATCH: usize = 500;
/// Pause after an error of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches all tenants of the store.
#[derive(Debug)]
pub struct Watch {
    checker: Arc<Checker>,
    concurrency: u32,
    call_timeout: TimeDelta,
}

impl Watch {
    /// A loop with at most `concurrency` checks in flight, each call bounded by `call_timeout`.
    pub fn new(checker: Arc<Checker>, concurrency: u32, call_timeout: Duration) -> Self {
        Self {
            checker,
            concurrency,
            call_timeout: TimeDelta::from_std(call_timeout).unwrap_or(TimeDelta::minutes(5)),
        }
    }

    /// Runs until the soft stage of the shutdown, then lets the checks in flight end and saves
    /// them; the hard stage drops them, and their leases run out.
    pub async fn run(self, shutdown: &Shutdown) -> Result<(), NoRandomness> {
        let lease = random_name()?;
        let mut flying: JoinSet<Option<Observed>> = JoinSet::new();
        let mut landed: Vec<Observed> = Vec::new();
        let mut oldest: Option<Instant> = None;
        let mut poke = interval(POKE);
        poke.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ripe = oldest.map_or(Instant::now() + POKE, |since| since + GATHER);
            tokio::select! {
                () = shutdown.begun() => break,
                _ = poke.tick() => self.claim(&lease, &mut flying).await,
                Some(ended) = flying.join_next(), if !flying.is_empty() => {
                    land(ended, &mut landed);
                    if !landed.is_empty() {
                        oldest.get_or_insert_with(Instant::now);
                    }
                }
                () = tokio::time::sleep_until(ripe), if oldest.is_some() => {}
            }
            let ripe = oldest.is_some_and(|since| since.elapsed() >= GATHER);
            if ripe || landed.len() >= BATCH {
                self.settle(&lease, &mut landed, shutdown).await;
                oldest = (!landed.is_empty()).then(Instant::now);
            }
        }
        info!("stopping: {} checks are still under way", flying.len());
        let drain = async {
            while let Some(ended) = flying.join_next().await {
                land(ended, &mut landed);
            }
            self.settle(&lease, &mut landed, shutdown).await;
        };
        tokio::select! {
            () = drain => {}
            () = shutdown.ended() => {}
        }
        if let Err(error) = self.checker.store.release(&lease).await {
            self.checker.count_store_error(&error);
        }
        Ok(())
    }

    async fn claim(&self, lease: &str, flying: &mut JoinSet<Option<Observed>>) {
        let in_flight = u32::try_from(flying.len()).unwrap_or(u32::MAX);
        let free = self.concurrency.saturating_sub(in_flight);
        if free == 0 {
            return;
        }
        let now = self.checker.clock.now();
        let claim = Claim { horizon: now, now, until: now + self.lease(), lease, limit: free };
        match self.checker.store.claim(&claim).await {
            Ok(claimed) => {
                for tenant in claimed {
                    let checker = Arc::clone(&self.checker);
                    flying.spawn(async move { checker.probe(tenant).await });
                }
            }
            Err(error) => {
                self.checker.count_store_error(&error);
                sleep(PAUSE).await;
            }
        }
    }

    /// Saves what has landed. While the store does not answer, results are kept: they stay true,
    /// and a row that changes meanwhile is decided again.
    async fn settle(&self, lease: &str, landed: &mut Vec<Observed>, shutdown: &Shutdown) {
        while !landed.is_empty() {
            let batch = &landed[..landed.len().min(BATCH)];
            match self.checker.settle(batch, lease).await {
                Ok(()) => {
                    let saved = batch.len();
                    landed.drain(..saved);
                }
                Err(error) => {
                    self.checker.count_store_error(&error);
                    if !error.is_passing() {
                        landed.clear();
                        return;
                    }
                    tokio::select! {
                        () = sleep(PAUSE) => {}
                        () = shutdown.ended() => return,
                    }
                }
            }
        }
    }

    /// Long enough for every call of a check to time out after waiting for the budget behind all
    /// others in flight.
    fn lease(&self) -> TimeDelta {
        let waiting = self.checker.budget.time_for(u64::from(self.concurrency) * 4);
        self.call_timeout * 4 + waiting + TimeDelta::minutes(1)
    }
}

fn land(ended: Result<Option<Observed>, tokio::task::JoinError>, landed: &mut Vec<Observed>) {
    match ended {
        Ok(Some(observed)) => landed.push(observed),
        Ok(None) => {}
        Err(error) => error!("a check ended by itself: {error}; its lease runs out"),
    }
}
