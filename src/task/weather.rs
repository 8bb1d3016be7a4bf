//! Judges the weather from the store, for every decision and by itself: counts and the row of each
//! class are read, the verdict is written by whoever is first, and the decision goes by what the row
//! says. While an incident lasts it sees that a sample of those held is asked, and that those are
//! judged again whom an operator releases.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::clock::Clock;
use crate::health::Author;
use crate::health::Class;
use crate::health::Incident;
use crate::health::Policy;
use crate::health::Sky;
use crate::health::Terms;
use crate::health::Verdict;
use crate::health::Weather;
use crate::health::judge;
use crate::ids::TenantId;
use crate::redact::chain;
use crate::store::Actor;
use crate::store::Longer;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Turn;
use crate::store::WeatherRow;
use crate::store::bounded;

/// So many of those held are asked for all.
const SAMPLE: u32 = 10;
/// Counts for the weather are at most so old.
const MOST_STALE: Duration = Duration::from_secs(2);
/// The weather is looked at by itself at least so often.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// And at most so often.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);
/// A row that keeps changing is read again at most so often.
const MOST_ROUNDS: usize = 5;

/// Judges for all that decide in this process.
#[derive(Debug)]
pub struct Judge {
    store: Store,
    clock: Arc<dyn Clock>,
    policy: Policy,
    terms: Terms,
    /// How long each of those held has for itself when they are asked again.
    each: TimeDelta,
    /// What was believed last, and when.
    seen: Mutex<Option<(Instant, Vec<WeatherRow>)>>,
}

/// The weather of each class, and who is judged although it is bad.
#[derive(Clone, Debug)]
pub(super) struct Skies {
    refused: Weather,
    silent: Weather,
    released: BTreeSet<TenantId>,
}

impl Skies {
    /// Where nothing bears on the weather.
    pub(super) const UNKNOWN: Self =
        Self { refused: Weather::Unknown, silent: Weather::Unknown, released: BTreeSet::new() };

    /// The weather in which something of this class is decided for a tenant. Whoever was released
    /// from a hold is judged as if nothing could be compared.
    pub(super) fn of(&self, class: Option<Class>, tenant: TenantId) -> Weather {
        let weather = match class {
            Some(Class::Refused) => self.refused,
            Some(Class::Silent) => self.silent,
            None => Weather::Unknown,
        };
        if weather.holds() && self.released.contains(&tenant) { Weather::Unknown } else { weather }
    }
}

impl Judge {
    /// Judges by this policy. Those who were held have `each` for themselves when they are asked
    /// again.
    pub fn new(store: Store, clock: Arc<dyn Clock>, policy: Policy, each: TimeDelta) -> Self {
        let terms = Terms::of(&policy);
        Self { store, clock, policy, terms, each, seen: Mutex::default() }
    }

