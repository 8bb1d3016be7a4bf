//! Custody `mirror`: how the key held here stands to the one that the integration uses. It is asked at
//! its address, else what it last pushed is looked at, if that is young enough; else nobody knows.
//!
//! An incident that hits all tenants must not become one of the integration: so many questions at
//! once, so many in a minute, none for a while after one that was not answered. What is not asked
//! because of that counts as not compared, which is the careful side: the longer bound holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::clock::Clock;
use crate::custody::Inquiry;
use crate::custody::NotTold;
use crate::custody::Told;
use crate::custody::list::COUNTS;
use crate::health::Standing;
use crate::health::Status;
use crate::health::Trouble;
use crate::ids::TenantId;
use crate::redact::chain;
use crate::store::ListedKey;
use crate::store::Store;
use crate::store::Watched;
use crate::store::bounded;
use crate::telemetry::Metrics;
use crate::vault::Fingerprint;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::keyring::KeyringSource;

/// Questions under way at the same time, in one process.
const AT_ONCE: usize = 4;
/// How long a question waits for its turn.
const TURN: Duration = Duration::from_secs(2);
/// Questions in a row that nothing holds back; then one a second.
const BURST: u32 = 60;
/// An answer is not asked for again so soon.
const FRESH: Duration = Duration::from_secs(10);
/// At most so many answers are remembered.
const REMEMBERED: usize = 1_000;
/// After a question that was not answered nobody asks for so long, and twice as long after the next.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The integration's side of a mirror.
#[derive(Debug)]
pub struct Mirror {
    store: Store,
    inquiry: Option<Inquiry>,
    provider: String,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    turns: Semaphore,
    asked: Mutex<Asked>,
}

/// What was asked lately, and what that means for the next question.
#[derive(Debug)]
struct Asked {
    /// Questions that may still be asked, and when that was counted.
    left: f64,
    counted: Instant,
    /// Nobody asks before.
    rest_until: Instant,
    rest: Duration,
    answers: BTreeMap<(TenantId, u32), (Instant, Told)>,
}

/// What a comparison found, in the words of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    Differs,
    OnlyHere,
    NotCompared,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::OnlyHere => "only_here",
            Self::NotCompared => "not_compared",
        }
    }

    fn of(told: Told, own: &Fingerprint) -> Self {
        match told {
            Told::Uses(theirs) if theirs == *own.as_bytes() => Self::Same,
            Told::Uses(_) => Self::Differs,
            Told::HasNone => Self::OnlyHere,
        }
    }

    /// A tenant that the integration does not know may be known to it under another name: that is
    /// neither the same key nor another one.
    fn standing(self) -> Standing {
        match self {
            Self::Same => Standing::Current,
            Self::Differs => Standing::OutOfStep,
            Self::OnlyHere | Self::NotCompared => Standing::NotCompared,
        }
    }
}

impl Mirror {
    /// The mirror of what is asked there, or only pushed where it cannot be asked. `provider` is what
    /// every sealed key is bound to.
    pub fn new(
        store: Store,
        inquiry: Option<Inquiry>,
        provider: &str,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let (turns, asked) = (Semaphore::new(AT_ONCE), Mutex::new(Asked::new(Instant::now())));
        Self { store, inquiry, provider: provider.to_owned(), clock, metrics, turns, asked }
    }

    /// How the tenant's key stands to the one that the integration uses.
    pub async fn compare(&self, keyring: &KeyringSource, tenant: &Watched) -> Standing {
        let outcome = match self.own(keyring, tenant) {
            Some(own) => match self.ask(tenant).await {
                Some(told) => Outcome::of(told, &own),
                None => self.look_up(tenant, &own).await,
            },
            None => Outcome::NotCompared,
        };
        self.metrics.comparisons.with_label_values(&[outcome.name()]).inc();
        outcome.standing()
    }

