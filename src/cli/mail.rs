//! `keypulse mail`: the mail that customers get, and the road that it takes.

mod doctor;
mod hold;
mod preview;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::config::Config;
use crate::given;
use crate::store::Release;

pub use doctor::relay;

/// What to do about mail.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send one plain test mail now, in any mode, and say of each step what came of it.
    #[command(
        after_help = "Nothing is asked, and nothing is written down. Exit code 0: the relay has \
        taken it (or the file is written); look into the inbox, and into the spam folder. Exit code \
        1: it was not taken.\n\nExample:\n  keypulse --config keypulse.toml mail test --to \
        me@example.com"
    )]
    Test {
        /// Whom it goes to.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
    /// Speak to the relay without sending, ask the DNS what receivers go by, and say what to do.
    #[command(
        after_help = "Looked at: connection, TLS and signing in at the relay; SPF, DKIM and DMARC of \
        the domain in `mail.from`; whether the link in a mail is of that domain. Exit code 0: no \
        problem, perhaps warnings. Exit code 1: at least one problem.\n\nExamples:\n  \
        keypulse --config keypulse.toml mail doctor\n  \
        keypulse mail doctor --json | jq '.checks[] | select(.level != \"ok\")'"
    )]
    Doctor {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Write every letter, in every language, into a folder: as a page, as plain text with the subject
    /// above it, and an index of all.
    Preview {
        /// A folder that is made where there is none.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print what was written as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Hold all mail to customers, in all processes, within seconds.
    #[command(
        after_help = "What is owed meanwhile is written down and waits; a link that a customer \
        asks for waits too. On-call is told when it is held for an hour.\n\nExample:\n  \
        keypulse mail hold --reason \"wrong texts since 14:00, ticket 4711\""
    )]
    Hold {
        /// Why, in a few words: whoever comes next reads it.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: String,
    },
    /// Let mail go again.
    #[command(
        after_help = "After a backup was restored it is refused until everybody was asked since. What was \
        decided meanwhile may tell a customer a second time what they were told before: it is not sent, \
        and `keypulse messages list --state unknown` shows it; who is still open is reminded later. \
        docs/BACKUP.md says what to look at first."
    )]
    Release {
        /// Give up what waits by now. It is not sent later by itself: `keypulse go-live` lists what is
        /// still open.
        #[arg(long)]
        drop: bool,
        /// After a backup was restored: although not everybody was asked since.
        #[arg(long)]
        unasked: bool,
        /// After a backup was restored: send also what may be the second mail of its kind.
        #[arg(long, conflicts_with = "drop")]
        may_be_second: bool,
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
        Command::Test { .. } | Command::Doctor { .. } | Command::Preview { .. } => false,
    }
}

/// Whether the command writes into the audit chain.
pub fn is_chained(command: &Command) -> bool {
    matches!(command, Command::Hold { .. } | Command::Release { .. })
}

/// Runs a command on an open store; those that need none are [`apart`].
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Hold { reason } => hold::hold(&app, reason).await,
        Command::Release { drop, unasked, may_be_second } => {
            let how = Release { drop: *drop, unasked: *unasked, may_be_second: *may_be_second };
            hold::release(&app, how).await
        }
        Command::Status { json } => hold::status(&app, *json).await,
        Command::Test { .. } | Command::Doctor { .. } | Command::Preview { .. } => {
            return apart(command, &app.config).await;
        }
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs a command that needs no store; the others say nothing here.
pub async fn apart(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test { to } => test::run(config, to).await,
        Command::Doctor { json } => doctor::run(config, *json).await,
        Command::Preview { out, json } => {
            preview::run(config, out, *json).map(|()| ExitCode::SUCCESS)
        }
        Command::Hold { .. } | Command::Release { .. } | Command::Status { .. } => {
            Ok(ExitCode::SUCCESS)
        }
    }
}
