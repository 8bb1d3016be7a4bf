//! `keypulse tenant erase`: forgets a tenant.

use std::io::{IsTerminal, stdin};

use anyhow::bail;
use serde_json::json;

use crate::app::App;
use crate::cli::{consent, output};
use crate::store::Erased;
use crate::store::TenantView;

use super::show::found;
use super::withdraw::forget;

/// Forgets a tenant and says what stays.
pub async fn run(app: &App, reference: &str, yes: bool, json: bool) -> anyhow::Result<()> {
    let view = found(app, reference).await?;
    if !yes {
        confirm(&view)?;
    }
    let (key, details) = match app.store.erase_tenant(view.id, app.clock.now()).await? {
        Erased::Done { key, details } => (key, details),
        Erased::DeletionOpen => bail!(
            "a key of {0} that may have leaked is not confirmed to be deleted at {1}, and once {0} \
             is forgotten nobody knows whose it is. Nothing has changed: delete the key there, say \
             `keypulse tenant confirm-deleted {0}`, and erase it then",
            view.reference,
            app.profile().title
        ),
        Erased::Gone => bail!("{} was erased by somebody else meanwhile", view.reference),
    };
    forget(app).await?;
    if json {
        return output::document(&json!({
            "erased": true,
            "tenant_id": view.id.to_string(),
            "key_destroyed": key,
            "audit_details_erased": details,
        }));
    }
    output::line(&format!(
        "{} is forgotten; every keypulse on this database stops using its key within 5 seconds.\n\
         What stays names nobody: the audit chain has tenant {} and what was done, without what was \
         personal in {details} of its rows; withdrawn keys are refused as before.\n\
         Backups, logs and what was handed over are not in reach of keypulse.",
        view.reference, view.id
    ))?;
    if key {
        output::line(&format!(
            "Its key still works for whoever has it, until it is deleted at {}.",
            app.profile().title
        ))?;
    }
    Ok(())
}

fn confirm(view: &TenantView) -> anyhow::Result<()> {
    if !stdin().is_terminal() {
        bail!("what is erased cannot come back: say `--yes` where nobody can be asked");
    }
    let typed = consent::typed(&format!(
        "All that is known of {} ({}) is erased, and its key destroyed: there is no way back. It is \
         watched no more, and nobody is told of it.\nType `erase {}` to go on:",
        view.reference,
        output::printable(&view.name),
        view.reference
    ))?;
    if typed != format!("erase {}", view.reference) {
        bail!("nothing was done");
    }
    Ok(())
}
