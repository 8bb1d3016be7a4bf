//! Puts a backup in the place of a database. Everything is done to a copy that nobody else knows; the
//! finished copy takes the place in one step, so whoever is killed before has changed nothing.
//!
//! Long because one restoring is told here from its beginning to its end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::TimeDelta;
use tempfile::TempPath;

use crate::clock::Clock;
use crate::config::Config;
use crate::health::Action;
use crate::health::DisabledCause;
use crate::health::Status;
use crate::ids::TenantId;
use crate::provider::Profile;
use crate::redact::chain;
use crate::store::Actor;
use crate::store::BackupFacts;
use crate::store::Erased;
use crate::store::Instance;
use crate::store::Place;
use crate::store::Progress;
use crate::store::RestoredSettled;
use crate::store::Restoring;
use crate::store::Store;
use crate::store::Withdrawal;
use crate::store::Withdrawn;
use crate::store::WithdrawnFile;
use crate::store::hand_to_owner;
use crate::telemetry::Metrics;

use super::backup::{COPY, folder, unpack, with_ending};
use super::{App, only_one, place, withdrawn_file};

/// The clocks of two machines may differ by so much.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// What is there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Present {
    /// Nothing that would be lost.
    Nothing,
    /// A database in use.
    Database,
    /// Something that cannot be read, and why.
    Unreadable(String),
}

/// All that is needed to go on, with nothing changed so far.
#[derive(Debug)]
pub struct Prepared {
    /// What the backup says of itself.
    pub facts: BackupFacts,
    /// What is there before.
    pub present: Present,
    /// Where it is noted what must never come back; `None` where nobody noted it.
    pub noted: Option<PathBuf>,
    /// How many lines that has, and how many cannot be read; `None` where there is no such file.
    pub lines: Option<(usize, usize)>,
    name: String,
    place: Place,
    /// The copy, as an installation of its own.
    work: App,
    file: TempPath,
    /// The server's database, or the old file where it can be read.
    target: Option<Store>,
    // No daemon begins on the file while it is held.
    _instance: Option<Instance>,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What was changed in what was restored.
    pub settled: RestoredSettled,
    /// Tenants that were disabled again.
    pub disabled: u64,
    /// Tenants that were erased again.
    pub erased: u64,
    /// Tokens that were revoked again.
    pub tokens: u64,
    /// Where the old file is now.
    pub aside: Option<PathBuf>,
    /// What did not go as it should, in a sentence.
    pub remarks: Vec<String>,
}

/// Looks at everything that could be in the way, and makes the copy. `config` reads the configuration.
pub async fn prepare(
    config: impl Fn() -> anyhow::Result<Config>,
    backup: &Path,
    actor: Actor,
    machine: Arc<dyn Clock>,
) -> anyhow::Result<Prepared> {
    let own = config()?;
    let place = place(&own)?;
    super::master_key(&own)?;
    let instance = only_one(&place, machine.as_ref()).await?;
    let noted = withdrawn_file(&own, &place);
    let (target, present, near) = match &place {
        Place::File(database) => {
            // Nobody else is at it: the lock is held. The copy has to lie where the file really is.
            let real = database.canonicalize().unwrap_or_else(|_| database.clone());
            clear(folder(&real));
            let (target, present) = old_file(&place, database).await;
            (target, present, folder(&real).to_owned())
        }
        Place::Server(_) => {
            let target = Store::open(&place).await?;
            nobody_else(&target).await?;
            let steps = target.schema().await?;
            if steps.iter().all(|step| !step.applied) {
                target.migrate_up().await?;
            }
            target.check_schema().await?;
            if let Some(step) = target.further_steps().await?.first() {
                bail!(
                    "the database has the step {} of a newer keypulse: restore with that",
                    step.name
                );
            }
            let empty = target.is_empty().await?;
            let present = if empty { Present::Nothing } else { Present::Database };
            (Some(target), present, folder(backup).to_owned())
        }
    };
    let clock = match &target {
        Some(target) => {
            let profile = Arc::new(Profile::load(&own.provider.profile)?);
            let target = App::on(config()?, profile, target.clone(), Arc::clone(&machine)).await;
            target.map_or(machine, |target| target.clock)
        }
        None => machine,
    };
    let file = unpack(backup, &near)?;
    let store = Store::open_existing(&Place::File(file.to_path_buf())).await?;
    let Some(facts) = store.take_backup_facts().await? else {
        bail!("{} is no backup: it does not say what it is", backup.display());
    };
    if let Some(step) = store.further_steps().await?.last() {
        bail!(
            "{} is of keypulse {}, with the step {} of the schema that this version, {}, does \
             not know: restore it with that version or a later one",
            backup.display(),
            step.brought_by.as_ref().unwrap_or(&facts.version),
            step.name,
            env!("CARGO_PKG_VERSION")
        );
    }
    store.migrate_up().await?;
    let profile = Arc::new(Profile::load(&own.provider.profile)?);
    let work = App::on(own, profile, store, clock).await?.acting_as(actor);
    let work = work.audited().await.context("nothing was changed")?;
    // Whoever was asked before would count as asked since.
    let now = work.clock.now();
    if facts.made_at > now + SKEW {
        bail!(
            "the backup was made at {} and it is {now} here: set the clock right first, or nobody \
             knows who was asked since",
            facts.made_at
        );
    }
    let lines = match &noted {
        Some(path) => {
            WithdrawnFile::read(path)?.map(|file| (file.withdrawals.len(), file.unreadable))
        }
        None => None,
    };
    let name = backup.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let target = target.map(|target| target.noting_withdrawals(noted.clone()));
    Ok(Prepared {
        facts,
        present,
        noted,
        lines,
        name,
        place,
        work,
        file,
        target,
        _instance: instance,
    })
}

