//! `keypulse keyring`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use crate::app::{self, Access, App};
use crate::clock::SystemClock;
use crate::vault::MasterKey;

use super::output;

/// What to do with the keyring.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a master key in a new file that only its owner can read.
    New {
        /// The file; an existing one is never overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show which keys the keyring holds, never the keys.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Makes a master key, or shows the keyring.
pub async fn run(command: &Command, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        Command::New { out } => {
            let master = MasterKey::generate()?;
            master.write_new_file(out)?;
            output::line(&format!(
                "made master key {} in {}\n\
                 Keep a copy of it apart from the database: without it no sealed key can be \
                 opened again, by anybody.\n\
                 Name it in the configuration: keyring.master_key_file = \"{}\"",
                master.id(),
                out.display(),
                out.display()
            ))?;
        }
        Command::Status { json } => {
            let config = super::load(file)?;
            super::quiet_log(&config)?;
            let app = App::open(config, Access::Look, Arc::new(SystemClock::default())).await?;
            let master = app::master_key(&app.config)?;
            if app.store.keyring().await?.is_empty() {
                bail!("there is no keyring yet: the first tenant that is added makes one");
            }
            let status = app.keyring().await?.status();
            if *json {
                let keys: Vec<_> = status
                    .keys
                    .iter()
                    .map(|key| {
                        json!({
                            "id": key.id.0,
                            "role": key.role.name(),
                            "created_at": key.created_at,
                            "retired_at": key.retired_at,
                            "sealing": key.id == status.sealing,
                        })
                    })
                    .collect();
                output::document(&json!({"master_key": master.id(), "keys": keys}))?;
            } else {
                output::line(&format!("master key {}", master.id()))?;
                for key in &status.keys {
                    let state = match key.retired_at {
                        Some(at) => format!("retired {}", output::moment(Some(at))),
                        None if key.id == status.sealing => "seals".to_owned(),
                        None => "in use".to_owned(),
                    };
                    output::line(&format!(
                        "key {:<4} {:<12} made {}  {state}",
                        key.id.0,
                        key.role.name(),
                        output::moment(Some(key.created_at)),
                    ))?;
                }
            }
            app.store.close().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
