//! Takes a tenant's key out of use because it may have leaked, and ticks off what only a person at
//! the provider can do about it.

use std::io::{IsTerminal, stdin};
use std::sync::Arc;

use anyhow::bail;

use crate::app::App;
use crate::cli::{consent, output};
use crate::config::CustodyMode;
use crate::health::Action;
use crate::health::DisabledCause;
use crate::health::Status;
use crate::store::Deletion;
use crate::store::TenantView;
use crate::task::MadeLink;
use crate::telemetry::Metrics;

use super::link;
use super::show::{described, document, found};

/// Disables a tenant whose key may have leaked.
pub async fn disable(
    app: &App,
    reference: &str,
    reason: Option<&str>,
    yes: bool,
    json: bool,
) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let before = view.health.status == Status::Disabled(DisabledCause::Compromised);
    if !before {
        if !yes {
            confirm(app, &view)?;
        }
        let settler = app.settler(Metrics::new()?, Arc::default());
        let done = settler.operate_because(view.id, Action::Compromise, reason).await?;
        if done.is_none() {
            bail!("{reference} kept changing, and nothing was done: try again");
        }
        forget(app).await?;
    }
    let view = found(app, reference).await?;
    let fresh = if before { None } else { fresh_link(app, &view).await };
    if json {
        let mut answer = described(app, &view).await?;
        answer["link"] = link::document(fresh.as_ref());
        return output::document(&answer);
    }
    output::line(&if before {
        format!("{} was disabled already; nothing has changed", view.reference)
    } else {
        format!(
            "{}: {}; every keypulse on this database stops using its key within 5 seconds, and the \
             stored key is destroyed",
            view.reference, view.health.status
        )
    })?;
    if let Some(at) = &view.key_ref {
        output::line(&format!(
            "It is read no more, but it still lies at {}: keypulse deletes nothing there.",
            output::printable(at)
        ))?;
    }
    if let Some(made) = &fresh {
        output::line(&format!(
            "A fresh link by which the customer gives a new key, until {}; it is not shown again:\n{}",
            output::moment(Some(made.expires_at)),
            made.shown_once()
        ))?;
    }
    let wanted = app.store.deletions_wanted(view.id).await?;
    if wanted.iter().any(|one| !one.known) {
        output::line(
            "This key had been destroyed before, so keypulse does not know it any more and could \
             not refuse it: see to it that nobody gives it again.",
        )?;
    }
    if wanted.is_empty() {
        return output::line(&format!("{} was confirmed to be deleted", at(app)));
    }
    output::line(&format!(
        "keypulse has no power over the key itself: whoever has it can use it until it is deleted \
         at {title}. {}.\n\
         This point stays open until `keypulse tenant confirm-deleted {}`.",
        how(app),
        view.reference,
        title = app.profile().title
    ))
}

/// Notes that somebody has deleted the key at the provider.
pub async fn confirm_deleted(app: &App, reference: &str, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    let confirmed = app.store.confirm_deleted(view.id, app.clock.now()).await?;
    if json {
        return document(app, &view).await;
    }
    output::line(&if confirmed > 0 {
        format!("{}: noted that its key is deleted at {}", view.reference, app.profile().title)
    } else {
        format!("{}: no key of it waits to be deleted; nothing has changed", view.reference)
    })
}

/// What is open of a tenant, as people read it.
pub fn open_point(app: &App, wanted: &[Deletion]) -> Option<String> {
    let first = wanted.first()?;
    let title = &app.profile().title;
    Some(format!(
        "a key that may have leaked is not confirmed to be deleted at {title}, since {}. {}",
        output::moment(Some(first.wanted_at)),
        how(app)
    ))
}

fn at(app: &App) -> String {
    format!("its key at {}", app.profile().title)
}

/// How the key is deleted at the provider.
fn how(app: &App) -> String {
    let profile = app.profile();
    match &profile.key.deletion {
        Some(deletion) => format!("There: {deletion}"),
        None => format!("Ask {} how", profile.title),
    }
}

/// A link by which the customer gives a new key, where there is a page for it. The key is withdrawn also
/// where none can be made.
async fn fresh_link(app: &App, view: &TenantView) -> Option<MadeLink> {
    let links = app.links().filter(|_| app.config.custody.mode != CustodyMode::Mirror)?;
    let made = async {
        let keyring = app.keyring().await?;
        let store = keyring.audit(&app.store);
        anyhow::Ok(links.make(&keyring.held(), &store, view, link::SUPPORT).await?)
    };
    match made.await {
        Ok(made) => Some(made),
        Err(error) => {
            tracing::warn!("no fresh link was made: {error:#}");
            None
        }
    }
}

/// On SQLite, waits until nobody reads what stood in the log before.
pub(super) async fn forget(app: &App) -> anyhow::Result<()> {
    let Err(why) = app.store.forget_overwritten_soon().await else { return Ok(()) };
    output::hint(&format!(
        "note: the sealed key may stand in the write-ahead log of the database until that is \
         emptied, as at the end of the daemon: {why}"
    ))
}

fn confirm(app: &App, view: &TenantView) -> anyhow::Result<()> {
    if !stdin().is_terminal() {
        bail!("a key that is withdrawn cannot come back: say `--yes` where nobody can be asked");
    }
    let typed = consent::typed(&format!(
        "The key of {} ({}) will be used no more and never be accepted again; the tenant stays \
         disabled until it has a new one. Its stored key is destroyed: there is no way back.\n\
         It can still be used by whoever has it, until it is deleted at {}.\n\
         Type `disable {}` to go on:",
        view.reference,
        output::printable(&view.name),
        app.profile().title,
        view.reference
    ))?;
    if typed != format!("disable {}", view.reference) {
        bail!("nothing was done");
    }
    Ok(())
}