/// What is at the place of an SQLite file.
async fn old_file(place: &Place, database: &Path) -> (Option<Store>, Present) {
    if fs::metadata(database).is_ok_and(|file| file.len() == 0) || !database.exists() {
        return (None, Present::Nothing);
    }
    let looked = async {
        let store = Store::open_existing(place).await?;
        let empty = store.is_empty().await?;
        Ok::<_, crate::store::StoreError>((store, empty))
    };
    match looked.await {
        Ok((store, true)) => (Some(store), Present::Nothing),
        Ok((store, false)) => (Some(store), Present::Database),
        Err(error) => (None, Present::Unreadable(chain(&error))),
    }
}

/// On a server, a daemon is seen by its sessions.
async fn nobody_else(target: &Store) -> anyhow::Result<()> {
    match target.others().await? {
        Some(others) if others.sessions > 0 => bail!(
            "another keypulse is connected with this database ({} session(s){}): stop every daemon \
             on every machine first",
            others.sessions,
            others.since.map_or_else(String::new, |at| format!(", since {at}"))
        ),
        _ => Ok(()),
    }
}

impl Prepared {
    /// Whether something would be lost that is there now.
    pub fn must_replace(&self) -> bool {
        self.present != Present::Nothing
    }

    /// Does it.
    pub async fn carry_out(self, progress: Progress<'_>) -> anyhow::Result<Done> {
        let now = self.work.clock.now().max(self.facts.made_at);
        let mut done = Done::default();
        let (mut budgets, mut withdrawn) = (Vec::new(), Vec::new());
        if let Some(target) = &self.target {
            // What it knows of, whether any file does or not.
            let known = async {
                Ok::<_, crate::store::StoreError>((
                    target.known_withdrawals().await?,
                    target.budgets().await?,
                ))
            };
            match known.await {
                Ok((lines, found)) => (withdrawn, budgets) = (lines, found),
                Err(error) if self.present == Present::Database => bail!(
                    "what the present database knows to be withdrawn cannot be read, so a restored one \
                     could bring it back; nothing was changed: {}",
                    chain(&error)
                ),
                Err(_) => {}
            }
            if let Err(error) = target.complete_withdrawals().await {
                done.remarks.push(format!(
                    "what the database knew to be withdrawn could not be added to the file: {}",
                    chain(&error)
                ));
            }
        }
        let store = &self.work.store;
        let from = Restoring {
            backup: self.name.clone(),
            made_at: self.facts.made_at,
            version: self.facts.version.clone(),
        };
        done.settled = store.settle_restored(&from, now).await?;
        if let Some(path) = &self.noted
            && let Some(file) = WithdrawnFile::read(path)?
        {
            withdrawn.extend(file.withdrawals);
        }
        self.withdraw_again(&withdrawn, &mut done).await?;
        store.keep_budgets(&budgets).await?;
        done.settled.to_ask = store.restored().await?.map_or(0, |restored| restored.to_ask);
        self.install(done, progress).await
    }

