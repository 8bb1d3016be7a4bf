//! Those who ask: at most so many checks are in flight, each begun at its own time, what is being
//! confirmed before all else. It knows nothing of leases and saves nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use crate::ids::TenantId;
use crate::shutdown::Shutdown;
use crate::store::Watched;

use super::check::{Checker, Observed, is_urgent};

/// Checks that are due within so many microseconds start together: one wake of the process serves
/// them all. Nobody is asked before it is due, and nobody later than this because of it.
const SLOT: i64 = 50_000;
/// Findings that may lie here before somebody takes them; the asking waits then.
const FOUND: usize = 2_048;

/// What became of a check: what was found, or that nothing was asked.
pub type Ended = Result<Observed, TenantId>;

/// A crew at work. Dropped, it stops in the middle of its calls.
#[derive(Debug)]
pub struct Crew {
    given: mpsc::Sender<Vec<Order>>,
    found: mpsc::Receiver<Ended>,
    queued: Arc<AtomicU32>,
    flying: Arc<AtomicU32>,
    begun: Arc<AtomicU64>,
    _foreman: AbortOnDropHandle<()>,
}

impl Crew {
    /// At most `most` checks in flight. At the soft stage of the shutdown nothing new is begun;
    /// what was begun is brought to its end.
    pub fn start(checker: Arc<Checker>, most: u32, shutdown: Shutdown) -> Self {
        let (given, orders) = mpsc::channel(16);
        let (finder, found) = mpsc::channel(FOUND);
        let work = Arc::new(Work {
            checker,
            shutdown,
            finder,
            ready: Mutex::default(),
            queued: Arc::default(),
            flying: Arc::default(),
            begun: Arc::default(),
        });
        let (queued, flying) = (Arc::clone(&work.queued), Arc::clone(&work.flying));
        let begun = Arc::clone(&work.begun);
        let foreman = Foreman { work, most, waiting: BTreeMap::new(), hands: JoinSet::new() };
        let foreman = AbortOnDropHandle::new(tokio::spawn(foreman.run(orders)));
        Self { given, found, queued, flying, begun, _foreman: foreman }
    }

    /// Gives tenants to be asked, each at its due time; one of whom a call would begin after `latest`
    /// is given back.
    pub async fn give(&self, tenants: Vec<Watched>, latest: Instant) {
        self.queued.fetch_add(count(tenants.len()), Ordering::Relaxed);
        let orders = tenants.into_iter().map(|tenant| Order { tenant, latest }).collect();
        // It fails only when the crew has ended: then their leases run out.
        let _ = self.given.send(orders).await;
    }

    /// Takes up to `most` of what has ended; waits for at least one. Nothing once the crew has
    /// ended and all was taken.
    pub async fn take(&mut self, ended: &mut Vec<Ended>, most: usize) -> usize {
        self.found.recv_many(ended, most).await
    }

    /// How many were given and have not begun.
    pub fn queued(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }

    /// How many checks were ever begun.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many checks are in flight.
    pub fn flying(&self) -> u32 {
        self.flying.load(Ordering::Relaxed)
    }
}

/// What all hands share.
struct Work {
    checker: Arc<Checker>,
    shutdown: Shutdown,
    finder: mpsc::Sender<Ended>,
    ready: Mutex<Ready>,
    queued: Arc<AtomicU32>,
    flying: Arc<AtomicU32>,
    begun: Arc<AtomicU64>,
}

/// A tenant to be asked, without beginning a call after `latest`.
struct Order {
    tenant: Watched,
    latest: Instant,
}

/// Whose time has come.
#[derive(Default)]
struct Ready {
    urgent: VecDeque<Order>,
    routine: VecDeque<Order>,
}

/// Starts hands when there is something to do.
struct Foreman {
    work: Arc<Work>,
    most: u32,
    waiting: BTreeMap<Instant, Vec<Order>>,
    hands: JoinSet<()>,
}

