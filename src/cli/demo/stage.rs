//! The demo's stage: the made-up provider, what the daemon says, and who looks on. It waits and
//! keeps the ledger; what happens is told by the stories.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::sandbox::{Change as Happening, Company, InstallationStatus, Scope, World};
use crate::store::Store;
use crate::task::Change;

use super::ledger::{Ledger, Mishap};
use super::view::{Summary, View};

/// Longer than any step takes on a slow machine; a step that is not over by then has failed.
const PATIENCE: Duration = Duration::from_secs(40);
/// So that an eye can follow.
const BREATH: Duration = Duration::from_secs(2);
/// The permission that is taken away.
pub const LOST_SCOPE: &str = "users:read";

/// The stage, with the story that is being told.
pub struct Stage {
    /// The made-up provider.
    pub world: World,
    /// Who looks on.
    pub view: View,
    /// What was done and what was found.
    pub ledger: Ledger,
    store: Store,
    clock: Arc<dyn Clock>,
    changes: Receiver<Change>,
    budget: u32,
}

impl Stage {
    /// A stage on which nothing has happened yet. `budget` is in calls a minute.
    pub fn new(
        world: World,
        view: View,
        store: Store,
        clock: Arc<dyn Clock>,
        changes: Receiver<Change>,
        budget: u32,
    ) -> Self {
        Self { world, view, ledger: Ledger::default(), store, clock, changes, budget }
    }

    /// Ends the story that was told; `Ok(false)` if it did not come out as it must.
    pub async fn end(mut self, told: anyhow::Result<()>) -> anyhow::Result<bool> {
        let told = match told {
            Ok(()) => self.check().await,
            failed => failed,
        };
        if let Err(error) = &told {
            self.view.step(&format!("the story went wrong: {error:#}"))?;
        }
        let counts = self.world.counts();
        let summary = Summary {
            as_told: told.is_ok(),
            calls: counts.total,
            busiest: counts.busiest_60s.at_most,
            budget: self.budget,
            tenants: self.store.count_by_status().await?,
            messages: self.store.count_messages().await?,
        };
        self.view.end(&summary, &self.ledger)?;
        Ok(told.is_ok())
    }

    /// What must hold at the end of every story.
    async fn check(&self) -> anyhow::Result<()> {
        if let [alarm, ..] = self.ledger.false_alarms() {
            bail!("{alarm}, which is not what had happened");
        }
        if let [missing, ..] = self.ledger.missing()[..] {
            bail!("what happened to {missing} was not found");
        }
        let busiest = self.world.counts().busiest_60s.at_least;
        if busiest > u64::from(self.budget) {
            bail!("{busiest} calls were made in a minute, and {} are allowed", self.budget);
        }
        let (told, mended) = self.ledger.in_need();
        let messages = self.store.count_messages().await?;
        let owed = |stage: &str| -> i64 {
            let of = messages.iter().filter(|one| one.audience == "customer" && one.stage == stage);
            of.map(|one| one.messages).sum()
        };
        for (stage, wanted) in [("first", told), ("resolved", mended)] {
            if owed(stage) != i64::try_from(wanted)? {
                bail!("{} messages `{stage}` are owed to customers, not {wanted}", owed(stage));
            }
        }
        Ok(())
    }

    /// Has something happen to a customer.
    pub fn begin(&mut self, number: u32, mishap: Mishap) -> anyhow::Result<()> {
        let (reference, _) = self.tenant(number)?;
        let happening = match mishap {
            Mishap::Revoked => Some(Happening::Revoke { tenant: number }),
            Mishap::Replaced => Some(Happening::Rotate { tenant: number }),
            Mishap::Expired => Some(Happening::Expire { tenant: number }),
            Mishap::Lacking => {
                Some(Happening::RemoveScope { tenant: number, scope: Scope::parse(LOST_SCOPE)? })
            }
            Mishap::Foreign => {
                Some(Happening::MoveCompany { tenant: number, to: Company::Number(number + 1) })
            }
            Mishap::Disconnected => Some(installation(number, InstallationStatus::Inactive)),
            // A fault of the provider, which the story begins.
            Mishap::Unanswered => None,
        };
        self.ledger.begin(reference, mishap, self.clock.now());
        if let Some(happening) = happening {
            self.world.apply(happening)?;
        }
        Ok(())
    }

    /// Has the customer mend it, where that takes no new key.
    pub fn mend(&self, number: u32, mishap: Mishap) -> anyhow::Result<()> {
        let happening = match mishap {
            Mishap::Revoked | Mishap::Expired => Happening::Restore { tenant: number },
            Mishap::Lacking => {
                Happening::AddScope { tenant: number, scope: Scope::parse(LOST_SCOPE)? }
            }
            Mishap::Disconnected => installation(number, InstallationStatus::Activated),
            Mishap::Replaced | Mishap::Foreign | Mishap::Unanswered => return Ok(()),
        };
        self.world.apply(happening)?;
        Ok(())
    }

    /// Waits until the ledger says so, showing each change that comes.
    pub async fn until(&mut self, reached: impl Fn(&Ledger) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !reached(&self.ledger) {
            if self.next(deadline).await?.is_none() {
                bail!("it did not happen within {} seconds", PATIENCE.as_secs());
            }
        }
        Ok(())
    }

    /// Waits until everything that happened is found.
    pub async fn until_found(&mut self) -> anyhow::Result<()> {
        let waited = self.until(|ledger| ledger.missing().is_empty()).await;
        waited.with_context(|| format!("not found: {}", self.ledger.missing().join(", ")))
    }

    /// Waits until all that can be mended is seen to be.
    pub async fn until_mended(&mut self) -> anyhow::Result<()> {
        let waited = self.until(|ledger| ledger.unmended().is_empty()).await;
        waited.with_context(|| format!("not noticed of {}", self.ledger.unmended().join(", ")))
    }

    /// Shows and gives back all changes of so long a time.
    pub async fn watch_for(&mut self, time: Duration) -> anyhow::Result<Vec<Change>> {
        let deadline = Instant::now() + time;
        let mut seen = Vec::new();
        while let Some(change) = self.next(deadline).await? {
            seen.push(change);
        }
        Ok(seen)
    }

    /// Waits for a moment.
    pub async fn wait_until(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let left = (at - self.clock.now()).to_std().unwrap_or_default();
        self.watch_for(left).await.map(drop)
    }

    /// A pause.
    pub async fn breathe(&mut self) -> anyhow::Result<()> {
        self.watch_for(BREATH).await.map(drop)
    }

    /// A customer's reference and name.
    pub fn tenant(&self, number: u32) -> anyhow::Result<(String, String)> {
        let tenant = self.world.tenant(number).context("the sandbox has no such tenant")?;
        Ok((tenant.reference.to_string(), tenant.company_name))
    }

    /// The next change until then, shown and written into the ledger.
    async fn next(&mut self, deadline: Instant) -> anyhow::Result<Option<Change>> {
        loop {
            tokio::select! {
                () = sleep_until(deadline) => return Ok(None),
                () = self.view.tick() => self.view.draw(&self.ledger).await?,
                change = self.changes.recv() => match change {
                    Ok(change) => {
                        self.ledger.hear(&change);
                        self.view.change(&change)?;
                        return Ok(Some(change));
                    }
                    Err(RecvError::Lagged(missed)) => bail!("{missed} changes were missed"),
                    Err(RecvError::Closed) => bail!("the daemon stopped"),
                },
            }
        }
    }
}

fn installation(tenant: u32, status: InstallationStatus) -> Happening {
    Happening::Installation { tenant, status, error_code: None }
}
