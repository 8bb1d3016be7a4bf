//! `keypulse tenant check`: asks about one tenant at once.

use anyhow::{Context, bail};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::App;
use crate::cli::output;
use crate::health::Finding;
use crate::shutdown::Shutdown;
use crate::task::CheckNow;
use crate::telemetry::Metrics;

use super::show::{describe, found};

/// What programs are told where another key was taken.
const TAKEN: &str = "replaced";

/// Asks now, on the same road as the daemon: leased, within the budget, decided, saved.
pub async fn run(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let keyring = app.keyring().await?;
    let checker = app.checker(keyring, Metrics::new()?)?;
    let _gate = checker.gate.keep_reading();
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let timeout = TimeDelta::from_std(app.config.provider.timeout)?;
    let observed = match checker.check_now(&checker.settler, view.id, timeout, &shutdown).await? {
        CheckNow::Asked(observed) => Some(observed),
        CheckNow::Taken => None,
        CheckNow::UnderWay => {
            bail!("{reference} is being checked at this moment by a running keypulse")
        }
        CheckNow::NoKey => bail!("the key of {reference} was destroyed; it needs a new one"),
        CheckNow::KeyGone => {
            bail!("the key of {reference} was destroyed meanwhile: it is not used any more")
        }
        CheckNow::NoCall => {
            bail!("no call could be started: nothing was asked and nothing has changed")
        }
    };
    let view = found(app, reference).await?;
    let finding = observed.as_ref().map(|observed| &observed.evidence.finding);
    if json {
        let mut answer = describe(app, &view)?;
        answer["finding"] = json!(finding.map_or(TAKEN, Finding::name));
        return output::document(&answer);
    }
    let said = match finding {
        None => "another key lay where its key lies, and it is accepted and in use".to_owned(),
        Some(Finding::Accepted) => "the key is accepted".to_owned(),
        Some(Finding::Failed(failure)) => format!("{} {failure}", app.profile().title),
        Some(Finding::Inconclusive(why)) => format!("{why}; this says nothing about the key"),
        Some(Finding::Compared) if view.key_ref.is_some() => {
            "another key lies where its key lay, and it is not taken".to_owned()
        }
        Some(
            Finding::Operator(_) | Finding::Replaced(_) | Finding::Rebound(_) | Finding::Compared,
        ) => "nothing was asked".to_owned(),
    };
    output::line(&format!("{reference}: {said}\nstatus: {}", view.health.status))?;
    if view.health.status.doubt().is_some()
        && let Some(due) = view.due_at
    {
        output::line(&format!("asked again at {}", output::moment(Some(due))))?;
    }
    Ok(())
}
