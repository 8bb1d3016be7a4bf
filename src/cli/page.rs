//! `keypulse page`: looks at the customers' pages before a customer does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::app::{self, pages};
use crate::config::Config;
use crate::http::public::{preview, templates};
use crate::provider::Profile;

use super::output;

/// What to do with the pages.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write every page, in every language, into a folder, to be looked at in a browser.
    Preview {
        /// A folder that is made where there is none.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Write the built-in templates into a folder, to be changed there and named in
    /// `pages.templates_dir`.
    Templates {
        /// A folder that is made where there is none. What stands there already is not overwritten.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Runs the command.
pub fn run(command: &Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Preview { out } => preview_all(config, out)?,
        Command::Templates { out } => {
            folder(out)?;
            for (name, text) in templates::BUILT_IN {
                let path = out.join(name);
                if path.exists() {
                    bail!("{} is there already, and was left as it is", path.display());
                }
                fs::write(&path, text).with_context(|| unwritable(&path))?;
            }
            output::line(&format!(
                "wrote {} templates; keep those that you change, remove the others, and name the \
                 folder in `pages.templates_dir`",
                templates::BUILT_IN.len()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn preview_all(config: &Config, out: &Path) -> anyhow::Result<()> {
    let words = app::words(config)?;
    let profile = Profile::load(&config.provider.profile)?;
    let pages = pages::pages(config, &profile, &words)?;
    let mut index = String::from("<!doctype html><meta charset=\"utf-8\"><title>Pages</title>\n");
    let mut written = 0;
    for language in words.languages() {
        let tongue = words.choose(Some(language), None);
        let place = out.join(language);
        folder(&place)?;
        for preview in preview::all(&pages, &tongue)? {
            let path = place.join(format!("{}.html", preview.name));
            fs::write(&path, &preview.html).with_context(|| unwritable(&path))?;
            let name = &preview.name;
            let line =
                format!("<p><a href=\"{language}/{name}.html\">{language}: {name}</a></p>\n");
            index.push_str(&line);
            written += 1;
        }
    }
    let path = out.join("index.html");
    fs::write(&path, index).with_context(|| unwritable(&path))?;
    output::line(&format!("wrote {written} pages; open {}", path.display()))?;
    Ok(())
}

fn folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| unwritable(path))
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
