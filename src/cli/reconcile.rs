//! `keypulse reconcile`: takes the list of the keys that the integration uses, and says how they stand
//! to those held here.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app::App;
use crate::config::CustodyMode;
use crate::store::Draft;
use crate::task::BadLines;
use crate::task::Listing;
use crate::task::Reconciler;
use crate::task::listing::NAMED;
use crate::task::reconcile::{Compared, Push};
use crate::telemetry::Metrics;

use super::import::lines::{Line, Lines};
use super::output;

/// The exit code when the list is refused.
const REFUSED: u8 = 3;
/// The exit code when not all keys are the same on both sides.
const NOT_THE_SAME: u8 = 4;

/// What to compare, and how it is told.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// CSV with the header `ref,fingerprint`, or JSON Lines with these two fields: every key that the
    /// integration uses. `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Say what would come of it and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Name at most so many tenants of each outcome.
    #[arg(long, value_name = "COUNT", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(..=1000))]
    examples: u16,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the comparison key to a new file that only its owner can read, for the integration.
    ///
    /// With it the integration computes the fingerprints of its keys: HMAC-SHA-256 of the key's text
    /// under these 32 bytes, in lower-case hexadecimal digits. It is always the same for this
    /// database, whatever is rotated, and opens nothing: whoever has it can only check guesses.
    Key {
        /// The file; an existing one is never overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Runs the command on an open store.
pub async fn run(options: &Options, app: App) -> anyhow::Result<ExitCode> {
    let done = match &options.command {
        Some(Command::Key { out }) => key(&app, out).await,
        None => reconcile(options, &app).await,
    };
    app.store.close().await?;
    done
}

async fn key(app: &App, out: &Path) -> anyhow::Result<ExitCode> {
    if app.store.keyring().await?.is_empty() {
        bail!("there is no keyring yet: the first tenant that is added makes one");
    }
    app.store.chain(Draft::of("comparison_key.written")).await?;
    app.keyring().await?.held().comparison_key().write_new_file(out)?;
    output::line(&format!(
        "wrote the comparison key to {}\nGive it to the integration, which computes by it the \
         fingerprint of each key that it uses: HMAC-SHA-256, see docs/CUSTODY.md. Then delete the \
         file; it can be written again at any time.",
        out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn reconcile(options: &Options, app: &App) -> anyhow::Result<ExitCode> {
    if app.config.custody.mode != CustodyMode::Mirror {
        bail!(
            "`custody.mode` is not `mirror`: the keys held here are not copies of the integration's, \
             and there is nothing to compare them with"
        );
    }
    let path = options.file.as_deref().context("name a file, or `-` for standard input")?;
    let source = open(path)?;
    let keyring = app.keyring().await?;
    let settler = app.settler(Metrics::new()?, std::sync::Arc::default());
    let by = Reconciler {
        store: &app.store,
        keyring: &keyring,
        settler: &settler,
        provider: &app.profile().name,
        clock: std::sync::Arc::clone(&app.clock),
    };
    let push = by.begin().await?;
    let read = read(&push, Lines::of(source)).await;
    let (keys, bad) = match read {
        Ok(read) => read,
        Err(error) => {
            push.drop().await?;
            return Err(error.context("nothing was changed"));
        }
    };
    if bad.lines > 0 || keys == 0 {
        push.drop().await?;
        if bad.lines == 0 {
            bail!("there is no key on the list: an empty one is taken for a mistake");
        }
        refuse(options, &bad)?;
        return Ok(ExitCode::from(REFUSED));
    }
    let examples = usize::from(options.examples);
    let compared = if options.dry_run {
        push.rehearse(examples).await?
    } else {
        push.finish(examples).await?
    };
    if options.json {
        output::document(&document(options, keys, &compared))?;
    } else {
        say(options, keys, &compared)?;
    }
    let outcomes = &compared.outcomes;
    let all_same = outcomes.differs + outcomes.only_here + outcomes.only_there == 0;
    let clean = all_same && compared.unopened.is_empty();
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(NOT_THE_SAME) })
}

/// Puts all lines on the list; how many keys that were, and what was wrong.
async fn read(push: &Push<'_>, mut lines: Lines<File>) -> anyhow::Result<(u64, BadLines)> {
    let mut listing = Listing::to(push);
    while let Some((number, line)) = lines.next().context("the file cannot be read")? {
        let line = match line {
            Line::TooLong => None,
            Line::Whole(line) => Some(line),
        };
        listing.line(number, line).await?;
    }
    Ok(listing.end().await?)
}

fn refuse(options: &Options, bad: &BadLines) -> anyhow::Result<()> {
    if options.json {
        let lines: Vec<Value> = bad
            .named
            .iter()
            .map(|(number, why)| json!({"line": number, "reason": why.to_string()}))
            .collect();
        return output::document(&json!({"refused": true, "bad_lines": bad.lines, "lines": lines}));
    }
    let lines = output::many(i64::try_from(bad.lines)?, "line");
    output::hint(&format!("the list is refused and nothing was changed: {lines} cannot be used"))?;
    for (number, why) in &bad.named {
        output::hint(&format!("line {number}: {why}"))?;
    }
    let rest = bad.lines - bad.named.len() as u64;
    if rest > 0 { output::hint(&format!("and {rest} more")) } else { Ok(()) }
}

fn document(options: &Options, keys: u64, compared: &Compared) -> Value {
    let Compared { outcomes, examples, newly_out, in_step_again, younger, unopened } = compared;
    let unopened: Vec<&str> = unopened.iter().map(|(reference, _)| reference.as_str()).collect();
    json!({
        "refused": false,
        "dry_run": options.dry_run,
        "keys": keys,
        "same": outcomes.same,
        "differs": outcomes.differs,
        "only_here": outcomes.only_here,
        "only_there": outcomes.only_there,
        "examples": {
            "differs": examples.differs,
            "only_here": examples.only_here,
            "only_there": examples.only_there,
        },
        "newly_out_of_step": newly_out,
        "in_step_again": in_step_again,
        "younger": younger,
        "unopened": unopened,
    })
}

fn say(options: &Options, keys: u64, compared: &Compared) -> anyhow::Result<()> {
    let Compared { outcomes, examples, newly_out, in_step_again, younger, unopened } = compared;
    let keys = output::many(i64::try_from(keys)?, "key");
    if options.dry_run {
        output::line(&format!(
            "{keys} on the list; this is what it would say, nothing is changed"
        ))?;
    } else {
        output::line(&format!("{keys} on the list, which counts for a day"))?;
    }
    let meaning = [
        ("same", "", &Vec::new()),
        ("differs", "another key than the one held here; push the key", &examples.differs),
        ("only here", "not on the list", &examples.only_here),
        ("only there", "no key held here: nobody watches it", &examples.only_there),
    ];
    for ((word, means, some), (_, count)) in meaning.into_iter().zip(outcomes.named()) {
        let of = if count > 0 && !means.is_empty() { format!("   {means}") } else { String::new() };
        output::line(&format!("{word:<11} {count:>8}{of}"))?;
        for reference in some {
            output::line(&format!("{:>23}{}", "", output::printable(reference)))?;
        }
        let rest = count.saturating_sub(some.len() as u64);
        if rest > 0 && !some.is_empty() {
            output::line(&format!("{:>23}and {rest} more", ""))?;
        }
    }
    if !options.dry_run && newly_out + in_step_again > 0 {
        output::line(&format!("now out of step: {newly_out}; in step again: {in_step_again}"))?;
    }
    if *younger > 0 {
        output::hint(&format!("note: {younger} keys were taken meanwhile and not compared"))?;
    }
    for (reference, why) in unopened.iter().take(NAMED) {
        output::hint(&format!("the key of {reference} does not open: {why}"))?;
    }
    Ok(())
}

/// The file, or standard input.
fn open(path: &Path) -> anyhow::Result<File> {
    if path != Path::new("-") {
        return File::open(path).with_context(|| format!("{} cannot be read", path.display()));
    }
    let stdin = io::stdin();
    if stdin.is_terminal() {
        bail!("standard input is a terminal: name a file, or pipe one in");
    }
    let owned = stdin.as_fd().try_clone_to_owned().context("standard input cannot be used")?;
    Ok(File::from(owned))
}
