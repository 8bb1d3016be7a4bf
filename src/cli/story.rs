//! The demo's story: what happens to the made-up fleet, and what must come of it.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::sandbox::{Change as Happening, Fault, FaultKind, Scope, World};
use crate::store::Store;
use crate::task::Change;

use super::view::{Summary, View};

/// Longer than any step takes on a slow machine; a step that is not over by then has failed.
const PATIENCE: Duration = Duration::from_secs(40);
/// So that an eye can follow.
const BREATH: Duration = Duration::from_secs(2);
const OUTAGE: Duration = Duration::from_secs(8);
/// Whoever was asked during the outage has been decided by then.
const AFTER_OUTAGE: Duration = Duration::from_secs(4);
/// Whose key is revoked.
const REVOKED: u32 = 4;
/// Whose key loses a permission.
const LACKING: u32 = 9;
const LOST_SCOPE: &str = "users:read";

/// The story, being told.
pub struct Story {
    world: World,
    store: Store,
    changes: Receiver<Change>,
    view: View,
}

impl Story {
    /// A story about this world, as the daemon tells of it through `changes`.
    pub fn new(world: World, store: Store, changes: Receiver<Change>, view: View) -> Self {
        Self { world, store, changes, view }
    }

    /// Tells all of it. `Ok(false)` if it did not come out as it must.
    pub async fn tell(mut self) -> anyhow::Result<bool> {
        let told = self.steps().await;
        let as_told = told.is_ok();
        if let Err(error) = &told {
            self.view.step(&format!("the story went wrong: {error:#}"))?;
        }
        let summary = Summary {
            as_told,
            calls: self.world.counts().total,
            tenants: self.store.count_by_status().await?,
            messages: self.store.count_messages().await?,
        };
        self.view.end(&summary)?;
        Ok(as_told)
    }

    async fn steps(&mut self) -> anyhow::Result<()> {
        let tenants = self.world.tenants();
        self.view.step(&format!(
            "{tenants} customers have given their keys; none counts as connected before the \
                 provider has accepted its key"
        ))?;
        let mut healthy = 0;
        self.until(|change| {
            healthy += u32::from(change.to == "healthy");
            healthy == tenants
        })
        .await
        .context("not every key was accepted")?;
        self.breathe().await?;

        let revoked = self.tenant(REVOKED)?;
        self.view.step(&format!(
            "{} ({}) deletes its key: one refusal is not believed, only several over a while",
            revoked.1, revoked.0
        ))?;
        self.world.apply(Happening::Revoke { tenant: REVOKED })?;
        self.until(|change| is(change, &revoked.0, "needs_reconnection", Some("rejected")))
            .await
            .context("the revoked key was not found")?;
        self.breathe().await?;

        let lacking = self.tenant(LACKING)?;
        self.view.step(&format!(
            "{} ({}) takes the permission {LOST_SCOPE} away: the key still works, so this is \
             no dead key",
            lacking.1, lacking.0
        ))?;
        let scope = Scope::parse(LOST_SCOPE)?;
        self.world.apply(Happening::RemoveScope { tenant: LACKING, scope })?;
        self.until(|change| is(change, &lacking.0, "needs_reconnection", Some("permission_lost")))
            .await
            .context("the missing permission was not found")?;
        self.breathe().await?;

        self.view
            .step("the provider has an outage: every call is answered 503; nobody is blamed")?;
        self.world.apply(Happening::Fault(Fault::new(FaultKind::Status(503))))?;
        let mut blamed = self.watch_for(OUTAGE).await?;
        self.world.apply(Happening::ClearFaults {})?;
        self.view.step("the outage is over")?;
        blamed.extend(self.watch_for(AFTER_OUTAGE).await?);
        if let Some(change) = blamed.first() {
            bail!("{} was called {} during the outage", change.tenant, change.to);
        }

        self.view.step("both customers mend it: a key is restored, the permission granted")?;
        self.world.apply(Happening::Restore { tenant: REVOKED })?;
        self.world.apply(Happening::AddScope { tenant: LACKING, scope })?;
        let mut back = Vec::new();
        self.until(|change| {
            if change.to == "healthy" && change.from == "needs_reconnection" {
                back.push(change.tenant.clone());
            }
            back.contains(&revoked.0) && back.contains(&lacking.0)
        })
        .await
        .context("a mended key was not noticed")?;
        self.breathe().await
    }

    /// Waits for a change, showing each that comes.
    async fn until(&mut self, mut reached: impl FnMut(&Change) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let change = tokio::select! {
                change = timeout_at(deadline, self.changes.recv()) => change,
                () = self.view.tick() => {
                    self.view.draw().await?;
                    continue;
                }
            };
            match change {
                Ok(Ok(change)) => {
                    self.view.change(&change)?;
                    if reached(&change) {
                        return Ok(());
                    }
                }
                Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) => bail!("the daemon stopped"),
                Err(_) => bail!("it did not happen within {} seconds", PATIENCE.as_secs()),
            }
        }
    }

    /// Shows and gives back all changes of so long a time.
    async fn watch_for(&mut self, time: Duration) -> anyhow::Result<Vec<Change>> {
        let deadline = Instant::now() + time;
        let mut seen = Vec::new();
        loop {
            tokio::select! {
                () = sleep_until(deadline) => return Ok(seen),
                () = self.view.tick() => self.view.draw().await?,
                change = self.changes.recv() => match change {
                    Ok(change) => {
                        self.view.change(&change)?;
                        seen.push(change);
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => {
                        sleep(time).await;
                        bail!("the daemon stopped");
                    }
                },
            }
        }
    }

    async fn breathe(&mut self) -> anyhow::Result<()> {
        self.watch_for(BREATH).await.map(drop)
    }

    fn tenant(&self, number: u32) -> anyhow::Result<(String, String)> {
        let tenant = self.world.tenant(number).context("the sandbox has no such tenant")?;
        Ok((tenant.reference.to_string(), tenant.company_name))
    }
}

fn is(change: &Change, tenant: &str, to: &str, cause: Option<&str>) -> bool {
    change.tenant == tenant && change.to == to && change.cause == cause
}
