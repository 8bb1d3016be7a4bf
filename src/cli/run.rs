//! `keypulse run`

use std::process::{self, ExitCode};
use std::sync::Arc;

use anyhow::Context;

use crate::app::{self, App};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::shutdown::Shutdown;
use crate::telemetry::Metrics;
use crate::telemetry::Supervisor;
use crate::telemetry::log;

use super::actor;

/// Watches until told to stop.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    log::init(super::form(&config), super::rust_log().as_deref())
        .context("log lines cannot be written")?;
    // Before a database is made that could not be used.
    app::master_key(&config)?;
    let words = app::words(&config)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let clock = Arc::new(SystemClock::default());
    let supervisor = Supervisor::from_environment(|name| std::env::var_os(name), process::id())
        .context("NOTIFY_SOCKET names no socket that can be told anything")?;
    let Some(app) = App::open_when_ready(config, clock, supervisor, &shutdown).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let app = app.acting_as(actor::daemon()).speaking(words);
    let keyring = app.keyring().await?;
    let checker = Arc::new(app.checker(keyring, Metrics::new()?)?);
    Box::pin(app.run(checker, &shutdown)).await?;
    app.store.close().await?;
    Ok(ExitCode::SUCCESS)
}
