//! `keypulse go-live`: begins to write to customers, of what a person has looked at.

use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use anyhow::bail;
use chrono::TimeDelta;
use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::given;
use crate::store::GoLive;
use crate::store::LabelFilter;
use crate::store::Mode;
use crate::store::Untold;

use super::{consent, notify, output};

/// What may be typed.
#[derive(Debug, Args)]
#[command(after_help = "Lists the open stories of which customers were told nothing, asks, puts \
    `live` in force, and begins those that were listed and no others. What was decided before and is \
    over by now is never sent. With `--label` only customers of tenants with that label are written \
    to; the installation must be `on_call` or `live` already.\n\nExit codes: 0 live; 3 nobody said \
    yes, and nothing was changed; 1 anything else.\n\nExamples:\n  keypulse go-live --dry-run\n  \
    keypulse go-live --label pilot --at-most 10/h\n  keypulse go-live --at-most 60/h --yes")]
pub struct Options {
    /// Only for tenants with this label, as `name` or `name=value`.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Begin no more stories in an hour, as `N/h`.
    #[arg(long, value_name = "N/h", default_value = "60/h", value_parser = given::per_hour)]
    at_most: u32,
    /// List only; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// As one JSON document; asks nothing, so give `--yes` or `--dry-run`.
    #[arg(long)]
    json: bool,
}

/// Runs the command on an open store.
pub async fn run(options: &Options, app: App) -> anyhow::Result<ExitCode> {
    let done = go(options, &app).await;
    app.store.close().await?;
    done
}

async fn go(options: &Options, app: &App) -> anyhow::Result<ExitCode> {
    let label = options.label.as_deref().map(LabelFilter::parse);
    let in_force = app.store.mode().await?.map(|one| one.mode);
    if label.is_some() && !matches!(in_force, Some(Mode::OnCall | Mode::Live)) {
        bail!(
            "nobody is told anything yet: put `keypulse notify mode on_call` in force first, then go \
             live for a label"
        );
    }
    let listed = app.store.untold(label.as_ref()).await?;
    if !options.json {
        show(&listed, options)?;
    }
    let yes = options.yes || (!options.json && !options.dry_run && said_yes(listed.len())?);
    if options.dry_run || !yes {
        if options.json {
            output::document(&document(&listed, label.as_ref(), None))?;
        } else if !options.dry_run {
            output::line("nothing was changed")?;
        }
        return Ok(if options.dry_run { ExitCode::SUCCESS } else { ExitCode::from(3) });
    }
    let messages: Vec<String> = listed.iter().map(|one| one.message.clone()).collect();
    let apart = TimeDelta::hours(1) / i32::try_from(options.at_most)?;
    let how = GoLive { label: label.as_ref(), messages: &messages, apart };
    let begun = app.store.go_live(how, app.clock.now()).await?;
    if options.json {
        output::document(&document(&listed, label.as_ref(), Some(begun)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let whom = label.map(|label| format!(" of tenants with {label}")).unwrap_or_default();
    output::line(&format!(
        "live: customers{whom} are written to from now on; of {} open stories {begun} begun",
        listed.len()
    ))?;
    notify::warn(app, Mode::Live)?;
    Ok(ExitCode::SUCCESS)
}

fn show(listed: &[Untold], options: &Options) -> anyhow::Result<()> {
    if listed.is_empty() {
        return output::line("no story is open of which a customer is to be told");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["TENANT", "NAME", "STATUS", "SINCE", "WOULD BE WRITTEN TO"]);
    for one in listed {
        let status = one.status.replace('_', " ");
        let cause = one.cause.as_deref().unwrap_or_default().replace('_', " ");
        table.add_row([
            output::printable(&one.tenant),
            output::cut(&output::printable(&one.name), 40),
            format!("{status} ({cause})"),
            output::moment(one.since),
            one.contact.as_deref().map_or_else(|| "nobody".to_owned(), output::printable),
        ]);
    }
    output::line(&table.to_string())?;
    let nobody = listed.iter().filter(|one| one.contact.is_none()).count();
    if nobody > 0 {
        output::line(&format!(
            "{nobody} of them have no contact whose address works: on-call is told of those"
        ))?;
    }
    let minutes = listed.len() * 60 / usize::try_from(options.at_most.max(1))?;
    output::line(&format!(
        "{} open; at {} an hour the last is written to after about {minutes} minutes",
        listed.len(),
        options.at_most
    ))
}

fn said_yes(listed: usize) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        bail!("nobody can be asked here: give `--yes`, or `--dry-run` to look only");
    }
    consent::yes(&format!(
        "Write to the customers of these {listed}, and of what is decided from now on?"
    ))
}

fn document(
    listed: &[Untold],
    label: Option<&LabelFilter>,
    begun: Option<u64>,
) -> serde_json::Value {
    let listed: Vec<_> = listed
        .iter()
        .map(|one| {
            json!({
                "tenant": one.tenant,
                "name": one.name,
                "status": one.status,
                "cause": one.cause,
                "since": one.since,
                "contact": one.contact,
            })
        })
        .collect();
    json!({
        "live": begun.is_some(),
        "label": label.map(ToString::to_string),
        "open": listed,
        "begun": begun,
    })
}