    /// The same for somebody else: the audit chain says that this actor did it.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        let (clock, policy) = (Arc::clone(&self.clock), self.policy.clone());
        Self::new(self.store.acting_as(actor), clock, policy, self.each)
    }

    /// The weather for decisions about these tenants.
    pub(super) async fn skies(&self, tenants: &[TenantId]) -> Result<Skies, StoreError> {
        let mut skies = Skies::UNKNOWN;
        for row in self.look(self.freshness()).await? {
            let weather = row.sky.weather();
            match row.class {
                Class::Refused => skies.refused = weather,
                Class::Silent => skies.silent = weather,
            }
            if weather.holds() && row.release_per_hour.is_some() {
                skies.released.extend(self.store.released(row.class, tenants).await?);
            }
        }
        Ok(skies)
    }

    /// Judges, unless that was done less than `fresh` ago; gives back what is believed.
    async fn look(&self, fresh: Duration) -> Result<Vec<WeatherRow>, StoreError> {
        let mut seen = self.seen.lock().await;
        if let Some((at, rows)) = seen.as_ref()
            && at.elapsed() < fresh
        {
            return Ok(rows.clone());
        }
        let mut rows = self.store.weather().await?;
        for _ in 0..MOST_ROUNDS {
            if self.turn(&rows).await? {
                break;
            }
            rows = self.store.weather().await?;
        }
        *seen = Some((Instant::now(), rows.clone()));
        Ok(rows)
    }

    /// Judges these rows and writes what has changed; whether they are what holds.
    async fn turn(&self, rows: &[WeatherRow]) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let counts = self.store.fleet(rows, &self.terms, now).await?;
        let mut same = true;
        for (row, (class, counts)) in rows.iter().zip(&counts) {
            let Verdict { next, because } = judge(*class, counts, &row.sky, &self.terms, now);
            debug!(class = class.word(), ?counts, ?next, "weather judged: {because}");
            if next == row.sky {
                continue;
            }
            same = false;
            let turn = Turn {
                row,
                next,
                because: because.to_string(),
                remark: None,
                max_hold: self.policy.max_hold,
                each: self.each,
            };
            if self.store.turn_weather(&turn, now).await? {
                announce(&turn);
            }
        }
        Ok(same)
    }

    /// Counts are asked of the store at most so often: a whole fleet that fails together is saved in
    /// many batches.
    fn freshness(&self) -> Duration {
        (self.terms.window / 100).to_std().unwrap_or_default().min(MOST_STALE)
    }

    /// Has a person say that there is an incident, until then if given; gives back whether that is
    /// news. An incident that was judged is the person's from then on, and keeps its id.
    pub async fn declare(
        &self,
        class: Class,
        remark: &str,
        until: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let because = "an operator has declared it";
        self.operate(class, remark, because, |row, now| match row.sky {
            Sky::Incident(Incident { by: Author::Operator, .. }) => None,
            Sky::Incident(one) => {
                Some(Sky::Incident(Incident { by: Author::Operator, until, quiet: None, ..one }))
            }
            Sky::Suspected { since, failing, asked } => {
                Some(declared(since, now, (failing, asked), until))
            }
            Sky::Clear { .. } | Sky::Unknown { .. } => Some(declared(now, now, (0, 0), until)),
        })
        .await
    }

    /// Has a person say that nothing is held any more; gives back whether anything was.
    pub async fn clear(&self, class: Class, remark: &str) -> Result<bool, StoreError> {
        let because = "an operator has ended it";
        self.operate(class, remark, because, |row, now| {
            row.sky.weather().holds().then_some(Sky::Unknown { since: now })
        })
        .await
    }

    /// Has on-call asked to decide only then, for all incidents; gives back of which classes.
    pub async fn extend(&self, until: DateTime<Utc>) -> Result<Vec<Class>, StoreError> {
        self.lengthen(Longer::Until(until)).await
    }

    /// Has so many of those held judged again in each hour; gives back of which classes.
    pub async fn release(&self, per_hour: u32) -> Result<Vec<Class>, StoreError> {
        self.lengthen(Longer::Release(per_hour)).await
    }

    async fn operate(
        &self,
        class: Class,
        remark: &str,
        because: &str,
        next: impl Fn(&WeatherRow, DateTime<Utc>) -> Option<Sky>,
    ) -> Result<bool, StoreError> {
        for _ in 0..MOST_ROUNDS {
            let now = self.clock.now();
            let rows = self.store.weather().await?;
            let Some(row) = rows.iter().find(|row| row.class == class) else { return Ok(false) };
            let Some(next) = next(row, now) else { return Ok(false) };
            let turn = Turn {
                row,
                next,
                because: because.to_owned(),
                remark: Some(remark),
                max_hold: self.policy.max_hold,
                each: self.each,
            };
            if self.store.turn_weather(&turn, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn lengthen(&self, longer: Longer) -> Result<Vec<Class>, StoreError> {
        let mut done = Vec::new();
        for row in self.store.weather().await? {
            if row.sky.weather() == Weather::Incident
                && self.store.lengthen_weather(&row, longer, self.clock.now()).await?
            {
                done.push(row.class);
            }
        }
        Ok(done)
    }

    /// Looks at the weather by itself, until it is dropped.
    pub async fn run(&self) {
        let every = (self.terms.step / 4).to_std().unwrap_or_default();
        let every = every.clamp(SHORTEST_LOOK, LONGEST_LOOK);
        let mut trouble = false;
        loop {
            sleep(every).await;
            match bounded(self.run_once()).await {
                Ok(()) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("the weather cannot be judged: {}; it is tried again", chain(&error));
                }
                Err(_) => {}
            }
        }
    }

    /// Judges, and sees to those who are held.
    pub async fn run_once(&self) -> Result<(), StoreError> {
        for row in self.look(Duration::ZERO).await? {
            if row.sky.weather() != Weather::Incident {
                continue;
            }
            let now = self.clock.now();
            self.store.fill_sample(row.class, SAMPLE, now).await?;
            self.store.ask_sample(row.class, self.terms.step, now).await?;
            let share = share(&row, now);
            if share > 0 {
                let number = self.store.release_held(&row, share, now).await?;
                info!("{number} of those held are judged again");
            }
        }
        Ok(())
    }
}

/// An incident because a person says so.
fn declared(
    since: DateTime<Utc>,
    confirmed: DateTime<Utc>,
    (failing, asked): (u32, u32),
    until: Option<DateTime<Utc>>,
) -> Sky {
    let (by, quiet) = (Author::Operator, None);
    Sky::Incident(Incident { since, confirmed, failing, asked, by, until, quiet })
}

/// How many are to be released by now.
fn share(row: &WeatherRow, now: DateTime<Utc>) -> u32 {
    let (Some(rate), Some(from)) = (row.release_per_hour, row.released_at) else { return 0 };
    let micros = (now - from).num_microseconds().unwrap_or(0).max(0);
    let share = i128::from(rate) * i128::from(micros) / 3_600_000_000;
    u32::try_from(share).unwrap_or(u32::MAX)
}

/// Says it once, where it was written.
fn announce(turn: &Turn<'_>) {
    let class = turn.row.class.word();
    let (from, to) = (turn.row.sky.weather(), turn.next.weather());
    let because = &turn.because;
    match turn.next {
        Sky::Incident(one) if turn.opens() && one.asked == 0 => warn!(
            class,
            "an operator has declared an incident of class {class}: failures are held, and a sample is \
             asked for all"
        ),
        Sky::Incident(one) if turn.opens() => warn!(
            class,
            "an incident of class {class} began: {} of {} asked fail together since {}; their \
             failures are held, and a sample is asked for all",
            one.failing,
            one.asked,
            one.since.to_rfc3339()
        ),
        _ if turn.closes() => {
            info!(class, "the incident of class {class} is over: whoever was held is asked again");
        }
        _ if from != to => info!(class, "the weather of class {class} is {to}: {because}"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_released_only_once_it_is_whole() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let row = WeatherRow {
            class: Class::Refused,
            version: 1,
            sky: Sky::Unknown { since: at(0) },
            judged_from: None,
            reason: None,
            page_at: None,
            incident: None,
            release_per_hour: Some(100),
            released_at: Some(at(0)),
        };
        assert_eq!([0, 30, 60, 90].map(|minutes| share(&row, at(minutes))), [0, 50, 100, 150]);
        assert_eq!(share(&WeatherRow { release_per_hour: None, ..row }, at(60)), 0);
    }
}
