//! `keypulse mail preview`: every letter, before a customer gets one.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::app;
use crate::app::letters::letters;
use crate::cli::output;
use crate::config::Config;
use crate::notify::letter::preview;
use crate::provider::Profile;

/// Writes all letters into a folder.
pub fn run(config: &Config, out: &Path, as_json: bool) -> anyhow::Result<()> {
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
