//! `keypulse webhook`: the endpoints of the integration, and the secret that they know keypulse by.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;

use crate::app::{App, post};
use crate::given;
use crate::ids::random_name;
use crate::notify::{Answer, event};
use crate::redact::chain;
use crate::store::{Again, ChannelView};
use crate::telemetry::Metrics;
use crate::vault::WebhookSecret;

use super::output;

/// What to do with endpoints.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a secret to sign messages with, in a new file that only its owner can read.
    #[command(
        after_help = "Give the same secret to the integration, over a channel that is fit for \
        it. To exchange it: make a new one, name the old file in `webhook.previous_secret_file` and \
        the new one in `webhook.secret_file`, and take the old one away once the integration has the \
        new one.\n\nExample:\n  keypulse webhook secret --out webhook.secret"
    )]
    Secret {
        /// The file, which must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the endpoints, and how each of them is.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Send a signed `keypulse.test` to each configured endpoint, in any mode, and say what came back.
    Test {
        /// Only to this one.
        #[arg(value_name = "ENDPOINT")]
        endpoint: Option<String>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Owe an endpoint again what it has not taken, with the same ids.
    #[command(after_help = "What was decided in shadow is none of it.\n\nExample:\n  \
        keypulse webhook replay webhook-0c1d2e3f4a5b --since 2d")]
    Replay {
        /// The endpoint, as `webhook list` shows it.
        #[arg(value_name = "ENDPOINT")]
        endpoint: String,
        /// Decided no longer ago than this.
        #[arg(long, value_name = "DURATION", default_value = "5d", value_parser = given::span)]
        since: TimeDelta,
    },
    /// Switch an endpoint on again.
    Enable {
        /// The endpoint, as `webhook list` shows it.
        #[arg(value_name = "ENDPOINT")]
        endpoint: String,
    },
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    matches!(command, Command::Replay { .. } | Command::Enable { .. })
}

/// Makes a secret; needs neither configuration nor database.
pub fn secret(out: &std::path::Path) -> anyhow::Result<ExitCode> {
    WebhookSecret::write_new_file(out)?;
    output::hint(&format!(
        "{} holds a new secret. Name it in `webhook.secret_file`, and give it to the integration.",
        out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Secret { out } => return secret(out),
        Command::List { json } => list(&app, *json).await,
        Command::Test { endpoint, json } => test(&app, endpoint.as_deref(), *json).await,
        Command::Replay { endpoint, since } => replay(&app, endpoint, *since).await,
        Command::Enable { endpoint } => enable(&app, endpoint).await,
    };
    app.store.close().await?;
    done
}

async fn list(app: &App, json: bool) -> anyhow::Result<ExitCode> {
    let channels = app.store.channels().await?;
    let endpoints: Vec<_> = channels.iter().filter(|one| one.kind == "webhook").collect();
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ENDPOINT", "HOST", "STATE", "SINCE", "WHY"]);
    for one in &endpoints {
        if json {
            output::json(&json!({
                "endpoint": one.name,
                "host": one.host,
                "state": state(one),
                "failing_since": one.failing_since,
                "off_at": one.off_at,
                "off_why": one.off_why,
            }))?;
            continue;
        }
        let since = one.off_at.or(one.failing_since);
        table.add_row([
            one.name.clone(),
            output::printable(&one.host),
            state(one).to_owned(),
            since.map_or_else(String::new, |at| output::moment(Some(at))),
            one.off_why.clone().unwrap_or_default(),
        ]);
    }
    if !json && endpoints.is_empty() {
        output::line(
            "no endpoint was ever used: `webhook.endpoints` names them for `keypulse run`",
        )?;
    } else if !json {
        output::line(&table.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn state(one: &ChannelView) -> &'static str {
    match one {
        ChannelView { off_at: Some(_), .. } => "off",
        ChannelView { active: false, .. } => "not configured",
        ChannelView { failing_since: Some(_), .. } => "failing",
        ChannelView { .. } => "good",
    }
}

async fn test(app: &App, only: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let lanes = post::lanes(app, &Metrics::new()?)?;
    let mut good = true;
    let mut any = false;
    for lane in lanes.iter().filter(|lane| only.is_none_or(|only| *lane.channel == *only)) {
        any = true;
        let id = format!("test-{}", random_name()?);
        let body = event::body(event::TEST, app.clock.now(), &json!({}));
        let answer = lane.send(&id, &body).await;
        let taken = matches!(answer, Answer::Status(200..=299, _));
        good &= taken;
        let (channel, host, words) = (&*lane.channel, lane.endpoint.host(), answer.words());
        if json {
            output::json(&json!({
                "endpoint": channel, "host": host, "id": id, "taken": taken, "answer": words,
            }))?;
        } else {
            let sign = if taken { "●" } else { "✖" };
            output::line(&format!("{sign} {channel} ({host}): {words}"))?;
        }
    }
    if !any {
        bail!(
            "no such endpoint is configured: see `webhook.endpoints` and `keypulse webhook list`"
        );
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn replay(app: &App, endpoint: &str, since: TimeDelta) -> anyhow::Result<ExitCode> {
    known(app, endpoint).await?;
    let now = app.clock.now();
    let owed = app.store.send_again(Again::Channel(endpoint, now - since), now).await?;
    output::line(&format!(
        "{} owed again to {endpoint}",
        output::many(output::whole(owed), "message")
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn enable(app: &App, endpoint: &str) -> anyhow::Result<ExitCode> {
    known(app, endpoint).await?;
    let news = app.store.enable_channel(endpoint).await?.unwrap_or(false);
    output::line(&if news {
        format!(
            "{endpoint} is on again; `keypulse webhook replay {endpoint}` owes it what it missed"
        )
    } else {
        format!("{endpoint} was on already; nothing has changed")
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn known(app: &App, endpoint: &str) -> anyhow::Result<()> {
    let channels = app.store.channels().await.map_err(|error| anyhow::anyhow!(chain(&error)))?;
    if channels.iter().any(|one| one.kind == "webhook" && one.name == endpoint) {
        return Ok(());
    }
    bail!("there is no endpoint `{}`: see `keypulse webhook list`", output::printable(endpoint))
}
