//! The loop: claims who is due, has them asked, saves in batches.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{error, info, warn};

use crate::ids::NoRandomness;
use crate::ids::TenantId;
use crate::ids::random_name;
use crate::shutdown::Shutdown;
use crate::store::Claim;
use crate::store::StoreError;
use crate::store::Watched;
use crate::store::Who;
use crate::store::bounded;

use super::check::{Checker, Observed};
use super::lease::Lease;

/// How often the store is asked who is due.
const POKE: Duration = Duration::from_millis(250);
/// Results wait at most so long for others to be saved with.
const GATHER: Duration = Duration::from_millis(100);
/// At most so many results are saved in one transaction.
const BATCH: usize = 2_000;
/// Pause after an error of the store.
const PAUSE: Duration = Duration::from_secs(1);
/// Whoever is due within so many seconds is claimed, and starts at its own due time.
const LOOK_AHEAD: u32 = 2;
/// At most so many are claimed and wait, whatever the budget.
const MOST_QUEUED: u32 = 4_096;
/// A check makes at most so many calls, give or take a profile with many permission calls.
const CALLS: i32 = 4;

/// Watches all tenants of the store.
#[derive(Debug)]
pub struct Watch {
    checker: Arc<Checker>,
    concurrency: u32,
    call_timeout: TimeDelta,
    lease: String,
    places: Arc<Semaphore>,
    poked: Arc<Notify>,
    hungry: bool,
    flying: JoinSet<Result<Observed, TenantId>>,
    landed: Vec<Observed>,
    unasked: Vec<TenantId>,
}

