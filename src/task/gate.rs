//! The gate before every call: whether the key that is about to be used was revoked, by whatever
//! process, and whether that is known. It opens no key and decides nothing of a tenant.
//!
//! Every process reads the revocations once a second, those of the last minute again and again: a
//! row may be committed later than it is dated. Whoever has not read them for three seconds starts
//! no call. So from three seconds after a key was revoked on, and from two at most where the
//! database answers, nobody starts a call with it; and whoever is in the middle of one drops it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::clock::uptime;
use crate::ids::TenantId;
use crate::redact::chain;
use crate::store::Revocations;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::Metrics;

/// How often revocations are read.
const EVERY: Duration = Duration::from_secs(1);
/// For how long what was read is gone by.
const TRUSTED: Duration = Duration::from_secs(3);
/// The longest that a reading takes; then it has failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How far before the last reading the next one begins.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// The gate of one process.
#[derive(Debug)]
pub struct Gate {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    known: RwLock<Known>,
    reading: Mutex<Reading>,
    /// Told whenever a key is found to be revoked that was not known to be.
    news: watch::Sender<()>,
}

/// What is known of revocations.
#[derive(Debug)]
struct Known {
    /// Whose keys are revoked, up to and with which generation. It only grows, by one entry for each
    /// tenant whose key was ever revoked while this process runs.
    revoked: HashMap<TenantId, u32>,
    /// When the last reading that succeeded began.
    read: Option<Moment>,
}

/// What the next reading has to know of those before it.
#[derive(Debug)]
struct Reading {
    /// When the last that succeeded began, in store time, and the highest number it found.
    last: Option<(DateTime<Utc>, i64)>,
    /// When the last one began, and whether it succeeded.
    tried: Option<(Instant, bool)>,
}

/// A moment within this process.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Instant,
    uptime: Duration,
}

/// Leave to start one call now.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    tenant: TenantId,
    generation: u32,
    news: watch::Receiver<()>,
}

/// Why no call is started, or why one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Revoked,
    Unread,
    Dropped,
}

impl Refused {
    fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Unread => "unread",
            Self::Dropped => "dropped",
        }
    }
}

impl Moment {
    fn now() -> Self {
        Self { at: Instant::now(), uptime: uptime() }
    }

    /// How long ago it was, a suspended machine's sleep included.
    fn age(&self) -> Duration {
        self.at.elapsed().max(uptime().saturating_sub(self.uptime))
    }
}

impl Gate {
    /// A gate that has read nothing yet, and so lets nobody pass.
    pub fn new(store: Store, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        let known = Known { revoked: HashMap::new(), read: None };
        let reading = Reading { last: None, tried: None };
        Self {
            store,
            clock,
            metrics,
            known: RwLock::new(known),
            reading: Mutex::new(reading),
            news: watch::Sender::new(()),
        }
    }

