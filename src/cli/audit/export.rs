//! The review that an incident needs: what is known of one tenant and each of its keys, then every
//! row about it. Rows are read page by page.

use std::process::ExitCode;

use crate::app::App;
use crate::cli::output;
use crate::http::api::review::{Entry, Review};
use crate::store::AuditRow;
use crate::store::StoreError;
use crate::store::TenantView;

use super::list::line;

/// Rows that are read at a time.
const PAGE: u32 = 500;

/// Writes the review.
pub async fn run(app: &App, reference: &str, json: bool) -> anyhow::Result<ExitCode> {
    let Some(view) = app.store.tenant(reference).await? else {
        return Err(StoreError::NoTenant(reference.to_owned()).into());
    };
    // Once for the lives of the keys and once for the rows, so that neither has to be kept.
    let review = Review::of(&app.store, &view, &app.profile().title, usize::MAX).await?;
    if json {
        output::json(&review)?;
        each(app, &view, |row| output::json(&Entry::from(row))).await?;
    } else {
        say(app, &view, &review)?;
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

fn say(app: &App, view: &TenantView, review: &Review) -> anyhow::Result<()> {
    output::line(&format!(
        "{} ({}), company {}: {}; added {}",
        view.reference,
        output::printable(&view.name),
        view.company,
        view.health.status,
        output::moment(view.created_at)
    ))?;
    for life in &review.keys {
        let by = life.stored_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        output::line(&output::printable(&format!(
            "key {}: stored {}{by}",
            life.generation,
            output::moment(life.stored_at)
        )))?;
        output::line(&format!(
            "  not used by keypulse before that; known to be accepted first {}, last {}",
            output::moment(life.first_known_accepted_at),
            output::moment(life.last_known_accepted_at)
        ))?;
        output::line(&match &life.ended_how {
            Some(how) => {
                let at = output::moment(life.ended_at);
                format!("  {how} {at}: not used by keypulse after it")
            }
            None => "  live".to_owned(),
        })?;
    }
    if review.deletions_wanted > 0 {
        output::line(&format!(
            "A key that may have leaked is not confirmed to be deleted at {}.",
            app.profile().title
        ))?;
    }
    output::line(&format!("{}.", review.not_known))?;
    output::line("Whether these rows are as they were written, `keypulse audit verify` tells:")
}
