//! `keypulse completions`

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, output};

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keypulse completions bash > /etc/bash_completion.d/keypulse\n  \
    keypulse completions fish > ~/.config/fish/completions/keypulse.fish")]
pub struct Options {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "keypulse", &mut script);
    let script = String::from_utf8(script).context("the script is no text")?;
    output::line(script.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
