//! `keypulse notify`: whether the installation tells anybody.

use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::app::{App, post};
use crate::store::Mode;

use super::output;

/// What to do with the mode.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the mode that is in force for all processes; put another one in force.
    #[command(after_help = "`shadow` decides and writes down, and sends nothing; `on_call` tells \
        on-call and the integration, and customers nothing. What was decided in shadow is never sent. \
        Going back to shadow gives up what still waits. A process whose own configuration says \
        shadow sends nothing either way.\n\nExamples:\n  keypulse notify mode\n  \
        keypulse notify mode on_call")]
    Mode {
        /// The mode to put in force.
        #[arg(value_parser = PossibleValuesParser::new(["shadow", "on_call"]))]
        mode: Option<String>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    matches!(command, Command::Mode { mode: Some(_), .. })
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let Command::Mode { mode, json } = command;
    let done = match mode.as_deref() {
        None => show(&app, *json).await,
        Some("on_call") => put(&app, Mode::OnCall, *json).await,
        Some(_) => put(&app, Mode::Shadow, *json).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn put(app: &App, mode: Mode, json: bool) -> anyhow::Result<()> {
    let (news, given_up) = app.store.set_mode(mode, app.clock.now()).await?;
    if json {
        return output::document(
            &json!({"mode": mode.word(), "changed": news, "given_up": given_up}),
        );
    }
    let word = mode.word();
    output::line(&match (news, mode) {
        (false, _) => format!("the mode is {word} already; nothing has changed"),
        (true, Mode::Shadow) => format!(
            "nothing is sent from now on; {} that waited given up",
            output::many(whole(given_up), "message")
        ),
        (true, Mode::OnCall) => {
            "from now on what is decided for on-call and the integration is sent; \
                                 what was decided before is not"
                .to_owned()
        }
    })?;
    if mode == Mode::OnCall && post::configured(app.config.notify.mode) == Mode::Shadow {
        output::hint(
            "the configuration that this command has read says `notify.mode = shadow`: a process \
             that is started with it sends nothing",
        )?;
    }
    Ok(())
}

async fn show(app: &App, json: bool) -> anyhow::Result<()> {
    let in_force = app.store.mode().await?;
    let configured = post::configured(app.config.notify.mode).word();
    if json {
        return output::document(&json!({
            "mode": in_force.map(|one| one.mode.word()),
            "since": in_force.map(|one| one.since),
            "configured": configured,
        }));
    }
    output::line(&match in_force {
        None => format!("none yet: the first `keypulse run` puts {configured} in force"),
        Some(one) => format!(
            "{} since {}; configured here: {configured}",
            one.mode.word(),
            output::moment(Some(one.since))
        ),
    })
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
