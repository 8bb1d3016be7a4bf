//! The demo's full story: two hundred customers, told in two minutes, with shares of faults over the
//! fleet. Each fault says what must come of it.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use crate::sandbox::{Change as Happening, Fault, FaultKind, RetryAfter};

use super::beats::{self, LACKING, REVOKED};
use super::ledger::Mishap::{
    self, Disconnected, Expired, Foreign, Lacking, Replaced, Revoked, Unanswered,
};
use super::stage::Stage;

/// How many customers there are.
pub const TENANTS: u32 = 200;
/// Calls a minute.
pub const BUDGET: u32 = 6_000;
/// Minutes become seconds, so that the story fits into two.
pub const SETTINGS: &str = r#"[watch]
interval = "4s"

[policy]
span = "3s"
confirm_after = ["1s", "2s", "4s"]
alone_span = "20s"
wrong_company_span = "1s"
dead_interval = "5s"
unreachable_after = "20s"
flap_window = "1s"

[budget]
per_minute = 6000
"#;

/// Whose key has a date, which comes within the story: a Standalone one.
pub const EXPIRING: u32 = 75;
/// Who gets answers that come too slowly, and who gets none but errors: two in a hundred together.
const SLOW: [u32; 2] = [31, 113];
const FAILING: [u32; 2] = [72, 154];
/// What happens to single customers, one after the other. With the two of the beginning, five in a
/// hundred lose their key and three a permission.
const SINGLE: [(u32, Mishap); 17] = [
    (17, Revoked),
    (22, Lacking),
    (91, Disconnected),
    (38, Revoked),
    (61, Replaced),
    (63, Lacking),
    (59, Revoked),
    (48, Foreign),
    (83, Revoked),
    (94, Lacking),
    (104, Revoked),
    (122, Replaced),
    (135, Lacking),
    (125, Revoked),
    (EXPIRING, Expired),
    (176, Lacking),
    (146, Revoked),
];
const PACE: Duration = Duration::from_millis(1_800);

/// Three customers in five are refused together. The fleet notices once one in five has failed,
/// within a third of an interval; a key is believed dead only after a whole one.
const REFUSED_SHARE: f64 = 0.6;
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// A fifth of the fleet: fewer have not been a fault of the provider. How many more are doubted before
/// the fleet notices and asks the others no longer depends on who happened to be asked first.
const LEAST_DOUBTED: usize = TENANTS as usize / 5;

const BUSY_SHARE: f64 = 0.02;
const BUSY_SECONDS: u64 = 2;
const BUSY_FOR: Duration = Duration::from_secs(6);
/// Whoever was asked during the outage has been decided by then.
const AFTER_OUTAGE: Duration = Duration::from_secs(6);

/// Tells all of it; an error if it did not come out as it must.
pub async fn tell(stage: &mut Stage, expiry: DateTime<Utc>) -> anyhow::Result<()> {
    beats::everybody_connects(stage).await?;
    beats::two_single_cases(stage).await?;
    single_cases(stage, expiry).await?;
    refused_together(stage).await?;
    asked_to_wait(stage).await?;
    beats::an_outage(stage, AFTER_OUTAGE).await?;
    mended(stage).await
}

/// Many single cases, each found with its own cause.
async fn single_cases(stage: &mut Stage, expiry: DateTime<Utc>) -> anyhow::Result<()> {
    stage.view.step(
        "now one customer after the other: keys are deleted, replaced and run out, permissions \
         are taken away, one key leads to another company, one integration is switched off; for \
         four the provider is slow or fails, which is nobody's key",
    )?;
    for number in SLOW.into_iter().chain(FAILING) {
        stage.begin(number, Unanswered)?;
    }
    for (kind, tenants) in [(FaultKind::Slow, SLOW), (FaultKind::Status(503), FAILING)] {
        stage.world.apply(Happening::Fault(Fault::new(kind).tenants(tenants.to_vec())))?;
    }
    for (number, mishap) in SINGLE {
        if mishap == Expired {
            stage.wait_until(expiry).await?;
        }
        stage.begin(number, mishap)?;
        stage.watch_for(PACE).await?;
    }
    stage.until_found().await?;
    stage.world.apply(Happening::ClearFaults {})?;
    stage.view.step("all were found, each with its own cause; the four are answered again")?;
    stage
        .until(|ledger| ledger.unmended().iter().all(|tenant| !ledger.is(tenant, Unanswered)))
        .await
        .context("a customer who is answered again was not noticed")?;
    stage.breathe().await
}

/// Most of the fleet is refused at once: that is no sum of single cases.
async fn refused_together(stage: &mut Stage) -> anyhow::Result<()> {
    stage.view.step(
        "the provider refuses the keys of three customers in five, all at once: too many for \
         single cases, so the doubts are held and nobody is told to reconnect",
    )?;
    stage.view.hush();
    let refused = Fault::new(FaultKind::Status(401)).share(REFUSED_SHARE);
    stage.world.apply(Happening::Fault(refused))?;
    stage.watch_for(REFUSED_FOR).await?;
    stage.world.apply(Happening::ClearFaults {})?;
    let doubted = stage.ledger.doubted();
    stage
        .until(|ledger| ledger.doubted() == 0)
        .await
        .context("a key that is accepted again is still doubted")?;
    stage.view.speak();
    if let [alarm, ..] = stage.ledger.false_alarms() {
        bail!("{alarm} while the provider refused many");
    }
    if doubted < LEAST_DOUBTED {
        bail!("only {doubted} keys were doubted while the provider refused many");
    }
    stage.view.step(&format!(
        "it accepts them again: {doubted} keys were doubted, and not one customer was bothered"
    ))?;
    stage.breathe().await
}

/// The provider asks for fewer calls: everybody waits, and nothing is concluded from it.
async fn asked_to_wait(stage: &mut Stage) -> anyhow::Result<()> {
    stage.view.step(&format!(
        "the provider asks for fewer calls (429, wait {BUSY_SECONDS} s) when asked of some: all \
         calls wait, and nothing is concluded"
    ))?;
    let retry_after = RetryAfter::Seconds(BUSY_SECONDS);
    let busy = Fault::new(FaultKind::RateLimited { retry_after }).share(BUSY_SHARE);
    stage.world.apply(Happening::Fault(busy))?;
    let blamed = stage.watch_for(BUSY_FOR).await?;
    stage.world.apply(Happening::ClearFaults {})?;
    if let Some(change) = blamed.first() {
        bail!("{} was called {} when fewer calls were asked for", change.tenant, change.to);
    }
    if !stage.world.counts().statuses.contains_key(&429) {
        bail!("nobody was asked for fewer calls");
    }
    Ok(())
}

/// Whoever can, mends it; the others wait for a new key.
async fn mended(stage: &mut Stage) -> anyhow::Result<()> {
    stage.view.step(
        "the customers mend it: keys are restored, permissions granted. Who has replaced a key \
         or given that of another company still owes a new one",
    )?;
    for (number, mishap) in [(REVOKED, Revoked), (LACKING, Lacking)].into_iter().chain(SINGLE) {
        stage.mend(number, mishap)?;
    }
    stage.until_mended().await?;
    stage.breathe().await
}
