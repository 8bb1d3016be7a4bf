//! `keypulse tenant import`: many tenants from one file, line by line. A bad line hinders no other,
//! and nothing that stands in the file is ever shown.

mod column;
pub mod lines;
mod parse;
mod refusal;
mod report;
mod row;
mod seen;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::App;
use crate::config::CustodyMode;
use crate::custody::Places;
use crate::store::Entry;
use crate::store::Fate;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::task::Copier;
use crate::task::Origin;
use crate::vault::Keyring;

use super::{output, secret_input};
use column::Texts;
use lines::{Line, Lines};
use parse::{Format, Parser};
use refusal::Refusal;
use report::Report;
use row::Lain;
use seen::Seen;

/// So many lines are taken in by one transaction.
const BATCH: usize = 200;
/// A database that is busy or away is tried again so often, after a pause.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// What to import, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// A file that only its owner can read; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How the lines are written; found out from the first one where it is not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Try everything and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write every refused line with its reason to a new file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The integration does not have these keys: hand each over once it is accepted.
    #[arg(long)]
    hand_over: bool,
    /// The result as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Imports the file. Fails where a line was refused; all others are taken in.
pub async fn run(options: &Options, app: &App) -> anyhow::Result<ExitCode> {
    if options.hand_over {
        super::tenant::no_hand_over(app)?;
    }
    let source = open(&options.file)?;
    let (keyring, store) = if options.dry_run {
        (app.keyring_to_rehearse().await?, app.store.clone())
    } else {
        let source = app.keyring().await?;
        (source.held(), source.audit(&app.store))
    };
    let mut import = Import {
        app,
        store,
        keyring,
        origin: if options.hand_over { Origin::Operator } else { Origin::Integration },
        copier: Copier::read(&app.store).await?,
        places: (app.config.custody.mode == CustodyMode::Reference).then(|| app.places()),
        rehearse: options.dry_run,
        seen: Seen::default(),
        batch: Vec::with_capacity(BATCH),
        refused: Vec::new(),
        report: Report::to(options.report.as_deref())?,
    };
    let progress = progress(&source);
    let ended = import.read(Lines::of(source), options.format, &progress).await;
    progress.finish_and_clear();
    import.report.finish()?;
    let report = &import.report;
    if let Err(error) = ended {
        let taken = report.added + report.updated + report.unchanged;
        return Err(error.context(format!(
            "the import stopped; {taken} tenants stand as their lines want them, and the same file \
             can be given again"
        )));
    }
    if options.json {
        output::document(&report.json(options.dry_run))?;
    } else {
        output::line(&report.text(options.dry_run))?;
        if report.added > 0 && !options.dry_run {
            output::hint(&format!(
                "new tenants are pending until {} accepts their keys: `keypulse run` asks",
                app.profile().title
            ))?;
        }
    }
    if report.unusual > 0 {
        output::hint(&format!(
            "note: {} Standalone keys begin unlike others of {}; they are tried all the same",
            report.unusual,
            app.profile().title
        ))?;
    }
    Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One run.
struct Import<'a> {
    app: &'a App,
    store: Store,
    keyring: Keyring,
    origin: Origin,
    copier: Copier,
    /// Where keys lie, if they are to go on lying there.
    places: Option<Places>,
    rehearse: bool,
    seen: Seen,
    batch: Vec<(u64, Entry)>,
    /// Lines of the same stretch that were refused: they are told in the order of the file.
    refused: Vec<(u64, Refusal)>,
    report: Report,
}

impl Import<'_> {
    async fn read(
        &mut self,
        mut lines: Lines<File>,
        format: Option<Format>,
        progress: &ProgressBar,
    ) -> anyhow::Result<()> {
        let unreadable = "the file cannot be read";
        let mut parser = None;
        while let Some((number, line)) = lines.next().context(unreadable)? {
            let Some(parser) = &mut parser else {
                let Line::Whole(line) = line else {
                    bail!("line {number} is longer than 64 KiB: it is no header and no tenant");
                };
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let (mut chosen, is_record) =
                    Parser::choose(line, format).with_context(|| format!("line {number}"))?;
                if is_record {
                    self.line(number, &Line::Whole(line), &mut chosen).await?;
                }
                parser = Some(chosen);
                continue;
            };
            self.line(number, &line, parser).await?;
            if self.batch.len() + self.refused.len() >= BATCH {
                self.save().await?;
                progress.set_position(lines.bytes());
            }
        }
        if parser.is_none() {
            bail!("there is nothing in the file");
        }
        self.save().await
    }

    async fn line(
        &mut self,
        number: u64,
        line: &Line<'_>,
        parser: &mut Parser,
    ) -> anyhow::Result<()> {
        let row = match line {
            Line::TooLong => Err(Refusal::TooLong),
            Line::Whole(line) => match parser.parse(line) {
                Ok(None) => return Ok(()),
                Ok(Some(texts)) => match self.lain(&texts).await {
                    Ok(lain) => row::read(&texts, self.app.profile(), lain),
                    Err(why) => Err(why),
                },
                Err(why) => Err(why),
            },
        };
        match row {
            Ok(row) => {
                let entry = self.app.entry(&self.keyring, row.request, |key| {
                    self.copier.hand_over(self.origin, key)
                })?;
                if let Some(why) = self.seen.again(number, &entry) {
                    self.refused.push((number, why));
                } else {
                    self.report.unusual += u64::from(row.unusual);
                    self.batch.push((number, entry));
                }
            }
            Err(why) => self.refused.push((number, why)),
        }
        Ok(())
    }

    /// The key of a line, read where it is going to lie; `None` where it is not.
    async fn lain(&self, texts: &Texts<'_>) -> Result<Option<Lain>, Refusal> {
        let Some(places) = &self.places else { return Ok(None) };
        let at = row::place(texts)?;
        let lying = places.read(&at).await.map_err(|why| row::unread(&why))?;
        Ok(Some(Lain { at, text: lying.text }))
    }

    /// Takes in what was read since the last time, in one transaction.
    async fn save(&mut self) -> anyhow::Result<()> {
        let (numbers, entries): (Vec<u64>, Vec<Entry>) = self.batch.drain(..).unzip();
        let fates = self.take_in(&entries).await?;
        for (number, fate) in numbers.into_iter().zip(fates) {
            match Refusal::of(fate) {
                Some(why) => self.refused.push((number, why)),
                None => self.report.take(fate),
            }
        }
        self.refused.sort_by_key(|(number, _)| *number);
        for (number, why) in self.refused.drain(..) {
            self.report.refuse(number, &why)?;
        }
        Ok(())
    }

    async fn take_in(&self, entries: &[Entry]) -> Result<Vec<Fate>, StoreError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut tries = 1;
        loop {
            let now = self.app.clock.now();
            match bounded(self.store.take_in(entries, now, self.rehearse)).await {
                // What was rolled back can be done again.
                Err(error) if error.is_passing() && tries < TRIES => {
                    tracing::warn!("{error}; it is tried again");
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    }
}

/// The file, or standard input without a buffer that could not be overwritten.
fn open(path: &Path) -> anyhow::Result<File> {
    if path != Path::new("-") {
        return secret_input::open_private(path);
    }
    let stdin = io::stdin();
    if stdin.is_terminal() {
        bail!("standard input is a terminal: name a file, or pipe one in");
    }
    let owned = stdin.as_fd().try_clone_to_owned().context("standard input cannot be used")?;
    Ok(File::from(owned))
}

/// How far the file is read, drawn on a terminal only.
fn progress(source: &File) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let length = source.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "{wide_bar} {bytes} of {total_bytes}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} read"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
