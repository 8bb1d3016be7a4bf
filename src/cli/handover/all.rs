//! `keypulse handover --recipient age1…`: all live keys in one file that only the recipient can open.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tempfile::NamedTempFile;

use crate::app::App;
use crate::cli::output;
use crate::cli::recipient::ask;
use crate::given;
use crate::shutdown::Shutdown;
use crate::task::leave::{Left, Wish, leave};
use crate::vault::Recipient;

/// So many tenants whose keys do not open are named.
const NAMED: usize = 20;

/// To whom, why, and where.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keypulse handover --recipient age1… --reason \"moving to another machine\" --out keys.age\n  \
    age -d -i secret.txt keys.age | keypulse --config new.toml tenant import -")]
pub struct Everything {
    /// The public key that all keys are sealed to, for this time only; it need not be registered.
    #[arg(long, value_name = "age1…")]
    recipient: String,
    /// Why, in a few words.
    #[arg(long, value_name = "TEXT", value_parser = given::remark)]
    reason: String,
    /// A new file that only its owner can read; standard output where none is given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
}

/// Writes them.
pub async fn run(options: &Everything, app: &App) -> anyhow::Result<()> {
    let recipient = Recipient::parse(&options.recipient).context("`--recipient` cannot be used")?;
    let out = options.out.as_deref();
    match out {
        Some(path) if path.try_exists().unwrap_or(true) => {
            bail!("{} is there already: nothing is overwritten", path.display())
        }
        None if io::stdout().is_terminal() => {
            bail!("the file is no text for a terminal: name one with `--out FILE`, or pipe it on")
        }
        Some(_) | None => {}
    }
    let keys = app.store.count_kept_keys().await?;
    if !options.yes {
        ask(
            &format!(
                "{} will be written, sealed to\nfingerprint {}\nWhoever holds the secret key of it \
                 can read them all. Type `hand over {keys}` to go on:",
                output::many(i64::try_from(keys)?, "key"),
                recipient.fingerprint(),
            ),
            &format!("hand over {keys}"),
        )?;
    }
    let keyring = app.keyring().await?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let provider = &app.profile().name;
    let wish = Wish { provider, recipient: &recipient, reason: &options.reason };
    let terminal = io::stderr().is_terminal();
    let progress = |done: u64, of: u64| {
        if terminal {
            output::progress(&format!("{done} of {of} keys"));
        }
    };
    let left = if let Some(path) = out {
        let file = beside(path)?;
        let (file, left) = leave(&keyring, wish, BufWriter::new(file), &shutdown, progress).await?;
        keep(file.into_inner().context("the file could not be written")?, path)?;
        left
    } else {
        leave(&keyring, wish, io::stdout(), &shutdown, progress).await?.1
    };
    told(&left, out)
}

fn told(left: &Left, out: Option<&Path>) -> anyhow::Result<()> {
    let to = out.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    output::hint(&format!(
        "{} written to {to}, sealed; they stay in use here until keypulse is stopped",
        output::many(i64::try_from(left.written)?, "key")
    ))?;
    if left.unopened.is_empty() {
        return Ok(());
    }
    for (reference, why) in left.unopened.iter().take(NAMED) {
        output::hint(&format!("{}: {}", output::printable(reference), output::printable(why)))?;
    }
    bail!("{} keys do not open and are not in the file", left.unopened.len())
}

/// A file for its owner only, in the folder of the one that is wanted, gone unless it is kept.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    NamedTempFile::with_prefix_in(".keypulse-handover-", folder)
        .with_context(|| format!("{} cannot be made", path.display()))
}

/// Gives it its name, whole or not at all.
fn keep(file: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be written", path.display());
    file.as_file().sync_all().with_context(cannot)?;
    file.persist_noclobber(path).with_context(cannot)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
    }
    Ok(())
}
