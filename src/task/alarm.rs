//! Tells on-call what stands, for as long as it stands. It reads conditions as they are, tells every
//! member of the Alertmanager, and tells it again well before it would take them for over; so nothing
//! that a process knew and forgot can be lost. Several processes tell the same.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};
use url::Url;

use crate::clock::Clock;
use crate::health::MailStage;
use crate::notify::Alert;
use crate::notify::Answer;
use crate::notify::Member;
use crate::notify::Subject;
use crate::notify::Told;
use crate::notify::alert;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::AlertRow;
use crate::store::Condition;
use crate::store::Limits;
use crate::store::Mode;
use crate::store::Standing;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;

/// The name of the channel.
pub const CHANNEL: &str = "alertmanager";
/// Time between two looks though nobody pokes.
const LOOK: Duration = Duration::from_secs(2);

/// Who tells on-call.
#[derive(Debug)]
pub struct Alarm {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    members: Vec<Ear>,
    resolve_timeout: Duration,
    patience: Patience,
    console: Option<Url>,
}

/// A member, and what it was told last.
#[derive(Debug)]
struct Ear {
    member: Member,
    heard: Option<(Vec<Alert>, Instant)>,
    deaf: bool,
}

/// Mail that could not be sent for so long is on-call's.
const MAIL_STUCK: TimeDelta = TimeDelta::minutes(15);
/// Mail that a person holds is no news to on-call before then.
const HELD: TimeDelta = TimeDelta::hours(1);

/// How long things may take before they are on-call's.
#[derive(Clone, Debug)]
pub struct Patience {
    /// An alert that is not told again.
    pub resolve_timeout: Duration,
    /// The integration's word that it stopped using a withdrawn key.
    pub acknowledge_within: Duration,
    /// The fetching of a key.
    pub pickup_within: Duration,
    /// The last that a customer is sent of a story.
    pub last_stage: MailStage,
    /// How long after it the story is given up.
    pub give_up_after: Duration,
    /// The failing of the canary while others are well.
    pub canary_alone: TimeDelta,
}

impl Patience {
    /// From when on things are late, of an installation that tells since then.
    pub fn limits(&self, now: DateTime<Utc>, sending_since: DateTime<Utc>) -> Limits {
        let before = |span: Duration| {
            let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
            now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH)
        };
        Limits {
            unacknowledged_before: before(self.acknowledge_within),
            late_before: before(self.pickup_within),
            sending_since,
            mail_stuck_before: now - MAIL_STUCK,
            held_before: now - HELD,
            last_stage: self.last_stage,
            given_up_before: before(self.give_up_after),
            canary_before: now - self.canary_alone,
            now,
        }
    }
}

impl Alarm {
    /// Tells these members; alerts link to that console.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        members: Vec<Member>,
        patience: &Patience,
        console: Option<Url>,
    ) -> Self {
        let ear = |member| Ear { member, heard: None, deaf: false };
        Self {
            store,
            clock,
            metrics,
            members: members.into_iter().map(ear).collect(),
            resolve_timeout: patience.resolve_timeout,
            patience: patience.clone(),
            console,
        }
    }

    /// Tells until the soft stage of the shutdown.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut owing = self.store.owing();
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
        let now = self.clock.now();
        let Some(in_force) = bounded(self.store.mode()).await? else { return Ok(()) };
        if in_force.mode == Mode::Shadow {
            return Ok(());
        }
        // Before the conditions: whatever waits by now is among them.
        let waiting = bounded(self.store.waiting(CHANNEL)).await?;
        let limits = self.patience.limits(now, in_force.since);
        let standing = bounded(self.store.standing(&limits)).await?;
        let names: Vec<String> = standing.iter().map(name).collect();
        let timeout = TimeDelta::from_std(self.resolve_timeout).unwrap_or(TimeDelta::MAX);
        let rows = bounded(self.store.note_alerts(&names, now, now - timeout)).await?;
        self.metrics.alerts.set(i64::try_from(standing.len()).unwrap_or(i64::MAX));
        let alerts: Vec<Alert> =
            rows.iter().filter_map(|row| self.alert(row, &standing, now + timeout)).collect();
        let (any, words) = self.tell(&alerts).await;
        if !waiting.is_empty() {
            bounded(self.store.settle_waiting(CHANNEL, &waiting, any, &words, now)).await?;
        }
        Ok(())
    }

    fn alert(&self, row: &AlertRow, standing: &[Standing], until: DateTime<Utc>) -> Option<Alert> {
        let told = if let Some(one) = standing.iter().find(|one| name(one) == row.name) {
            Told {
                subject: subject(one.condition),
                cause: one.cause.clone(),
                count: one.count,
                since: one.since,
                examples: one.examples.clone(),
            }
        } else {
            let (word, cause) = row.name.split_once('/').unwrap_or((&row.name, ""));
            let condition = Condition::ALL.into_iter().find(|one| one.word() == word)?;
            Told {
                subject: subject(condition),
                cause: cause.to_owned(),
                count: 0,
                since: row.started_at,
                examples: Vec::new(),
            }
        };
        let ends = row.ended_at.unwrap_or(until);
        Some(alert::alert(&told, row.started_at, ends, self.console.as_ref()))
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

fn name(standing: &Standing) -> String {
    let word = standing.condition.word();
    if standing.cause.is_empty() { word.to_owned() } else { format!("{word}/{}", standing.cause) }
}

fn subject(condition: Condition) -> Subject {
    match condition {
        Condition::NeedsReconnection => Subject::NeedsReconnection,
        Condition::KeyCompromised => Subject::KeyCompromised,
        Condition::DisableUnacknowledged => Subject::DisableUnacknowledged,
        Condition::HandoverLate => Subject::HandoverLate,
        Condition::EndpointOff => Subject::EndpointOff,
        Condition::CustomerUnreachable => Subject::CustomerUnreachable,
        Condition::MailFailing => Subject::MailFailing,
        Condition::MailCapped => Subject::MailCapped,
        Condition::MailHeld => Subject::MailHeld,
        Condition::GivenUp => Subject::GivenUp,
        Condition::ProviderIncident => Subject::ProviderIncident,
        Condition::HoldTooLong => Subject::HoldTooLong,
        Condition::CanaryRefused => Subject::CanaryRefused,
    }
}
