//! Shows one tenant, or lists those that are looked for.

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use crate::app::App;
use crate::cli::{handover, output};
use crate::health::Status;
use crate::http::api::view::{Tenant, Whole};
use crate::store::HandoverView;
use crate::store::KeyKind;
use crate::store::LabelFilter;
use crate::store::Pickup;
use crate::store::StoreError;
use crate::store::TenantFilter;
use crate::store::TenantView;

use super::super::weather;
use super::{compared, withdraw};

/// Tenants are read from the store so many at a time.
const PAGE: u32 = 500;

/// Which tenants to list; all that is given must hold at once.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only those in this state.
    #[arg(long, value_name = "WORD", value_parser = PossibleValuesParser::new(Status::WORDS))]
    status: Option<String>,
    /// Only those with this cause, such as `rejected` or `never_accepted`.
    #[arg(long, value_name = "WORD")]
    cause: Option<String>,
    /// Only those with this label, whatever its value, or with this value; may be given several
    /// times.
    #[arg(long, value_name = "NAME[=VALUE]")]
    label: Vec<String>,
    /// Only those with this text in their reference or name. Letters beyond a to z must match in
    /// size as well.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Filter {
    fn of_store(&self) -> TenantFilter {
        let labels = self.label.iter().map(|text| LabelFilter::parse(text));
        TenantFilter {
            status: self.status.clone(),
            cause: self.cause.as_ref().map(|cause| cause.replace('-', "_")),
            labels: labels.collect(),
            search: self.search.clone(),
        }
    }
}

/// Shows one tenant.
pub async fn show(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    if json {
        return document(app, &view).await;
    }
    let health = &view.health;
    let mut lines = vec![
        ("tenant", view.reference.clone()),
        ("name", output::printable(&view.name)),
        ("status", status(app, &view)),
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
    lines.extend(weather::held(app, health).await?.map(|why| ("held", why)));
    lines.extend(view.handover.as_ref().map(|one| ("hand-over", handover_line(app, one))));
    lines.extend(view.key_ref.as_ref().map(|at| ("key lies", output::printable(at))));
    lines.extend(compared::line(app, &view).await?.map(|line| ("integration", line)));
    lines.extend(compared::reconnect_url(app, &view.reference).map(|url| ("reconnect", url)));
    let care = app.store.care(view.id).await?;
    if let Some(contact) = &care.contact {
        lines.push((
            "contact",
            output::printable(&format!("{} ({})", contact.address, contact.role)),
        ));
    }
    lines.extend(care.locale.map(|locale| ("locale", locale)));
    lines.extend(care.time_zone.map(|zone| ("time zone", zone)));
    if !care.labels.is_empty() {
        lines.push(("labels", output::printable(&labels(&care.labels))));
    }
    if let Status::Paused { until, .. } = &health.status {
        let until = until.map_or("resumed".to_owned(), |until| output::moment(Some(until)));
        lines.push(("paused", format!("until {until}")));
    }
    let wanted = app.store.deletions_wanted(view.id).await?;
    if let Some(open) = withdraw::open_point(app, &wanted) {
        let tick = format!("`keypulse tenant confirm-deleted {}`", view.reference);
        lines.push(("open", format!("{open}. Once it is done: {tick}")));
    }
    for (name, value) in lines {
        output::line(&format!("{name:<11} {value}"))?;
    }
    Ok(())
}

/// Lists the tenants that the filter lets through, page by page.
pub async fn list(app: &App, filter: &Filter) -> anyhow::Result<()> {
    let wanted = filter.of_store();
    let mut after = String::new();
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["TENANT", "NAME", "STATUS", "SINCE", "NEXT CHECK", "KEY"]);
    let mut left = filter.limit.unwrap_or(u32::MAX);
    let mut listed = 0_usize;
    while left > 0 {
        let page = app.store.tenants_like(&wanted, &after, PAGE.min(left)).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.reference);
        listed += page.len();
        left = left.saturating_sub(u32::try_from(page.len())?);
        for view in &page {
            if filter.json {
                output::json(&describe(app, view)?)?;
            } else {
                table.add_row([
                    view.reference.clone(),
                    output::printable(&view.name),
                    status(app, view),
                    output::moment(Some(view.health.since)),
                    output::moment(view.due_at),
                    view.masked.clone().unwrap_or_else(|| "destroyed".to_owned()),
                ]);
            }
        }
    }
    match (filter.json, listed) {
        (true, _) => Ok(()),
        (false, 0) if wanted != TenantFilter::default() => output::line("no tenant is like that"),
        (false, 0) => output::line("no tenants yet: add one with `keypulse tenant add REF`"),
        (false, _) => output::line(&table.to_string()),
    }
}

/// One tenant as programs read it, with all that is known of it.
pub async fn document(app: &App, view: &TenantView) -> anyhow::Result<()> {
    output::document(&described(app, view).await?)
}

/// One tenant with all that is known of it, as programs read it.
pub async fn described(app: &App, view: &TenantView) -> anyhow::Result<Value> {
    let whole = Whole::of(&app.store, view, &compared::setting(app)).await?;
    Ok(serde_json::to_value(whole)?)
}

/// Labels in one line.
pub fn labels(labels: &BTreeMap<String, String>) -> String {
    let one = |(name, value): (&String, &String)| {
        if value.is_empty() { name.clone() } else { format!("{name}={value}") }
    };
    labels.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The tenant of that reference.
pub async fn found(app: &App, reference: &str) -> anyhow::Result<TenantView> {
    Ok(app
        .store
        .tenant(reference)
        .await?
        .ok_or_else(|| StoreError::NoTenant(output::printable(reference)))?)
}

/// The status; and whether the integration still has to fetch the key that it rests on.
fn status(app: &App, view: &TenantView) -> String {
    let status = view.health.status.to_string();
    let pickup = view.handover.as_ref().map(|one| one.pickup(handover::late_before(app)));
    match pickup {
        None | Some(Pickup::Acknowledged) => status,
        // What is not accepted yet nobody may fetch.
        Some(_) if view.health.accepted_at.is_none() => status,
        Some(open) => format!("{status}, {}", handover::words(open)),
    }
}

fn handover_line(app: &App, view: &HandoverView) -> String {
    let pickup = view.pickup(handover::late_before(app));
    let since = match pickup {
        Pickup::Acknowledged => view.acknowledged_at,
        Pickup::Fetched => view.fetched_at,
        Pickup::Owed | Pickup::Late | Pickup::WithoutRecipient => Some(view.owed_at),
    };
    let (words, since) = (handover::words(pickup), output::moment(since));
    format!("key {}: {words}, since {since}", view.generation)
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

/// A tenant as programs read it, the same as the API answers.
pub fn describe(app: &App, view: &TenantView) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(Tenant::of(view, handover::late_before(app)))?)
}
