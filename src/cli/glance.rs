//! The fleet at a glance. First whether anything is wrong, then what, then who needs a person; the
//! rest below.
//!
//! Long because it is one page, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::{self, App};
use crate::config::BudgetPer;
use crate::health::Status;
use crate::http::overview::{Look, Overview, See};
use crate::store::Instance;
use crate::store::Mode;
use crate::store::Pickup;
use crate::store::Place;
use crate::store::Seen;
use crate::store::TenantView;
use crate::task::PUT_OFF_AFTER;

use super::mirrored::Mirrored;
use super::sign::{sign, words};
use super::{handover, output};

/// So many of those who need a person are named.
const NAMED: u32 = 10;
/// Nothing is printed wider than this.
pub const WIDTH: usize = 80;
/// On a terminal narrower than this, names are left out: the reference says who it is.
const LEAST_WITH_NAMES: usize = 70;

/// All that is shown, read at one moment.
#[derive(Debug)]
pub struct Glance {
    fleet: Overview,
    mirror: Option<Mirrored>,
    per: BudgetPer,
    database: String,
    daemon: Seen,
    provider: String,
}

impl Glance {
    /// Reads it.
    pub async fn of(app: &App) -> anyhow::Result<Self> {
        let place = app::place(&app.config)?;
        let (daemon, now) = (Instance::seen(&place)?, app.clock.now());
        let look = Look {
            now,
            named: NAMED,
            put_off_before: now - PUT_OFF_AFTER,
            late_before: handover::late_before(app),
            interval: app.config.policy.interval,
            effective: &|tenants| app.effective_interval(tenants),
            budget: app.config.budget.per_minute.get(),
        };
        Ok(Self {
            fleet: Overview::read(&app.store, &look).await?,
            mirror: Mirrored::of(app).await?,
            per: app.config.budget.per,
            database: match place {
                Place::File(path) => format!("SQLite, {}", path.display()),
                Place::Server(_) => "PostgreSQL".to_owned(),
            },
            daemon,
            provider: app.profile().title.clone(),
        })
    }

