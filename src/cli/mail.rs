//! `keypulse mail`: looks at the letters to customers before a customer does.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use crate::app;
use crate::app::letters::letters;
use crate::config::Config;
use crate::notify::letter::preview;
use crate::provider::Profile;

use super::output;

/// What to do with mails.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write every letter, in every language, into a folder: as a page, as plain text with the subject
    /// above it, and an index of all.
    Preview {
        /// A folder that is made where there is none.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print what was written as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Preview { out, json } => preview_all(config, out, *json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn preview_all(config: &Config, out: &Path, as_json: bool) -> anyhow::Result<()> {
    let words = app::words(config)?;
    let profile = Profile::load(&config.provider.profile)?;
    let letters = letters(config, &profile, &words)?;
    let mut index = String::from("<!doctype html><meta charset=\"utf-8\"><title>Mails</title>\n");
    let mut written = Vec::new();
    for language in words.languages() {
        let tongue = words.choose(Some(language), None);
        let place = out.join(language);
        fs::create_dir_all(&place).with_context(|| unwritable(&place))?;
        for preview in preview::all(&letters, &tongue)? {
            let (name, letter) = (&preview.name, &preview.letter);
            write(&place.join(format!("{name}.html")), &letter.html)?;
            let text = format!("{}\n\n{}", letter.subject, letter.text);
            write(&place.join(format!("{name}.txt")), &text)?;
            let page = format!("{language}/{name}.html");
            let subject = escaped(&letter.subject);
            writeln!(
                index,
                "<p>{language}: {name}: <a href=\"{page}\">{subject}</a> (<a \
                 href=\"{language}/{name}.txt\">text</a>)</p>"
            )?;
            written.push(json!({
                "letter": name,
                "language": language,
                "subject": letter.subject,
                "html": page,
                "text": format!("{language}/{name}.txt"),
            }));
        }
    }
    let path = out.join("index.html");
    write(&path, &index)?;
    if as_json {
        return output::document(&json!({ "out": out, "letters": written }));
    }
    let (count, path) = (written.len(), path.display());
    output::line(&format!("wrote {count} letters; open {path}"))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| unwritable(path))
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// A product may be called `R&D`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
