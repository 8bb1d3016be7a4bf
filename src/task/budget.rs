//! Calls per minute, for all processes on one store together.
//!
//! A slice of at most one second's worth of calls is charged in the store before any of them is
//! started, and lapses after a second. So in any 60 s at most the budget is started, whatever the
//! number of processes, and whatever became of those that charged.
//!
//! A key that a person has just entered goes ahead of everything that runs by itself: of those, only
//! one at a time stands at the slice, and it steps aside as soon as somebody with an entry comes.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::warn;

use crate::clock::Clock;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;

use super::pace::Pace;
use super::pushed::Pushed;

/// The name of the budget that all calls share.
const NAME: &str = "calls";
/// A charged slice lapses after this; its calls start within it.
const SLICE: Duration = Duration::from_secs(1);
/// Whoever had the last slice asks so much later for the next than whoever was refused.
const COURTESY: Duration = Duration::from_millis(40);
/// After an error of the store nobody asks it again for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// What the provider counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All calls together.
    Integration,
    /// The calls of each key; then there is nothing to share, only a least distance.
    Key,
}

/// Who wants to start a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A routine check begins: at the pace of the fleet, one after the other.
    Routine,
    /// Something is being confirmed, or a check that has begun makes another call: it waits for the
    /// budget alone.
    Pressing,
    /// A person who has entered a key and waits for the answer. Goes ahead of all the others of its
    /// process, and by a head start ahead of those of other processes.
    Entry,
}

/// The budget of one process.
#[derive(Debug)]
pub struct Budget {
    store: Store,
    clock: Arc<dyn Clock>,
    per_minute: NonZeroU32,
    scope: Scope,
    slice: Mutex<Slice>,
    pushed: Lock<Pushed>,
    waiting: AtomicU32,
    pace: Pace,
    /// Held by the one routine check that waits to begin.
    door: Mutex<()>,
    /// Held by the one caller other than an entry that may stand at the slice.
    turn: Mutex<()>,
    /// How many entries wait.
    entries: watch::Sender<u32>,
}

/// An entry that waits, counted for as long as it lives.
struct Ahead<'a>(&'a watch::Sender<u32>);

impl<'a> Ahead<'a> {
    fn among(entries: &'a watch::Sender<u32>) -> Self {
        entries.send_modify(|number| *number += 1);
        Self(entries)
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number -= 1);
    }
}

/// One who waits for a call, counted for as long as it lives.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn among(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Slice {
    left: u32,
    lapses: Instant,
    paused_until: Instant,
}

impl Slice {
    /// Takes a call of it, if there is one.
    fn take(&mut self) -> bool {
        let has_one = self.left > 0 && Instant::now() < self.lapses;
        self.left -= u32::from(has_one);
        has_one
    }
}

impl Budget {
    /// A budget of so many calls in any 60 seconds.
    pub fn new(store: Store, clock: Arc<dyn Clock>, per_minute: NonZeroU32, scope: Scope) -> Self {
        let now = Instant::now();
        let slice = Mutex::new(Slice { left: 0, lapses: now, paused_until: now });
        Self {
            store,
            clock,
            per_minute,
            scope,
            slice,
            pushed: Lock::new(Pushed::since(now)),
            waiting: AtomicU32::new(0),
            pace: Pace::default(),
            door: Mutex::new(()),
            turn: Mutex::new(()),
            entries: watch::channel(0).0,
        }
    }

    /// Waits until one call may be started, and counts it. An error means that the store could
    /// not be asked: then no call may be started. An entry waits for whatever of the present slice
    /// is spent and for other entries, never for routine.
    pub async fn take(&self, caller: Caller) -> Result<(), StoreError> {
        let _waiting = Waiting::among(&self.waiting);
        match caller {
            Caller::Routine => {
                // Held until the budget has a call too: while nobody can start one, nobody comes
                // through, and so no crowd stands behind it that would all start at once.
                let _door = self.door.lock().await;
                self.pace.turn().await;
                self.take_in_turn().await
            }
            Caller::Pressing => self.take_in_turn().await,
            Caller::Entry if self.scope == Scope::Key => Ok(()),
            Caller::Entry => {
                let _ahead = Ahead::among(&self.entries);
                // Held while waiting: whoever came first is served first.
                let mut slice = self.slice.lock().await;
                while !self.step(&mut slice, Caller::Entry, Duration::ZERO).await? {}
                Ok(())
            }
        }
    }

