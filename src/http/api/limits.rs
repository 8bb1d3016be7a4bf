//! How much callers may ask: so many requests at once for all together, so many a second for each
//! token, and few with a token that is none.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Kind, Problem};

/// Requests that are answered at the same time; each may hold a body and wait for a provider.
const AT_ONCE: usize = 64;
/// Lists of keys that are taken at the same time: one may have 32 MiB.
const LISTS: usize = 1;
/// Requests a second with one token, after a burst of [`BURST`].
const EACH: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
/// Sessions of the console that one caller begins in a minute: each is a row of the audit chain.
const BEGINS: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
/// Tokens a second that are looked for and not found, for everybody together.
const UNKNOWN: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
/// Refusals a second that are chained, for everybody together, after a burst of [`REFUSED_BURST`].
const REFUSED: NonZeroU32 = NonZeroU32::MIN;
const REFUSED_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Tokens that are remembered before those that rest are forgotten.
const REMEMBERED: usize = 1_000;

/// The bounds of one process.
#[derive(Debug)]
pub struct Limits {
    at_once: Arc<Semaphore>,
    lists: Arc<Semaphore>,
    each: RateLimiter<String, HashMapStateStore<String>, DefaultClock>,
    begins: RateLimiter<String, HashMapStateStore<String>, DefaultClock>,
    unknown: DefaultDirectRateLimiter,
    refused: DefaultDirectRateLimiter,
    /// Refusals that were not chained since the last one that was.
    unchained: AtomicU64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            lists: Arc::new(Semaphore::new(LISTS)),
            each: RateLimiter::hashmap(Quota::per_second(EACH).allow_burst(BURST)),
            begins: RateLimiter::hashmap(Quota::per_minute(BEGINS)),
            unknown: RateLimiter::direct(Quota::per_second(UNKNOWN)),
            refused: RateLimiter::direct(Quota::per_second(REFUSED).allow_burst(REFUSED_BURST)),
            unchained: AtomicU64::new(0),
        }
    }
}

impl Limits {
    /// Takes a place among those that are answered, for as long as it is held.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.at_once).try_acquire_owned().map_err(|_| {
            too_many("64 requests are being answered at this moment, and no more at once")
        })
    }

    /// Takes the place of the one list that is taken at a time.
    pub fn enter_list(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.lists)
            .try_acquire_owned()
            .map_err(|_| too_many("a list is being compared at this moment, and one at a time"))
    }

    /// Counts a request with a good token. Only tokens that there are get here, so that what is
    /// remembered is bounded by their number.
    pub fn count(&self, token: &str) -> Result<(), Problem> {
        if self.each.len() >= REMEMBERED {
            self.each.retain_recent();
        }
        self.each
            .check_key(&token.to_owned())
            .map_err(|_| too_many("a token may make 50 requests a second, and 200 in a burst"))
    }

    /// Counts a session of the console that begins.
    pub fn begin(&self, token: &str) -> Result<(), Problem> {
        if self.begins.len() >= REMEMBERED {
            self.begins.retain_recent();
        }
        self.begins
            .check_key(&token.to_owned())
            .map_err(|_| too_many("20 sessions of the console may be begun in a minute"))
    }

    /// Counts a token that has the form of one and is none.
    pub fn count_unknown(&self) -> Result<(), Problem> {
        self.unknown.check().map_err(|_| too_many("too many tokens that are not known here"))
    }

    /// Counts a request that the role of a token may not make. If it is to be chained: how many
    /// before it were not.
    pub fn refused(&self) -> Option<u64> {
        if self.refused.check().is_ok() {
            return Some(self.unchained.swap(0, Ordering::Relaxed));
        }
        self.unchained.fetch_add(1, Ordering::Relaxed);
        None
    }
}

fn too_many(why: &str) -> Problem {
    Kind::TooManyRequests.because(format!("{why}: wait as `Retry-After` says"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tokens_flood_is_held_back_and_another_token_is_not() {
        let limits = Limits::default();
        let passed = (0..2_000).take_while(|_| limits.count("one").is_ok()).count();
        assert!((200..2_000).contains(&passed), "{passed}");
        assert!(limits.count("two").is_ok());
    }

    #[test]
    fn one_callers_sessions_are_held_back_and_anothers_are_not() {
        let limits = Limits::default();
        let begun = (0..200).take_while(|_| limits.begin("one").is_ok()).count();
        assert!((20..30).contains(&begun), "{begun}");
        assert!(limits.begin("two").is_ok());
    }

    #[test]
    fn refusals_are_chained_within_bounds_and_those_that_are_not_are_counted() {
        let limits = Limits::default();
        let chained = (0..200).filter(|_| limits.refused().is_some()).count();
        assert!((60..100).contains(&chained), "{chained}");
        let left = limits.unchained.load(Ordering::Relaxed);
        assert_eq!(left + u64::try_from(chained).unwrap(), 200);
    }

    #[test]
    fn a_place_is_free_again_once_it_is_left() {
        let limits = Limits::default();
        let all: Vec<_> = (0..AT_ONCE).map(|_| limits.enter().unwrap()).collect();
        assert!(limits.enter().is_err());
        drop(all);
        assert!(limits.enter().is_ok());
    }
}
