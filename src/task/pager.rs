//! Tells a pager or a chat what is new of what stands, one message each. What it heard is kept in the
//! store, so that of several processes one tells, and what a process told and forgot is ended by another. It
//! tries for as long as something is news: at night nobody looks at what was given up.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::health::{Heard, News, Stands, news};
use crate::notify::Answer;
use crate::notify::Hook;
use crate::notify::hook::Page;
use crate::notify::webhook::PATIENCE;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::bounded;
use crate::store::{PageClaim, PageOutcome, PageRow};
use crate::telemetry::Metrics;

use super::board::{Board, Posted};
use super::deliver::Signer;
use super::lease::fresh_name;

/// Time between two looks though nobody pokes.
const LOOK: Duration = Duration::from_secs(2);
/// Time to settle, beyond the longest try.
const SETTLING: Duration = Duration::from_secs(5);
/// The pause after a first try that nobody took; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A round in which one answer took longer than this ends there.
const ROUND: Duration = Duration::from_secs(3);
/// A receiver may put itself off for no longer than this.
const LONGEST_WISH: Duration = Duration::from_mins(15);
/// What still stands is told again after so long, and what is for a list only once a week.
const AGAIN: TimeDelta = TimeDelta::days(1);
const LIST_AGAIN: TimeDelta = TimeDelta::days(7);

/// Who tells one pager or chat.
#[derive(Debug)]
pub struct Pager {
    board: Board,
    metrics: Metrics,
    channel: &'static str,
    hook: Hook,
    signer: Arc<Signer>,
    deaf: bool,
}

/// What one round has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Messages that were taken.
    pub taken: u32,
    /// Messages that were not.
    pub refused: u32,
    /// News that wait: for another process that tells them, or for their next try.
    pub waits: u32,
}

impl Pager {
    /// Tells that pager or chat what stands on that board, under the name of that channel.
    pub fn new(
        board: Board,
        metrics: Metrics,
        channel: &'static str,
        hook: Hook,
        signer: Arc<Signer>,
    ) -> Self {
        Self { board, metrics, channel, hook, signer, deaf: false }
    }

