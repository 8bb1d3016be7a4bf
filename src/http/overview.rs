//! The fleet at one moment, and what is wrong with it, the worst first: `keypulse status` and the console
//! say the same in the same words.

use chrono::{DateTime, TimeDelta, Utc};

use crate::health::{Author, Incident, Sky, Status};
use crate::plain::{many, moment, span};
use crate::store::HandoverCount;
use crate::store::InForce;
use crate::store::PostCount;
use crate::store::PutOff;
use crate::store::StatusCount;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::store::WeatherRow;

/// Room for the gathering of batches before a check counts as late, as on `/checkz`.
const GRACE: TimeDelta = TimeDelta::seconds(30);
/// A message that waits for longer is shown.
const OLD_MESSAGE: TimeDelta = TimeDelta::minutes(15);

/// The fleet at one moment.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The moment.
    pub now: DateTime<Utc>,
    /// How many tenants there are of each status and cause.
    pub counts: Vec<StatusCount>,
    /// How many are healthy and failed at the latest check.
    pub suspects: u32,
    /// How many are asked at all.
    pub watched: u32,
    /// Who needs a person, those first who have waited longest.
    pub in_need: Vec<TenantView>,
    /// When the one that has waited longest was due.
    pub earliest: Option<DateTime<Utc>>,
    /// Checks that are put off.
    pub put_off: PutOff,
    /// What the integration has still to fetch or to acknowledge.
    pub handovers: HandoverCount,
    /// What is owed and did not arrive, or not yet.
    pub posted: Vec<PostCount>,
    /// How many endpoints that are configured are switched off.
    pub endpoints_off: usize,
    /// Who is told anything.
    pub mode: Option<InForce>,
    /// What is believed of the provider.
    pub weather: Vec<WeatherRow>,
    /// How often each is to be asked.
    pub interval: TimeDelta,
    /// How often each can be asked within the budget.
    pub effective: TimeDelta,
    /// Calls a minute.
    pub budget: u32,
}

/// How the fleet is looked at.
pub struct Look<'a> {
    /// The moment.
    pub now: DateTime<Utc>,
    /// So many of those who need a person are named.
    pub named: u32,
    /// A check that was due before is put off.
    pub put_off_before: DateTime<Utc>,
    /// A key that was owed before is late.
    pub late_before: DateTime<Utc>,
    /// How often each is to be asked.
    pub interval: TimeDelta,
    /// How often each of so many can be asked within the budget.
    pub effective: &'a (dyn Fn(u32) -> TimeDelta + Sync),
    /// Calls a minute.
    pub budget: u32,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The word of a status, for its sign: how bad it is.
    pub sign: &'static str,
    /// What.
    pub what: String,
    /// What shows more of it, where something does.
    pub see: Option<See>,
}

/// What shows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum See {
    /// Those who need a person.
    InNeed,
    /// Messages that were given up.
    Dead,
    /// Endpoints and whether they are switched off.
    Endpoints,
}

impl See {
    /// The command that shows it; of what the same page shows, none.
    pub fn command(self) -> Option<&'static str> {
        match self {
            Self::InNeed => None,
            Self::Dead => Some("keypulse messages list --state dead"),
            Self::Endpoints => Some("keypulse webhook list"),
        }
    }
}

impl Overview {
    /// Reads it.
    pub async fn read(store: &Store, look: &Look<'_>) -> Result<Self, StoreError> {
        // At the same time: each is a question of its own, and some count the whole fleet.
        let (watched, counts, suspects, in_need, earliest) = tokio::try_join!(
            store.count_watched(),
            store.count_by_status(),
            store.count_suspects(),
            store.tenants_in_need(look.named),
            store.earliest_due(),
        )?;
        let (put_off, handovers, posted, channels, mode, weather) = tokio::try_join!(
            store.put_off(look.put_off_before, look.now),
            store.count_handovers(look.late_before),
            store.count_posted(),
            store.channels(),
            store.mode(),
            store.weather(),
        )?;
        Ok(Self {
            now: look.now,
            counts,
            suspects,
            watched,
            in_need,
            earliest,
            put_off,
            handovers,
            posted,
            endpoints_off: channels.iter().filter(|one| one.active && one.off_at.is_some()).count(),
            mode,
            weather,
            interval: look.interval,
            effective: (look.effective)(watched),
            budget: look.budget,
        })
    }

    /// How many tenants have that status.
    pub fn count(&self, status: &str) -> i64 {
        self.counts.iter().filter(|one| one.status == status).map(|one| one.tenants).sum()
    }

    /// Whether there are no tenants.
    pub fn is_empty(&self) -> bool {
        self.watched == 0 && self.counts.is_empty()
    }

