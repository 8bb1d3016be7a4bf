//! `keypulse doctor`: looks at everything a daemon needs, changes nothing, and says of each thing
//! whether it is well and what to do if not. The checks are in `machine.rs` (what the system
//! gives) and `parts.rs` (what keypulse is made of).

mod machine;
mod parts;
mod places;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::app::{self, Access, App};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::config::CustodyMode;
use crate::provider::Profile;
use crate::telemetry::log;

use super::check::{self, Check};

/// What is looked at.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0: no problem, perhaps warnings. Exit code 1: at least one \
    problem.\n\nExamples:\n  \
    keypulse --config keypulse.toml doctor\n  \
    keypulse --config keypulse.toml doctor --live\n  \
    keypulse doctor --json | jq '.checks[] | select(.level != \"ok\")'")]
pub struct Options {
    /// Also ask the provider whether it can be reached: one call without a key.
    #[arg(long)]
    live: bool,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Looks, and says what was seen.
pub async fn run(options: &Options, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    // What a log line would say is said below.
    log::init(log::Form::Auto, Some("off"))?;
    let checks = Box::pin(look(options.live, file)).await;
    check::report(&checks, options.json)
}

async fn look(live: bool, file: Option<&Path>) -> Vec<Check> {
    let config = match super::load(file) {
        Ok(config) => config,
        Err(error) => return vec![Check::refused("configuration", error.as_ref())],
    };
    let mut checks = vec![parts::configuration(&config, file)];
    let profile = match Profile::load(&config.provider.profile) {
        Ok(profile) => profile,
        Err(error) => {
            checks.push(Check::refused("profile", &error));
            return checks;
        }
    };
    checks.push(Check::ok("profile", format!("{} ({})", profile.title, profile.name)));
    checks.extend(parts::provider(&config, &profile, live).await);
    checks.push(parts::master_key(&config));
    checks.extend(parts::words(&config));
    checks.extend([machine::files(config.watch.concurrency.get()), machine::core_dumps()]);
    let place = match app::place(&config) {
        Ok(place) => place,
        Err(error) => {
            checks.push(Check::refused("database", error.as_ref()));
            return checks;
        }
    };
    checks.extend(machine::disk(&place));
    checks.push(parts::withdrawn(&config, &place));
    let daemon = parts::daemon(&place);
    checks.push(parts::listener(&config, daemon.running).await);
    checks.push(daemon.check);
    checks.extend(Box::pin(database(config)).await);
    checks
}

/// What can be seen only in an open database.
async fn database(config: Config) -> Vec<Check> {
    let machine: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let app = match App::open(config, Access::Look, Arc::clone(&machine)).await {
        Ok(app) => app,
        Err(error) => return vec![parts::not_opened(error.as_ref())],
    };
    let mut checks = vec![Check::ok("database", "it opens, and has the schema of this version")];
    checks.push(parts::settings(&app).await);
    checks.push(parts::keyring(&app).await);
    checks.push(parts::clock(&app, machine.as_ref()).await);
    checks.push(parts::full_pass(&app).await);
    checks.push(parts::leaked(&app).await);
    checks.push(parts::told(&app).await);
    checks.push(match app.config.custody.mode {
        CustodyMode::Keeper | CustodyMode::Reference => parts::handovers(&app).await,
        CustodyMode::Mirror => parts::mirror(&app).await,
    });
    checks.extend(places::readable(&app).await);
    if let Err(error) = app.store.close().await {
        checks.push(Check::refused("database", &error));
    }
    checks
}