    /// Tells until the soft stage of the shutdown; what is being sent then is sent to its end, or until
    /// the hard stage.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut owing = self.board.store.owing();
        let mut trouble = false;
        while !shutdown.has_begun() {
            owing.mark_unchanged();
            let told = tokio::select! {
                told = self.run_once() => told,
                () = shutdown.ended() => return,
            };
            match told {
                Ok(_) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("what {} has to know cannot be read: {}", self.channel, chain(&error));
                }
                Err(_) => {}
            }
            tokio::select! {
                _ = owing.changed() => {}
                () = sleep(LOOK) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Reads what stands, and tells what is new of it.
    pub async fn run_once(&mut self) -> Result<Told, StoreError> {
        let store = self.board.store.clone();
        // Before the conditions: whatever waits by now is among them.
        let waiting = bounded(store.waiting(self.channel)).await?;
        // Before the conditions too: what is told of them meanwhile has another version by then.
        let rows = bounded(store.pages(self.channel)).await?;
        let Some(mut posted) = self.board.read().await? else { return Ok(Told::default()) };
        posted.sort_by_key(|one| one.alert.rank());
        let begun = Instant::now();
        let mut told = Told::default();
        let mut words = "on-call was told".to_owned();
        for row in &rows {
            // It ended while nobody could be told, so long ago that the board has forgotten it.
            if posted.iter().all(|one| one.name != row.name) {
                let began_at = row.heard.map_or(DateTime::UNIX_EPOCH, |heard| heard.began_at);
                posted.extend(self.board.gone(&row.name, began_at));
            }
        }
        for one in posted.iter().filter(|one| !one.is_unseen()) {
            // Whoever answers slowly is told what stands by then, and not what stood.
            if begun.elapsed() > ROUND {
                told.waits += 1;
                break;
            }
            let row = rows.iter().find(|row| row.name == one.name);
            self.see_to(one, row, &mut told, &mut words).await?;
        }
        if told.waits == 0 && (!waiting.is_empty() || told.taken + told.refused > 0) {
            let now = self.board.clock.now();
            let taken = told.refused == 0;
            bounded(store.settle_waiting(self.channel, &waiting, taken, &words, now)).await?;
        }
        Ok(told)
    }

    /// Tells what is new of one alert, if anything is and nobody else does.
    async fn see_to(
        &mut self,
        one: &Posted,
        row: Option<&PageRow>,
        told: &mut Told,
        words: &mut String,
    ) -> Result<(), StoreError> {
        let now = self.board.clock.now();
        let heard = row.and_then(|row| row.heard);
        let stands = Stands { began_at: one.alert.starts_at, count: one.count };
        let info = one.alert.labels.get("severity").is_some_and(|word| word == "info");
        let again = if info { LIST_AGAIN } else { AGAIN };
        let Some(new) = news(heard, (!one.over).then_some(stands), again, now) else {
            // Nobody took it before it was over.
            return match row {
                Some(row) if one.over => self.forget(row, now).await,
                _ => Ok(()),
            };
        };
        let lease = fresh_name()?;
        let held = TimeDelta::from_std(PATIENCE + SETTLING).unwrap_or(TimeDelta::MAX);
        let (name, version) = (one.name.as_str(), row.map_or(0, |row| row.version));
        let claim = PageClaim {
            channel: self.channel,
            name,
            version,
            lease: &lease,
            now,
            until: now + held,
        };
        if !bounded(self.board.store.claim_page(&claim)).await? {
            told.waits += 1;
            return Ok(());
        }
        let answer = self.send(one, new, heard).await;
        let now = self.board.clock.now();
        let outcome = match answer {
            Answer::Status(200..=299, _) if new == News::Ends => PageOutcome::Over,
            Answer::Status(200..=299, _) => PageOutcome::Heard(Heard {
                began_at: stands.began_at,
                count: stands.count,
                told_at: now,
            }),
            _ => PageOutcome::Again(now + pause(answer, row.map_or(0, |row| row.attempts))),
        };
        let taken = !matches!(outcome, PageOutcome::Again(_));
        if taken {
            told.taken += 1;
        } else {
            told.refused += 1;
            *words = answer.words();
        }
        self.note(taken, answer);
        bounded(self.board.store.settle_page(&claim, outcome)).await
    }

    async fn forget(&self, row: &PageRow, now: DateTime<Utc>) -> Result<(), StoreError> {
        let lease = fresh_name()?;
        let claim = PageClaim {
            channel: self.channel,
            name: &row.name,
            version: row.version,
            lease: &lease,
            now: now.max(row.due_at),
            until: now,
        };
        if bounded(self.board.store.claim_page(&claim)).await? {
            bounded(self.board.store.settle_page(&claim, PageOutcome::Over)).await?;
        }
        Ok(())
    }

    async fn send(&self, one: &Posted, new: News, heard: Option<Heard>) -> Answer {
        let page = Page { name: &one.name, news: new, alert: &one.alert };
        let body = match self.hook.body(&page) {
            Ok(body) => body,
            Err(error) => {
                warn!("{} cannot be told of {}: {}", self.channel, one.name, chain(&error));
                return Answer::Broken;
            }
        };
        let second = self.board.clock.now().timestamp();
        // The same at every try, and another one for what is news after it.
        let (name, began) = (one.name.replace('/', "-"), one.alert.starts_at.timestamp());
        let after = heard.map_or(0, |heard| heard.told_at.timestamp());
        let id = format!("{name}-{began}-{}-{after}", new.word());
        let signature = self.signer.sign(&id, second, &body);
        self.hook.send(&id, second, &signature, &body).await
    }

    fn note(&mut self, taken: bool, answer: Answer) {
        let result = if taken { "delivered" } else { "again" };
        self.metrics.delivery_tries.with_label_values(&[self.channel, result]).inc();
        if taken == self.deaf {
            self.deaf = !taken;
            let (channel, host) = (self.channel, self.hook.host());
            if taken {
                info!("{channel} at {host} is told again");
            } else {
                warn!("{channel} at {host} was not told: {}", answer.words());
            }
        }
    }
}

/// How long until the next try, after so many in a row that nobody took.
fn pause(answer: Answer, attempts: u32) -> TimeDelta {
    let wish = match answer {
        Answer::Status(429 | 503, wish) => wish.unwrap_or_default().min(LONGEST_WISH),
        _ => Duration::ZERO,
    };
    let pause = PAUSE.saturating_mul(1 << attempts.min(6)).min(LONGEST_PAUSE).max(wish);
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_five_minutes_and_a_wish_is_heard_up_to_fifteen() {
        let after = |answer, attempts| pause(answer, attempts).num_seconds();
        let pauses = [0, 1, 2, 5, 6, u32::MAX].map(|attempts| after(Answer::Silence, attempts));
        assert_eq!(pauses, [5, 10, 20, 160, 300, 300]);
        let wish =
            |status, seconds| after(Answer::Status(status, Some(Duration::from_secs(seconds))), 0);
        assert_eq!((wish(429, 60), wish(503, 7200), wish(500, 60), wish(429, 1)), (60, 900, 5, 5));
    }
}