    /// What is wrong, the worst first, each with the word of a status for its sign.
    fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.daemon == Seen::Nobody && self.fleet.watched > 0 {
            let what = "nobody is being checked: no `keypulse run` works on this database";
            wrong.push(("needs_reconnection", what.to_owned()));
        }
        let fleet = self.fleet.wrong(self.daemon != Seen::Nobody);
        wrong.extend(fleet.into_iter().map(|one| {
            let see = one.see.and_then(See::command);
            let see = see.map(|command| format!(": `{command}`")).unwrap_or_default();
            (one.sign, one.what + &see)
        }));
        let mirror = self.mirror.iter().flat_map(Mirrored::wrong);
        wrong.extend(mirror.map(|what| ("degraded", what)));
        wrong
    }

    /// Who is told anything, and what still waits.
    fn told(&self) -> String {
        match self.fleet.mode.map(|one| one.mode) {
            None | Some(Mode::Shadow) => "nobody (shadow)".to_owned(),
            Some(mode) => format!(
                "{}; {} waiting",
                if mode == Mode::Live {
                    "on-call, the integration and customers"
                } else {
                    "on-call and the integration"
                },
                output::many(
                    self.fleet.posted_in("owed") + self.fleet.posted_in("sending"),
                    "message"
                )
            ),
        }
    }

    /// As people read it, at most so many and never more than 80 columns wide; every sign stands
    /// beside its word.
    pub fn text(&self, colour: bool, columns: usize) -> String {
        let width = columns.clamp(40, WIDTH);
        let sign = |word: &str| sign(word, colour);
        let mut text = String::new();
        let wrong = self.wrong();
        if self.fleet.is_empty() {
            let _ = writeln!(text, "{} no tenants yet", sign("pending"));
        } else if wrong.is_empty() {
            let _ = writeln!(text, "{} nothing is wrong", sign("healthy"));
        }
        for (word, what) in wrong {
            let _ = writeln!(text, "{} {}", sign(word), output::cut(&what, width - 2));
        }
        text.push('\n');
        for (word, tenants, causes) in self.fleet.by_status() {
            let causes: Vec<String> = causes
                .into_iter()
                .map(|(cause, many)| format!("{} {many}", words(cause)))
                .collect();
            let line = format!("{:<20} {tenants:>8}   {}", words(word), causes.join(", "));
            let _ = writeln!(text, "{} {}", sign(word), output::cut(line.trim_end(), width - 2));
        }
        if !self.fleet.in_need.is_empty() {
            text.push_str("\nWho needs a person, and since when\n");
            for tenant in &self.fleet.in_need {
                let _ =
                    writeln!(text, "{} {}", sign("needs_reconnection"), self.named(tenant, width));
            }
            let rest = self.fleet.count("needs_reconnection")
                - i64::try_from(self.fleet.in_need.len()).unwrap_or(0);
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
            output::span(self.fleet.now - tenant.health.since),
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
        let next = match self.fleet.earliest {
            None => "nobody is due".to_owned(),
            Some(at) if at > self.fleet.now => format!("in {}", output::span(at - self.fleet.now)),
            Some(at) => format!("{} ago", output::span(self.fleet.now - at)),
        };
        let every = if self.fleet.effective > self.fleet.interval {
            format!(
                "{} (configured: {})",
                output::span(self.fleet.effective),
                output::span(self.fleet.interval)
            )
        } else {
            output::span(self.fleet.interval)
        };
        let daemon = match &self.daemon {
            Seen::Running(Some(holder)) => format!("running ({holder})"),
            Seen::Running(None) => "running, only just begun".to_owned(),
            Seen::Nobody => "none on this database".to_owned(),
            Seen::Unseen => "not seen from here; ask its /checkz".to_owned(),
        };
        vec![
            ("suspects", format!("{} healthy, failed once, asked again", self.fleet.suspects)),
            ("earliest due", next),
            match &self.mirror {
                Some(mirror) => ("mirror", mirror.fact()),
                None => ("hand-over", self.handed_over()),
            },
            ("told", self.told()),
            ("checked every", every),
            ("budget", format!("{} calls a minute {per}", self.fleet.budget)),
            ("daemon", daemon),
            ("database", self.database.clone()),
            ("version", format!("keypulse {}, {}", env!("CARGO_PKG_VERSION"), self.provider)),
        ]
    }

    /// What the integration has still to fetch or to acknowledge.
    fn handed_over(&self) -> String {
        let open = |pickup: &Pickup| {
            let keys = self.fleet.handovers.of(*pickup);
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
            .map(|word| ((*word).to_owned(), self.fleet.count(word).into()))
            .collect();
        let causes: Vec<Value> = self
            .fleet
            .counts
            .iter()
            .filter(|one| one.cause.is_some())
            .map(|one| json!({"status": one.status, "cause": one.cause, "tenants": one.tenants}))
            .collect();
        let in_need: Vec<Value> = self
            .fleet
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
            .map(|pickup| (pickup.name().to_owned(), self.fleet.handovers.of(*pickup).into()))
            .collect();
        json!({
            "time": self.fleet.now,
            "ok": wrong.is_empty(),
            "wrong": wrong,
            "tenants": tenants,
            "causes": causes,
            "needs_reconnection": in_need,
            "suspects": self.fleet.suspects,
            "earliest_due_at": self.fleet.earliest,
            "put_off": {
                "confirmations": self.fleet.put_off.confirmations, "routine": self.fleet.put_off.routine,
            },
            "handovers": handovers,
            "notify": {
                "mode": self.fleet.mode.map(|one| one.mode.word()),
                "waiting": self.fleet.posted_in("owed") + self.fleet.posted_in("sending"),
                "oldest_waiting_since": self.fleet.oldest_owed(),
                "dead": self.fleet.posted_in("dead"),
                "endpoints_off": self.fleet.endpoints_off,
            },
            "mirror": self.mirror.map(|mirror| mirror.json()),
            "interval_seconds": self.fleet.interval.num_seconds(),
            "effective_interval_seconds": self.fleet.effective.num_seconds(),
            "budget_per_minute": self.fleet.budget,
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

#[cfg(test)]
mod tests;
