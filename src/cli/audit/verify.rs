//! Walks the chain and says what was found.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use tokio::time::Instant;

use crate::app::{self, App};
use crate::cli::output;
use crate::store::Head;
use crate::store::Verified;

/// The exit code when something is wrong with the chain.
const WRONG: u8 = 3;
/// What takes no longer than this shows no progress.
const QUICK: Duration = Duration::from_millis(500);

/// Walks the chain. Fails with a code of its own where something is wrong.
pub async fn run(app: &App, expect: Option<Head>, json: bool) -> anyhow::Result<ExitCode> {
    // Before anything is said about rows: a missing master key is the first thing to mend.
    app::master_key(&app.config)?;
    if app.store.keyring().await?.is_empty() {
        if expect.is_some() || app.store.audit_head().await?.is_none_or(|head| head.seq > 0) {
            bail!(
                "there is no keyring, and so no audit key: restore it together with the database"
            );
        }
        bail!("there is no keyring yet: the first tenant that is added makes one");
    }
    let store = app.keyring().await?.audit(&app.store);
    let (begun, terminal) = (Instant::now(), io::stderr().is_terminal());
    let mut shown = false;
    let verified = store
        .verify_audit(expect, |done, total| {
            if terminal && begun.elapsed() > QUICK {
                shown = true;
                output::progress(&format!("checked {done} of {total} rows"));
            }
        })
        .await;
    if shown {
        output::progress("\n");
    }
    let verified = verified?;
    if json {
        as_json(&verified, expect)?;
    } else {
        as_text(&verified, expect)?;
    }
    Ok(if verified.fault.is_none() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

fn as_json(verified: &Verified, expect: Option<Head>) -> anyhow::Result<()> {
    let fault = verified.fault.map(
        |fault| json!({"what": fault.name(), "row": fault.row(), "message": fault.to_string()}),
    );
    output::document(&json!({
        "whole": fault.is_none(),
        "fault": fault,
        "rows": verified.head.seq,
        "details_erased": verified.erased,
        "head": verified.head.to_string(),
        "tail_vouched_for": fault.is_none() && expect.is_some(),
        "expected": expect.map(|head| head.to_string()),
    }))
}

fn as_text(verified: &Verified, expect: Option<Head>) -> anyhow::Result<()> {
    let Verified { head, erased, fault } = verified;
    if let Some(fault) = fault {
        output::line(&format!("✖ the audit chain is not whole: {fault}"))?;
        output::line(&format!(
            "The {} before fit; whatever comes after may be wrong as well. The last that fits: \
             {head}",
            output::many(head.seq, "row")
        ))?;
        return output::line(
            "Keep a copy of the database as it is, and compare with a backup and with the heads in \
             the daemon's log (`audit head …`).",
        );
    }
    output::line(&format!("● the audit chain is whole: {}", output::many(head.seq, "row")))?;
    if *erased > 0 {
        output::line(&format!(
            "The personal detail of {} was erased, which changes nothing of the chain.",
            output::many(i64::try_from(*erased)?, "row")
        ))?;
    }
    output::line(&match expect {
        Some(noted) => format!("Row {} is the one that was noted.", noted.seq),
        None => "Nobody can vouch for its end: rows that were removed there, together with the \
                 head, leave no trace here. Give a head that was noted earlier: --expect SEQ:MAC."
            .to_owned(),
    })?;
    output::line(&format!("To note down, away from this database:\n{head}"))
}
