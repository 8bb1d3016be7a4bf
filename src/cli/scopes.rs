//! `keypulse scopes`: what tenants are held to beside what is required now, and how a requirement that
//! has changed is applied to them.

mod apply;
mod diff;

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::app::App;
use crate::given;
use crate::health::Scopes;
use crate::store::LabelFilter;
use crate::store::TenantFilter;
use crate::task::Impact;
use crate::task::Share;

use super::output;

/// What to do about required scopes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how many tenants are held to other scopes than new keys are, and whom a change would
    /// touch. Nobody is asked and nothing is changed.
    #[command(
        after_help = "Each tenant is held to the scopes that were required when its key was \
        accepted; a change of `provider.required_scopes` binds new keys only, until `scopes apply`.\
        \n\nExamples:\n  keypulse scopes diff\n  keypulse scopes diff --label region=dk --json"
    )]
    Diff {
        /// Only tenants with this label: name=value, or a bare name; may be given several times.
        #[arg(long, value_name = "LABEL", value_parser = given::label)]
        label: Vec<(String, String)>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Hold tenants to the scopes that are required of new keys now; shows first how many it touches.
    #[command(after_help = "Nobody is asked and nobody is written to by this. A tenant whose key \
        lacks a scope is found by its next checks and goes the way of every lost permission: \
        confirmed, then told. A greater share has the same tenants and more, so begin small. It may \
        be interrupted and run again.\n\nExit codes: 0 done, or nothing to do; 1 anything else, \
        also when it was interrupted.\n\nExamples:\n  keypulse scopes apply --share 5%\n  \
        keypulse scopes apply --label region=dk --yes")]
    Apply {
        /// Only tenants with this label: name=value, or a bare name; may be given several times.
        #[arg(long, value_name = "LABEL", value_parser = given::label)]
        label: Vec<(String, String)>,
        /// Only so many of them: 5%, or 40.
        #[arg(long, value_name = "SHARE", value_parser = share)]
        share: Option<Share>,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Whether the command changes what the audit chain tells of.
pub fn is_chained(command: &Command) -> bool {
    match command {
        Command::Diff { .. } => false,
        Command::Apply { .. } => true,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let code = match command {
        Command::Diff { label, json } => diff::run(&app, &filter(label), *json).await,
        Command::Apply { label, share, yes, json } => {
            let asked = apply::Asked {
                filter: filter(label),
                share: share.unwrap_or(Share::All),
                yes: *yes,
                json: *json,
            };
            apply::run(&app, &asked).await
        }
    };
    app.store.close().await?;
    code
}

fn filter(labels: &[(String, String)]) -> TenantFilter {
    let label = |(name, value): &(String, String)| LabelFilter {
        name: name.clone(),
        value: (!value.is_empty()).then(|| value.clone()),
    };
    TenantFilter { labels: labels.iter().map(label).collect(), ..TenantFilter::default() }
}

/// A share as it is typed.
fn share(text: &str) -> Result<Share, &'static str> {
    const FORM: &str = "must be a percentage from 1% to 100%, or a number of tenants";
    match text.strip_suffix('%') {
        Some(percent) => match percent.parse() {
            Ok(percent @ 1..=100) => Ok(Share::Percent(percent)),
            Ok(_) | Err(_) => Err(FORM),
        },
        None => match text.parse() {
            Ok(number) if number > 0 => Ok(Share::Tenants(number)),
            Ok(_) | Err(_) => Err(FORM),
        },
    }
}

/// Where the requirement comes from.
fn source(app: &App) -> &'static str {
    if app.config.provider.required_scopes.is_some() {
        "provider.required_scopes"
    } else {
        "the profile, as provider.required_scopes is not set"
    }
}

/// Scopes as people read them.
fn said(scopes: &Scopes) -> String {
    if scopes.is_empty() { "nothing".to_owned() } else { output::printable(&scopes.to_string()) }
}

fn list(scopes: &Scopes) -> Vec<&str> {
    scopes.iter().collect()
}

/// What a change would mean, as people read it; each part on a line of its own.
fn consequences(impact: &Impact, provider: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |number: u64, text: String| {
        if number > 0 {
            lines.push(format!("{number:>8} {text}"));
        }
    };
    add(impact.suffice, "were last seen to be granted all of it".to_owned());
    let each: Vec<String> =
        impact.lacking.iter().map(|(scope, tenants)| format!("{scope} ({tenants})")).collect();
    add(
        impact.lack,
        format!("lack some of it, so their customers would have to grant it: {}", each.join(", ")),
    );
    add(
        impact.not_known,
        format!(
            "are not known to have it or to lack it: no check has seen yet what {provider} grants"
        ),
    );
    lines
}

/// The same as programs read it.
fn numbers(impact: &Impact) -> Value {
    json!({
        "tenants": impact.tenants,
        "suffice": impact.suffice,
        "lack": impact.lack,
        "lacking": impact.lacking,
        "not_known": impact.not_known,
    })
}

/// Refuses to look at a fleet through a requirement that cannot be meant.
fn refuse_empty(app: &App, required: &Scopes) -> anyhow::Result<()> {
    if required.is_empty() && app.config.provider.required_scopes.is_none() {
        bail!(
            "nothing is required: neither the profile nor `provider.required_scopes` names a scope"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_number_above_nothing() {
        assert_eq!(share("5%"), Ok(Share::Percent(5)));
        assert_eq!(share("100%"), Ok(Share::Percent(100)));
        assert_eq!(share("40"), Ok(Share::Tenants(40)));
        for bad in ["", "%", "0", "0%", "101%", "-1", "5.5%", "all"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
