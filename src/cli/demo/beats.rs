//! What both stories of the demo have in common: everybody is accepted, one key dies, one loses a
//! permission, the provider fails.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::sandbox::{Change as Happening, Fault, FaultKind};

use super::ledger::Mishap;
use super::stage::{LOST_SCOPE, Stage};

const OUTAGE: Duration = Duration::from_secs(8);

/// Whose key is deleted.
pub const REVOKED: u32 = 4;
/// Whose key loses a permission.
pub const LACKING: u32 = 9;

/// Everybody's key is accepted.
pub async fn everybody_connects(stage: &mut Stage) -> anyhow::Result<()> {
    let tenants = stage.world.tenants();
    stage.view.step(&format!(
        "{tenants} customers have given their keys; none counts as connected before the provider \
         has accepted its key"
    ))?;
    stage
        .until(|ledger| ledger.accepted() == tenants)
        .await
        .context("not every key was accepted")?;
    stage.breathe().await
}

/// One customer deletes its key, another takes a permission away.
pub async fn two_single_cases(stage: &mut Stage) -> anyhow::Result<()> {
    let (reference, name) = stage.tenant(REVOKED)?;
    stage.view.step(&format!(
        "{name} ({reference}) deletes its key: one refusal is not believed, only several over a \
         while"
    ))?;
    stage.begin(REVOKED, Mishap::Revoked)?;
    stage.until_found().await.context("the deleted key was not found")?;
    stage.breathe().await?;

    let (reference, name) = stage.tenant(LACKING)?;
    stage.view.step(&format!(
        "{name} ({reference}) takes the permission {LOST_SCOPE} away: the key still works, so \
         this is no dead key"
    ))?;
    stage.begin(LACKING, Mishap::Lacking)?;
    stage.until_found().await.context("the missing permission was not found")?;
    stage.breathe().await
}

/// The provider fails for everybody, and nobody is blamed until `after` is over.
pub async fn an_outage(stage: &mut Stage, after: Duration) -> anyhow::Result<()> {
    stage.view.step("the provider has an outage: every call is answered 503; nobody is blamed")?;
    stage.world.apply(Happening::Fault(Fault::new(FaultKind::Status(503))))?;
    let mut blamed = stage.watch_for(OUTAGE).await?;
    stage.world.apply(Happening::ClearFaults {})?;
    stage.view.step("the outage is over")?;
    blamed.extend(stage.watch_for(after).await?);
    match blamed.first() {
        Some(change) => bail!("{} was called {} during the outage", change.tenant, change.to),
        None => Ok(()),
    }
}
