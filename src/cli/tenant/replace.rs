//! `keypulse tenant replace`: takes a key for a tenant that is there, on the one road in.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::cli::{handover, output, secret_input};
use crate::config::CustodyMode;
use crate::given;
use crate::health::Status;
use crate::provider::Names;
use crate::provider::Refusal;
use crate::provider::Taken;
use crate::provider::Told;
use crate::shutdown::Shutdown;
use crate::store::KeyKind;
use crate::store::Pickup;
use crate::store::TenantView;
use crate::task::Answer;
use crate::task::Found;
use crate::task::Offer;
use crate::task::Origin;
use crate::telemetry::Metrics;
use crate::words::Words;

use super::compared;
use super::show::{describe, found};

/// The exit code when the key is refused.
const REFUSED: u8 = 3;
/// The exit code when it could not be tested now.
const NOT_NOW: u8 = 4;

/// Whose key, and where the new one comes from.
#[derive(Debug, Args)]
pub struct Options {
    /// Your own name for the tenant.
    #[arg(value_name = "REF")]
    reference: String,
    /// When the new key expires, as 2027-01-31 (its end, UTC) or RFC 3339; the provider never
    /// tells.
    #[arg(long, value_name = "DATE", value_parser = given::moment)]
    expires_at: Option<DateTime<Utc>>,
    /// Read the key from a file that only its owner can read.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The integration has this key already: it is not handed over. With custody `mirror` no other
    /// key is taken.
    #[arg(long)]
    from_integration: bool,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Offers the key and says what became of it.
pub async fn run(options: &Options, app: &App) -> anyhow::Result<ExitCode> {
    let before = found(app, &options.reference).await?;
    if app.config.custody.mode == CustodyMode::Mirror && !options.from_integration {
        bail!("{}", elsewhere(app, &options.reference));
    }
    if options.expires_at.is_some_and(|at| at <= app.clock.now()) {
        bail!("`--expires-at` is over already: a key that has expired cannot be used");
    }
    let checker = app.checker(app.keyring().await?, Metrics::new()?)?;
    let pasted = secret_input::read(options.key_file.as_deref())?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let required = app.required_scopes();
    let expires_at = options.expires_at;
    let origin = if options.from_integration { Origin::Integration } else { Origin::Operator };
    let offer = Offer { pasted: &pasted, required: &required, expires_at, origin };
    let answer = checker.enter(before.id, &offer, &shutdown).await?;
    drop(pasted);
    let now = found(app, &options.reference).await?;
    let profile = app.profile();
    let names = Names {
        provider: &profile.title,
        place: profile.key.place.as_deref(),
        prefixes: &profile.key.prefixes,
        customer: &output::printable(&now.name),
        company: &now.company,
    };
    let paused = matches!(now.health.status, Status::Paused { .. });
    let english = Words::built_in().choose(None, None);
    let render = |id: &str, args: &[(&str, &str)]| english.say_texts(id, args);
    let (kind, told, seen, code) = match &answer {
        Answer::Refused(refusal) => {
            (refusal.name(), refusal.tell(&names, &render), None, code_of(refusal))
        }
        Answer::Replaced { found, .. } => {
            let taken = Taken::Replaced;
            (taken.name(), taken.tell(&names, paused, &render), Some(found), ExitCode::SUCCESS)
        }
        Answer::SameKey { found, .. } => {
            let taken = match now.health.status {
                Status::Degraded(_) | Status::NeedsReconnection { .. } => Taken::SameWhileUnsteady,
                Status::Pending { .. }
                | Status::Healthy { .. }
                | Status::Paused { .. }
                | Status::Disabled(_) => Taken::Same,
            };
            (taken.name(), taken.tell(&names, paused, &render), Some(found), ExitCode::SUCCESS)
        }
    };
    if options.json {
        output::document(&document(app, kind, &told, seen, &before, &now)?)?;
    } else {
        say(kind, &told, seen, &before, &now)?;
    }
    if matches!(answer, Answer::Replaced { .. }) {
        owed(app, &now)?;
    }
    if let Some(seen) = seen {
        hints(&answer, seen, &names, options, &now)?;
    }
    Ok(code)
}

/// How the program ends when a key was not taken.
pub fn code_of(refusal: &Refusal) -> ExitCode {
    ExitCode::from(if refusal.is_passing() { NOT_NOW } else { REFUSED })
}

/// Where a key is to be given instead, and the way for when that way is broken.
fn elsewhere(app: &App, reference: &str) -> String {
    let reference = output::printable(reference);
    let place = match compared::reconnect_url(app, &reference) {
        Some(url) => format!("at {url}"),
        None => "there".to_owned(),
    };
    format!(
        "with custody `mirror` the integration is the master of the keys: a new one is given {place}, \
         and the integration pushes it. Nothing was changed. If it uses a new key already and cannot \
         push it, give that key with `keypulse tenant replace {reference} --from-integration`; any \
         other would leave the two out of step"
    )
}

fn document(
    app: &App,
    kind: &str,
    told: &Told,
    seen: Option<&Found>,
    before: &TenantView,
    now: &TenantView,
) -> anyhow::Result<serde_json::Value> {
    Ok(json!({
        "type": kind,
        "customer_message": told.customer_message,
        "next_step": told.next_step,
        "status_before": before.health.status.word(),
        "excess_scopes": seen.map(|found| found.excess.iter().collect::<Vec<_>>()),
        "tenant": describe(app, now)?,
    }))
}

fn say(
    kind: &str,
    told: &Told,
    seen: Option<&Found>,
    before: &TenantView,
    now: &TenantView,
) -> anyhow::Result<()> {
    let Some(seen) = seen else {
        return output::hint(&format!(
            "{} ({kind}): {}\n{}",
            now.reference, told.customer_message, told.next_step
        ));
    };
    output::line(&format!("{}: key {}: {}", now.reference, seen.masked, told.customer_message))?;
    let (from, to) = (before.health.status.to_string(), now.health.status.to_string());
    let status = if from == to { to } else { format!("{to} (was: {from})") };
    output::line(&format!("status: {status}\n{}", told.next_step))
}

/// What the integration has to do with it, or why it cannot.
fn owed(app: &App, now: &TenantView) -> anyhow::Result<()> {
    let Some(view) = &now.handover else { return Ok(()) };
    match view.pickup(handover::late_before(app)) {
        Pickup::WithoutRecipient => output::hint(
            "note: the integration does not have this key, and it is sealed to nobody: register \
             the integration's public key with `keypulse recipient add`",
        ),
        Pickup::Owed | Pickup::Late => output::hint(&format!(
            "note: key {} is owed to the integration until it is fetched and acknowledged",
            view.generation
        )),
        Pickup::Fetched | Pickup::Acknowledged => Ok(()),
    }
}

/// What is worth knowing and refuses nothing.
fn hints(
    answer: &Answer,
    seen: &Found,
    names: &Names<'_>,
    options: &Options,
    now: &TenantView,
) -> anyhow::Result<()> {
    if !seen.excess.is_empty() {
        output::hint(&format!(
            "note: the key may do more than is needed ({}); one that may do less is safer",
            output::printable(&seen.excess.to_string())
        ))?;
    }
    let standalone = now.kind == Some(KeyKind::Standalone);
    // What is known of the form is known of Standalone keys only.
    if seen.unusual && standalone {
        output::hint(&format!(
            "note: Standalone keys of {} usually begin with {}",
            names.provider,
            names.prefixes.join(" or ")
        ))?;
    }
    match (answer, options.expires_at) {
        (Answer::SameKey { .. }, Some(_)) => output::hint(
            "note: this is the key that is there already; its expiry date was left as it is",
        ),
        (Answer::Replaced { .. }, None) if standalone => output::hint(
            "note: Standalone keys expire and nobody tells when: give `--expires-at` to be warned",
        ),
        _ => Ok(()),
    }
}
