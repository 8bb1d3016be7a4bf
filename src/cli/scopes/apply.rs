//! `keypulse scopes apply`

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use crate::app::App;
use crate::cli::output;
use crate::shutdown::Shutdown;
use crate::store::TenantFilter;
use crate::task::{Applied, Plan, Requirement, Share};

use super::diff::many;
use super::{consequences, list, numbers, refuse_empty, said};

/// What was asked for.
pub struct Asked {
    pub filter: TenantFilter,
    pub share: Share,
    pub yes: bool,
    pub json: bool,
}

/// Shows whom it touches, asks, and applies.
pub async fn run(app: &App, asked: &Asked) -> anyhow::Result<ExitCode> {
    let required = app.required_scopes();
    refuse_empty(app, &required)?;
    let requirement = Requirement { store: &app.store, required: &required, filter: &asked.filter };
    let plan = requirement.plan(asked.share).await?;
    show(app, &plan)?;
    let touched = plan.impact.tenants;
    if touched > 0 && !asked.yes {
        confirm(touched)?;
    }
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let shown = io::stderr().is_terminal() && touched > 0;
    let applied = requirement
        .apply(
            &plan,
            || shutdown.has_begun(),
            |done, whole| {
                if shown {
                    output::progress(&format!("{done} of {whole}"));
                }
            },
        )
        .await;
    if shown {
        output::progress("\n");
    }
    let applied = applied.context("not all of it was applied: run it again to go on")?;
    if asked.json {
        output::document(&json!({
            "required": list(&required),
            "tenants_with_a_key": plan.whole,
            "share": plan.share,
            "held_already": plan.held,
            "touched": numbers(&plan.impact),
            "being_confirmed": plan.later,
            "changed": applied.changed,
            "left": applied.left,
            "interrupted": applied.interrupted,
        }))?;
    } else {
        told(&plan, applied)?;
    }
    Ok(if applied.interrupted { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Before anything is done, and beside the answer: whom it touches.
fn show(app: &App, plan: &Plan) -> anyhow::Result<()> {
    output::hint(&format!("to be required: {}", said(&app.required_scopes())))?;
    output::hint(&format!(
        "{} of {} with a key: {} held to this already, {} to be changed",
        plan.share,
        many(plan.whole),
        plan.held,
        plan.impact.tenants
    ))?;
    for line in consequences(&plan.impact, &app.profile().title) {
        output::hint(&line)?;
    }
    if plan.later > 0 {
        output::hint(&format!(
            "{} left as they are, because a missing permission is being confirmed: run this again \
             later",
            plan.later
        ))?;
    }
    Ok(())
}

fn confirm(touched: u64) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nothing was changed: say `--yes` where nobody can be asked");
    }
    output::hint(&format!(
        "Whoever lacks a scope is found by checks from now on, and told once that is confirmed.\n\
         Type `apply {touched}` to go on:"
    ))?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer cannot be read")?;
    if typed.trim() != format!("apply {touched}") {
        bail!("nothing was changed");
    }
    Ok(())
}

fn told(plan: &Plan, applied: Applied) -> anyhow::Result<()> {
    if plan.impact.tenants == 0 {
        return output::line("nothing to apply: nobody in this share can be changed now");
    }
    let left = match applied.left {
        0 => String::new(),
        left => format!("; {left} changed meanwhile and were left as they are"),
    };
    output::line(&if applied.interrupted {
        format!(
            "interrupted after {} of {}{left}. What was done holds; run it again to go on",
            applied.changed, plan.impact.tenants
        )
    } else {
        format!("applied to {}{left}", many(applied.changed))
    })
}
