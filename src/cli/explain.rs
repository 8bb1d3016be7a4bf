//! `keypulse explain`: why a tenant is as it is, for whoever has its customer on the line.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::app::App;
use crate::http::api::explain::{Decided, Explanation, Told};

use super::output;
use super::tenant::found;

/// Whom.
#[derive(Debug, Args)]
#[command(
    after_help = "The first two sentences can be read out. Then the chain: what was seen, what \
    is believed of the provider now, what was decided and why, who was told, who was not and why.\n\n\
    Example:\n  keypulse explain erp-483"
)]
pub struct Options {
    /// The integration's own name for the tenant.
    #[arg(value_name = "REF")]
    reference: String,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Explains one tenant.
pub async fn run(options: &Options, app: App) -> anyhow::Result<ExitCode> {
    let done = explain(&app, options).await;
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn explain(app: &App, options: &Options) -> anyhow::Result<()> {
    let view = found(app, &options.reference).await?;
    let all = Explanation::of(&app.store, &view).await?;
    if options.json {
        return output::document(&all);
    }
    output::line(&output::printable(&all.say))?;
    output::line("")?;
    output::line("seen")?;
    line("accepted last", &output::moment(all.accepted_at))?;
    if let Some(failing) = &all.failing {
        let (first, last) = (moment(failing.first_at), moment(failing.last_at));
        let text = output::printable(&failing.text);
        line("held against", &format!("{text}, {} in a row, {first} to {last}", failing.in_a_row))?;
    }
    if let Some(since) = all.silent_since {
        line("no answer", &format!("since {}", moment(since)))?;
    }
    line("next check", &all.next_check_at.map_or_else(|| "none".to_owned(), moment))?;
    output::line("weather")?;
    for sky in &all.weather {
        let held = if sky.holds { ": what fails here is held because of it" } else { "" };
        line(sky.class, &format!("{} since {}{held}", sky.state, moment(sky.since)))?;
    }
    output::line("decided")?;
    if all.decided.is_empty() {
        line("–", "nothing that the audit chain has")?;
    }
    for one in &all.decided {
        line(&output::moment(one.at), &decided(one))?;
    }
    output::line("told")?;
    if all.told.is_empty() {
        line("–", "nobody, and nothing was to be told")?;
    }
    for one in &all.told {
        line(&output::moment(one.decided_at), &told(one))?;
    }
    Ok(())
}

fn decided(one: &Decided) -> String {
    let word = |text: &Option<String>| text.clone().unwrap_or_default().replace('_', " ");
    let cause = one.cause.as_ref().map(|_| format!(" ({})", word(&one.cause))).unwrap_or_default();
    let from = one.from.as_ref().map(|_| format!("{} → ", word(&one.from))).unwrap_or_default();
    let why = one.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let by = if one.by == "daemon" { String::new() } else { format!(", by {}", one.by) };
    output::printable(&format!("{from}{}{cause}{why}{by}", word(&one.status)))
}

fn told(one: &Told) -> String {
    let sign = match one.outcome {
        "sent" => "●",
        "waits" | "sending" => "○",
        "dead" | "unknown" => "✖",
        _ => "‖",
    };
    let by = one.channel.as_deref().map(|channel| format!(" by {channel}")).unwrap_or_default();
    let (whom, stage) = (one.audience.replace('_', "-"), one.stage.replace('_', " "));
    let outcome = one.outcome.replace('_', " ");
    let at = one.at.map(|at| format!(" {}", moment(at))).unwrap_or_default();
    output::printable(&format!("{sign} {whom}: {stage}{by}, {outcome}{at}: {}", one.why))
}

fn moment(at: DateTime<Utc>) -> String {
    output::moment(Some(at))
}

fn line(name: &str, value: &str) -> anyhow::Result<()> {
    output::line(&format!("  {name:<23} {value}"))
}
