//! `keypulse keyring`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use crate::app::{self, Access, App};
use crate::clock::SystemClock;
use crate::shutdown::Shutdown;
use crate::store::Removal;
use crate::task::KeyringSource;
use crate::task::rotate::{self, Beginning, Inventory, Rotated, Wish};
use crate::vault::{KeyId, KeyStatus, MasterKey, Role};

use super::{actor, output};

/// What to do with the keyring.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a master key in a new file that only its owner can read.
    New {
        /// The file; an existing one is never overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show which keys the keyring holds and what is sealed with each, never the keys.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Seal every tenant's key anew with a new data key, beside running daemons.
    ///
    /// The former data key is retired: it seals nothing new and still opens what is sealed with it,
    /// so nothing stops working meanwhile. The command may be interrupted or killed at any moment
    /// and run again. While an earlier rotation is unfinished it makes no further data key: it
    /// goes on where that one stopped. Fingerprints and the keys of links and of the audit trail do
    /// not change.
    Rotate {
        /// Make another data key even though an earlier rotation is unfinished, as when a damaged
        /// key keeps it from ever being finished.
        #[arg(long)]
        another: bool,
        /// As one JSON document at the end.
        #[arg(long)]
        json: bool,
    },
    /// Remove a retired data key for good; refused while any tenant's key is sealed with it.
    ///
    /// After that nobody can open what was sealed with it, in whatever copy of a row it still lies.
    /// A backup of the whole database holds the data key too, wrapped by the master key of its
    /// time: it stays readable for whoever has that (see `keyring rewrap`). There is no way back.
    Retire {
        /// The number of the data key, as `keyring status` shows it.
        #[arg(long, value_name = "N")]
        key_id: u32,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
    },
    /// Exchange the master key: have all keys of the keyring wrapped by another one, at once.
    ///
    /// Make that one first with `keyring new`. From then on the former master key opens only what
    /// was copied before. Name the new file in the configuration and restart every keypulse on this
    /// database: one that is running goes on with the keys it holds, but cannot follow a later
    /// rotation, nor one of the minute before: wait so long after `keyring rotate`.
    Rewrap {
        /// The file of the new master key.
        #[arg(long, value_name = "FILE")]
        new_master_key_file: PathBuf,
    },
}

/// Makes a master key, shows or changes the keyring.
pub async fn run(command: &Command, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Command::New { out } = command {
        return make(out);
    }
    let config = super::load(file)?;
    super::quiet_log(&config)?;
    let clock = Arc::new(SystemClock::default());
    let app = App::open(config, Access::Look, clock).await?.acting_as(actor::command());
    // Before anything is said about rows: a missing master key is the first thing to mend.
    let master = app::master_key(&app.config)?.id();
    if app.store.keyring().await?.is_empty() {
        bail!("there is no keyring yet: the first tenant that is added makes one");
    }
    let keys = app.keyring().await?;
    let code = match command {
        Command::New { .. } => ExitCode::SUCCESS,
        Command::Status { json } => status(&keys, &master, *json).await?,
        Command::Rotate { another, json } => rotate(&app, &keys, *another, *json).await?,
        Command::Retire { key_id, yes } => retire(&keys, KeyId(*key_id), *yes).await?,
        Command::Rewrap { new_master_key_file } => {
            rewrap(&keys, &master, new_master_key_file).await?
        }
    };
    app.store.close().await?;
    Ok(code)
}

