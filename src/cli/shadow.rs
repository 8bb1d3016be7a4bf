//! `keypulse shadow`: what would have been sent, had somebody been told.

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::app::App;
use crate::given;
use crate::store::WouldHave;

use super::output;

/// What to do with what was not sent.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would have been sent: how much, to whom, why.
    #[command(after_help = "What is decided for somebody who is not told in the mode that is in \
        force is written down and never sent by itself. Look at this for a week before `keypulse \
        go-live`.\n\nExamples:\n  keypulse shadow report\n  \
        keypulse shadow report --for 30d --audience customer --json")]
    Report {
        /// How far back.
        #[arg(long = "for", value_name = "DURATION", value_parser = given::span,
            default_value = "7d")]
        span: TimeDelta,
        /// Only what is for these.
        #[arg(long, value_parser = PossibleValuesParser::new(
            ["customer", "on_call", "integration", "operator"]))]
        audience: Option<String>,
        /// List at most so many; all are counted.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let Command::Report { span, audience, limit, json } = command;
    let since = app.clock.now() - *span;
    let done = report(&app, since, audience.as_deref(), *limit, *json).await;
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn report(
    app: &App,
    since: DateTime<Utc>,
    audience: Option<&str>,
    limit: u32,
    json: bool,
) -> anyhow::Result<()> {
    let mut counts = app.store.count_shadow(since).await?;
    counts.retain(|one| audience.is_none_or(|audience| one.audience == audience));
    let listed = app.store.shadow(since, audience, limit).await?;
    if json {
        let counts: Vec<_> = counts
            .iter()
            .map(|one| {
                json!({
                    "audience": one.audience,
                    "stage": one.stage,
                    "messages": one.messages,
                    "tenants": one.tenants,
                })
            })
            .collect();
        let listed: Vec<_> = listed.iter().map(document).collect();
        return output::document(&json!({"since": since, "counts": counts, "messages": listed}));
    }
    let from = output::moment(Some(since));
    if counts.is_empty() {
        return output::line(&format!("since {from} nothing was decided that was not sent"));
    }
    output::line(&format!("would have been sent since {from}, and was not:"))?;
    for one in &counts {
        output::line(&format!(
            "  to {}: {} of {} ({})",
            one.audience.replace('_', "-"),
            output::many(one.messages, "message"),
            output::many(one.tenants, "tenant"),
            one.stage.replace('_', " ")
        ))?;
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["DECIDED", "TENANT", "TO", "WHICH", "WHY"]);
    for one in &listed {
        let to = one.contact.as_deref().unwrap_or(&one.audience);
        table.add_row([
            output::moment(one.owed_at),
            output::printable(one.tenant.as_deref().unwrap_or("–")),
            output::printable(to),
            one.stage.replace('_', " "),
            output::printable(&why(one)),
        ]);
    }
    output::line("")?;
    output::line(&table.to_string())?;
    let all: i64 = counts.iter().map(|one| one.messages).sum();
    let shown = i64::try_from(listed.len()).unwrap_or(i64::MAX);
    if all > shown {
        output::line(&format!("and {} more: `--limit`", all - shown))?;
    }
    Ok(())
}

/// The reason that the decision gave.
fn why(one: &WouldHave) -> String {
    let body: Value = serde_json::from_str(&one.body).unwrap_or(Value::Null);
    body.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn document(one: &WouldHave) -> Value {
    json!({
        "id": one.id,
        "tenant": one.tenant,
        "name": one.name,
        "audience": one.audience,
        "stage": one.stage,
        "decided_at": one.owed_at,
        "contact": one.contact,
        "why": why(one),
    })
}
