//! `keypulse status`: the fleet at a glance, once or again and again. Reads the store, so it works
//! beside a daemon and without one.

use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use tokio::time::sleep;

use crate::app::App;
use crate::redact::chain;
use crate::shutdown::Shutdown;

use super::glance::Glance;
use super::output;

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
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if !options.watch {
        let glance = Glance::of(&app).await?;
        if options.json {
            output::document(&glance.describe())?;
        } else {
            output::line(glance.text(colour).trim_end())?;
        }
    } else if options.json {
        again(&app, |glance| match glance {
            Ok(glance) => output::json(&glance.describe()),
            Err(error) => output::json(&json!({"error": chain(error.as_ref())})),
        })
        .await?;
    } else if std::io::stdout().is_terminal() {
        let mut untouched = true;
        again(&app, |glance| {
            let text = glance.map_or_else(
                |error| format!("✖ {}; trying again\n", chain(error.as_ref())),
                |glance| glance.text(colour),
            );
            draw(&text, std::mem::take(&mut untouched))
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

/// Home, the picture line by line (each cleared to its end), then what is below is cleared.
fn draw(text: &str, untouched: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let body = text.replace('\n', "\u{1b}[K\r\n");
    let clear = if untouched { "\u{1b}[2J" } else { "" };
    write!(out, "{clear}\u{1b}[H{body}\u{1b}[J").and_then(|()| out.flush())?;
    Ok(())
}