fn make(out: &Path) -> anyhow::Result<ExitCode> {
    let master = MasterKey::generate()?;
    master.write_new_file(out)?;
    output::line(&format!(
        "made master key {} in {}\n\
         Keep a copy of it apart from the database: without it no sealed key can be \
         opened again, by anybody.\n\
         Name it in the configuration: keyring.master_key_file = \"{}\"",
        master.id(),
        out.display(),
        out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn status(keys: &KeyringSource, master: &str, json: bool) -> anyhow::Result<ExitCode> {
    let inventory = Inventory::of(keys).await?;
    let sealing = inventory.status.sealing;
    let sealed = |key: &KeyStatus| (key.role == Role::Seal).then(|| inventory.sealed_with(key.id));
    if json {
        let held: Vec<_> = inventory
            .status
            .keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id.0,
                    "role": key.role.name(),
                    "created_at": key.created_at,
                    "retired_at": key.retired_at,
                    "sealing": key.id == sealing,
                    "tenant_keys": sealed(key),
                })
            })
            .collect();
        let unfinished = inventory.left() > 0;
        output::document(&json!({
            "master_key": master,
            "keys": held,
            "rotation": {"unfinished": unfinished, "left": inventory.left()},
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("master key {master}"))?;
    for key in &inventory.status.keys {
        let state = match key.retired_at {
            Some(at) => format!("retired {}", output::moment(Some(at))),
            None if key.id == sealing => "seals".to_owned(),
            None => "in use".to_owned(),
        };
        let count = sealed(key).map(|keys| format!("; {}", of_tenants(keys))).unwrap_or_default();
        output::line(&format!(
            "key {:<4} {:<12} made {}  {state}{count}",
            key.id.0,
            key.role.name(),
            output::moment(Some(key.created_at)),
        ))?;
    }
    let missing = |id: &KeyId| !inventory.status.keys.iter().any(|key| key.id == *id);
    for (id, keys) in inventory.sealed.iter().filter(|(id, _)| missing(id)) {
        let keys = of_tenants(*keys);
        output::line(&format!("key {id:<4} is not in this keyring; {keys}"))?;
    }
    let retired: Vec<_> =
        inventory.status.keys.iter().filter(|key| key.retired_at.is_some()).collect();
    if inventory.left() > 0 {
        output::line(&format!(
            "a rotation is unfinished: {} not sealed with data key {sealing}; run `keypulse \
             keyring rotate` to go on with it",
            of_tenants(inventory.left())
        ))?;
    } else if let Some(key) = retired.first() {
        output::line(&format!(
            "nothing is sealed with data key {id}; `keypulse keyring retire --key-id {id}` removes \
             it for good",
            id = key.id
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(
    app: &App,
    keys: &KeyringSource,
    another: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be listened for")?;
    let shown = io::stderr().is_terminal();
    let wish = Wish { provider: &app.profile().name, another, now: app.clock.now() };
    let rotated = rotate::rotate(keys, wish, &shutdown, |done, total| {
        if shown {
            output::progress(&format!(
                "sealed anew {done} of {total} ({} %)",
                percent(done, total)
            ));
        }
    })
    .await;
    if shown {
        output::progress("\n");
    }
    let rotated =
        rotated.context("the rotation is unfinished, and nothing is lost: run it again")?;
    if json {
        as_json(&rotated)?;
    } else {
        as_text(&rotated)?;
    }
    let done = rotated.left == 0 && !rotated.interrupted;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(rotated: &Rotated) -> anyhow::Result<()> {
    let unopened: Vec<_> = rotated
        .unopened
        .iter()
        .map(|(tenant, why)| json!({"tenant_id": tenant.to_string(), "why": why}))
        .collect();
    output::document(&json!({
        "key_id": rotated.key.0,
        "resumed": rotated.beginning == Beginning::Resumed,
        "resealed": rotated.resealed,
        "left": rotated.left,
        "unopened": unopened,
        "interrupted": rotated.interrupted,
    }))
}

fn as_text(rotated: &Rotated) -> anyhow::Result<()> {
    let key = rotated.key;
    output::line(&match rotated.beginning {
        Beginning::New => format!("data key {key} seals now; the former one is retired"),
        Beginning::Resumed => format!(
            "no new data key was made: a rotation to data key {key} had begun before, and this \
             went on with it"
        ),
    })?;
    output::line(&format!("sealed anew: {}", of_tenants(rotated.resealed)))?;
    if rotated.left == 0 {
        return output::line(
            "nothing is sealed with another data key; `keypulse keyring status` shows those that \
             can be removed",
        );
    }
    for (tenant, why) in &rotated.unopened {
        output::line(&format!("the key of tenant id {tenant} was left as it is: {why}"))?;
    }
    let left = of_tenants(rotated.left);
    output::line(&if rotated.interrupted {
        format!("interrupted; still sealed with another data key: {left}. Run it again to go on")
    } else {
        format!(
            "still sealed with another data key: {left}. While it is so, `keyring rotate` goes on \
             with data key {key}; `--another` makes a further one all the same"
        )
    })
}

async fn retire(keys: &KeyringSource, id: KeyId, yes: bool) -> anyhow::Result<ExitCode> {
    // What would be refused is refused before anybody is asked; it is decided again on removal.
    let inventory = Inventory::of(keys).await?;
    let held = |key: &&KeyStatus| key.id == id && key.role == Role::Seal;
    let before = match inventory.status.keys.iter().find(held) {
        None => Some(Removal::Absent),
        Some(key) if key.retired_at.is_none() => Some(Removal::Sealing),
        Some(_) => Some(inventory.sealed_with(id)).filter(|n| *n > 0).map(Removal::InUse),
    };
    if let Some(refusal) = before {
        refused(refusal, id)?;
    }
    if !yes {
        confirm(id)?;
    }
    refused(rotate::retire(keys, id).await?, id)?;
    output::line(&format!(
        "removed data key {id}: what was sealed with it cannot be opened any more, but from a \
         backup of the whole database with the master key of its time"
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn refused(removal: Removal, id: KeyId) -> anyhow::Result<()> {
    match removal {
        Removal::Removed => Ok(()),
        Removal::Absent => bail!(
            "there is no sealing key {id}: `keypulse keyring status` shows those that there are"
        ),
        Removal::Sealing => {
            bail!("data key {id} seals: run `keypulse keyring rotate` first, which retires it")
        }
        Removal::InUse(keys) => bail!(
            "data key {id} is still needed, sealed with it: {}; run `keypulse keyring rotate` first",
            of_tenants(keys)
        ),
    }
}

fn confirm(id: KeyId) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("removing a data key is final: say `--yes` where nobody can be asked");
    }
    output::hint(&format!(
        "Removing data key {id} is final: nothing that was sealed with it can be opened again.\n\
         Type `remove {id}` to go on:"
    ))?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer cannot be read")?;
    if typed.trim() != format!("remove {id}") {
        bail!("nothing was removed");
    }
    Ok(())
}

async fn rewrap(keys: &KeyringSource, former: &str, file: &Path) -> anyhow::Result<ExitCode> {
    let next = MasterKey::read_file(file)?;
    if next.id() == former {
        bail!("{} holds the present master key: make another with `keyring new`", file.display());
    }
    rotate::rewrap(keys, &next).await?;
    output::line(&format!(
        "exchanged master key {former} for {next}: only {next} opens this database now\n\
         Name it in the configuration: keyring.master_key_file = \"{file}\"\n\
         Then restart every keypulse on this database: one that is running goes on with the keys \
         it holds, and cannot follow a later rotation.\n\
         Backups made before are opened by {former} only: keep it as long as you keep them, and \
         destroy it with them.",
        next = next.id(),
        file = file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn of_tenants(keys: u64) -> String {
    if keys == 1 { "1 tenant key".to_owned() } else { format!("{keys} tenant keys") }
}

fn percent(done: u64, total: u64) -> u64 {
    // More may be sealed anew than were counted at first.
    (done.saturating_mul(100)).checked_div(total).unwrap_or(100).min(100)
}