    /// Reads revocations once a second for as long as the handle lives, beside all other work.
    pub fn keep_reading(self: &Arc<Self>) -> AbortOnDropHandle<()> {
        let gate = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let begun = Moment::now();
            let mut tick = interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                gate.read().await;
                let age = gate.read_at().unwrap_or(begun).age();
                gate.metrics.revocations_age_seconds.set(age.as_secs_f64());
            }
        }))
    }

    /// Reads revocations unless they were read lately; `None` when they cannot be. To be awaited
    /// before anything is spent on a call.
    pub async fn look(&self) -> Option<()> {
        if self.sees() || self.read().await {
            return Some(());
        }
        self.refuse(Refused::Unread);
        None
    }

    /// Lets a call pass that is started at once with this generation of a tenant's key; `None` when
    /// that was revoked, or when it is not known whether it was. Where there is no key, no call is
    /// started, and there is nothing to refuse.
    pub fn admit(&self, tenant: TenantId, generation: u32, is_key: bool) -> Option<Pass<'_>> {
        // Before looking, so that no news is missed between looking and waiting for it.
        let news = self.news.subscribe();
        if is_key {
            let refused = if self.is_revoked(tenant, generation) {
                Some(Refused::Revoked)
            } else if self.sees() {
                None
            } else {
                Some(Refused::Unread)
            };
            if let Some(why) = refused {
                self.refuse(why);
                return None;
            }
        }
        Some(Pass { gate: self, tenant, generation, news })
    }

    /// Reads revocations; says whether that succeeded. Whoever waited for another's reading that
    /// began after its own wish is content with it.
    async fn read(&self) -> bool {
        let wished = Instant::now();
        let mut reading = self.reading.lock().await;
        if let Some((began, succeeded)) = reading.tried
            && began >= wished
        {
            return succeeded;
        }
        let began = Moment::now();
        let now = self.clock.now();
        let (since, after) = reading.last.unwrap_or((now, i64::MAX));
        let asked = self.store.revocations(since.min(now) - OVERLAP, after);
        let answer = match timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Unavailable { code: "no answer in 2 seconds".to_owned() }),
        };
        let before = reading.tried.replace((began.at, answer.is_ok()));
        match answer {
            Ok(revocations) => {
                if before.is_some_and(|(_, succeeded)| !succeeded) {
                    info!("revocations can be read again: calls are started");
                }
                reading.last = Some((now, revocations.last));
                self.learn(&revocations, began);
                true
            }
            Err(error) => {
                let kind = if error.is_passing() { "passing" } else { "lasting" };
                self.metrics.store_errors.with_label_values(&[kind]).inc();
                if before.is_none_or(|(_, succeeded)| succeeded) {
                    warn!(
                        "revocations cannot be read, and no call is started until they can: {}",
                        chain(&error)
                    );
                }
                false
            }
        }
    }

    fn learn(&self, revocations: &Revocations, began: Moment) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut news = false;
        for (tenant, generation) in &revocations.revoked {
            let highest = known.revoked.entry(*tenant).or_default();
            news |= *highest < *generation;
            *highest = (*highest).max(*generation);
        }
        known.read = Some(began);
        drop(known);
        if news {
            self.news.send_replace(());
        }
    }

    fn read_at(&self) -> Option<Moment> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).read
    }

    fn sees(&self) -> bool {
        self.read_at().is_some_and(|read| read.age() < TRUSTED)
    }

    /// Told whenever a key is found to be revoked that was not known to be.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Whether this generation of a tenant's key is known to be revoked.
    pub(super) fn is_revoked(&self, tenant: TenantId, generation: u32) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.revoked.get(&tenant).is_some_and(|revoked| generation <= *revoked)
    }

    fn refuse(&self, why: Refused) {
        self.metrics.calls_refused.with_label_values(&[why.name()]).inc();
    }
}

impl Pass<'_> {
    /// Ends when the key is found to be revoked: the call is to be dropped then.
    pub async fn revoked(mut self) {
        // It fails only when the gate is gone, and that outlives this.
        while self.news.changed().await.is_ok() {
            if self.gate.is_revoked(self.tenant, self.generation) {
                self.gate.refuse(Refused::Dropped);
                info!(
                    tenant.id = %self.tenant,
                    "a call for tenant {} was dropped: its key was revoked", self.tenant
                );
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_the_machine_was_suspended_is_old() {
        // The monotonic clock stood still for an hour, and the machine's did not.
        let asleep = Duration::from_hours(1);
        let before = uptime().checked_sub(asleep).unwrap_or_default();
        let read = Moment { at: Instant::now(), uptime: before };
        assert!(read.age() > TRUSTED || uptime() < TRUSTED, "{:?}", read.age());
        assert!(Moment::now().age() < TRUSTED);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_three_seconds_ago_is_old() {
        let read = Moment::now();
        tokio::time::advance(TRUSTED).await;
        assert!(read.age() >= TRUSTED);
    }
}
