//! `keypulse healthcheck`: one question to the running daemon, for containers and scripts.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::config::Config;

use super::{ask, output};

/// What is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0: yes. Exit code 1: no, or nobody answers within 3 seconds.\n\n\
    Examples:\n  \
    keypulse --config keypulse.toml healthcheck\n  \
    HEALTHCHECK CMD [\"keypulse\", \"healthcheck\", \"--ready\"]"
)]
pub struct Options {
    /// Ask only whether the daemon can serve, not whether checks are made in time.
    #[arg(long)]
    ready: bool,
}

/// Asks the private listener and says in one line what it answers.
pub async fn run(options: &Options, config: &Config) -> anyhow::Result<ExitCode> {
    let address = match (config.metrics.listen, &config.private.tls) {
        (Some(address), _) => address,
        (None, None) => config.private.listen,
        (None, Some(_)) => bail!(
            "`private.listen` speaks TLS, and this command does not: give the checks a listener \
             of their own on this machine, `metrics.listen = \"127.0.0.1:9465\"`"
        ),
    };
    let (path, yes) = if options.ready {
        ("/readyz", "ok: keypulse can serve")
    } else {
        ("/checkz", "ok: checks are made in time")
    };
    let answer = ask::ask(address, path).await?;
    if answer.status == 200 && answer.says == "ok" {
        output::line(yes)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("not ok: {} ({})", answer.says, answer.status))?;
    Ok(ExitCode::FAILURE)
}
