//! `keypulse recipient`: whom accepted keys are sealed to on their way to the integration.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;
use zeroize::Zeroizing;

use crate::app::{Access, App};
use crate::store::RecipientRow;
use crate::task::handover::{SealedOwed, seal_owed};
use crate::vault::Recipient;

use super::output;
use crate::given;

/// More than this is no public key.
const MAX_BYTES: u64 = 4 * 1024;

/// What to do with recipients.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register the public key that accepted keys are sealed to, in place of the one before.
    ///
    /// Whatever is owed and was not acknowledged is sealed to it at once; copies that were sealed
    /// to the one before are destroyed. Whoever has the secret key can open what is sealed: make
    /// sure by another way than the file's that the fingerprint is theirs.
    #[command(after_help = "Examples:\n  \
        age-keygen -o secret.txt             (on the integration's side; the secret stays there)\n  \
        age-keygen -y secret.txt > public.txt\n  \
        keypulse recipient add public.txt --name erp-back-end")]
    Add {
        /// A file with one line that begins with `age1`; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What to call it, such as erp-back-end.
        #[arg(long, value_name = "NAME", value_parser = given::name)]
        name: String,
        /// Do not ask whether the fingerprint is right.
        #[arg(long)]
        yes: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show whom keys are sealed to. There is one at a time.
    List {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Seal keys to nobody any more, and destroy what was sealed and not acknowledged. It stays
    /// owed until somebody is registered again.
    Remove {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
    },
}

/// Only registering may make a database.
pub fn access(command: &Command) -> Access {
    match command {
        Command::Add { .. } => Access::Make,
        Command::List { .. } | Command::Remove { .. } => Access::Look,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Add { file, name, yes, json } => add(&app, file, name, *yes, *json).await,
        Command::List { json } => list(&app, *json).await,
        Command::Remove { name, yes } => remove(&app, name, *yes).await,
    };
    app.store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn add(app: &App, file: &Path, name: &str, yes: bool, json: bool) -> anyhow::Result<()> {
    let text = read(file)?;
    let recipient =
        Recipient::parse(&text).with_context(|| format!("{} cannot be used", named(file)))?;
    let before = app.store.recipient().await?;
    if !yes {
        confirm(file, name, &recipient, before.as_ref())?;
    }
    let keyring = app.keyring().await?;
    let row = RecipientRow {
        public_key: recipient.as_str().to_owned(),
        name: name.to_owned(),
        added_at: app.clock.now(),
    };
    keyring.audit(&app.store).set_recipient(&row).await?;
    let terminal = io::stderr().is_terminal();
    let done = seal_owed(&keyring, &app.profile().name, |sealed| {
        if terminal {
            output::progress(&format!("{sealed} owed keys sealed"));
        }
    });
    let SealedOwed { sealed, unopened } = done.await?;
    if json {
        output::document(&json!({
            "recipient": describe(&row), "sealed": sealed, "unopened": unopened.len(),
        }))?;
    } else {
        output::line(&format!(
            "accepted keys are sealed to {name} from now on\nfingerprint {}\n{} sealed that were \
             owed",
            recipient.fingerprint(),
            output::many(i64::try_from(sealed)?, "key")
        ))?;
    }
    if !unopened.is_empty() {
        bail!(
            "{} owed keys do not open and were not sealed: `keypulse doctor` looks at the keyring",
            unopened.len()
        );
    }
    Ok(())
}

async fn list(app: &App, json: bool) -> anyhow::Result<()> {
    let recipient = app.store.recipient().await?;
    if json {
        return output::document(&recipient.iter().map(describe).collect::<Vec<_>>());
    }
    let Some(row) = recipient else {
        return output::line(
            "nobody: keys that are to be handed over are owed and sealed to nobody; `keypulse \
             recipient add` registers somebody",
        );
    };
    for (name, value) in [
        ("name", output::printable(&row.name)),
        ("fingerprint", fingerprint(&row)),
        ("public key", output::printable(&row.public_key)),
        ("since", output::moment(Some(row.added_at))),
    ] {
        output::line(&format!("{name:<11} {value}"))?;
    }
    Ok(())
}

async fn remove(app: &App, name: &str, yes: bool) -> anyhow::Result<()> {
    if !yes {
        ask(
            &format!(
                "Keys that are owed can be fetched by nobody until somebody is registered again. \
                 Type `remove {}` to go on:",
                output::printable(name)
            ),
            &format!("remove {name}"),
        )?;
    }
    let store = app.keyring().await?.audit(&app.store);
    if !store.remove_recipient(name).await? {
        bail!("no recipient is called {}: see `keypulse recipient list`", output::printable(name));
    }
    output::line("removed: keys that are to be handed over are owed, and sealed to nobody")
}

/// As programs read it.
fn describe(row: &RecipientRow) -> serde_json::Value {
    json!({
        "name": row.name,
        "fingerprint": fingerprint(row),
        "public_key": row.public_key,
        "added_at": row.added_at,
    })
}

/// What is compared by voice.
fn fingerprint(row: &RecipientRow) -> String {
    Recipient::parse(&row.public_key).map_or_else(|why| why.to_string(), |one| one.fingerprint())
}

fn confirm(
    file: &Path,
    name: &str,
    recipient: &Recipient,
    before: Option<&RecipientRow>,
) -> anyhow::Result<()> {
    if file == Path::new("-") && !io::stdin().is_terminal() {
        bail!("the public key comes from standard input: say `--yes`, nobody can be asked");
    }
    let instead = match before {
        Some(before) if before.public_key != recipient.as_str() => format!(
            " Those sealed to {} and not acknowledged are destroyed and sealed anew.",
            output::printable(&before.name)
        ),
        Some(_) | None => String::new(),
    };
    ask(
        &format!(
            "fingerprint {}\nWhoever holds the secret key of it can read every key that is handed \
             over from now on.{instead}\nHave them read out: printf %s age1… | sha256sum\nType `{}` \
             if it begins with these digits:",
            recipient.fingerprint(),
            output::printable(name)
        ),
        name,
    )
}

/// Asks at a terminal, and does nothing without the answer.
pub fn ask(question: &str, answer: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nobody can be asked whether this is meant: say `--yes`");
    }
    output::hint(question)?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer cannot be read")?;
    if typed.trim() != answer.trim() {
        bail!("nothing was done");
    }
    Ok(())
}

fn named(file: &Path) -> String {
    if file == Path::new("-") {
        "what standard input gave".to_owned()
    } else {
        file.display().to_string()
    }
}

/// Overwritten when it is dropped: it may be a secret key by mistake.
fn read(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let cannot = || format!("{} cannot be read", named(file));
    if file == Path::new("-") {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            output::hint("The public key (age1…), then Enter:")?;
            let mut line = Zeroizing::new(String::with_capacity(usize::try_from(MAX_BYTES)?));
            stdin.read_line(&mut line).with_context(cannot)?;
            return Ok(line);
        }
        return bounded(stdin.lock()).with_context(cannot);
    }
    bounded(File::open(file).with_context(cannot)?).with_context(cannot)
}

fn bounded(source: impl Read) -> anyhow::Result<Zeroizing<String>> {
    // Room for all of it from the start, so that no copy is left behind by growing.
    let room = usize::try_from(MAX_BYTES + 1)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}
