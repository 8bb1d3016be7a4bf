//! The fleet at a glance. First whether anything is wrong, then what, then who needs a person; the
//! rest below.
//!
//! Long because it is one page, for people and for programs.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::app::{self, App};
use crate::config::BudgetPer;
use crate::health::Status;
use crate::store::HandoverCount;
use crate::store::InForce;
use crate::store::Instance;
use crate::store::Mode;
use crate::store::Pickup;
use crate::store::Place;
use crate::store::PostCount;
use crate::store::PutOff;
use crate::store::Seen;
use crate::store::StatusCount;
use crate::store::TenantView;
use crate::store::WeatherRow;
use crate::task::PUT_OFF_AFTER;

use super::mirrored::Mirrored;
use super::sign::{sign, words};
use super::{handover, output, weather};

/// So many of those who need a person are named.
const NAMED: u32 = 10;
/// Room for the gathering of batches before a check counts as late, as on `/checkz`.
const GRACE: TimeDelta = TimeDelta::seconds(30);
/// A message that waits for longer is shown.
const OLD_MESSAGE: TimeDelta = TimeDelta::minutes(15);
/// Nothing is printed wider than this.
pub const WIDTH: usize = 80;
/// On a terminal narrower than this, names are left out: the reference says who it is.
const LEAST_WITH_NAMES: usize = 70;

/// All that is shown, read at one moment.
#[derive(Debug)]
pub struct Glance {
    now: DateTime<Utc>,
    counts: Vec<StatusCount>,
    suspects: u32,
    watched: u32,
    in_need: Vec<TenantView>,
    earliest: Option<DateTime<Utc>>,
    put_off: PutOff,
    handovers: HandoverCount,
    posted: Vec<PostCount>,
    endpoints_off: usize,
    mode: Option<InForce>,
    weather: Vec<WeatherRow>,
    mirror: Option<Mirrored>,
    interval: TimeDelta,
    effective: TimeDelta,
    budget: u32,
    per: BudgetPer,
    database: String,
    daemon: Seen,
    provider: String,
}

impl Glance {
    /// Reads it.
    pub async fn of(app: &App) -> anyhow::Result<Self> {
        let place = app::place(&app.config)?;
        let watched = app.store.count_watched().await?;
        let daemon = Instance::seen(&place)?;
        let now = app.clock.now();
        Ok(Self {
            now,
            counts: app.store.count_by_status().await?,
            suspects: app.store.count_suspects().await?,
            watched,
            in_need: app.store.tenants_in_need(NAMED).await?,
            earliest: app.store.earliest_due().await?,
            put_off: app.store.put_off(now - PUT_OFF_AFTER, now).await?,
            posted: app.store.count_posted().await?,
            endpoints_off: endpoints_off(app).await?,
            mode: app.store.mode().await?,
            weather: app.store.weather().await?,
            mirror: Mirrored::of(app).await?,
            handovers: app.store.count_handovers(handover::late_before(app)).await?,
            interval: app.config.policy.interval,
            effective: app.effective_interval(watched),
            budget: app.config.budget.per_minute.get(),
            per: app.config.budget.per,
            database: match place {
                Place::File(path) => format!("SQLite, {}", path.display()),
                Place::Server(_) => "PostgreSQL".to_owned(),
            },
            daemon,
            provider: app.profile().title.clone(),
        })
    }

    fn count(&self, status: &str) -> i64 {
        self.counts.iter().filter(|one| one.status == status).map(|one| one.tenants).sum()
    }

    /// By how much the earliest check is late, if it is.
    fn late(&self) -> Option<TimeDelta> {
        let late = self.now - self.earliest?;
        (late > self.effective + GRACE).then_some(late)
    }

