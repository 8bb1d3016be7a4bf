//! As fast as it goes: the daemon and the bare client in turn, on the same provider.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::bare;
use crate::daemon::Installation;
use crate::options::Sizes;
use crate::process::Process;
use crate::provider::Provider;

/// Due again so soon that there is always more to do than can be done.
const INTERVAL: u64 = 1;
/// Connections are open and statements prepared by then.
const WARM_UP: Duration = Duration::from_secs(3);

/// What was measured of one of them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    pub checks_per_second: f64,
    /// CPU seconds of the process for 1,000 checks.
    pub cpu_per_1000: f64,
    /// Resident memory, MiB.
    pub resident_mib: f64,
}

/// Both, and their ratios, in the middle of all rounds.
#[derive(Debug, Serialize)]
pub struct Saturation {
    pub tenants: u32,
    pub daemon: Rate,
    pub bare: Rate,
    /// The daemon's checks a second by the bare client's.
    pub rate_ratio: f64,
    /// The daemon's CPU a check by the bare client's.
    pub cpu_ratio: f64,
    /// Checks that provider and store agree on, of all rounds.
    pub verified: u64,
    pub rounds: Vec<(Rate, Rate)>,
}

/// Measures both.
pub async fn run(folder: &Path, sizes: &Sizes) -> anyhow::Result<Saturation> {
    let tenants = sizes.saturated;
    eprintln!("saturation: {tenants} tenants, {} rounds", sizes.rounds);
    let provider = Provider::start(folder, tenants).await?;
    let mut installed = Installation::new(folder.join("saturated"), &provider, INTERVAL).await?;
    installed.import(&provider, tenants).await?;
    // The first check of a tenant also writes that it is healthy: all have had it.
    let daemon = installed.start().await?;
    while provider.counts().await?.tenants_asked < tenants {
        sleep(Duration::from_millis(200)).await;
    }
    daemon.process.stop().await?;
    let mut verified = installed.verify(&provider).await?;
    let mut rounds = Vec::new();
    for round in 1..=sizes.rounds {
        let bare = bare::Job::new(&provider, tenants, None).start()?;
        let bare_rate = rate(&provider, &bare, sizes.seconds).await?;
        drop(bare);
        provider.reset().await?;
        let daemon = installed.start().await?;
        let daemon_rate = rate(&provider, &daemon.process, sizes.seconds).await?;
        daemon.process.stop().await?;
        verified += installed.verify(&provider).await?;
        eprintln!(
            "  round {round}: bare {:.0}/s {:.4}, keypulse {:.0}/s {:.4}",
            bare_rate.checks_per_second,
            bare_rate.cpu_per_1000,
            daemon_rate.checks_per_second,
            daemon_rate.cpu_per_1000
        );
        rounds.push((daemon_rate, bare_rate));
    }
    provider.stop().await?;
    let middle = |of: &dyn Fn(&(Rate, Rate)) -> f64| median(rounds.iter().map(of).collect());
    let rate_of = |pick: &dyn Fn(&(Rate, Rate)) -> Rate| Rate {
        checks_per_second: middle(&|round| pick(round).checks_per_second),
        cpu_per_1000: middle(&|round| pick(round).cpu_per_1000),
        resident_mib: middle(&|round| pick(round).resident_mib),
    };
    Ok(Saturation {
        tenants,
        daemon: rate_of(&|round| round.0),
        bare: rate_of(&|round| round.1),
        rate_ratio: middle(&|(daemon, bare)| daemon.checks_per_second / bare.checks_per_second),
        cpu_ratio: middle(&|(daemon, bare)| daemon.cpu_per_1000 / bare.cpu_per_1000),
        verified,
        rounds,
    })
}

/// Measures a process for so many seconds, once it is warm.
async fn rate(provider: &Provider, process: &Process, seconds: u64) -> anyhow::Result<Rate> {
    sleep(WARM_UP).await;
    let (checks, cpu, begun) = (provider.counts().await?.checks(), process.cpu()?, Instant::now());
    sleep(Duration::from_secs(seconds)).await;
    let (checks_after, cpu_after) = (provider.counts().await?.checks(), process.cpu()?);
    let elapsed = begun.elapsed().as_secs_f64();
    let made = count(checks_after - checks);
    anyhow::ensure!(made > 0.0, "no check was made");
    Ok(Rate {
        checks_per_second: made / elapsed,
        cpu_per_1000: (cpu_after - cpu) / made * 1_000.0,
        resident_mib: process.memory()?.0,
    })
}

/// A number of checks as a float; exact up to four thousand million.
pub fn count(checks: u64) -> f64 {
    u32::try_from(checks).unwrap_or(u32::MAX).into()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