    async fn take_in_turn(&self) -> Result<(), StoreError> {
        if self.scope == Scope::Key {
            return Ok(());
        }
        // Mostly nobody waits and there is a call left.
        if let Ok(_turn) = self.turn.try_lock()
            && *self.entries.borrow() == 0
            && let Ok(mut slice) = self.slice.try_lock()
            && slice.take()
        {
            return Ok(());
        }
        // Held while waiting: whoever came first is served first.
        let _turn = self.turn.lock().await;
        let mut entries = self.entries.subscribe();
        let mut refused = 0_u32;
        loop {
            // The sender is our own and lives as long as we do.
            let _ = entries.wait_for(|number| *number == 0).await;
            let mut slice = self.slice.lock().await;
            while *entries.borrow() == 0 {
                refused = refused.saturating_add(1);
                if self.step(&mut slice, Caller::Pressing, courtesy(refused)).await? {
                    return Ok(());
                }
            }
        }
    }

    /// Takes a call of the slice, or else charges a new one or waits until that may be tried again,
    /// `later` than it might; says whether a call was taken.
    async fn step(
        &self,
        slice: &mut Slice,
        caller: Caller,
        later: Duration,
    ) -> Result<bool, StoreError> {
        if slice.take() {
            return Ok(true);
        }
        if Instant::now() < slice.paused_until {
            return Err(StoreError::Unavailable { code: "asked a moment ago".to_owned() });
        }
        let (calls, cost) = slice_of(self.per_minute);
        let (asked, now) = (Instant::now(), self.clock.now());
        match bounded(self.store.charge(NAME, cost, now)).await {
            Ok(None) => {
                // The slice is counted from the moment that was charged.
                *slice = Slice { left: calls, lapses: asked + SLICE, paused_until: asked };
                if Instant::now() >= slice.lapses {
                    warn!("the database took over a second to charge the budget; charged again");
                }
            }
            Ok(Some(free_at)) => {
                // More than that is a clock that was wrong: looked at again, not slept through.
                let most = cost.max(TimeDelta::seconds(1));
                let wait = (free_at - now).min(most).to_std().unwrap_or_default() + later;
                self.rest(wait.max(Duration::from_millis(1)), caller).await;
            }
            Err(error) => {
                slice.paused_until = Instant::now() + PAUSE;
                return Err(error);
            }
        }
        Ok(false)
    }

