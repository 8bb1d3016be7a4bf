//! `keypulse tenant rebind`: binds a tenant to another company.

use std::io::{IsTerminal, stdin};

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::cli::{consent, output};
use crate::given;
use crate::health::CompanyId;
use crate::health::Finding;
use crate::shutdown::Shutdown;
use crate::store::TenantView;
use crate::task::Lease;
use crate::task::Rebind;
use crate::task::Rebound;
use crate::telemetry::Metrics;

use super::show::{describe, found};

/// Which tenant, to which company, and why.
#[derive(Debug, Args)]
pub struct Options {
    /// Your own name for the tenant.
    #[arg(value_name = "REF")]
    reference: String,
    /// The provider's id of the company that its key must belong to from now on.
    #[arg(long, value_name = "ID")]
    company: String,
    /// Why, in a few words; kept in the audit chain. Never the key.
    #[arg(long, value_name = "TEXT", value_parser = given::remark)]
    reason: String,
    /// Do not try the present key: destroy it. The tenant waits for a new one.
    #[arg(long)]
    without_key: bool,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Tries the key for the new company, binds the tenant to it and says what became of the key.
pub async fn run(options: &Options, app: &App) -> anyhow::Result<()> {
    let company = CompanyId::parse(&options.company)
        .context("`--company` must be the provider's id, made of letters, digits and `-`")?;
    let before = found(app, &options.reference).await?;
    if before.company != company.as_str() && !options.yes {
        confirm(&before, &company, options.without_key)?;
    }
    let checker = app.checker(app.keyring().await?, Metrics::new()?)?;
    let _gate = checker.gate.keep_reading();
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let timeout = TimeDelta::from_std(app.config.provider.timeout)?;
    let latest = Lease::new(app.clock.now(), TimeDelta::minutes(2), timeout).latest;
    let (reason, without_key) = (options.reason.as_str(), options.without_key);
    let wish = Rebind { company: &company, reason, without_key };
    let rebound = checker.rebind(&checker.settler, before.id, &wish, latest, &shutdown).await?;
    let (changed, with_key) = match rebound {
        Rebound::Done { with_key, .. } => (true, with_key),
        Rebound::Already => (false, before.masked.is_some()),
        Rebound::NotAccepted(finding) => bail!(not_accepted(app, &before, &company, &finding)),
        Rebound::NotAsked => bail!(
            "no call could be made with the key of {0}, or it was taken out of use meanwhile: \
             nothing has changed, {0} is still bound to company {1}; try again",
            before.reference,
            before.company
        ),
        Rebound::Meanwhile => bail!(
            "{} was given another key or another company meanwhile: look at it with `keypulse \
             tenant show` and decide again",
            before.reference
        ),
    };
    let view = found(app, &options.reference).await?;
    if options.json {
        let mut answer = describe(app, &view)?;
        answer["company_before"] = json!(before.company);
        answer["changed"] = json!(changed);
        return output::document(&answer);
    }
    output::line(&if !changed {
        format!("{} is bound to company {company} already; nothing has changed", view.reference)
    } else if with_key {
        format!(
            "{}: bound to company {company} instead of {}; its key is accepted for it and stays",
            view.reference, before.company
        )
    } else {
        format!(
            "{0}: bound to company {company} instead of {1}, and has no key for it: it waits for \
             one. `keypulse tenant replace {0}` takes it",
            view.reference, before.company
        )
    })?;
    output::line(&format!("status: {}", view.health.status))
}

/// What was found of the key, what has not changed, and how to go on.
fn not_accepted(app: &App, before: &TenantView, company: &CompanyId, finding: &Finding) -> String {
    let title = &app.profile().title;
    let why = match finding {
        Finding::Failed(failure) => format!("{title} {failure}"),
        Finding::Inconclusive(why) => format!("{why}, which says nothing about the key"),
        Finding::Accepted
        | Finding::Operator(_)
        | Finding::Replaced(_)
        | Finding::Rebound(_)
        | Finding::Compared => "nothing was asked".to_owned(),
    };
    format!(
        "the present key is not accepted for company {company}: {why}. Nothing has changed: {} is \
         still bound to company {}. Try again, or say `--without-key`: then the key is destroyed, \
         and the tenant is bound and waits for a new one",
        before.reference, before.company
    )
}

fn confirm(before: &TenantView, company: &CompanyId, without_key: bool) -> anyhow::Result<()> {
    if !stdin().is_terminal() {
        bail!("another company is another customer's money: say `--yes` where nobody can be asked");
    }
    let key = match (&before.masked, without_key) {
        (Some(_), true) => "Its key is destroyed: there is no way back.",
        (Some(_), false) => "Its key stays only if it is accepted for that company.",
        (None, _) => "It has no key, and waits for one.",
    };
    let typed = consent::typed(&format!(
        "{} ({}) is bound to company {}. From now on only keys of company {company} will be taken \
         for it. {key}\nType `rebind {}` to go on:",
        before.reference,
        output::printable(&before.name),
        before.company,
        before.reference
    ))?;
    if typed != format!("rebind {}", before.reference) {
        bail!("nothing was done");
    }
    Ok(())
}
