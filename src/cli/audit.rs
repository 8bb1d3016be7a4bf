//! `keypulse audit`: is the chain whole, what does it say, and what happened to one tenant.

mod export;
mod list;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::store::Head;

/// What to do with the audit chain.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walk the chain and say what is wrong first: which row was edited, removed, inserted or
    /// reordered.
    #[command(after_help = "Exit codes: 0 the chain is whole; 3 something is wrong with it; 1 it \
        could not be read.\n\n\
        Without --expect nobody can tell whether rows were removed from its end: whoever can write \
        to the database can set back the head as well. Note the head that is printed, or take one \
        from the log of the daemon (`audit head …`, every minute).\n\n\
        Examples:\n  \
        keypulse audit verify\n  \
        keypulse audit verify --expect 4711:9f86d081884c7d65…")]
    Verify {
        /// A head that was noted earlier; it must be part of the chain.
        #[arg(long, value_name = "SEQ:MAC")]
        expect: Option<Head>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show the latest rows of the chain.
    List {
        /// Only those about this tenant.
        #[arg(long, value_name = "REF")]
        tenant: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Write down all that is known of one tenant and its keys: the review that an incident needs.
    Export {
        /// Your own name for the tenant.
        #[arg(long, value_name = "REF")]
        tenant: String,
        /// One JSON object a line: first the review, then each row.
        #[arg(long)]
        json: bool,
    },
}

/// Checks or shows the chain.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let code = match command {
        Command::Verify { expect, json } => verify::run(&app, *expect, *json).await,
        Command::List { tenant, limit, json } => {
            list::run(&app, tenant.as_deref(), *limit, *json).await
        }
        Command::Export { tenant, json } => export::run(&app, tenant, *json).await,
    };
    app.store.close().await?;
    code
}