    /// Waits; whoever is no entry, no longer than until there is one.
    async fn rest(&self, wait: Duration, caller: Caller) {
        let mut entries = self.entries.subscribe();
        let cut_short = async {
            match caller {
                Caller::Routine | Caller::Pressing => {
                    drop(entries.wait_for(|number| *number > 0).await);
                }
                Caller::Entry => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = cut_short => {}
        }
    }

    /// The provider asked for fewer calls: nobody starts one for `pause`, or, where it did not say
    /// for how long, for a second that doubles from time to time. At most a minute; if it asks
    /// again after that, so it is. Gives back whether this is another time than the one before.
    pub async fn push_back(&self, pause: Option<TimeDelta>) -> Result<bool, StoreError> {
        let (pause, new) = {
            let (mut pushed, now) = (self.pushed(), Instant::now());
            let new = pushed.is_new(now);
            (pushed.again(pause, now), new)
        };
        // What was charged already starts within the second.
        bounded(self.store.hold(NAME, self.clock.now() + pause)).await?;
        Ok(new)
    }

    /// The provider answered without asking for fewer calls.
    pub fn go_on(&self) {
        self.pushed().forget();
    }

    fn pushed(&self) -> MutexGuard<'_, Pushed> {
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How fast routine checks may begin.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// How many calls it allows in any 60 seconds.
    pub fn per_minute(&self) -> u32 {
        self.per_minute.get()
    }

    /// How many wait for a call at this moment.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many calls can be started in so many seconds, at most.
    pub fn within(&self, seconds: u32) -> u32 {
        match self.scope {
            Scope::Key => u32::MAX,
            Scope::Integration => {
                let calls = u64::from(self.per_minute.get()) * u64::from(seconds) / 60;
                u32::try_from(calls.max(1)).unwrap_or(u32::MAX)
            }
        }
    }

    /// How long it takes to start so many calls, at best.
    pub fn time_for(&self, calls: f64) -> TimeDelta {
        match self.scope {
            Scope::Key => TimeDelta::zero(),
            Scope::Integration => {
                let (slice, cost) = slice_of(self.per_minute);
                let each = cost.to_std().unwrap_or_default().as_secs_f64() / f64::from(slice);
                TimeDelta::from_std(Duration::from_secs_f64((calls * each).clamp(0.0, 1e9)))
                    .unwrap_or(TimeDelta::MAX)
            }
        }
    }

    /// The least time between two calls for one key.
    pub fn distance(&self) -> TimeDelta {
        match self.scope {
            Scope::Integration => TimeDelta::zero(),
            Scope::Key => TimeDelta::microseconds(60_000_000 / i64::from(self.per_minute.get())),
        }
    }
}

/// How much later than it might a process asks again that was refused so often in a row. Several
/// wait for the same moment, and their clocks differ a little: without this the one whose clock is
/// ahead would have every slice, and the calls of the others would wait without end.
fn courtesy(refused: u32) -> Duration {
    COURTESY / 2_u32.saturating_pow(refused)
}

/// How many calls are charged at once, and what they cost together.
///
/// Calls of a slice start up to one second after it was charged, so what is started in 60 s was
/// charged in 61 s. A slice is charged only when the arrival time has passed, so the charges that
/// begin in 61 s are at most 61 s ÷ cost, rounded up: with a cost of 61 s ÷ slices, where slices =
/// budget ÷ calls, that is at most the budget. A second is added for clocks that are slewed.
fn slice_of(per_minute: NonZeroU32) -> (u32, TimeDelta) {
    let calls = (per_minute.get() / 60).max(1);
    let slices = i64::from(per_minute.get() / calls);
    (calls, TimeDelta::microseconds(62_000_000 / slices + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Charges as fast as the rule allows and lets the calls start anywhere within their slice.
    fn most_in_a_minute(per_minute: u32) -> u32 {
        let (calls, cost) = slice_of(NonZeroU32::new(per_minute).unwrap());
        let step = cost.num_microseconds().unwrap();
        // The worst case: the first slice starts as late as it may, all others at once.
        let mut started = calls;
        let mut at = step;
        while at < 61_000_000 {
            started += calls;
            at += step;
        }
        started
    }

    #[test]
    fn whoever_was_refused_more_often_asks_earlier() {
        let waits: Vec<_> = (1..=5).map(courtesy).collect();
        assert!(waits.is_sorted_by(|one, next| one > next), "{waits:?}");
        assert_eq!(courtesy(u32::MAX), Duration::ZERO);
    }

    #[test]
    fn no_sixty_seconds_see_more_than_the_budget() {
        for per_minute in
            [1, 2, 3, 59, 60, 61, 100, 119, 120, 500, 6_000, 59_999, 60_000, 6_000_000]
        {
            let most = most_in_a_minute(per_minute);
            assert!(most <= per_minute, "{most} calls with a budget of {per_minute}");
        }
    }

    #[test]
    fn at_least_nine_tenths_of_the_default_budget_can_be_used() {
        let (calls, cost) = slice_of(NonZeroU32::new(100).unwrap());
        let in_a_minute = 60_000_000 / cost.num_microseconds().unwrap() * i64::from(calls);
        assert!(in_a_minute >= 90, "{in_a_minute}");
    }
}