    /// The fingerprint of the key held here, as the integration computes it; the key is open for no
    /// longer than that takes.
    fn own(&self, keyring: &KeyringSource, tenant: &Watched) -> Option<Fingerprint> {
        let context = SealContext {
            provider: &self.provider,
            tenant: tenant.id,
            generation: tenant.health.generation.0,
            purpose: Purpose::LiveKey,
        };
        let held = keyring.held();
        let key = held.open_sealed(&context, tenant.sealed.as_deref()?).ok()?;
        Some(held.comparison_key().fingerprint(&key))
    }

    async fn ask(&self, tenant: &Watched) -> Option<Told> {
        let inquiry = self.inquiry.as_ref()?;
        let key = (tenant.id, tenant.health.generation.0);
        if let Some(told) = self.asked().remembered(key, Instant::now()) {
            return Some(told);
        }
        let calls = &self.metrics.fingerprint_calls;
        let turn = timeout(TURN, self.turns.acquire()).await;
        // Whoever waited may find that it rests by now.
        let Ok(Ok(_turn)) = turn else {
            calls.with_label_values(&["held_back"]).inc();
            return None;
        };
        if !self.asked().may(Instant::now()) {
            calls.with_label_values(&["held_back"]).inc();
            return None;
        }
        let answer = inquiry.ask(&tenant.reference).await;
        if answer == Err(NotTold::Reference) {
            return None;
        }
        let label = if answer.is_ok() { "answered" } else { "unanswered" };
        calls.with_label_values(&[label]).inc();
        match answer {
            Ok(told) => {
                self.asked().answered(key, told, Instant::now());
                Some(told)
            }
            Err(why) => {
                let rest = self.asked().unanswered(Instant::now());
                warn!(
                    tenant.id = %tenant.id,
                    "the integration could not be asked which key it uses for {}: {}; it is not \
                     asked again for {} s",
                    tenant.reference, chain(&why), rest.as_secs()
                );
                None
            }
        }
    }

