//! `keypulse weather`: what is believed of the provider, and what a person says of it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use chrono::TimeDelta;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::app::App;
use crate::given;
use crate::health::{Author, Class, Health, Sky};
use crate::http::overview::weather as line;
use crate::store::WeatherRow;
use crate::task::Judge;
use crate::telemetry::Metrics;

use super::output;

/// The words of the classes.
const CLASSES: [&str; 2] = ["refused", "silent"];

/// What to do with the weather.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is believed of the provider, since when, why, and how many are held.
    Show {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Say that the provider is at fault: failures of this class are held from now on.
    #[command(after_help = "Ends after `--for`, or by `keypulse weather clear`.\n\nExample:\n  \
        keypulse weather declare --class refused --reason \"maintenance\" --for 6h")]
    Declare {
        /// Keys are refused, or there is no usable answer.
        #[arg(long, value_parser = PossibleValuesParser::new(CLASSES))]
        class: String,
        /// Why, for whoever reads it later.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: String,
        /// For how long.
        #[arg(long = "for", value_name = "DURATION", value_parser = given::span)]
        lasts: Option<TimeDelta>,
    },
    /// Say that it is over: whoever is held is asked again, spread over time.
    Clear {
        /// Keys are refused, or there is no usable answer.
        #[arg(long, value_parser = PossibleValuesParser::new(CLASSES))]
        class: String,
        /// Why, for whoever reads it later.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: String,
    },
    /// Go on holding: on-call is asked to decide only after that time.
    Extend {
        /// For how long.
        #[arg(long = "for", value_name = "DURATION", value_parser = given::span)]
        lasts: TimeDelta,
    },
    /// Have those who are held judged again in shares, by the longer bound, although it is not over.
    #[command(after_help = "Example:\n  keypulse weather release --at 100/h")]
    Release {
        /// How many in each hour, such as `100/h`.
        #[arg(long = "at", value_name = "NUMBER/h", value_parser = given::per_hour)]
        per_hour: u32,
    },
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    !matches!(command, Command::Show { .. })
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Show { json } => show(&app, *json).await,
        other => operate(&app, other).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn operate(app: &App, command: &Command) -> anyhow::Result<()> {
    let judge = judge(app)?;
    let now = app.clock.now();
    let class = |word: &str| Class::read(word).unwrap_or(Class::Refused);
    match command {
        Command::Show { .. } => Ok(()),
        Command::Declare { class: word, reason, lasts } => {
            let until = lasts.map(|span| now + span);
            if !judge.declare(class(word), reason, until).await? {
                bail!("an incident of class {word} is declared already; nothing has changed");
            }
            output::line(&match until {
                Some(at) => {
                    format!("failures of class {word} are held until {}", output::moment(Some(at)))
                }
                None => format!(
                    "failures of class {word} are held until `keypulse weather clear --class {word}`"
                ),
            })
        }
        Command::Clear { class: word, reason } => {
            if !judge.clear(class(word), reason).await? {
                bail!("nothing of class {word} is held; nothing has changed");
            }
            output::line(&format!(
                "failures of class {word} are held no more; whoever was held is asked again, spread \
                 over time"
            ))
        }
        Command::Extend { lasts } => {
            let until = now + *lasts;
            let done = judge.extend(until).await?;
            said(
                &done,
                &format!("held on; you are asked to decide at {}", output::moment(Some(until))),
            )
        }
        Command::Release { per_hour } => {
            let done = judge.release(*per_hour).await?;
            said(&done, &format!("{per_hour} of those held are judged again in each hour"))
        }
    }
}

fn judge(app: &App) -> anyhow::Result<Arc<Judge>> {
    Ok(app.settler(Metrics::new()?, Arc::default()).weather_judge())
}

fn said(classes: &[Class], what: &str) -> anyhow::Result<()> {
    if classes.is_empty() {
        bail!("there is no incident; nothing has changed");
    }
    for class in classes {
        output::line(&format!("{}: {what}", class.word()))?;
    }
    Ok(())
}

async fn show(app: &App, json: bool) -> anyhow::Result<()> {
    let rows = app.store.weather().await?;
    let mut all = Vec::new();
    for row in &rows {
        let held =
            if row.sky.weather().holds() { app.store.count_held(row.class).await? } else { 0 };
        all.push((row, held));
    }
    let canary = app.store.canary().await?;
    if json {
        let classes: Vec<Value> = all.iter().map(|(row, held)| document(row, *held)).collect();
        let canary = canary.map(|one| {
            json!({"finding": one.finding, "asked_at": one.asked_at,
                   "failing_since": one.failing_since})
        });
        return output::document(&json!({"classes": classes, "canary": canary}));
    }
    for (row, held) in all {
        output::line(&line(row))?;
        if row.sky.weather().holds() {
            output::line(&format!("  held: {}", output::many(held.into(), "tenant")))?;
        }
        if let Some(reason) = &row.reason {
            output::line(&format!("  reason: {}", output::printable(reason)))?;
        }
        if let Some(at) = row.page_at {
            output::line(&format!("  on-call is asked to decide: {}", output::moment(Some(at))))?;
        }
        if let Some(rate) = row.release_per_hour {
            output::line(&format!("  judged again: {rate} in each hour"))?;
        }
    }
    let canary = match canary {
        Some(one) => format!("{} at {}", one.finding, output::moment(one.asked_at)),
        None => "none, or not asked yet".to_owned(),
    };
    output::line(&format!("canary: {canary}"))
}

/// Why the failures of a tenant are held, if they are.
pub async fn held(app: &App, health: &Health) -> anyhow::Result<Option<String>> {
    let class = match (health.status.doubt(), health.silent_since) {
        (Some(_), _) => Class::Refused,
        (None, Some(_)) => Class::Silent,
        (None, None) => return Ok(None),
    };
    let rows = app.store.weather().await?;
    let bad = rows.iter().find(|row| row.class == class && row.sky.weather().holds());
    Ok(bad.map(|row| format!("because of the weather; {}", line(row))))
}

fn document(row: &WeatherRow, held: u32) -> Value {
    let (failing, asked) = match row.sky {
        Sky::Suspected { failing, asked, .. } => (Some(failing), Some(asked)),
        Sky::Incident(one) => (Some(one.failing), Some(one.asked)),
        Sky::Clear { .. } | Sky::Unknown { .. } => (None, None),
    };
    let incident = match row.sky {
        Sky::Incident(one) => Some(one),
        Sky::Clear { .. } | Sky::Unknown { .. } | Sky::Suspected { .. } => None,
    };
    json!({
        "class": row.class.word(),
        "state": row.sky.weather().word(),
        "since": row.sky.since(),
        "failing": failing,
        "asked": asked,
        "held": held,
        "incident": row.incident,
        "confirmed_at": incident.map(|one| one.confirmed),
        "accepted_again_since": incident.and_then(|one| one.quiet),
        "declared": incident.is_some_and(|one| one.by == Author::Operator),
        "until": incident.and_then(|one| one.until),
        "reason": row.reason,
        "decide_at": row.page_at,
        "release_per_hour": row.release_per_hour,
    })
}