    /// What is wrong, the worst first; `running` says whether somebody checks at all, where that can be
    /// seen.
    pub fn wrong(&self, running: bool) -> Vec<Wrong> {
        let wrong = |sign, what| Wrong { sign, what, see: None };
        let mut all = Vec::new();
        if let Some(late) = self.late() {
            let late = span(late);
            all.push(wrong(BAD, format!("checks are late, the earliest by {late}")));
        }
        let bad = self.weather.iter().filter(|row| row.sky.weather().holds());
        all.extend(bad.map(|row| wrong(DOUBTFUL, weather(row))));
        let need = match self.count("needs_reconnection") {
            0 => None,
            1 => Some("1 tenant needs a person".to_owned()),
            many => Some(format!("{many} tenants need a person")),
        };
        all.extend(need.map(|what| Wrong { see: Some(See::InNeed), ..wrong(BAD, what) }));
        if self.handovers.without_recipient > 0 {
            let keys = many(self.handovers.without_recipient, "key");
            let what = format!("{keys} owed to the integration, and no recipient is registered");
            all.push(wrong(DOUBTFUL, what));
        }
        if self.handovers.late > 0 {
            let keys = many(self.handovers.late, "key");
            let what = format!("{keys} not picked up by the integration in time");
            all.push(wrong(DOUBTFUL, what));
        }
        all.extend(self.untold());
        if self.effective > self.interval {
            all.push(wrong(DOUBTFUL, self.stretched()));
        }
        if running && let Some(shed) = self.shed() {
            all.push(wrong(DOUBTFUL, shed));
        }
        all
    }

    /// By how much the earliest check is late, if it is.
    fn late(&self) -> Option<TimeDelta> {
        let late = self.now - self.earliest?;
        (late > self.effective + GRACE).then_some(late)
    }

    /// Who was not told what they were owed, if it is so.
    fn untold(&self) -> impl Iterator<Item = Wrong> {
        let wrong = |what, see| Wrong { sign: DOUBTFUL, what, see };
        let dead = match self.posted_in("dead") {
            0 => None,
            dead => Some(wrong(format!("{} given up", many(dead, "message")), Some(See::Dead))),
        };
        let oldest = self.oldest_owed().filter(|at| self.now - *at > OLD_MESSAGE);
        let old = oldest.map(|at| {
            wrong(format!("a message has waited for {} to be taken", span(self.now - at)), None)
        });
        let off = (self.endpoints_off > 0).then(|| {
            let off = i64::try_from(self.endpoints_off).unwrap_or(i64::MAX);
            wrong(format!("{} switched off", many(off, "endpoint")), Some(See::Endpoints))
        });
        [dead, old, off].into_iter().flatten()
    }

    /// How many messages are in that state.
    pub fn posted_in(&self, state: &str) -> i64 {
        self.posted.iter().filter(|one| one.state == state).map(|one| one.messages).sum()
    }

    /// Since when the oldest message waits.
    pub fn oldest_owed(&self) -> Option<DateTime<Utc>> {
        let waits = |one: &&PostCount| matches!(&*one.state, "owed" | "sending");
        self.posted.iter().filter(waits).filter_map(|one| one.oldest).min()
    }

    /// What is put off, if anything is, and what comes first.
    fn shed(&self) -> Option<String> {
        let PutOff { confirmations, routine, since } = self.put_off;
        let waits = span(self.now - since?);
        Some(match (confirmations, routine) {
            (0, _) => format!(
                "overload: {} put off, up to {waits}; confirmations first",
                many(routine.into(), "routine check")
            ),
            (confirmations, routine) => format!(
                "overload: {} and {routine} routine checks put off, up to {waits}",
                many(confirmations.into(), "confirmation")
            ),
        })
    }

    fn stretched(&self) -> String {
        format!(
            "{} calls a minute cannot ask {} tenants every {}: it takes {}",
            self.budget,
            self.watched,
            span(self.interval),
            span(self.effective)
        )
    }

    /// The statuses in their order, each with its causes and how many have them.
    pub fn by_status(&self) -> impl Iterator<Item = (&'static str, i64, Vec<(&str, i64)>)> {
        Status::WORDS.into_iter().map(|word| {
            let of = self.counts.iter().filter(move |one| one.status == word);
            let causes = of.filter_map(|one| Some((one.cause.as_deref()?, one.tenants))).collect();
            (word, self.count(word), causes)
        })
    }
}

/// The words of statuses whose signs say how bad something is.
const BAD: &str = "needs_reconnection";
const DOUBTFUL: &str = "degraded";

/// What is believed of the provider for a class of failure, in one line.
pub fn weather(row: &WeatherRow) -> String {
    let class = row.class.word();
    let weather = row.sky.weather();
    match row.sky {
        Sky::Clear { since } | Sky::Unknown { since } => {
            format!("{class}: {weather} since {}", moment(Some(since)))
        }
        Sky::Suspected { since, failing, asked } => format!(
            "{class}: {weather} since {}, {failing} of {asked} asked fail together",
            moment(Some(since))
        ),
        Sky::Incident(Incident { since, failing, asked, by, .. }) => {
            let why = match by {
                Author::Judge => format!("{failing} of {asked} asked fail together"),
                Author::Operator => "declared".to_owned(),
            };
            format!("{class}: {weather} since {}, {why}", moment(Some(since)))
        }
    }
}
