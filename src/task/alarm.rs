//! Tells on-call what stands, for as long as it stands. It reads conditions as they are, tells every
//! member of the Alertmanager, and tells it again well before it would take them for over; so nothing
//! that a process knew and forgot can be lost. Several processes tell the same.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::notify::Alert;
use crate::notify::Answer;
use crate::notify::Member;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;

use super::board::Board;

/// The name of the channel.
pub const CHANNEL: &str = "alertmanager";
/// Time between two looks though nobody pokes.
const LOOK: Duration = Duration::from_secs(2);

/// Who tells on-call.
#[derive(Debug)]
pub struct Alarm {
    board: Board,
    metrics: Metrics,
    members: Vec<Ear>,
    resolve_timeout: Duration,
}

/// A member, and what it was told last.
#[derive(Debug)]
struct Ear {
    member: Member,
    heard: Option<(Vec<Alert>, Instant)>,
    deaf: bool,
}

impl Alarm {
    /// Tells these members what stands on that board.
    pub fn new(board: Board, metrics: Metrics, members: Vec<Member>) -> Self {
        let ear = |member| Ear { member, heard: None, deaf: false };
        let resolve_timeout = board.patience.resolve_timeout;
        let members = members.into_iter().map(ear).collect();
        Self { board, metrics, members, resolve_timeout }
    }

    /// Tells until the soft stage of the shutdown.
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
                Ok(()) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("what on-call has to know cannot be read: {}", chain(&error));
                }
                Err(_) => {}
            }
            tokio::select! {
                _ = owing.changed() => {}
                () = sleep(LOOK.min(self.again())) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Reads what stands, and tells each member that does not know it or may soon forget it.
    pub async fn run_once(&mut self) -> Result<(), StoreError> {
        // Before the conditions: whatever waits by now is among them.
        let waiting = bounded(self.board.store.waiting(CHANNEL)).await?;
        let Some(mut posted) = self.board.read().await? else { return Ok(()) };
        posted.retain(|one| !one.is_unseen());
        let standing = posted.iter().filter(|one| !one.over).count();
        self.metrics.alerts.set(i64::try_from(standing).unwrap_or(i64::MAX));
        let alerts: Vec<Alert> = posted.into_iter().map(|one| one.alert).collect();
        let (any, words) = self.tell(&alerts).await;
        if !waiting.is_empty() {
            let now = self.board.clock.now();
            bounded(self.board.store.settle_waiting(CHANNEL, &waiting, any, &words, now)).await?;
        }
        Ok(())
    }

    /// Tells all members at once; gives back whether any of them knows it, and what came of it.
    async fn tell(&mut self, alerts: &[Alert]) -> (bool, String) {
        let again = self.again();
        let mut telling = JoinSet::new();
        for (at, ear) in self.members.iter().enumerate() {
            if ear.knows(alerts, again) {
                continue;
            }
            let (member, alerts) = (ear.member.clone(), alerts.to_vec());
            telling.spawn(async move { (at, member.push(&alerts).await) });
        }
        let mut words = "on-call was told".to_owned();
        while let Some(ended) = telling.join_next().await {
            let Ok((at, answer)) = ended else { continue };
            let Some(ear) = self.members.get_mut(at) else { continue };
            if ear.note(alerts, answer) {
                self.metrics.delivery_tries.with_label_values(&["alertmanager", "delivered"]).inc();
            } else {
                words = answer.words();
                self.metrics.delivery_tries.with_label_values(&["alertmanager", "again"]).inc();
            }
        }
        let any = self.members.iter().any(|ear| ear.knows(alerts, self.resolve_timeout));
        (any, if any { "on-call was told".to_owned() } else { words })
    }

    /// How soon it is told again.
    fn again(&self) -> Duration {
        self.resolve_timeout / 3
    }
}

impl Ear {
    /// Whether it was told the same no longer ago than that. When its alerts would end, which moves
    /// on with every telling, is no difference.
    fn knows(&self, alerts: &[Alert], within: Duration) -> bool {
        let Some((heard, at)) = &self.heard else { return alerts.is_empty() };
        let same = |(one, other): (&Alert, &Alert)| {
            one.labels == other.labels
                && one.annotations == other.annotations
                && one.starts_at == other.starts_at
        };
        heard.len() == alerts.len()
            && heard.iter().zip(alerts).all(same)
            && (alerts.is_empty() || at.elapsed() < within)
    }

    /// Notes what came of a telling; gives back whether it was heard.
    fn note(&mut self, alerts: &[Alert], answer: Answer) -> bool {
        let heard = matches!(answer, Answer::Status(200..=299, _));
        if heard {
            self.heard = Some((alerts.to_vec(), Instant::now()));
        }
        if heard == self.deaf {
            self.deaf = !heard;
            let host = self.member.host();
            if heard {
                info!("Alertmanager at {host} is told again");
            } else {
                warn!("Alertmanager at {host} was not told: {}", answer.words());
            }
        }
        heard
    }
}
