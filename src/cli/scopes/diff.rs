//! `keypulse scopes diff`

use std::process::ExitCode;

use serde_json::json;

use crate::app::App;
use crate::cli::output;
use crate::store::TenantFilter;
use crate::task::{Difference, Group, Requirement};

use super::{consequences, list, numbers, refuse_empty, said, source};

/// Shows how the fleet stands to what is required now.
pub async fn run(app: &App, filter: &TenantFilter, json: bool) -> anyhow::Result<ExitCode> {
    let required = app.required_scopes();
    refuse_empty(app, &required)?;
    let asked = Requirement { store: &app.store, required: &required, filter };
    let difference = asked.difference().await?;
    if json {
        let groups: Vec<_> = difference.groups.iter().map(document).collect();
        output::document(&json!({
            "required": list(&required),
            "source": source(app),
            "held": difference.held,
            "without_key": difference.keyless,
            "groups": groups,
        }))?;
    } else {
        text(app, &difference)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn document(group: &Group) -> serde_json::Value {
    let mut document = numbers(&group.impact);
    document["held_to"] = json!(list(&group.held_to));
    document["adds"] = json!(list(&group.adds));
    document["drops"] = json!(list(&group.drops));
    document["being_confirmed"] = json!(group.impact.confirming);
    document
}

fn text(app: &App, difference: &Difference) -> anyhow::Result<()> {
    let required = said(&app.required_scopes());
    output::line(&format!("required of new keys: {required} (from {})", source(app)))?;
    let changed: u64 = difference.groups.iter().map(|group| group.impact.tenants).sum();
    let whole = difference.held + changed;
    output::line(&format!(
        "{} with a key: {} held to this, {changed} to something else",
        many(whole),
        difference.held
    ))?;
    for group in &difference.groups {
        output::line("")?;
        output::line(&format!("{} held to {}", many(group.impact.tenants), said(&group.held_to)))?;
        output::line(&format!(
            "  would be held to {} more, and to {} less; of these tenants",
            said(&group.adds),
            said(&group.drops)
        ))?;
        for line in consequences(&group.impact, &app.profile().title) {
            output::line(&line)?;
        }
        if group.impact.confirming > 0 {
            output::line(&format!(
                "  {} of them cannot be changed now: a missing permission is being confirmed",
                group.impact.confirming
            ))?;
        }
    }
    if difference.keyless > 0 {
        output::line("")?;
        output::line(&format!(
            "{} disabled or without a key: nothing changes for them, and their next key is held to \
             what is required then",
            many(difference.keyless)
        ))?;
    }
    if changed > 0 {
        output::line("")?;
        output::line("Nothing is applied by itself. `keypulse scopes apply --share 5%` begins.")?;
    }
    Ok(())
}

/// `1 tenant`, `2 tenants`.
pub(super) fn many(tenants: u64) -> String {
    output::many(i64::try_from(tenants).unwrap_or(i64::MAX), "tenant")
}
