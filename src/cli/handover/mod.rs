//! `keypulse handover`: what is owed to the integration, by hand; and all keys at once, to leave.

mod all;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use crate::app::App;
use crate::http::api::view::Owed;
use crate::store::Acknowledged;
use crate::store::Fetched;
use crate::store::Pickup;
use crate::task::handover::fetch;

use super::output;
use super::tenant::found;

/// Open hand-overs are read so many at a time.
const PAGE: u32 = 500;

/// What is to be handed over.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    all: Option<all::Everything>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the copy that is owed of a tenant's key to standard output, as an age file. The same
    /// again until it is acknowledged.
    #[command(after_help = "Example:\n  \
        keypulse handover fetch erp-483 | age -d -i secret.txt")]
    Fetch {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Note that the integration has a key; the copy is destroyed.
    Ack {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// Which of the tenant's keys, as `fetch` and `list` name it.
        #[arg(long, value_name = "N")]
        generation: u32,
    },
    /// List what is owed, and since when.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Write all live keys, sealed to a public key, as one file that `tenant import` reads back once
    /// it is opened. The same as `handover` without a command.
    All(all::Everything),
}

/// Runs the command on an open store.
pub async fn run(options: &Options, app: App) -> anyhow::Result<ExitCode> {
    let done = match (&options.command, &options.all) {
        (Some(Command::Fetch { reference }), _) => fetch_one(&app, reference).await,
        (Some(Command::Ack { reference, generation }), _) => {
            acknowledge(&app, reference, *generation).await
        }
        (Some(Command::List { json }), _) => list(&app, *json).await,
        (Some(Command::All(options)), _) | (None, Some(options)) => all::run(options, &app).await,
        (None, None) => Err(anyhow::anyhow!("say what to hand over: `keypulse handover --help`")),
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn fetch_one(app: &App, reference: &str) -> anyhow::Result<()> {
    if io::stdout().is_terminal() {
        bail!("the copy is no text for a terminal: send it to a file, or to `age -d`");
    }
    let view = found(app, reference).await?;
    let keyring = app.keyring().await?;
    let name = &app.profile().name;
    let store = keyring.audit(&app.store);
    match fetch(&keyring, &store, name, view.id, app.clock.now()).await? {
        Fetched::Sealed { generation, copy, .. } => {
            output::bytes(&copy.bytes)?;
            output::hint(&format!(
                "once it is in use: `keypulse handover ack {} --generation {generation}`",
                view.reference
            ))
        }
        Fetched::Unsealed => bail!(
            "a key of {} is owed and sealed to nobody: register the integration's public key with \
             `keypulse recipient add`",
            view.reference
        ),
        Fetched::NotAccepted => {
            bail!("the key of {} is not accepted yet: it is handed over once it is", view.reference)
        }
        Fetched::Acknowledged(before) => bail!(
            "the integration has key {} of {} since {}: the copy is destroyed",
            before.generation,
            view.reference,
            output::moment(before.acknowledged_at)
        ),
        Fetched::Nothing => bail!("no key of {} is owed", view.reference),
    }
}

async fn acknowledge(app: &App, reference: &str, generation: u32) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let name = &view.reference;
    let store = app.keyring().await?.audit(&app.store);
    match store.acknowledge_handover(view.id, generation, app.clock.now()).await? {
        Acknowledged::Done => {
            output::line(&format!("{name}: the integration has key {generation}; the copy is gone"))
        }
        Acknowledged::Already => output::line(&format!(
            "{name}: key {generation} was acknowledged before; nothing has changed"
        )),
        Acknowledged::NotFetched => bail!(
            "key {generation} of {name} was not fetched since it was sealed: what is destroyed now \
             nobody would have"
        ),
        Acknowledged::Other { generation: other } => bail!(
            "key {generation} of {name} is not the one that is owed: that is key {other}; fetch it \
             first"
        ),
        Acknowledged::Nothing => bail!("no key of {name} is owed"),
    }
}

async fn list(app: &App, json: bool) -> anyhow::Result<()> {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["TENANT", "KEY", "STATE", "OWED SINCE", "FETCHED"]);
    let (mut after, mut listed) = (String::new(), 0_usize);
    loop {
        let page = app.store.open_handovers(&after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        listed += page.len();
        for (reference, view) in &page {
            if json {
                output::json(&Owed::of(reference, view, late_before(app)))?;
            } else {
                table.add_row([
                    reference.clone(),
                    view.generation.to_string(),
                    words(view.pickup(late_before(app))).to_owned(),
                    output::moment(Some(view.owed_at)),
                    output::moment(view.fetched_at),
                ]);
            }
        }
    }
    match (json, listed) {
        (true, _) => Ok(()),
        (false, 0) => output::line("no key is owed"),
        (false, _) => output::line(&table.to_string()),
    }
}

/// What was owed before this moment is late.
pub fn late_before(app: &App) -> DateTime<Utc> {
    app.clock.now() - app.config.custody.pickup_within
}

/// How far it has come, as people read it.
pub fn words(pickup: Pickup) -> &'static str {
    match pickup {
        Pickup::WithoutRecipient => "no recipient",
        Pickup::Owed => "not yet picked up",
        Pickup::Late => "not picked up in time",
        Pickup::Fetched => "fetched, not acknowledged",
        Pickup::Acknowledged => "the integration has it",
    }
}
