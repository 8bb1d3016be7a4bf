//! `keypulse status`: the fleet at a glance, once or again and again. Reads the store, so it works
//! beside a daemon and without one.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use tokio::time::sleep;

use crate::app::App;
use crate::redact::chain;
use crate::shutdown::Shutdown;

use super::glance::{Glance, WIDTH};
use super::output;
use super::screen::{Screen, Size};
use super::sign::coloured;

const REDRAW: Duration = Duration::from_secs(1);

/// How it is shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keypulse --config keypulse.toml status\n  \
    keypulse --config keypulse.toml status --watch\n  \
    keypulse --config keypulse.toml status --json | jq .needs_reconnection")]
pub struct Options {
    /// Draw it again every second until Ctrl-C; with `--json`, one document a line.
    #[arg(long)]
    watch: bool,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Shows it once, or again and again.
pub async fn run(options: &Options, app: App) -> anyhow::Result<ExitCode> {
    let colour = coloured();
    if !options.watch {
        let glance = Glance::of(&app).await?;
        if options.json {
            output::document(&glance.describe())?;
        } else {
            output::line(glance.text(colour, columns()).trim_end())?;
        }
    } else if options.json {
        again(&app, |glance| match glance {
            Ok(glance) => output::json(&glance.describe()),
            Err(error) => output::json(&json!({"error": chain(error.as_ref())})),
        })
        .await?;
    } else if std::io::stdout().is_terminal() {
        let mut screen = Screen::default();
        again(&app, |glance| {
            let text = glance.map_or_else(
                |error| format!("✖ {}; trying again\n", chain(error.as_ref())),
                |glance| glance.text(colour, columns()),
            );
            screen.draw(&text)
        })
        .await?;
    } else {
        bail!("`--watch` draws on a terminal; elsewhere take `status`, or `status --watch --json`");
    }
    app.store.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn again(
    app: &App,
    mut show: impl FnMut(anyhow::Result<Glance>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    loop {
        tokio::select! {
            glance = Glance::of(app) => show(glance)?,
            () = shutdown.begun() => return Ok(()),
        }
        tokio::select! {
            () = sleep(REDRAW) => {}
            () = shutdown.begun() => return Ok(()),
        }
    }
}

/// How wide it may be.
fn columns() -> usize {
    if std::io::stdout().is_terminal() { Size::now().columns } else { WIDTH }
}
