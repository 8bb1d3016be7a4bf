//! `keypulse sandbox`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::clock::SystemClock;
use crate::sandbox;
use crate::shutdown::Shutdown;

use super::output;

/// What the sandbox is to be like.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keypulse sandbox --listen 127.0.0.1:9000 --control 127.0.0.1:9001 --tenants 20 --seed 1 \
    --keys-out keys.jsonl\n  \
    curl --json '{\"do\":\"revoke\",\"tenant\":3}' http://127.0.0.1:9001/control/changes\n\
    Every change is in docs/SANDBOX.md.")]
pub struct Options {
    /// Where the API is served.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Where the world is changed; loopback only.
    #[arg(long, default_value = "127.0.0.1:9001")]
    control: SocketAddr,
    /// How many companies there are, each with a key.
    #[arg(long, default_value_t = 20)]
    tenants: u32,
    /// The same seed makes the same companies and keys.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the keys to a new file, readable by its owner only, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    keys_out: Option<PathBuf>,
}

/// Serves until told to stop.
pub async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let world = sandbox::Options {
        listen: options.listen,
        control: options.control,
        tenants: options.tenants,
        seed: options.seed,
    };
    let ready = |sandbox: &sandbox::Sandbox| {
        // Standard output may be closed; the sandbox is of use all the same.
        let _ = output::line(&format!(
            "sandbox of {} companies on {}, control on {}",
            options.tenants,
            sandbox.base_url(),
            sandbox.control_url()
        ));
    };
    let clock = Arc::new(SystemClock::default());
    let end = shutdown.clone();
    let end = async move { end.begun().await };
    sandbox::serve(world, clock, options.keys_out.as_deref(), ready, end).await?;
    Ok(ExitCode::SUCCESS)
}
