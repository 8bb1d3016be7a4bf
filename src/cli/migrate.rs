//! `keypulse migrate`

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::app;
use crate::config::Config;
use crate::store::Store;

use super::output;

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply all steps that are pending.
    Up,
    /// Take the newest steps back. What they hold is lost.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: u32,
        /// Say that losing the data is meant.
        #[arg(long, required = true)]
        lose_data: bool,
    },
    /// Show every step and whether it is applied.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Changes or shows the schema.
pub async fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    let place = app::place(config)?;
    let store = match command {
        Command::Up => Store::open(&place).await?,
        Command::Down { .. } | Command::Status { .. } => Store::open_existing(&place).await?,
    };
    match command {
        Command::Up => {
            store.migrate_up().await?;
            output::line("the schema is up to date")?;
        }
        Command::Down { steps, .. } => {
            store.migrate_down(*steps).await?;
            output::line(&format!("took back {steps} step(s)"))?;
        }
        Command::Status { json } => {
            let (steps, further) = (store.schema().await?, store.further_steps().await?);
            if *json {
                let own = steps.iter().map(|one| json!({"name": one.name, "applied": one.applied}));
                let further = further.iter().map(|one| {
                    json!({
                        "name": one.name,
                        "applied": true,
                        "brought_by": one.brought_by,
                        "works_with": one.works_with,
                    })
                });
                output::document(&own.chain(further).collect::<Vec<_>>())?;
            } else {
                for step in steps {
                    let state = if step.applied { "applied" } else { "pending" };
                    output::line(&format!("{state}  {}", step.name))?;
                }
                for step in further {
                    output::line(&format!(
                        "further  {}, brought by {}, works with {} and later",
                        step.name,
                        step.brought_by.as_deref().unwrap_or("an unnamed version"),
                        step.works_with.as_deref().unwrap_or("nobody knows which")
                    ))?;
                }
            }
        }
    }
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}