impl Watch {
    /// A loop with at most `concurrency` checks in flight, each call bounded by `call_timeout`.
    pub fn new(
        checker: Arc<Checker>,
        concurrency: u32,
        call_timeout: Duration,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            checker,
            concurrency,
            call_timeout: TimeDelta::from_std(call_timeout).unwrap_or(TimeDelta::minutes(5)),
            lease: random_name()?,
            places: Arc::new(Semaphore::new(usize::try_from(concurrency).unwrap_or(1))),
            poked: Arc::default(),
            hungry: false,
            flying: JoinSet::new(),
            landed: Vec::new(),
            unasked: Vec::new(),
        })
    }

    /// Whoever notifies this has the store asked at once who is due.
    pub fn poked(&self) -> Arc<Notify> {
        Arc::clone(&self.poked)
    }

    /// Runs until the soft stage of the shutdown, then lets the calls in flight end and saves what
    /// they found, for as long as they may take; the hard stage drops them.
    pub async fn run(mut self, shutdown: &Shutdown) {
        tokio::select! {
            () = self.work(shutdown) => {}
            () = shutdown.ended() => {}
        }
        info!("stopping: {} checks are under way", self.flying.len());
        let grace = (self.call_timeout * CALLS).to_std().unwrap_or(PAUSE) + PAUSE;
        tokio::select! {
            () = self.drain() => {}
            () = sleep(grace) => warn!("not everything could be saved in time; it is asked again"),
            () = shutdown.ended() => {}
        }
        self.flying.shutdown().await;
        if let Err(error) = bounded(self.checker.store.release(&self.lease)).await {
            self.checker.count_store_error(&error);
        }
    }

    async fn work(&mut self, shutdown: &Shutdown) {
        let mut oldest: Option<Instant> = None;
        let poked = self.poked();
        let mut poke = interval(POKE);
        poke.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.checker.pulse.turn();
            let ripe_at = oldest.map_or_else(Instant::now, |since| since + GATHER);
            tokio::select! {
                () = shutdown.begun() => return,
                _ = poke.tick() => self.claim(shutdown).await,
                () = poked.notified() => self.claim(shutdown).await,
                Some(ended) = self.flying.join_next(), if !self.flying.is_empty() => {
                    self.land(ended);
                    if !self.landed.is_empty() {
                        oldest.get_or_insert_with(Instant::now);
                    }
                }
                () = sleep_until(ripe_at), if oldest.is_some() => {}
            }
            if self.hungry && self.queued() * 2 < self.capacity() {
                self.claim(shutdown).await;
            }
            let ripe = oldest.is_some_and(|since| since.elapsed() >= GATHER);
            if ripe || self.landed.len() >= BATCH {
                self.settle().await;
                oldest = (!self.landed.is_empty()).then(Instant::now);
            }
        }
    }

    async fn drain(&mut self) {
        while let Some(ended) = self.flying.join_next().await {
            self.land(ended);
        }
        while !self.landed.is_empty() {
            self.settle().await;
        }
    }

    /// Claims who is due soon: first those of whom something is being confirmed, then everybody.
    /// Each starts at its own due time. No more are claimed than can start within the look-ahead,
    /// so that what is more urgent never stands behind a long queue.
    async fn claim(&mut self, shutdown: &Shutdown) {
        self.release().await;
        self.hungry = false;
        for who in [Who::Suspects, Who::Everybody] {
            let limit = self.capacity().saturating_sub(self.queued());
            if limit == 0 || !self.checker.clock.is_trusted() {
                return;
            }
            let now = self.checker.clock.now();
            // A short interval is not claimed whole: a process that dies holds few.
            let ahead = TimeDelta::seconds(i64::from(LOOK_AHEAD));
            let horizon = now + ahead.min(self.checker.policy.interval / 4);
            let lease = Lease::new(now, horizon - now + self.turns(), self.call_timeout);
            let until = lease.until;
            let claim = Claim { who, horizon, now, until, lease: &self.lease, limit };
            match bounded(self.checker.store.claim(&claim)).await {
                Ok(claimed) => {
                    self.hungry |= claimed.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
                    self.checker.metrics.claimed.inc_by(claimed.len() as u64);
                    for tenant in claimed {
                        self.start(tenant, lease, shutdown);
                    }
                }
                Err(error) => {
                    self.checker.count_store_error(&error);
                    sleep(PAUSE).await;
                    return;
                }
            }
        }
    }

    /// How long all calls of a check may take until the last of them begins. Each waits until the
    /// budget has started what is queued, and what comes back from a call to be queued for the
    /// next: no more than the budget starts while a call takes.
    fn turns(&self) -> TimeDelta {
        let queue = self.checker.budget.time_for(self.capacity().into());
        (queue + self.call_timeout * 2) * CALLS
    }

    /// Has a tenant asked at its due time, once there is a place among those in flight. Whoever
    /// gets none in time is given back.
    fn start(&mut self, tenant: Watched, lease: Lease, shutdown: &Shutdown) {
        let (checker, shutdown) = (Arc::clone(&self.checker), shutdown.clone());
        let places = Arc::clone(&self.places);
        let wait = tenant
            .due_at
            .and_then(|due| (due - checker.clock.now()).to_std().ok())
            .unwrap_or_default();
        self.flying.spawn(async move {
            let id = tenant.id;
            let turn = async {
                sleep(wait).await;
                places.acquire_owned().await
            };
            let place = tokio::select! {
                place = turn => place.map_err(|_| id)?,
                () = sleep_until(lease.latest) => return Err(id),
                () = shutdown.begun() => return Err(id),
            };
            let observed = checker.probe(tenant, lease.latest, &shutdown).await.ok_or(id);
            drop(place);
            observed
        });
    }

    /// How many may be claimed and wait: what the budget can start within the look-ahead.
    fn capacity(&self) -> u32 {
        self.checker.budget.within(LOOK_AHEAD).clamp(LOOK_AHEAD, MOST_QUEUED)
    }

    /// How many are claimed and wait: for their due time, for a place, or for the budget. Whoever
    /// waits for the budget has a place already, and may have made a call.
    fn queued(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        let placed = self.concurrency.saturating_sub(free);
        let calling = placed.saturating_sub(self.checker.budget.waiting());
        u32::try_from(self.flying.len()).unwrap_or(u32::MAX).saturating_sub(calling)
    }

    /// Saves what has landed. While the store does not answer, results are kept: they stay true,
    /// and a row that changes meanwhile is decided again.
    async fn settle(&mut self) {
        let batch = &self.landed[..self.landed.len().min(BATCH)];
        match bounded(self.checker.settle(batch, &self.lease)).await {
            Ok(()) => {
                let saved = batch.len();
                self.landed.drain(..saved);
            }
            Err(error) if error.is_passing() => {
                self.checker.count_store_error(&error);
                sleep(PAUSE).await;
            }
            Err(error) => {
                let batch = self.landed.drain(..self.landed.len().min(BATCH)).collect();
                self.settle_apart(batch, &error).await;
            }
        }
    }

    /// Saves a batch one by one after an error that will not pass: one that cannot be saved must
    /// not keep all others from being saved.
    async fn settle_apart(&mut self, batch: Vec<Observed>, error: &StoreError) {
        self.checker.count_store_error(error);
        for one in batch {
            let saved = self.checker.settle(std::slice::from_ref(&one), &self.lease);
            match bounded(saved).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => self.landed.push(one),
                Err(error) => {
                    self.checker.count_store_error(&error);
                    error!(tenant.id = %one.tenant.id, "what was found of {} was dropped", one.tenant.reference);
                    self.unasked.push(one.tenant.id);
                }
            }
        }
    }

    /// Ends the leases of those about whom nothing was learnt.
    async fn release(&mut self) {
        if self.unasked.is_empty() {
            return;
        }
        match bounded(self.checker.store.release_some(&self.unasked, &self.lease)).await {
            Ok(()) => self.unasked.clear(),
            Err(error) => self.checker.count_store_error(&error),
        }
    }

    fn land(&mut self, ended: Result<Result<Observed, TenantId>, tokio::task::JoinError>) {
        match ended {
            Ok(Ok(observed)) => self.landed.push(observed),
            Ok(Err(tenant)) => self.unasked.push(tenant),
            Err(error) => error!("a check ended by itself: {error}; its lease runs out"),
        }
    }
}
