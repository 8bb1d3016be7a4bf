//! The review that an incident needs: what is known of one tenant and each of its keys, then every
//! row about it. Rows are read page by page.

use std::collections::BTreeMap;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::output;
use crate::store::AuditRow;
use crate::store::Deletion;
use crate::store::StoreError;
use crate::store::TenantView;

use super::list::{document, line};

/// Rows that are read at a time.
const PAGE: u32 = 500;
/// Keys of one tenant that are told of one by one.
const MOST_KEYS: usize = 1_000;

/// What is known of one of a tenant's keys.
#[derive(Clone, Debug, Default)]
struct Life {
    /// Since when it was stored, and by whom.
    stored: Option<(Option<DateTime<Utc>>, String)>,
    /// When it was first and last accepted, as far as that is known.
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    /// When it was disabled, destroyed or replaced.
    ended: Option<(Option<DateTime<Utc>>, String)>,
}

impl Life {
    fn accepted(&mut self, at: Option<DateTime<Utc>>) {
        self.first = self.first.or(at);
        self.last = self.last.max(at);
    }
}

/// Writes the review.
pub async fn run(app: &App, reference: &str, json: bool) -> anyhow::Result<ExitCode> {
    let Some(view) = app.store.tenant(reference).await? else {
        return Err(StoreError::NoTenant(reference.to_owned()).into());
    };
    // Once for the lives of the keys and once for the rows, so that neither has to be kept.
    let mut lives = BTreeMap::new();
    each(app, &view, |row| {
        live(&mut lives, row);
        Ok(())
    })
    .await?;
    let present = i64::from(view.health.generation.0);
    if view.masked.is_some() {
        let life = lives.entry(present).or_default();
        life.accepted(view.health.accepted_at);
    }
    let open = app.store.deletions_wanted(view.id).await?;
    if json {
        output::json(&review(app, &view, &lives, &open))?;
        each(app, &view, |row| output::json(&document(row))).await?;
    } else {
        say(app, &view, &lives, &open)?;
        each(app, &view, |row| output::line(&line(row))).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands over every row about the tenant, in their order.
async fn each(
    app: &App,
    view: &TenantView,
    mut to: impl FnMut(&AuditRow) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let page = app.store.audit_rows(Some(view.id), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        page.iter().try_for_each(&mut to)?;
    }
}

/// What a row tells of the life of a key.
fn live(lives: &mut BTreeMap<i64, Life>, row: &AuditRow) {
    let Some(generation) = row.generation else { return };
    if lives.len() >= MOST_KEYS && !lives.contains_key(&generation) {
        return;
    }
    let by = format!("{} {}", row.actor_kind, row.actor_id);
    let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
    match row.action.as_str() {
        "tenant.added" => lives.entry(generation).or_default().stored = Some((row.at, by)),
        "key.replaced" => {
            let life = lives.entry(generation).or_default();
            life.stored = Some((row.at, by));
            life.accepted(row.at);
            if let Some(before) = lives.get_mut(&(generation - 1))
                && before.ended.is_none()
            {
                before.ended = Some((row.at, "replaced".to_owned()));
            }
        }
        "key.disabled" => {
            lives.entry(generation).or_default().ended = Some((row.at, "disabled".to_owned()));
        }
        _ if facts["destroyed"] == true => {
            lives.entry(generation).or_default().ended = Some((row.at, "destroyed".to_owned()));
        }
        "status.changed" if facts["status"] == "healthy" => {
            lives.entry(generation).or_default().accepted(row.at);
        }
        _ => {}
    }
}

/// What only the provider knows.
fn unknown(app: &App) -> String {
    let title = &app.profile().title;
    format!(
        "keypulse knows its own calls only, and keeps no record of each routine check. What else was \
         done with a key, from where, and when it was first and last used by anybody, only {title} \
         can tell: ask for its log of this company's API keys"
    )
}

fn review(app: &App, view: &TenantView, lives: &BTreeMap<i64, Life>, open: &[Deletion]) -> Value {
    let keys: Vec<Value> = lives
        .iter()
        .map(|(generation, life)| {
            json!({
                "generation": generation,
                "stored_at": life.stored.as_ref().map(|(at, _)| *at),
                "stored_by": life.stored.as_ref().map(|(_, by)| by),
                "first_use_not_before": life.stored.as_ref().map(|(at, _)| *at),
                "first_known_accepted_at": life.first,
                "last_known_accepted_at": life.last,
                "ended_at": life.ended.as_ref().map(|(at, _)| *at),
                "ended_how": life.ended.as_ref().map(|(_, how)| how),
            })
        })
        .collect();
    json!({
        "type": "review",
        "tenant": view.reference,
        "tenant_id": view.id.to_string(),
        "name": view.name,
        "company_id": view.company,
        "status": view.health.status.word(),
        "cause": view.health.status.cause(),
        "added_at": view.created_at,
        "keys": keys,
        "deletions_wanted": open.len(),
        "not_known": unknown(app),
        "verified": false,
    })
}

fn say(
    app: &App,
    view: &TenantView,
    lives: &BTreeMap<i64, Life>,
    open: &[Deletion],
) -> anyhow::Result<()> {
    output::line(&format!(
        "{} ({}), company {}: {}; added {}",
        view.reference,
        output::printable(&view.name),
        view.company,
        view.health.status,
        output::moment(view.created_at)
    ))?;
    for (generation, life) in lives {
        let (stored, by) = life.stored.clone().unwrap_or_default();
        let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
        output::line(&output::printable(&format!(
            "key {generation}: stored {}{by}",
            output::moment(stored)
        )))?;
        output::line(&format!(
            "  not used by keypulse before that; known to be accepted first {}, last {}",
            output::moment(life.first),
            output::moment(life.last)
        ))?;
        output::line(&match &life.ended {
            Some((at, how)) => {
                format!("  {how} {}: not used by keypulse after it", output::moment(*at))
            }
            None => "  live".to_owned(),
        })?;
    }
    if !open.is_empty() {
        output::line(&format!(
            "A key that may have leaked is not confirmed to be deleted at {}.",
            app.profile().title
        ))?;
    }
    output::line(&format!("{}.", unknown(app)))?;
    output::line("Whether these rows are as they were written, `keypulse audit verify` tells:")
}
