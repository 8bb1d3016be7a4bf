//! `keypulse mail`: the road that mail takes to customers.

mod doctor;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Config;

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
}

/// Runs the command; needs no database.
pub async fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test { to } => test::run(config, to).await,
        Command::Doctor { json } => doctor::run(config, *json).await,
    }
}
