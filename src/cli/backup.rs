//! `keypulse backup`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::app::backup;
use crate::app::{Access, App};
use crate::clock::SystemClock;

use super::output;

/// What is made.
#[derive(Debug, Args)]
#[command(
    after_help = "Made beside the running daemon, of one moment, into a file that only its owner \
    can read and that is there only once it is whole. The same file is made of SQLite and of PostgreSQL, \
    and `keypulse restore` puts it into either. Keys in it are sealed as they are in the database: \
    without the master key, which is not in it, nobody opens them. Keep that apart.\n\nExamples:\n  \
    keypulse --config keypulse.toml backup /var/backups/keypulse-$(date +%F).backup\n  \
    keypulse backup FILE --json | jq -r .audit_head"
)]
pub struct Options {
    /// The file to be made; there must be none of that name.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Say what was made as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Makes it and says what it is.
pub async fn run(options: &Options, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    super::quiet_log(&config)?;
    let app = App::open(config, Access::Copy, Arc::new(SystemClock::default())).await?;
    let shows = std::io::stderr().is_terminal();
    let mut progress = |done, total| {
        if shows {
            output::progress(&far(done, total));
        }
    };
    let made = backup::make(&app, &options.file, &mut progress).await;
    if shows {
        output::progress("                                        \r");
    }
    let made = made?;
    let facts = &made.facts;
    let head = facts.audit_head.map(|head| head.to_string());
    if options.json {
        output::document(&json!({
            "file": options.file,
            "bytes": made.bytes,
            "sha256": made.digest,
            "made_at": facts.made_at,
            "version": facts.version,
            "kind": facts.kind,
            "tenants": facts.tenants,
            "audit_head": head,
        }))?;
    } else {
        output::line(&format!(
            "{}: {} bytes, {} at {}\naudit head  {}",
            options.file.display(),
            made.bytes,
            output::many(facts.tenants, "tenant"),
            output::moment(Some(facts.made_at)),
            head.unwrap_or_else(|| "none".to_owned())
        ))?;
        output::line(
            "The master key is not in it: without that nobody opens the keys again. See \
             docs/BACKUP.md.",
        )?;
    }
    app.store.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// How far it has come, as a terminal shows it.
pub(super) fn far(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{} of {} MiB copied  ", done >> 20, total >> 20),
        None => format!("{done} rows copied  "),
    }
}
