//! A fleet that is asked within its interval, from the start of the daemon on: what it costs, how
//! late it is, and whether it comes in bursts.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::bare;
use crate::daemon::Installation;
use crate::options::Pace;
use crate::provider::Provider;
use crate::saturated::count;

/// Seconds that are looked at after a restart.
const RESTARTED: u64 = 10;
const LATENESS: &str = "keypulse_check_lateness_seconds";

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Paced {
    pub tenants: u32,
    pub interval_seconds: u64,
    pub checks_per_second: f64,
    /// CPU seconds of the daemon for 1,000 checks.
    pub cpu_per_1000: f64,
    /// The same of the bare client at the same pace.
    pub bare_cpu_per_1000: Option<f64>,
    /// Resident memory at the end and at most, MiB.
    pub resident_mib: f64,
    pub most_resident_mib: f64,
    /// At most so late were half and 99 % of the checks: bounds of the histogram's buckets, seconds.
    pub p50_late: f64,
    pub p99_late: f64,
    /// Calls in the busiest tenth of a second, by the mean.
    pub mean_slice: f64,
    pub busiest_slice: u64,
    /// The same in the first seconds after a restart.
    pub busiest_slice_restarted: u64,
    /// Checks that provider and store agree on.
    pub verified: u64,
    pub import_seconds: f64,
    /// Seconds from the start of the process until it answered.
    pub start_seconds: f64,
}

/// Measures the daemon, and the bare client beside it where that is asked for.
pub async fn run(folder: &Path, pace: Pace) -> anyhow::Result<Paced> {
    eprintln!("paced: {} tenants every {} s, importing", pace.tenants, pace.interval);
    let provider = Provider::start(folder, pace.tenants).await?;
    let folder = folder.join(format!("paced-{}", pace.tenants));
    let mut installed = Installation::new(folder, &provider, pace.interval).await?;
    let daemon = installed.start().await?;
    let import = installed.import(&provider, pace.tenants).await?;
    eprintln!("  imported in {:.1} s; measuring {} s", import.as_secs_f64(), pace.seconds);
    while provider.counts().await?.total == 0 {
        sleep(Duration::from_millis(50)).await;
    }
    let before = daemon.metrics().await?;
    let (checks, cpu, begun) =
        (provider.counts().await?.checks(), daemon.process.cpu()?, Instant::now());
    sleep(Duration::from_secs(pace.seconds)).await;
    let (counts, cpu_after) = (provider.counts().await?, daemon.process.cpu()?);
    let elapsed = begun.elapsed();
    let after = daemon.metrics().await?;
    let (resident_mib, most_resident_mib) = daemon.process.memory()?;
    let slices = slices(&provider, pace.seconds).await?;
    daemon.process.stop().await?;
    let begun = Instant::now();
    let daemon = installed.start().await?;
    let start_seconds = begun.elapsed().as_secs_f64();
    sleep(Duration::from_secs(RESTARTED)).await;
    let restarted = self::slices(&provider, RESTARTED).await?;
    daemon.process.stop().await?;
    let verified = installed.verify(&provider).await?;
    let made = count(counts.checks() - checks);
    provider.reset().await?;
    let bare_cpu_per_1000 = if pace.beside { Some(bare_cpu(&provider, pace).await?) } else { None };
    provider.stop().await?;
    Ok(Paced {
        tenants: pace.tenants,
        interval_seconds: pace.interval,
        checks_per_second: made / elapsed.as_secs_f64(),
        cpu_per_1000: (cpu_after - cpu) / made * 1_000.0,
        bare_cpu_per_1000,
        resident_mib,
        most_resident_mib,
        p50_late: after.quantile(LATENESS, 0.5, &before)?,
        p99_late: after.quantile(LATENESS, 0.99, &before)?,
        mean_slice: count(slices.iter().sum()) / count(u64::try_from(slices.len())?),
        busiest_slice: slices.iter().copied().max().unwrap_or(0),
        busiest_slice_restarted: restarted.iter().copied().max().unwrap_or(0),
        verified,
        import_seconds: import.as_secs_f64(),
        start_seconds,
    })
}

/// The last so many seconds by the tenth.
async fn slices(provider: &Provider, seconds: u64) -> anyhow::Result<Vec<u64>> {
    let mut tenths = provider.tenths().await?;
    let tail = usize::try_from(seconds * 10)?.min(tenths.len());
    Ok(tenths.split_off(tenths.len() - tail))
}

async fn bare_cpu(provider: &Provider, pace: Pace) -> anyhow::Result<f64> {
    let bare = bare::Job::new(provider, pace.tenants, Some(pace.interval)).start()?;
    sleep(Duration::from_secs(2)).await;
    let (checks, cpu) = (provider.counts().await?.checks(), bare.cpu()?);
    sleep(Duration::from_secs(pace.seconds.min(30))).await;
    let made = count(provider.counts().await?.checks() - checks);
    Ok((bare.cpu()? - cpu) / made * 1_000.0)
}
