//! `keypulse demo`: the real daemon on a made-up provider, in one process, in about a minute.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::app::{Access, App, TenantRequest};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::health::CompanyId;
use crate::sandbox::{self, Sandbox};
use crate::shutdown::Shutdown;
use crate::store::KeyKind;
use crate::telemetry::Metrics;
use crate::telemetry::log;

use super::story::Story;
use super::view::View;

const TENANTS: u32 = 20;
const SEED: u64 = 7;

/// Minutes become seconds, so that the story fits into one.
const SETTINGS: [(&str, &str); 12] = [
    ("KEYPULSE__WATCH__INTERVAL", "3s"),
    ("KEYPULSE__POLICY__SPAN", "3s"),
    ("KEYPULSE__POLICY__CONFIRM_AFTER", r#"["1s","2s","4s"]"#),
    ("KEYPULSE__POLICY__ALONE_SPAN", "20s"),
    ("KEYPULSE__POLICY__WRONG_COMPANY_SPAN", "1s"),
    ("KEYPULSE__POLICY__DEAD_INTERVAL", "4s"),
    ("KEYPULSE__POLICY__UNREACHABLE_AFTER", "30s"),
    ("KEYPULSE__POLICY__FLAP_WINDOW", "1s"),
    ("KEYPULSE__BUDGET__PER_MINUTE", "1200"),
    ("KEYPULSE__PRIVATE__LISTEN", "127.0.0.1:0"),
    ("KEYPULSE__PROVIDER__TIMEOUT", "3s"),
    ("KEYPULSE__PROVIDER__REQUIRED_SCOPES", r#"["export-jobs:read","users:read"]"#),
];

/// How the story is told.
#[derive(Debug, Args)]
pub struct Options {
    /// Tell it as one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Plain lines, also on a terminal.
    #[arg(long, conflicts_with = "json")]
    plain: bool,
}

/// Tells the story; fails if it does not come out as it should.
pub async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    log::init(log::Form::Auto, Some("off")).context("log lines cannot be written")?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    // Removed with everything in it when the demo ends.
    let folder = tempfile::Builder::new()
        .prefix("keypulse-demo-")
        .tempdir()
        .context("no folder can be made for the demo")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let world =
        sandbox::Options { listen: anywhere, control: anywhere, tenants: TENANTS, seed: SEED };
    let sandbox = Sandbox::start(world, Arc::clone(&clock)).await?;
    let config = settings(folder.path(), &sandbox)?;
    let app = App::open(config, Access::Make, clock).await?;
    let keyring = app.keyring().await?;
    for number in 1..=TENANTS {
        app.add_tenant(&keyring, &request(&sandbox, number)?).await?;
    }
    let checker = Arc::new(app.checker(keyring, Metrics::new()?)?);
    let live = !options.json && !options.plain && std::io::stdout().is_terminal();
    let view = View::new(options.json, live, app.store.clone(), Arc::clone(&app.clock));
    let story = Story::new(
        sandbox.world().clone(),
        app.store.clone(),
        checker.settler.changes.subscribe(),
        view,
    );
    let ended = tokio::select! {
        ended = story.tell() => ended,
        ended = app.run(Arc::clone(&checker), &shutdown) => {
            ended.map(|()| false)
        }
    };
    shutdown.begin();
    sandbox.stop().await;
    app.store.close().await?;
    Ok(if ended? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The defaults, sped up, in a folder of their own; the user's configuration is not looked at.
fn settings(folder: &std::path::Path, sandbox: &Sandbox) -> anyhow::Result<Config> {
    let master = folder.join("master.key");
    crate::vault::MasterKey::generate()?.write_new_file(&master)?;
    let url = format!("sqlite://{}", folder.join("keypulse.db").display());
    let base = sandbox.base_url().to_string();
    let own = [
        ("KEYPULSE__STORE__URL", OsString::from(url)),
        ("KEYPULSE__KEYRING__MASTER_KEY_FILE", master.into_os_string()),
        ("KEYPULSE__PROVIDER__BASE_URL", OsString::from(base)),
    ];
    let fixed = SETTINGS.iter().map(|(name, value)| (*name, OsString::from(value)));
    let environment = own.into_iter().chain(fixed);
    Ok(Config::load(None, environment.map(|(name, value)| (OsString::from(name), value)))?)
}

fn request(sandbox: &Sandbox, number: u32) -> anyhow::Result<TenantRequest> {
    let tenant = sandbox.world().tenant(number).context("the sandbox has no such tenant")?;
    Ok(TenantRequest {
        reference: tenant.reference.clone(),
        name: tenant.company_name.clone(),
        company: CompanyId::parse(&tenant.company_id).context("the sandbox made a bad company")?,
        kind: match tenant.kind {
            sandbox::KeyKind::Integrated => KeyKind::Integrated,
            sandbox::KeyKind::Standalone => KeyKind::Standalone,
        },
        expires_at: tenant.expires_at,
        key: tenant.into_key(),
    })
}
