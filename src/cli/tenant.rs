//! `keypulse tenant`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::app::{Access, App, TenantRequest};
use crate::health::CompanyId;
use crate::health::Finding;
use crate::ids::TenantRef;
use crate::ids::random_name;
use crate::provider::format;
use crate::shutdown::Shutdown;
use crate::store::KeyKind;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::store::Watched;
use crate::task::Checker;
use crate::task::Observed;
use crate::telemetry::Metrics;

use super::{output, secret_input};

/// Tenants are read from the store so many at a time.
const PAGE: u32 = 500;
/// Longest name accepted, in characters.
const MAX_NAME: usize = 200;

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a tenant. Its key is read from standard input, or from a file.
    #[command(after_help = "Examples:\n  \
        keypulse tenant add erp-483 --company 0b7c…  (asks for the key, does not show it)\n  \
        keypulse tenant add erp-483 --company 0b7c… < key.txt")]
    Add {
        /// Your own name for the tenant, such as erp-483.
        #[arg(value_name = "REF")]
        reference: String,
        /// The provider's id of the company that the key must belong to.
        #[arg(long, value_name = "ID")]
        company: String,
        /// The name that people know; the reference where none is given.
        #[arg(long)]
        name: Option<String>,
        /// Which kind of key.
        #[arg(long, value_enum, default_value_t = Kind::Integrated)]
        kind: Kind,
        /// When the key expires, as 2027-01-31 (its end, UTC) or RFC 3339; the provider never
        /// tells.
        #[arg(long, value_name = "DATE", value_parser = parse_expiry)]
        expires_at: Option<DateTime<Utc>>,
        /// Read the key from a file that only its owner can read.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show one tenant.
    Show {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List all tenants in the order of their references.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Ask the provider about one tenant now. It counts like any other check.
    Check {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// The kinds of keys, as they are typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Made by the provider for one installation.
    Integrated,
    /// Made by the customer, with an expiry date.
    Standalone,
}

/// Only adding the first tenant may make a database.
pub fn access(command: &Command) -> Access {
    match command {
        Command::Add { .. } => Access::Make,
        Command::Show { .. } | Command::List { .. } | Command::Check { .. } => Access::Look,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add { .. } => add(command, &app).await?,
        Command::Show { reference, json } => show(&app, reference, *json).await?,
        Command::List { json } => list(&app, *json).await?,
        Command::Check { reference, json } => check(&app, reference, *json).await?,
    }
    app.store.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn add(command: &Command, app: &App) -> anyhow::Result<()> {
    let Command::Add { reference, company, name, kind, expires_at, key_file, json } = command
    else {
        return Ok(());
    };
    // Everything that can be refused is refused before a key is asked for.
    let reference = TenantRef::parse(reference)?;
    let company = CompanyId::parse(company)
        .context("`--company` must be the provider's id, made of letters, digits and `-`")?;
    let name = name.clone().unwrap_or_else(|| reference.to_string());
    if name.trim().is_empty() || name.chars().count() > MAX_NAME {
        bail!("`--name` must have 1 to {MAX_NAME} characters");
    }
    if app.store.tenant(reference.as_str()).await?.is_some() {
        return Err(StoreError::RefTaken(reference.to_string()).into());
    }
    let keyring = app.keyring().await?;
    let pasted = secret_input::read(key_file.as_deref())?;
    let formed = format::judge(&pasted, &app.profile().key.prefixes)?;
    let request = TenantRequest {
        reference,
        name,
        company,
        kind: match kind {
            Kind::Integrated => KeyKind::Integrated,
            Kind::Standalone => KeyKind::Standalone,
        },
        expires_at: *expires_at,
        key: formed.key,
    };
    app.add_tenant(&keyring, &request).await?;
    // What is known of the form is known of Standalone keys only.
    if formed.unusual && request.kind == KeyKind::Standalone {
        output::hint(&format!(
            "note: Standalone keys of {} usually begin with {}; this one is tried all the same",
            app.profile().title,
            app.profile().key.prefixes.join(" or ")
        ))?;
    }
    let view = found(app, request.reference.as_str()).await?;
    if *json {
        output::document(&describe(&view))
    } else {
        output::line(&format!(
            "added {0}, key {1}: pending until {2} accepts the key for company {3}; \
             `keypulse tenant check {0}` asks now",
            view.reference,
            view.masked.as_deref().unwrap_or("…"),
            app.profile().title,
            view.company
        ))
    }
}

async fn show(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    if json {
        return output::document(&describe(&view));
    }
    let health = &view.health;
    let mut lines = vec![
        ("tenant", view.reference.clone()),
        ("name", output::printable(&view.name)),
        ("status", health.status.to_string()),
        ("since", output::moment(Some(health.since))),
        ("company", view.company.clone()),
        ("key", key_line(&view)),
        ("needs", view.required.to_string()),
        ("accepted", output::moment(health.accepted_at)),
        ("next check", view.due_at.map_or("never".to_owned(), |at| output::moment(Some(at)))),
    ];
    if let Some(doubt) = health.status.doubt() {
        lines.push((
            "failing",
            format!(
                "the provider {}, {} in a row since {}",
                doubt.failure,
                doubt.count,
                output::moment(Some(doubt.first))
            ),
        ));
    }
    if let Some(since) = health.silent_since {
        lines.push(("no answer", format!("since {}", output::moment(Some(since)))));
    }
    for (name, value) in lines {
        output::line(&format!("{name:<11} {value}"))?;
    }
    Ok(())
}

async fn list(app: &App, json: bool) -> anyhow::Result<()> {
    let mut after = String::new();
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["TENANT", "NAME", "STATUS", "SINCE", "NEXT CHECK", "KEY"]);
    let mut listed = 0_usize;
    loop {
        let page = app.store.tenants(&after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.reference);
        listed += page.len();
        for view in &page {
            if json {
                output::json(&describe(view))?;
            } else {
                table.add_row([
                    view.reference.clone(),
                    output::printable(&view.name),
                    view.health.status.to_string(),
                    output::moment(Some(view.health.since)),
                    output::moment(view.due_at),
                    view.masked.clone().unwrap_or_else(|| "destroyed".to_owned()),
                ]);
            }
        }
    }
    match (json, listed) {
        (true, _) => Ok(()),
        (false, 0) => output::line("no tenants yet: add one with `keypulse tenant add REF`"),
        (false, _) => output::line(&table.to_string()),
    }
}

/// Asks now, on the same road as the daemon: leased, within the budget, decided, saved.
async fn check(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let keyring = app.keyring().await?;
    let checker = app.checker(keyring, Metrics::new()?)?;
    let lease = random_name()?;
    let now = app.clock.now();
    let until = now + chrono::TimeDelta::minutes(2);
    let Some(tenant) = app.store.claim_one(view.id, &lease, now, until).await? else {
        bail!("{reference} is being checked at this moment by a running keypulse");
    };
    let asked = ask(&checker, tenant, &lease).await;
    app.store.release(&lease).await?;
    let observed = asked?;
    let view = found(app, reference).await?;
    let finding = &observed.evidence.finding;
    if json {
        let mut answer = describe(&view);
        answer["finding"] = json!(finding.name());
        return output::document(&answer);
    }
    let said = match finding {
        Finding::Accepted => "the key is accepted".to_owned(),
        Finding::Failed(failure) => format!("{} {failure}", app.profile().title),
        Finding::Inconclusive(why) => format!("{why}; this says nothing about the key"),
        Finding::Operator(_) => "nothing was asked".to_owned(),
    };
    output::line(&format!("{reference}: {said}\nstatus: {}", view.health.status))?;
    if view.health.status.doubt().is_some()
        && let Some(due) = view.due_at
    {
        output::line(&format!("asked again at {}", output::moment(Some(due))))?;
    }
    Ok(())
}

async fn ask(checker: &Checker, tenant: Watched, lease: &str) -> anyhow::Result<Observed> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    if tenant.sealed.is_none() {
        bail!("the key of {} was destroyed; it needs a new one", tenant.reference);
    }
    let Some(observed) = checker.probe(tenant, &shutdown).await else {
        bail!("no call could be started: nothing was asked and nothing has changed");
    };
    checker.settle(std::slice::from_ref(&observed), lease).await?;
    Ok(observed)
}

async fn found(app: &App, reference: &str) -> anyhow::Result<TenantView> {
    Ok(app
        .store
        .tenant(reference)
        .await?
        .ok_or_else(|| StoreError::NoTenant(output::printable(reference)))?)
}

fn key_line(view: &TenantView) -> String {
    let kind = view.kind.map_or("unknown", KeyKind::name);
    let expiry = view
        .health
        .expires_at
        .map(|at| format!(", expires {}", at.format("%Y-%m-%d")))
        .unwrap_or_default();
    match &view.masked {
        Some(masked) => format!("{masked} ({kind}{expiry})"),
        None => format!("destroyed ({kind})"),
    }
}

/// A tenant as programs read it.
fn describe(view: &TenantView) -> Value {
    let health = &view.health;
    let doubt = health.status.doubt();
    json!({
        "ref": view.reference,
        "name": view.name,
        "company_id": view.company,
        "client_id": view.client,
        "required_scopes": view.required.iter().collect::<Vec<_>>(),
        "key": view.masked,
        "kind": view.kind.map(KeyKind::name),
        "expires_at": health.expires_at,
        "status": health.status.word(),
        "cause": health.status.cause(),
        "status_text": health.status.to_string(),
        "since": health.since,
        "accepted_at": health.accepted_at,
        "silent_since": health.silent_since,
        "failing": doubt.map(|doubt| json!({
            "what": doubt.failure.name(),
            "text": doubt.failure.to_string(),
            "in_a_row": doubt.count,
            "first_at": doubt.first,
            "last_at": doubt.last,
        })),
        "episodes": health.episodes,
        "next_check_at": view.due_at,
        "created_at": view.created_at,
    })
}

fn parse_expiry(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        // A key works to the end of the day that is named for it.
        return day
            .and_hms_opt(23, 59, 59)
            .map(|end| end.and_utc())
            .ok_or_else(|| "there is no such day".to_owned());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| "it must be a day such as 2027-01-31, or RFC 3339".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_means_its_end() {
        assert_eq!(parse_expiry("2027-01-31").unwrap().to_rfc3339(), "2027-01-31T23:59:59+00:00");
        assert!(parse_expiry("31.1.2027").unwrap_err().contains("2027-01-31"));
    }
}
