//! The demo's short story: twenty customers, two single cases, an outage.

use std::time::Duration;

use super::beats::{self, LACKING, REVOKED};
use super::ledger::Mishap;
use super::stage::Stage;

/// How many customers there are.
pub const TENANTS: u32 = 20;
/// Calls a minute.
pub const BUDGET: u32 = 1_200;
/// Minutes become seconds, so that the story fits into one.
pub const SETTINGS: &str = r#"[watch]
interval = "3s"

[policy]
span = "3s"
confirm_after = ["1s", "2s", "4s"]
alone_span = "20s"
wrong_company_span = "1s"
dead_interval = "4s"
unreachable_after = "30s"
flap_window = "1s"

[budget]
per_minute = 1200
"#;

/// Whoever was asked during the outage has been decided by then.
const AFTER_OUTAGE: Duration = Duration::from_secs(4);

/// Tells all of it; an error if it did not come out as it must.
pub async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    beats::everybody_connects(stage).await?;
    beats::two_single_cases(stage).await?;
    beats::an_outage(stage, AFTER_OUTAGE).await?;
    stage.view.step("both customers mend it: a key is restored, the permission granted")?;
    stage.mend(REVOKED, Mishap::Revoked)?;
    stage.mend(LACKING, Mishap::Lacking)?;
    stage.until_mended().await?;
    stage.breathe().await
}
