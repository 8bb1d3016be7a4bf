//! `keypulse man`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Cli, output};

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keypulse man ~/.local/share/man/man1\n  \
    man keypulse-tenant-add")]
pub struct Options {
    /// A folder, which is made if it is not there; pages of the same name are written anew.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the pages.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = options.dir.display();
    std::fs::create_dir_all(&options.dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &options.dir))
        .with_context(|| format!("the pages cannot be written to {folder}"))?;
    output::line(&format!("the man pages are in {folder}"))?;
    Ok(ExitCode::SUCCESS)
}
