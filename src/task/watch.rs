//! The loop: claims who is due, has them asked, saves in batches.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{error, info, warn};

use crate::ids::NoRandomness;
use crate::ids::TenantId;
use crate::ids::random_name;
use crate::shutdown::Shutdown;
use crate::store::Claim;
use crate::store::StoreError;
use crate::store::Who;
use crate::store::bounded;

use super::check::{Checker, Observed};
use super::crew::{Crew, Ended};
use super::lease::Lease;
use super::leases::Leases;

/// Results wait at most so long for others to be saved with.
const GATHER: Duration = Duration::from_millis(250);
/// At most so many results are saved in one transaction.
const BATCH: usize = 2_000;
/// Pause after an error of the store.
const PAUSE: Duration = Duration::from_secs(1);
/// Whoever is due within so many seconds is claimed, and starts at its own due time.
const LOOK_AHEAD: u32 = 2;
/// At most so many are claimed and not started, whatever the budget.
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
    leases: Leases,
    poked: Arc<Notify>,
    hungry: bool,
    measured: Measured,
    landed: Vec<Observed>,
    unasked: Vec<TenantId>,
}

/// How many checks were begun lately.
#[derive(Debug)]
struct Measured {
    at: Instant,
    begun: u64,
    each_second: u32,
}

impl Watch {
    /// A loop with at most `concurrency` checks in flight, each call bounded by `call_timeout`.
    pub fn new(
        checker: Arc<Checker>,
        concurrency: u32,
        call_timeout: Duration,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            leases: Leases::new(checker.metrics.clone()),
            checker,
            concurrency,
            call_timeout: TimeDelta::from_std(call_timeout).unwrap_or(TimeDelta::minutes(5)),
            lease: random_name()?,
            poked: Arc::default(),
            hungry: false,
            measured: Measured { at: Instant::now(), begun: 0, each_second: 0 },
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
        let mut crew = Crew::start(Arc::clone(&self.checker), self.concurrency, shutdown.clone());
        tokio::select! {
            () = self.work(&mut crew, shutdown) => {}
            () = shutdown.ended() => {}
        }
        info!("stopping: {} checks are under way", crew.flying());
        let grace = (self.call_timeout * CALLS).to_std().unwrap_or(PAUSE) + PAUSE;
        tokio::select! {
            () = self.drain(&mut crew) => {}
            () = sleep(grace) => warn!("not everything could be saved in time; it is asked again"),
            () = shutdown.ended() => {}
        }
        drop(crew);
        if let Err(error) = bounded(self.checker.store.release(&self.lease)).await {
            self.checker.count_store_error(&error);
        }
    }

