//! `keypulse restore`

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::app::restore::{self, Done, Prepared, Present};
use crate::clock::SystemClock;
use crate::store::StoreError;

use super::{actor, backup, consent, output};

/// What is restored.
#[derive(Debug, Args)]
#[command(
    after_help = "Stop every daemon first. It takes the master key of the backup. Afterwards mail \
    to customers is held, every link leads nowhere, and everybody is asked once `keypulse run` is \
    started; `keypulse mail release` waits until everybody was. What was disabled, erased or revoked \
    since the backup was made stays so, as far as the file beside the database says. Read docs/BACKUP.md \
    before you need it.\n\nExit codes: 0 restored; 1 nothing was changed.\n\nExamples:\n  \
    keypulse --config keypulse.toml restore /var/backups/keypulse-2026-11-20.backup\n  \
    keypulse --config keypulse.toml restore FILE --replace --yes"
)]
pub struct Options {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it in the place of what is there. An SQLite file is kept under another name, which is said.
    #[arg(long)]
    replace: bool,
    /// Go on without asking.
    #[arg(long)]
    yes: bool,
    /// Say what was done as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Restores, and says what comes next.
pub async fn run(options: &Options, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    super::quiet_log(&super::load(config)?)?;
    let clock = Arc::new(SystemClock::default());
    let load = || super::load(config);
    let prepared = restore::prepare(load, &options.file, actor::command(), clock).await?;
    if prepared.must_replace() && !options.replace {
        match &prepared.present {
            Present::Unreadable(why) => bail!(
                "what is at the place of the database cannot be read ({why}): say `--replace` to put the \
                 backup there; it is kept under another name"
            ),
            Present::Nothing | Present::Database => return Err(StoreError::NotEmpty.into()),
        }
    }
    let warnings = warnings(&prepared);
    if !options.yes {
        confirm(options, &prepared, &warnings)?;
    }
    let shows = std::io::stderr().is_terminal();
    let mut progress = |done, total| {
        if shows {
            output::progress(&backup::far(done, total));
        }
    };
    let facts = prepared.facts.clone();
    let mut done = prepared.carry_out(&mut progress).await?;
    done.remarks.extend(warnings);
    if options.json {
        output::document(&json!({
            "restored": options.file,
            "made_at": facts.made_at,
            "made_by": facts.version,
            "tenants": facts.tenants,
            "audit_head": facts.audit_head.map(|head| head.to_string()),
            "to_ask": done.settled.to_ask,
            "mails_unknown": done.settled.mails_unknown,
            "messages_again": done.settled.messages_again,
            "links_revoked": done.settled.links_revoked,
            "disabled_again": done.disabled,
            "erased_again": done.erased,
            "tokens_revoked_again": done.tokens,
            "kept_aside": done.aside,
            "remarks": done.remarks,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    say(options, &facts, &done)?;
    Ok(ExitCode::SUCCESS)
}

fn say(options: &Options, facts: &crate::store::BackupFacts, done: &Done) -> anyhow::Result<()> {
    let many = |number, what| output::many(output::whole(number), what);
    output::line(&format!(
        "restored {}: {}, as at {}",
        options.file.display(),
        output::many(facts.tenants, "tenant"),
        output::moment(Some(facts.made_at))
    ))?;
    output::line(&format!(
        "again withdrawn   {} disabled, {} erased, {} revoked",
        many(done.disabled, "tenant"),
        done.erased,
        many(done.tokens, "token")
    ))?;
    output::line(&format!(
        "customers         mail is held; {} may have been sent since and go nowhere; {} revoked",
        many(done.settled.mails_unknown, "mail"),
        many(done.settled.links_revoked, "link")
    ))?;
    output::line(&format!(
        "others            {} to on-call and the integration, perhaps once more",
        many(done.settled.messages_again, "message")
    ))?;
    if let Some(aside) = &done.aside {
        output::line(&format!("what was there    {}", aside.display()))?;
    }
    for remark in &done.remarks {
        output::hint(&format!("note: {remark}"))?;
    }
    output::line(&format!(
        "Now start `keypulse run`: it asks {} first. Then `keypulse mail release`; docs/BACKUP.md says \
         what to look at before.",
        many(done.settled.to_ask, "tenant")
    ))
}

/// What should be known before, and is no obstacle.
fn warnings(prepared: &Prepared) -> Vec<String> {
    let mut said = Vec::new();
    match (&prepared.noted, prepared.lines) {
        (None, _) => said.push(
            "`store.withdrawn_file` names no file: keys that were disabled, tenants that were erased and \
             tokens that were revoked since the backup was made come back"
                .to_owned(),
        ),
        (Some(path), None) => said.push(format!(
            "there is no file {}: keys that were disabled, tenants that were erased and tokens that were \
             revoked since the backup was made come back",
            path.display()
        )),
        (Some(path), Some((_, unreadable))) if unreadable > 0 => said.push(format!(
            "{} of {} cannot be read, and what they say is not known",
            output::many(output::whole(unreadable as u64), "line"),
            path.display()
        )),
        (Some(_), Some(_)) => {}
    }
    said
}

fn confirm(options: &Options, prepared: &Prepared, warnings: &[String]) -> anyhow::Result<()> {
    if !stdin().is_terminal() {
        bail!("nobody can be asked here: say `--yes`, once every daemon is stopped");
    }
    for warning in warnings {
        output::hint(&format!("note: {warning}"))?;
    }
    let facts = &prepared.facts;
    let present = match &prepared.present {
        Present::Nothing => "The database is empty.",
        Present::Database => "What is in the database now is replaced.",
        Present::Unreadable(_) => "What is there now cannot be read, and is replaced.",
    };
    let question = format!(
        "{} holds {} as at {}, made by keypulse {}. {present} Every daemon must be stopped, on every \
         machine.",
        options.file.display(),
        output::many(facts.tenants, "tenant"),
        output::moment(Some(facts.made_at)),
        output::printable(&facts.version),
    );
    if !consent::yes(&question)? {
        bail!("nothing was done");
    }
    Ok(())
}
