//! `keypulse words check`: for whoever writes texts in a further language, or in the place of those
//! that are built in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::words::{Review, Words};

use super::output;

/// The exit code when something is named.
const INCOMPLETE: u8 = 3;

/// What to do with the texts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Name what the texts in a folder lack or have too much, by language and file.
    #[command(
        after_help = "A text that is lacking is shown in the built-in words of that language, or \
        else in English; so is one that cannot be shown. Syntax that is wrong is an error here as it \
        is at the start of the daemon.\n\nExit codes: 0 nothing to name; 3 something is named; 1 the \
        folder cannot be used.\n\nExamples:\n  \
        keypulse words check --dir locales\n  \
        keypulse --config keypulse.toml words check --json"
    )]
    Check(Check),
}

/// Which texts.
#[derive(Debug, Args)]
pub struct Check {
    /// The folder, laid out as `<language>/*.ftl`; `words.dir` where it is not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
}

/// Reads the folder and says what it found.
pub fn run(command: &Command, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let Command::Check(Check { dir, json }) = command;
    let dir = match dir {
        Some(dir) => Some(dir.clone()),
        None => super::load(file)?.words.dir,
    };
    let reviews = dir.as_deref().map_or_else(|| Ok(Vec::new()), Words::review)?;
    let complete = reviews.iter().all(Review::is_complete);
    if *json {
        output::document(&json!({ "complete": complete, "languages": reviews }))?;
    } else if dir.is_none() {
        output::line(
            "there is no folder of texts: only the languages that are built in are there, and those \
             are complete. Name one with `--dir` or in `words.dir`",
        )?;
    } else if reviews.is_empty() {
        output::line("the folder holds no texts: they are expected in <language>/*.ftl")?;
    } else {
        for review in &reviews {
            say(review)?;
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn say(review: &Review) -> anyhow::Result<()> {
    if review.is_complete() {
        return output::line(&format!("{}: complete", review.language));
    }
    for file in &review.files {
        let place = format!("{}/{}", review.language, file.file);
        for id in &file.lacks {
            output::line(&format!("{place}: lacks `{id}`"))?;
        }
        for id in &file.extra {
            output::line(&format!("{place}: `{id}` is never shown; give it a name behind a `-`"))?;
        }
        for wrong in &file.wrong {
            output::line(&format!("{place}: `{}` {}", wrong.id, wrong.why))?;
        }
    }
    Ok(())
}
