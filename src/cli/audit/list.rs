//! Shows rows of the chain.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::Value;

use crate::app::App;
use crate::cli::output;
use crate::http::api::review::{Entry, parsed};
use crate::ids::TenantId;
use crate::store::AuditRow;
use crate::store::Detail;
use crate::store::StoreError;

/// The most rows that are shown at once.
const MOST: u32 = 10_000;

/// Shows the latest rows, the last one last.
pub async fn run(
    app: &App,
    tenant: Option<&str>,
    limit: u32,
    json: bool,
) -> anyhow::Result<ExitCode> {
    if limit > MOST {
        bail!("`--limit` is at most {MOST}; `audit export` writes down all of one tenant");
    }
    let tenant = match tenant {
        Some(reference) => Some(found(app, reference).await?),
        None => None,
    };
    for row in app.store.latest_audit_rows(tenant, limit).await? {
        if json { output::json(&Entry::from(&row))? } else { output::line(&line(&row))? }
    }
    Ok(ExitCode::SUCCESS)
}

async fn found(app: &App, reference: &str) -> anyhow::Result<TenantId> {
    let tenant = app.store.tenant(reference).await?;
    Ok(tenant.ok_or_else(|| StoreError::NoTenant(reference.to_owned()))?.id)
}

/// A row as people read it.
pub fn line(row: &AuditRow) -> String {
    let outcome = if row.outcome == "done" { "" } else { &row.outcome };
    let mut parts = vec![
        format!("{:>6}", row.seq),
        output::moment(row.at),
        format!("{} {outcome}", row.action).trim_end().to_owned(),
    ];
    parts.extend(row.tenant.map(|tenant| format!("tenant {tenant}")));
    parts.extend(row.generation.map(|generation| format!("key {generation}")));
    parts.push(format!("by {} {}", row.actor_kind, row.actor_id));
    let detail = match &row.detail {
        Detail::None => None,
        Detail::Erased => Some("detail erased".to_owned()),
        Detail::Known(text) => Some(pairs(&parsed(text))),
    };
    parts.push(pairs(&parsed(&row.facts)));
    parts.extend(detail);
    parts.retain(|part| !part.is_empty());
    output::printable(&parts.join("  "))
}

/// `name: value, …` of a JSON object.
fn pairs(value: &Value) -> String {
    let Value::Object(fields) = value else { return value.to_string() };
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    fields.iter().map(pair).collect::<Vec<_>>().join(", ")
}
