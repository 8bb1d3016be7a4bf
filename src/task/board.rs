//! What stands at this moment, as on-call is to read it: every condition that is true, and of those that
//! were told lately that they are over. Whoever tells on-call reads it here, by whatever channel.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::clock::Clock;
use crate::health::MailStage;
use crate::notify::Alert;
use crate::notify::Subject;
use crate::notify::Told;
use crate::notify::alert;
use crate::store::AlertRow;
use crate::store::Condition;
use crate::store::Limits;
use crate::store::Mode;
use crate::store::Standing;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;

/// Reads what stands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board {
    /// Where it is read.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How long things may take.
    pub patience: Patience,
    /// What alerts link to.
    pub console: Option<Url>,
}

/// An alert, with what it is known by.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its name, the same as long as it stands.
    pub name: String,
    /// Of how many it is true.
    pub count: u32,
    /// Whether it is over.
    pub over: bool,
    /// All that there is to say.
    pub alert: Alert,
}

impl Posted {
    /// Whether another process has seen that it stands, and this one had looked before: it is nobody's to
    /// tell from here until the next look.
    pub fn is_unseen(&self) -> bool {
        !self.over && self.count == 0
    }
}

impl Board {
    /// All alerts that stand, and those that ended within [`Patience::resolve_timeout`]; none at all
    /// (`None`) while nobody is told anything.
    pub async fn read(&self) -> Result<Option<Vec<Posted>>, StoreError> {
        let now = self.clock.now();
        let in_force = bounded(self.store.mode()).await?;
        let Some(in_force) = in_force.filter(|one| one.mode != Mode::Shadow) else {
            return Ok(None);
        };
        let limits = self.patience.limits(now, in_force.telling_since);
        let standing = bounded(self.store.standing(&limits)).await?;
        let names: Vec<String> = standing.iter().map(name).collect();
        let timeout = TimeDelta::from_std(self.patience.resolve_timeout).unwrap_or(TimeDelta::MAX);
        let rows = bounded(self.store.note_alerts(&names, now, now - timeout)).await?;
        Ok(Some(rows.iter().filter_map(|row| self.posted(row, &standing, now + timeout)).collect()))
    }

    /// An alert of that name that the database knows no more, and which is over.
    pub fn gone(&self, name: &str, began_at: DateTime<Utc>) -> Option<Posted> {
        let now = self.clock.now();
        let row = AlertRow { name: name.to_owned(), started_at: began_at, ended_at: Some(now) };
        self.posted(&row, &[], now)
    }

    fn posted(
        &self,
        row: &AlertRow,
        standing: &[Standing],
        until: DateTime<Utc>,
    ) -> Option<Posted> {
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
        Some(Posted {
            name: row.name.clone(),
            count: told.count,
            over: row.ended_at.is_some(),
            alert: alert::alert(&told, row.started_at, ends, self.console.as_ref()),
        })
    }
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