    async fn work(&mut self, crew: &mut Crew, shutdown: &Shutdown) {
        let mut oldest: Option<Instant> = None;
        let mut ended = Vec::new();
        let poked = self.poked();
        let mut poke = interval(self.poke());
        poke.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.checker.pulse.turn();
            let ripe_at = oldest.map_or_else(Instant::now, |since| since + GATHER);
            tokio::select! {
                () = shutdown.begun() => return,
                _ = poke.tick() => self.claim(crew).await,
                () = poked.notified() => self.claim(crew).await,
                taken = crew.take(&mut ended, BATCH), if self.landed.len() < BATCH => {
                    if taken == 0 {
                        error!("the checks have ended by themselves");
                        return;
                    }
                    self.land(&mut ended);
                    if !self.landed.is_empty() {
                        oldest.get_or_insert_with(Instant::now);
                    }
                }
                () = sleep_until(ripe_at), if oldest.is_some() => {}
            }
            if self.hungry && self.queued(crew) * 2 < self.capacity(crew) {
                self.claim(crew).await;
            }
            let ripe = oldest.is_some_and(|since| since.elapsed() >= GATHER);
            if ripe || self.landed.len() >= BATCH {
                self.settle().await;
                oldest = (!self.landed.is_empty()).then(Instant::now);
            }
        }
    }

    async fn drain(&mut self, crew: &mut Crew) {
        let mut ended = Vec::new();
        while crew.take(&mut ended, BATCH).await > 0 {
            self.land(&mut ended);
            while self.landed.len() >= BATCH {
                self.settle().await;
            }
        }
        while !self.landed.is_empty() {
            self.settle().await;
        }
    }

    /// Claims who is due soon: first those of whom something is being confirmed, then everybody.
    /// Each starts at its own due time. No more are claimed than can start within the look-ahead,
    /// so that what is more urgent never stands behind a long queue.
    async fn claim(&mut self, crew: &Crew) {
        self.release().await;
        self.measured.look(crew.begun());
        self.hungry = false;
        for who in [Who::Suspects, Who::Everybody] {
            let limit = self.capacity(crew).saturating_sub(self.queued(crew));
            if limit == 0 || !self.checker.clock.is_trusted() {
                return;
            }
            let now = self.checker.clock.now();
            let horizon = now + self.ahead();
            let to_begin = horizon - now + self.turns(crew);
            let lease = Lease::new(now, to_begin, self.call_timeout);
            let until = lease.until;
            let claim = Claim { who, horizon, now, until, lease: &self.lease, limit };
            match bounded(self.checker.store.claim(&claim)).await {
                Ok(claimed) => {
                    self.hungry |= claimed.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
                    self.checker.metrics.claimed.inc_by(claimed.len() as u64);
                    self.leases.begin(claimed.iter().map(|tenant| tenant.id), until);
                    crew.give(claimed, lease.latest).await;
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
    fn turns(&self, crew: &Crew) -> TimeDelta {
        let queue = self.checker.budget.time_for(self.capacity(crew).into());
        (queue + self.call_timeout * 2) * CALLS
    }

    /// How many are claimed and wait: for their due time, for a place, or for the budget. Whoever
    /// waits for the budget has begun already, and may have made a call.
    fn queued(&self, crew: &Crew) -> u32 {
        crew.queued() + self.checker.budget.waiting()
    }

    /// How far ahead is claimed. A short interval is not claimed whole: a process that dies holds
    /// few.
    fn ahead(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(LOOK_AHEAD)).min(self.checker.policy.interval / 4)
    }

    /// How often the store is asked who is due: twice in the time that is looked ahead, so that
    /// everybody is claimed before its time.
    fn poke(&self) -> Duration {
        (self.ahead() / 2).to_std().unwrap_or_default().max(Duration::from_millis(10))
    }

    /// How many may be claimed and not started: what can start within the look-ahead, by the budget
    /// and by what was begun lately; twice that, so that it can become more. With answers that are
    /// slow or do not come, few are held, and what is more urgent is claimed soon.
    fn capacity(&self, crew: &Crew) -> u32 {
        let lately = self.measured.rate(crew.begun()).saturating_mul(LOOK_AHEAD * 2);
        let lately = lately.max(self.concurrency.saturating_mul(2));
        self.checker.budget.within(LOOK_AHEAD).min(lately).clamp(LOOK_AHEAD, MOST_QUEUED)
    }

    /// Saves what has landed. While the store does not answer, results are kept: they stay true,
    /// and a row that changes meanwhile is decided again.
    async fn settle(&mut self) {
        let batch = &self.landed[..self.landed.len().min(BATCH)];
        match bounded(self.checker.settle(batch, &self.lease)).await {
            Ok(()) => {
                let saved = batch.len();
                let ids = self.landed.drain(..saved).map(|one| one.tenant.id);
                self.leases.end(ids, self.checker.clock.now());
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
                Ok(()) => self.leases.end([one.tenant.id], self.checker.clock.now()),
                Err(error) if error.is_passing() => self.landed.push(one),
                Err(error) => {
                    self.checker.count_store_error(&error);
                    error!(tenant.id = %one.tenant.id, "what was found of {} was dropped", one.tenant.reference);
                    // While the audit chain takes nothing, a tenant whose status would change is
                    // asked again when its lease runs out, and not all the time.
                    if !matches!(error, StoreError::Unchained { .. }) {
                        self.unasked.push(one.tenant.id);
                    }
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
            Ok(()) => self.leases.end(self.unasked.drain(..), self.checker.clock.now()),
            Err(error) => self.checker.count_store_error(&error),
        }
    }

    fn land(&mut self, ended: &mut Vec<Ended>) {
        for one in ended.drain(..) {
            match one {
                Ok(observed) => self.landed.push(observed),
                Err(tenant) => self.unasked.push(tenant),
            }
        }
    }
}

impl Measured {
    /// The rate of the last whole second or more, or of the one that runs, if that is higher.
    fn rate(&self, begun: u64) -> u32 {
        self.each_second.max(u32::try_from(begun - self.begun).unwrap_or(u32::MAX))
    }

    fn look(&mut self, begun: u64) {
        let millis = self.at.elapsed().as_millis();
        if millis >= 1_000 {
            let rate = u128::from(begun - self.begun) * 1_000 / millis;
            let each_second = u32::try_from(rate).unwrap_or(u32::MAX);
            *self = Self { at: Instant::now(), begun, each_second };
        }
    }
}