    /// Has never come back what must not.
    async fn withdraw_again(&self, all: &[Withdrawal], done: &mut Done) -> anyhow::Result<()> {
        let (store, now) = (&self.work.store, self.work.clock.now());
        let mut keys: BTreeMap<TenantId, Vec<&Withdrawal>> = BTreeMap::new();
        for one in all {
            match (one.what, one.tenant_id(), &one.token) {
                (Withdrawn::TokenRevoked, _, Some(token)) => {
                    done.tokens += u64::from(store.revoke_token(token, now).await? == Some(true));
                }
                (Withdrawn::Erased, Some(tenant), _) => {
                    store.confirm_deleted(tenant, now).await?;
                    let erased = store.erase_tenant(tenant, now).await?;
                    done.erased += u64::from(matches!(erased, Erased::Done { .. }));
                }
                (Withdrawn::Compromised | Withdrawn::Declined, Some(tenant), _) => {
                    keys.entry(tenant).or_default().push(one);
                    // The same key may be somebody else's in the backup.
                    if let Some(print) = one.fingerprint_bytes()
                        && let Some(bearer) = store.tenant_with(&print).await?
                        && bearer != tenant
                    {
                        keys.entry(bearer).or_default().push(one);
                    }
                }
                (_, _, _) => {}
            }
        }
        store.keep_tombstones(all).await?;
        let settler = self.work.settler(Metrics::new()?, Arc::default());
        for (tenant, lines) in keys {
            let Some(watched) = store.watched(&[tenant]).await?.pop() else { continue };
            let held = watched.health.generation.0;
            let own = tenant.to_string();
            let lines: Vec<_> = lines
                .into_iter()
                .filter(|one| {
                    let other = one.tenant.as_deref() != Some(&own);
                    other || one.generation.is_some_and(|generation| generation >= held)
                })
                .collect();
            let compromised = lines.iter().any(|one| one.what == Withdrawn::Compromised);
            let (action, cause) = match (lines.is_empty(), compromised) {
                (true, _) => continue,
                (false, true) => (Action::Compromise, DisabledCause::Compromised),
                (false, false) => (Action::Decline, DisabledCause::Declined),
            };
            let status = &watched.health.status;
            let already = *status == Status::Disabled(cause)
                || *status == Status::Disabled(DisabledCause::Compromised);
            if !already {
                let why = Some("it was so before the backup was restored");
                if settler.operate_because(tenant, action, why).await?.is_none() {
                    bail!("tenant {tenant} could not be disabled again: nothing was changed");
                }
                done.disabled += 1;
            }
            for line in lines.iter().filter(|one| one.tenant.as_deref() == Some(&own)) {
                if line.generation > Some(held) {
                    store.count_on_from(tenant, line).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts the finished copy in its place.
    async fn install(self, mut done: Done, progress: Progress<'_>) -> anyhow::Result<Done> {
        let Self { place, work, file, target, present, .. } = self;
        match &place {
            Place::File(database) => {
                work.store.close().await?;
                if let Some(target) = target
                    && let Err(error) = target.close().await
                {
                    done.remarks.push(format!("the old file is not tidy: {}", chain(&error)));
                }
                let database = database.canonicalize().unwrap_or_else(|_| database.clone());
                // Closed, it would have emptied its log.
                let log = fs::metadata(with_ending(&database, "-wal"));
                if present == Present::Database && log.is_ok_and(|log| log.len() > 0) {
                    bail!(
                        "somebody else has {} open, such as another command or a backup: wait for its \
                         end, and restore again; nothing was changed",
                        database.display()
                    );
                }
                let aside = (present != Present::Nothing).then(|| {
                    let now = work.clock.now().format("%Y%m%dT%H%M%SZ");
                    with_ending(&database, &format!(".before-restore-{now}"))
                });
                exchange(file, &database, aside.as_deref())
                    .with_context(|| format!("{} cannot be replaced", database.display()))?;
                done.aside = aside;
            }
            Place::Server(_) => {
                let target = target.context("the server's database is not open")?;
                let replace = present != Present::Nothing;
                target.refill(&work.store, replace, progress).await?;
                target.close().await?;
                work.store.close().await?;
                remove_logs(&file);
            }
        }
        Ok(done)
    }
}

/// Moves the copy to the place of the database, whose file stays under another name. What SQLite keeps
/// beside a file belongs to that file alone.
fn exchange(copy: TempPath, database: &Path, aside: Option<&Path>) -> io::Result<()> {
    File::open(&copy)?.sync_all()?;
    hand_to_owner(&copy);
    remove_logs(&copy);
    if let Some(aside) = aside {
        for ending in ["", "-wal", "-journal"] {
            let (from, to) = (with_ending(database, ending), with_ending(aside, ending));
            if from.exists() {
                // The first step that changes anything leaves the database where it is.
                fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(|_| ()))?;
            }
        }
    }
    remove_logs(database);
    copy.persist(database).map_err(|error| error.error)?;
    File::open(folder(database))?.sync_all()
}

/// Removes copies of those who were killed.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(COPY) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn remove_logs(database: &Path) {
    for ending in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(with_ending(database, ending));
    }
}
