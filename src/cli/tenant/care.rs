//! What an operator does to one tenant: pause, resume, label. No provider is asked and no key
//! opened.

use std::sync::Arc;

use std::collections::BTreeMap;

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::cli::output;
use crate::health::Action;
use crate::health::Reason;
use crate::telemetry::Metrics;

use super::show::{document, found, labels};

/// Stops asking about a tenant until then, or until it is resumed.
pub async fn pause(
    app: &App,
    reference: &str,
    until: Option<DateTime<Utc>>,
    span: Option<TimeDelta>,
    json: bool,
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let until = until.or(span.map(|span| now + span));
    if until.is_some_and(|until| until <= now) {
        bail!("`--until` is over already: name a time to come");
    }
    operate(app, reference, Action::Pause { until }, json).await
}

/// Goes on asking about a tenant.
pub async fn resume(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    operate(app, reference, Action::Resume, json).await
}

/// Sets and removes labels.
pub async fn label(
    app: &App,
    reference: &str,
    set: &[(String, String)],
    remove: &[String],
    json: bool,
) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let set: BTreeMap<String, String> = set.iter().cloned().collect();
    if let Some(both) = remove.iter().find(|name| set.contains_key(*name)) {
        bail!("`{}` is to be set and removed at once", output::printable(both));
    }
    app.store.label(view.id, &set, remove).await?;
    if json {
        return document(app, &view).await;
    }
    let care = app.store.care(view.id).await?;
    let labels = if care.labels.is_empty() { "none".to_owned() } else { labels(&care.labels) };
    output::line(&format!("{}: labels: {}", view.reference, output::printable(&labels)))
}

async fn operate(app: &App, reference: &str, action: Action, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let settler = app.settler(Metrics::new()?, Arc::default());
    let Some(verdict) = settler.operate(view.id, action).await? else {
        bail!("{reference} kept changing, and nothing was done: try again");
    };
    match verdict.decision.reason {
        Reason::NotWatched => bail!("{reference} is disabled: only a new key changes that"),
        Reason::NotPaused if !json => {
            return output::line(&format!("{reference} is not paused; nothing has changed"));
        }
        _ => {}
    }
    let view = found(app, reference).await?;
    if json {
        return document(app, &view).await;
    }
    let due = match view.due_at {
        Some(due) => format!("asked again at {}", output::moment(Some(due))),
        None => format!("not asked until `keypulse tenant resume {}`", view.reference),
    };
    output::line(&format!("{}: {}; {due}", view.reference, view.health.status))
}