impl Foreman {
    async fn run(mut self, mut orders: mpsc::Receiver<Vec<Order>>) {
        loop {
            let next = self.waiting.first_key_value().map(|(at, _)| *at);
            tokio::select! {
                () = self.work.shutdown.begun() => break,
                given = orders.recv() => match given {
                    Some(orders) => self.line_up(orders),
                    None => break,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                Some(ended) = self.hands.join_next(), if !self.hands.is_empty() => note(ended),
            }
            self.call_up();
        }
        orders.close();
        let mut left: Vec<Order> =
            std::mem::take(&mut self.waiting).into_values().flatten().collect();
        while let Some(given) = orders.recv().await {
            left.extend(given);
        }
        left.extend(self.work.ready().drain());
        for order in left {
            self.work.queued.fetch_sub(1, Ordering::Relaxed);
            let _ = self.work.finder.send(Err(order.tenant.id)).await;
        }
        while let Some(ended) = self.hands.join_next().await {
            note(ended);
        }
    }

    /// Puts each tenant in the slot of its due time. Those who are late already come at once, and wait
    /// for the pace.
    fn line_up(&mut self, orders: Vec<Order>) {
        let (at, now) = (Instant::now(), self.work.checker.clock.now());
        for order in orders {
            let due = order.tenant.due_at.and_then(slot).unwrap_or(now);
            let turn = at + (due - now).to_std().unwrap_or_default();
            self.waiting.entry(turn).or_default().push(order);
        }
    }

    /// Lets those begin whose time has come, with as many hands as there is room for.
    fn call_up(&mut self) {
        let now = Instant::now();
        let mut ready = self.work.ready();
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() <= now) {
            ready.add(first.remove());
        }
        let wanted = count(ready.len());
        drop(ready);
        let room = self.most.saturating_sub(count(self.hands.len()));
        for _ in 0..wanted.min(room) {
            self.hands.spawn(Arc::clone(&self.work).run());
        }
    }
}

impl Work {
    /// Asks one after the other until nobody is left whose time has come.
    async fn run(self: Arc<Self>) {
        loop {
            let Some(Order { tenant, latest }) = self.ready().next() else { return };
            self.queued.fetch_sub(1, Ordering::Relaxed);
            let id = tenant.id;
            let ended = if Instant::now() < latest {
                self.begun.fetch_add(1, Ordering::Relaxed);
                let _flight = Flight::begin(&self.flying);
                self.checker.probe(tenant, latest, &self.shutdown).await.ok_or(id)
            } else {
                Err(id)
            };
            if self.finder.send(ended).await.is_err() {
                return;
            }
        }
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ready {
    fn add(&mut self, orders: Vec<Order>) {
        for order in orders {
            let urgent = is_urgent(&order.tenant);
            if urgent { &mut self.urgent } else { &mut self.routine }.push_back(order);
        }
    }

    fn next(&mut self) -> Option<Order> {
        self.urgent.pop_front().or_else(|| self.routine.pop_front())
    }

    fn len(&self) -> usize {
        self.urgent.len() + self.routine.len()
    }

    fn drain(&mut self) -> Vec<Order> {
        self.urgent.drain(..).chain(self.routine.drain(..)).collect()
    }
}

/// Counts a check in flight, however it ends.
struct Flight<'a>(&'a AtomicU32);

impl<'a> Flight<'a> {
    fn begin(flying: &'a AtomicU32) -> Self {
        flying.fetch_add(1, Ordering::Relaxed);
        Self(flying)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The end of the slot in which a moment lies.
fn slot(due: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let micros = due.timestamp_micros();
    let rest = micros.checked_neg()?.rem_euclid(SLOT);
    DateTime::from_timestamp_micros(micros.checked_add(rest)?)
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!("a check ended by itself: {error}; its lease runs out");
    }
}

fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_starts_at_the_end_of_its_slot_and_never_before_it_is_due() {
        let ends = |micros| {
            slot(DateTime::from_timestamp_micros(micros)?).map(|end| end.timestamp_micros())
        };
        let slots = [1, 49_999, 50_000, 50_001].map(ends);
        assert_eq!(slots, [50_000, 50_000, 50_000, 100_000].map(Some));
        assert_eq!((ends(0), ends(-1)), (Some(0), Some(0)));
    }
}
