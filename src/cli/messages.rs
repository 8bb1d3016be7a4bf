//! `keypulse messages`: what is owed, what arrived and what did not.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::app::{App, letters};
use crate::store::Again;
use crate::store::MailResent;
use crate::store::POST_STATES;
use crate::store::Posted;

use super::output;

/// What to do with messages.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List messages on their channels, the newest first.
    #[command(
        after_help = "A message is sent to each channel of those it is for, and fares on each \
        by itself: owed, sending, sent, dead (given up), cancelled (no longer true before it was \
        sent) or, of mail, unknown (it may have arrived, and is not sent again). What was decided in shadow was never owed to a channel and is not listed.\n\n\
        Examples:\n  keypulse messages list --state dead\n  \
        keypulse messages list --stage disabled --json"
    )]
    List {
        /// Only those of this state.
        #[arg(long, value_parser = PossibleValuesParser::new(POST_STATES))]
        state: Option<String>,
        /// Only those of this stage: `first`, `resolved`, `status_changed`, `key_replaced`,
        /// `disabled` or `company_changed`; of mail also `reminder-1` …, `expiring-30` …, `link` or
        /// `again`.
        #[arg(long)]
        stage: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 200)]
        limit: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Owe a message again that was given up, with the same id.
    #[command(
        after_help = "For webhooks and mail: alerts stand for as long as what they say is true, \
        and are told again by themselves. A mail that is `dead` was surely not sent, and stays the mail \
        of its stage. One that is `unknown` may have arrived: with --may-be-second another one is owed, \
        a stage of its own, as long as what it asks for is still wanted.\n\nExamples:\n  \
        keypulse messages resend 4f1c0a9e6b7d4c0d8f1e2a3b4c5d6e7f\n  \
        keypulse messages resend 4f1c0a9e6b7d4c0d8f1e2a3b4c5d6e7f --may-be-second"
    )]
    Resend {
        /// Its id, as `messages list` shows it.
        #[arg(value_name = "ID")]
        id: String,
        /// Send a mail once more of which nobody knows whether it arrived. It may be the second.
        #[arg(long)]
        may_be_second: bool,
    },
    /// List the tenants whose customers were reminded for the last time and did nothing.
    #[command(
        after_help = "For somebody to call them: look at it once a week. A tenant leaves the \
        list when its key works again, or when it is disabled or erased.\n\nExample:\n  \
        keypulse messages given-up --json"
    )]
    GivenUp {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Note that the integration has stopped using the withdrawn key of a tenant.
    #[command(after_help = "The integration says so itself by POST \
        /api/v1/tenants/REF/disabled/acknowledge; this is for a person who has made sure of it. It \
        ends the alert.\n\nExample:\n  keypulse messages acknowledge erp-483")]
    Acknowledge {
        /// The integration's own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
    },
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    match command {
        Command::List { .. } | Command::GivenUp { .. } => false,
        Command::Resend { .. } | Command::Acknowledge { .. } => true,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::List { state, stage, limit, json } => {
            let listed = app.store.posted(state.as_deref(), stage.as_deref(), *limit).await;
            list(&listed?, *json)
        }
        Command::Resend { id, may_be_second } => resend(&app, id, *may_be_second).await,
        Command::GivenUp { json } => given_up(&app, *json).await,
        Command::Acknowledge { reference } => acknowledge(&app, reference).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

fn list(posted: &[Posted], json: bool) -> anyhow::Result<()> {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ID", "TENANT", "STAGE", "CHANNEL", "STATE", "TRIES", "DECIDED", "LAST"]);
    for one in posted {
        if json {
            output::json(&describe(one))?;
            continue;
        }
        table.add_row([
            one.id.clone(),
            output::printable(&one.tenant),
            one.stage.clone(),
            one.channel.clone(),
            one.state.clone(),
            one.attempts.to_string(),
            output::moment(one.owed_at),
            one.fate.clone().unwrap_or_default(),
        ]);
    }
    match (json, posted.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => output::line("no such messages"),
        (false, false) => output::line(&table.to_string()),
    }
}

async fn resend(app: &App, id: &str, may_be_second: bool) -> anyhow::Result<()> {
    let now = app.clock.now();
    match app.store.resend_mail(id, may_be_second, now).await? {
        MailResent::NoMail => {}
        MailResent::Owed => return output::line(&format!("{id} is owed again")),
        MailResent::Another(other) => {
            return output::line(&format!(
                "{other} is owed: the same once more, which may be the second"
            ));
        }
        MailResent::MayBeSecond => bail!(
            "nobody knows whether {id} arrived: the customer may get it twice. `--may-be-second` sends \
             it all the same"
        ),
        MailResent::NotNow => bail!(
            "{id} is no mail that can be sent again: it was sent, is on its way, or says what is not \
             true any more"
        ),
    }
    let owed = app.store.send_again(Again::Message(id), now).await?;
    if owed == 0 {
        bail!(
            "there is no message `{}` that was given up: see `keypulse messages list --state dead`. \
             What was decided in shadow is never sent by itself",
            output::printable(id)
        );
    }
    output::line(&format!(
        "{id} is owed again, to {}",
        output::many(output::whole(owed), "endpoint")
    ))
}

async fn given_up(app: &App, json: bool) -> anyhow::Result<()> {
    let patience = letters::patience(&app.config);
    let now = app.clock.now();
    let listed = app.store.given_up(&patience.limits(now, now)).await?;
    if listed.is_empty() && !json {
        return output::line("nobody is given up");
    }
    for (tenant, since) in &listed {
        if json {
            output::json(&json!({"tenant": tenant, "last_told_at": since}))?;
        } else {
            let (tenant, since) = (output::printable(tenant), output::moment(*since));
            output::line(&format!("{tenant}  last written to {since}"))?;
        }
    }
    Ok(())
}

async fn acknowledge(app: &App, reference: &str) -> anyhow::Result<()> {
    let Some(tenant) = app.store.tenant(reference).await? else {
        bail!("there is no tenant `{}`: see `keypulse tenant list`", output::printable(reference));
    };
    match app.store.acknowledge_disabled(tenant.id, app.clock.now()).await? {
        Some(true) => output::line(&format!(
            "noted: the integration has stopped using the withdrawn key of {reference}"
        )),
        Some(false) => output::line("that was noted before; nothing has changed"),
        None => bail!("no key of {reference} was withdrawn: there is nothing to acknowledge"),
    }
}

fn describe(one: &Posted) -> serde_json::Value {
    json!({
        "id": one.id,
        "tenant": one.tenant,
        "audience": one.audience,
        "stage": one.stage,
        "channel": one.channel,
        "state": one.state,
        "tries": one.attempts,
        "decided_at": one.owed_at,
        "due_at": one.due_at,
        "settled_at": one.settled_at,
        "last": one.fate,
    })
}
