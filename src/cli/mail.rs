//! `keypulse mail`: the mail that customers get.

mod hold;

use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::config::Config;
use crate::given;

/// What to do with mail.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hold all mail to customers, in all processes, within seconds.
    #[command(after_help = "What is owed meanwhile is written down and waits; a link that a customer \
        asks for waits too. On-call is told when it is held for an hour.\n\nExample:\n  \
        keypulse mail hold --reason \"wrong texts since 14:00, ticket 4711\"")]
    Hold {
        /// Why, in a few words: whoever comes next reads it.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: String,
    },
    /// Let mail go again.
    Release {
        /// Give up what waits by now. It is not sent later; the next stage is.
        #[arg(long)]
        drop: bool,
    },
    /// Say whether mail is held, how much waits, and whether the relay takes it.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Whether the command works on the store.
pub fn needs_store(command: &Command) -> bool {
    match command {
        Command::Hold { .. } | Command::Release { .. } | Command::Status { .. } => true,
    }
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    matches!(command, Command::Hold { .. } | Command::Release { .. })
}

/// Runs a command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Hold { reason } => hold::hold(&app, reason).await,
        Command::Release { drop } => hold::release(&app, *drop).await,
        Command::Status { json } => hold::status(&app, *json).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs a command that needs no store.
pub async fn apart(command: &Command, _: Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{command:?} needs a store")
}