    /// What is wrong, the worst first, each with the word of a status for its sign.
    fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.daemon == Seen::Nobody && self.watched > 0 {
            let what = "nobody is being checked: no `keypulse run` works on this database";
            wrong.push(("needs_reconnection", what.to_owned()));
        }
        if let Some(late) = self.late() {
            let late = output::span(late);
            wrong.push(("needs_reconnection", format!("checks are late, the earliest by {late}")));
        }
        let bad = self.weather.iter().filter(|row| row.sky.weather().holds());
        wrong.extend(bad.map(|row| ("degraded", weather::line(row))));
        match self.count("needs_reconnection") {
            0 => {}
            1 => wrong.push(("needs_reconnection", "1 tenant needs a person".to_owned())),
            many => wrong.push(("needs_reconnection", format!("{many} tenants need a person"))),
        }
        if self.handovers.without_recipient > 0 {
            let keys = output::many(self.handovers.without_recipient, "key");
            let what = format!("{keys} owed to the integration, and no recipient is registered");
            wrong.push(("degraded", what));
        }
        if self.handovers.late > 0 {
            let keys = output::many(self.handovers.late, "key");
            wrong.push(("degraded", format!("{keys} not picked up by the integration in time")));
        }
        wrong.extend(self.untold().map(|what| ("degraded", what)));
        let mirror = self.mirror.iter().flat_map(Mirrored::wrong);
        wrong.extend(mirror.map(|what| ("degraded", what)));
        if self.effective > self.interval {
            wrong.push(("degraded", self.stretched()));
        }
        if self.daemon != Seen::Nobody
            && let Some(shed) = self.shed()
        {
            wrong.push(("degraded", shed));
        }
        wrong
    }

    /// Who was not told what they were owed, if it is so.
    fn untold(&self) -> impl Iterator<Item = String> {
        let dead = match self.posted_in("dead") {
            0 => None,
            dead => Some(format!(
                "{} given up: `keypulse messages list --state dead`",
                output::many(dead, "message")
            )),
        };
        let oldest = self.oldest_owed().filter(|at| self.now - *at > OLD_MESSAGE);
        let old = oldest.map(|at| {
            format!("a message has waited for {} to be taken", output::span(self.now - at))
        });
        let off = (self.endpoints_off > 0).then(|| {
            let off = i64::try_from(self.endpoints_off).unwrap_or(i64::MAX);
            format!("{} switched off: `keypulse webhook list`", output::many(off, "endpoint"))
        });
        [dead, old, off].into_iter().flatten()
    }

    fn posted_in(&self, state: &str) -> i64 {
        self.posted.iter().filter(|one| one.state == state).map(|one| one.messages).sum()
    }

    fn oldest_owed(&self) -> Option<DateTime<Utc>> {
        let waits = |one: &&PostCount| matches!(&*one.state, "owed" | "sending");
        self.posted.iter().filter(waits).filter_map(|one| one.oldest).min()
    }

    /// Who is told anything, and what still waits.
    fn told(&self) -> String {
        match self.mode.map(|one| one.mode) {
            None | Some(Mode::Shadow) => "nobody (shadow)".to_owned(),
            Some(mode) => format!(
                "{}; {} waiting",
                if mode == Mode::Live {
                    "on-call, the integration and customers"
                } else {
                    "on-call and the integration"
                },
                output::many(self.posted_in("owed") + self.posted_in("sending"), "message")
            ),
        }
    }

    /// What is put off, if anything is, and what comes first.
    fn shed(&self) -> Option<String> {
        let PutOff { confirmations, routine, since } = self.put_off;
        let waits = output::span(self.now - since?);
        Some(match (confirmations, routine) {
            (0, _) => format!(
                "overload: {} put off, up to {waits}; confirmations first",
                output::many(routine.into(), "routine check")
            ),
            (confirmations, routine) => format!(
                "overload: {} and {routine} routine checks put off, up to {waits}",
                output::many(confirmations.into(), "confirmation")
            ),
        })
    }

    fn stretched(&self) -> String {
        format!(
            "{} calls a minute cannot ask {} tenants every {}: it takes {}",
            self.budget,
            self.watched,
            output::span(self.interval),
            output::span(self.effective)
        )
    }

    /// As people read it, at most so many and never more than 80 columns wide; every sign stands
    /// beside its word.
    pub fn text(&self, colour: bool, columns: usize) -> String {
        let width = columns.clamp(40, WIDTH);
        let sign = |word: &str| sign(word, colour);
        let mut text = String::new();
        let wrong = self.wrong();
        if self.watched == 0 && self.counts.is_empty() {
            let _ = writeln!(text, "{} no tenants yet", sign("pending"));
        } else if wrong.is_empty() {
            let _ = writeln!(text, "{} nothing is wrong", sign("healthy"));
        }
        for (word, what) in wrong {
            let _ = writeln!(text, "{} {}", sign(word), output::cut(&what, width - 2));
        }
        text.push('\n');
        for word in Status::WORDS {
            let of = self.counts.iter().filter(|one| one.status == word);
            let causes: Vec<String> = of
                .filter_map(|one| Some(format!("{} {}", words(one.cause.as_deref()?), one.tenants)))
                .collect();
            let line =
                format!("{:<20} {:>8}   {}", words(word), self.count(word), causes.join(", "));
            let _ = writeln!(text, "{} {}", sign(word), output::cut(line.trim_end(), width - 2));
        }
        if !self.in_need.is_empty() {
            text.push_str("\nWho needs a person, and since when\n");
            for tenant in &self.in_need {
                let _ =
                    writeln!(text, "{} {}", sign("needs_reconnection"), self.named(tenant, width));
            }
            let rest =
                self.count("needs_reconnection") - i64::try_from(self.in_need.len()).unwrap_or(0);
            if rest > 0 {
                let _ = writeln!(text, "  and {rest} more: `keypulse tenant list`");
            }
        }
        text.push('\n');
        for (name, value) in self.facts() {
            let _ = writeln!(text, "{}", output::cut(&format!("{name:<12} {value}"), width));
        }
        text
    }

    /// Who it is, why, since when, and, where there is room, its name.
    fn named(&self, tenant: &TenantView, width: usize) -> String {
        let status = tenant.health.status.to_string();
        // `needs reconnection (rejected)`: the words before the cause stand in the heading.
        let cause = status.split_once('(').map_or(status.as_str(), |(_, cause)| cause);
        let with_name = width >= LEAST_WITH_NAMES;
        let room = width - if with_name { 52 } else { 33 };
        let line = format!(
            "{:<18} {:<room$} {:>11}",
            output::cut(&output::printable(&tenant.reference), 18),
            output::cut(cause.trim_end_matches(')'), room),
            output::span(self.now - tenant.health.since),
        );
        if with_name {
            format!("{line}  {}", output::cut(&output::printable(&tenant.name), 17))
        } else {
            line
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let per = match self.per {
            BudgetPer::Integration => "for all keys together",
            BudgetPer::Key => "for each key",
        };
        let next = match self.earliest {
            None => "nobody is due".to_owned(),
            Some(at) if at > self.now => format!("in {}", output::span(at - self.now)),
            Some(at) => format!("{} ago", output::span(self.now - at)),
        };
        let every = if self.effective > self.interval {
            format!(
                "{} (configured: {})",
                output::span(self.effective),
                output::span(self.interval)
            )
        } else {
            output::span(self.interval)
        };
        let daemon = match &self.daemon {
            Seen::Running(Some(holder)) => format!("running ({holder})"),
            Seen::Running(None) => "running, only just begun".to_owned(),
            Seen::Nobody => "none on this database".to_owned(),
            Seen::Unseen => "not seen from here; ask its /checkz".to_owned(),
        };
        vec![
            ("suspects", format!("{} healthy, failed once, asked again", self.suspects)),
            ("earliest due", next),
            match &self.mirror {
                Some(mirror) => ("mirror", mirror.fact()),
                None => ("hand-over", self.handed_over()),
            },
            ("told", self.told()),
            ("checked every", every),
            ("budget", format!("{} calls a minute {per}", self.budget)),
            ("daemon", daemon),
            ("database", self.database.clone()),
            ("version", format!("keypulse {}, {}", env!("CARGO_PKG_VERSION"), self.provider)),
        ]
    }

    /// What the integration has still to fetch or to acknowledge.
    fn handed_over(&self) -> String {
        let open = |pickup: &Pickup| {
            let keys = self.handovers.of(*pickup);
            (keys > 0).then(|| format!("{keys} {}", handover::words(*pickup)))
        };
        let open: Vec<String> = Pickup::OPEN.iter().filter_map(open).collect();
        if open.is_empty() { "no key is owed".to_owned() } else { open.join(", ") }
    }

    /// The same as programs read it.
    pub fn describe(&self) -> Value {
        let wrong: Vec<String> = self.wrong().into_iter().map(|(_, what)| what).collect();
        let tenants: serde_json::Map<String, Value> = Status::WORDS
            .iter()
            .map(|word| ((*word).to_owned(), self.count(word).into()))
            .collect();
        let causes: Vec<Value> = self
            .counts
            .iter()
            .filter(|one| one.cause.is_some())
            .map(|one| json!({"status": one.status, "cause": one.cause, "tenants": one.tenants}))
            .collect();
        let in_need: Vec<Value> = self
            .in_need
            .iter()
            .map(|tenant| {
                json!({
                    "ref": tenant.reference, "name": tenant.name,
                    "cause": tenant.health.status.cause(),
                    "status_text": tenant.health.status.to_string(),
                    "since": tenant.health.since,
                })
            })
            .collect();
        let handovers: serde_json::Map<String, Value> = Pickup::OPEN
            .iter()
            .map(|pickup| (pickup.name().to_owned(), self.handovers.of(*pickup).into()))
            .collect();
        json!({
            "time": self.now,
            "ok": wrong.is_empty(),
            "wrong": wrong,
            "tenants": tenants,
            "causes": causes,
            "needs_reconnection": in_need,
            "suspects": self.suspects,
            "earliest_due_at": self.earliest,
            "put_off": {
                "confirmations": self.put_off.confirmations, "routine": self.put_off.routine,
            },
            "handovers": handovers,
            "notify": {
                "mode": self.mode.map(|one| one.mode.word()),
                "waiting": self.posted_in("owed") + self.posted_in("sending"),
                "oldest_waiting_since": self.oldest_owed(),
                "dead": self.posted_in("dead"),
                "endpoints_off": self.endpoints_off,
            },
            "mirror": self.mirror.map(|mirror| mirror.json()),
            "interval_seconds": self.interval.num_seconds(),
            "effective_interval_seconds": self.effective.num_seconds(),
            "budget_per_minute": self.budget,
            "budget_per": match self.per {
                BudgetPer::Integration => "integration",
                BudgetPer::Key => "key",
            },
            "daemon": match self.daemon {
                Seen::Running(_) => "running",
                Seen::Nobody => "none",
                Seen::Unseen => "unseen",
            },
            "database": self.database,
            "provider": self.provider,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// How many endpoints that are configured are switched off.
async fn endpoints_off(app: &App) -> anyhow::Result<usize> {
    let channels = app.store.channels().await?;
    Ok(channels.iter().filter(|one| one.active && one.off_at.is_some()).count())
}

#[cfg(test)]
mod tests;