    async fn look_up(&self, tenant: &Watched, own: &Fingerprint) -> Outcome {
        let now = self.clock.now();
        match bounded(self.store.listed(tenant.id)).await {
            Ok(Some(listed)) => on_list(&listed, apart_since(tenant), own, now),
            Ok(None) => Outcome::NotCompared,
            Err(error) => {
                warn!("the integration's list could not be looked at: {}", chain(&error));
                Outcome::NotCompared
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when the keys are known to differ, if they are.
fn apart_since(tenant: &Watched) -> Option<DateTime<Utc>> {
    let out = matches!(tenant.health.status, Status::Degraded(Trouble::OutOfStep));
    out.then_some(tenant.health.since)
}

/// What a pushed list says of a key. One that is older than the key tells of another time; so does one
/// that says "the same" of keys that were found to differ since.
fn on_list(
    listed: &ListedKey,
    apart: Option<DateTime<Utc>>,
    own: &Fingerprint,
    now: DateTime<Utc>,
) -> Outcome {
    let ListedKey { pushed_at, fingerprint, taken_at } = *listed;
    let counts = now - pushed_at < COUNTS && taken_at.is_some_and(|at| at <= pushed_at);
    match fingerprint.map_or(Told::HasNone, Told::Uses) {
        _ if !counts => Outcome::NotCompared,
        told => match Outcome::of(told, own) {
            Outcome::Same if apart.is_some_and(|since| pushed_at < since) => Outcome::NotCompared,
            outcome => outcome,
        },
    }
}

impl Asked {
    fn new(now: Instant) -> Self {
        Self {
            left: BURST.into(),
            counted: now,
            rest_until: now,
            rest: Duration::ZERO,
            answers: BTreeMap::new(),
        }
    }

    fn remembered(&self, key: (TenantId, u32), now: Instant) -> Option<Told> {
        let (at, told) = self.answers.get(&key)?;
        (now.duration_since(*at) < FRESH).then_some(*told)
    }

    /// Takes one question, if there is one.
    fn may(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.counted).as_secs_f64();
        self.left = (self.left + passed).min(BURST.into());
        self.counted = now;
        if now < self.rest_until || self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    fn answered(&mut self, key: (TenantId, u32), told: Told, now: Instant) {
        self.rest = Duration::ZERO;
        if self.answers.len() >= REMEMBERED {
            self.answers.retain(|_, (at, _)| now.duration_since(*at) < FRESH);
        }
        if self.answers.len() < REMEMBERED {
            self.answers.insert(key, (now, told));
        }
    }

    fn unanswered(&mut self, now: Instant) -> Duration {
        // Those that were under way together are one.
        if now >= self.rest_until {
            self.rest = (self.rest * 2).clamp(REST, LONGEST_REST);
            self.rest_until = now + self.rest;
        }
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const OWN: Fingerprint = Fingerprint::from_bytes([7; 32]);

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    fn said(pushed: i64, taken: i64, apart: Option<i64>, theirs: Option<u8>, now: i64) -> Outcome {
        let listed = ListedKey {
            pushed_at: at(pushed),
            fingerprint: theirs.map(|byte| [byte; 32]),
            taken_at: Some(at(taken)),
        };
        on_list(&listed, apart.map(at), &OWN, at(now))
    }

    #[test]
    fn a_list_says_whether_the_keys_are_the_same_for_a_day() {
        assert_eq!(said(10, 0, None, Some(7), 20), Outcome::Same);
        assert_eq!(said(10, 0, None, Some(8), 20), Outcome::Differs);
        assert_eq!(said(10, 0, None, None, 20), Outcome::OnlyHere);
        assert_eq!(said(10, 0, None, Some(8), 10 + 24 * 60 - 1), Outcome::Differs);
        assert_eq!(said(10, 0, None, Some(8), 10 + 24 * 60), Outcome::NotCompared);
    }

    #[test]
    fn a_list_says_nothing_of_a_key_that_was_taken_since() {
        assert_eq!(said(10, 11, None, Some(8), 20), Outcome::NotCompared);
        assert_eq!(said(10, 11, None, Some(7), 20), Outcome::NotCompared);
    }

    #[test]
    fn a_list_joins_no_keys_that_were_found_to_differ_since() {
        assert_eq!(said(10, 0, Some(15), Some(7), 20), Outcome::NotCompared);
        assert_eq!(said(10, 0, Some(15), Some(8), 20), Outcome::Differs);
    }

    #[test]
    fn of_many_questions_at_once_few_are_asked_and_then_one_a_second() {
        let begun = Instant::now();
        let mut asked = Asked::new(begun);
        let mut of = |count, seconds| {
            let now = begun + Duration::from_secs(seconds);
            (0..count).filter(|_| asked.may(now)).count()
        };
        assert_eq!((of(10_000, 0), of(10_000, 5), of(10_000, 1_000)), (60, 5, 60));
    }

    #[test]
    fn whoever_does_not_answer_is_left_in_peace_for_longer_each_time() {
        let begun = Instant::now();
        let mut asked = Asked::new(begun);
        let mut now = begun;
        let mut rests = Vec::new();
        for _ in 0..8 {
            assert!(asked.may(now));
            let rest = asked.unanswered(now);
            assert_eq!(asked.unanswered(now), rest, "another of the same moment");
            assert!(!asked.may(now + rest - Duration::from_millis(1)));
            rests.push(rest.as_secs());
            now += rest;
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        asked.answered((TenantId::from_raw(1), 1), Told::HasNone, now);
        assert_eq!(asked.unanswered(now).as_secs(), 1);
    }

    #[test]
    fn an_answer_is_remembered_for_its_key_only_and_not_for_long() {
        let begun = Instant::now();
        let mut asked = Asked::new(begun);
        let key = (TenantId::from_raw(1), 1);
        asked.answered(key, Told::HasNone, begun);
        assert_eq!(asked.remembered(key, begun), Some(Told::HasNone));
        assert_eq!(asked.remembered((key.0, 2), begun), None);
        assert_eq!(asked.remembered(key, begun + FRESH), None);
        for tenant in 0..10_000 {
            asked.answered((TenantId::from_raw(tenant), 1), Told::HasNone, begun);
        }
        assert!(asked.answers.len() <= REMEMBERED);
    }
}
