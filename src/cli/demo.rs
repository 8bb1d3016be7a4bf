//! `keypulse demo`: the real daemon on a made-up provider, in one process, in about two minutes.

mod beats;
mod fleet;
mod ledger;
mod place;
mod short;
mod stage;
mod view;

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use crate::app::{Access, App, TenantRequest};
use crate::clock::{Clock, SystemClock};
use crate::health::CompanyId;
use crate::sandbox::{self, Sandbox};
use crate::shutdown::Shutdown;
use crate::store::KeyKind;
use crate::telemetry::Metrics;
use crate::telemetry::log;

use super::{actor, output};
use place::Place;
use stage::Stage;
use view::{Form, View};

const SEED: u64 = 7;
/// What a shell expects of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// When the one key runs out that has a date, counted from the beginning: by then the story has
/// come so far.
const EXPIRES_AFTER: TimeDelta = TimeDelta::seconds(20);

/// How the story is told.
#[derive(Debug, Args)]
#[command(after_help = "It fails with exit code 1 if the story does not come out as it must.\n\n\
    Examples:\n  \
    keypulse demo\n  \
    keypulse demo --short --plain\n  \
    keypulse demo --keep demo && keypulse --config demo/keypulse.toml tenant list")]
pub struct Options {
    /// Twenty customers and two single cases instead of two hundred, in half a minute.
    #[arg(long)]
    short: bool,
    /// Keep database, master key and configuration in this folder, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Tell it as one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Plain lines, also on a terminal.
    #[arg(long, conflicts_with = "json")]
    plain: bool,
}

impl Options {
    fn tenants(&self) -> u32 {
        if self.short { short::TENANTS } else { fleet::TENANTS }
    }

    fn settings(&self) -> &'static str {
        if self.short { short::SETTINGS } else { fleet::SETTINGS }
    }

    fn budget(&self) -> u32 {
        if self.short { short::BUDGET } else { fleet::BUDGET }
    }
}

/// Tells the story; fails if it does not come out as it should.
pub async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    log::init(log::Form::Auto, Some("off")).context("log lines cannot be written")?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let place = match &options.keep {
        Some(path) => Place::kept(path)?,
        None => Place::passing()?,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let world = sandbox::Options {
        listen: anywhere,
        control: anywhere,
        tenants: options.tenants(),
        seed: SEED,
    };
    let sandbox = Sandbox::start(world, Arc::clone(&clock)).await?;
    let config = place.configure(&sandbox.base_url(), options.settings())?;
    place.explain(&sandbox.base_url(), options.tenants(), SEED)?;
    let app = App::open(config, Access::Make, clock).await?.acting_as(actor::daemon());
    let ended = Box::pin(tell(options, &app, &sandbox, &shutdown)).await;
    sandbox.stop().await;
    app.store.close().await?;
    let code = match ended? {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            output::hint("stopped in the middle of the story")?;
            ExitCode::from(INTERRUPTED)
        }
    };
    if let Some(folder) = place.stays().filter(|_| !options.json) {
        output::line(&format!("Kept in {}: look at its README.", folder.display()))?;
    }
    Ok(code)
}

/// Runs the daemon while the story is told. `None` if somebody has stopped it.
async fn tell(
    options: &Options,
    app: &App,
    sandbox: &Sandbox,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<bool>> {
    let keyring = app.keyring().await?;
    let expiry = app.clock.now() + EXPIRES_AFTER;
    for number in 1..=options.tenants() {
        let expires = (!options.short && number == fleet::EXPIRING).then_some(expiry);
        app.add_tenant(&keyring, &request(sandbox, number, expires)?).await?;
    }
    let checker = Arc::new(app.checker(keyring, Metrics::new()?)?);
    let form = if options.json {
        Form::Json
    } else if options.plain || !std::io::stdout().is_terminal() {
        Form::Lines
    } else {
        Form::Live
    };
    let mut stage = Stage::new(
        sandbox.world().clone(),
        View::new(form, app.store.clone(), Arc::clone(&app.clock)),
        app.store.clone(),
        Arc::clone(&app.clock),
        checker.settler.changes.subscribe(),
        options.budget(),
    );
    let story = async {
        let told = if options.short {
            short::tell(&mut stage).await
        } else {
            fleet::tell(&mut stage, expiry).await
        };
        stage.end(told).await
    };
    let mut daemon = pin!(app.run(Arc::clone(&checker), shutdown));
    let told = tokio::select! {
        told = story => told?,
        ended = &mut daemon => return ended.map(|()| None),
    };
    // Nothing is under way when the database is closed.
    shutdown.begin();
    daemon.await?;
    Ok(Some(told))
}

fn request(
    sandbox: &Sandbox,
    number: u32,
    expires: Option<DateTime<Utc>>,
) -> anyhow::Result<TenantRequest> {
    let tenant = sandbox.world().tenant(number).context("the sandbox has no such tenant")?;
    Ok(TenantRequest {
        reference: tenant.reference.clone(),
        name: tenant.company_name.clone(),
        company: CompanyId::parse(&tenant.company_id).context("the sandbox made a bad company")?,
        kind: match tenant.kind {
            sandbox::KeyKind::Integrated => KeyKind::Integrated,
            sandbox::KeyKind::Standalone => KeyKind::Standalone,
        },
        expires_at: expires.or(tenant.expires_at),
        key: tenant.into_key(),
        key_ref: None,
    })
}
