//! The shipped daemon: `keypulse run` on an SQLite file, and what it says of itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::{Instant, sleep};

use crate::process::{Process, keypulse};
use crate::provider::{self, Provider};
use crate::store;

/// Calls in flight at once, of the daemon and of the bare client: the default of
/// `watch.concurrency`.
pub const CONCURRENCY: usize = 64;
/// More than any machine makes: what is measured is not the budget.
const BUDGET: &str = "6000000";

/// A folder with a database and a master key.
pub struct Installation {
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    http: reqwest::Client,
    address: String,
    /// The sum of the rows' versions at the last look: a row has one before its first decision.
    versions: u64,
}

/// A daemon that runs.
pub struct Daemon {
    pub process: Process,
    http: reqwest::Client,
    metrics: String,
}

impl Installation {
    /// Makes one without tenants.
    pub async fn new(folder: PathBuf, provider: &Provider, interval: u64) -> anyhow::Result<Self> {
        std::fs::create_dir(&folder)?;
        let address = provider::free_port()?;
        let master = folder.join("master.key");
        let settings = vec![
            ("KEYPULSE__STORE__URL", format!("sqlite://{}", folder.join("keypulse.db").display())),
            ("KEYPULSE__KEYRING__MASTER_KEY_FILE", master.display().to_string()),
            ("KEYPULSE__PROVIDER__BASE_URL", provider.base.clone()),
            ("KEYPULSE__PRIVATE__LISTEN", address.clone()),
            ("KEYPULSE__WATCH__INTERVAL", format!("{interval}s")),
            ("KEYPULSE__WATCH__CONCURRENCY", CONCURRENCY.to_string()),
            ("KEYPULSE__BUDGET__PER_MINUTE", BUDGET.to_owned()),
        ];
        let http = provider::client()?;
        let made = Self { folder, settings, http, address, versions: 0 };
        made.command(&["keyring", "new", "--out"], Some(&master)).await?;
        Ok(made)
    }

    /// Imports all of the provider's tenants, beside a daemon or without one; says how long it took.
    pub async fn import(&mut self, provider: &Provider, tenants: u32) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.command(&["tenant", "import"], Some(&provider.keys)).await?;
        // A row has a version before its first decision.
        self.versions += u64::from(tenants);
        Ok(begun.elapsed())
    }

    /// Starts the daemon and waits until it serves.
    pub async fn start(&self) -> anyhow::Result<Daemon> {
        let mut command = self.program()?;
        // A line of log for each change of status is part of the work; nobody reads it here.
        command.arg("run").stderr(Stdio::from(std::fs::File::create(self.folder.join("log"))?));
        let process = Process::start("keypulse", &mut command)?;
        let metrics = format!("http://{}/metrics", self.address);
        let mut daemon = Daemon { process, http: self.http.clone(), metrics };
        let deadline = Instant::now() + Duration::from_mins(1);
        while daemon.metrics().await.is_err() {
            daemon.process.alive()?;
            ensure!(Instant::now() < deadline, "keypulse does not answer");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(daemon)
    }

    /// Once the daemon has ended: is every check that the provider was asked for since the last
    /// look decided and saved, once? Gives back how many there were.
    pub async fn verify(&mut self, provider: &Provider) -> anyhow::Result<u64> {
        let (asked, kept) = (provider.counts().await?.checks(), self.kept().await?);
        let saved = kept.versions - self.versions;
        self.versions = kept.versions;
        ensure!(asked == saved, "the provider counted {asked} checks, the store {saved}");
        ensure!(kept.leased == 0, "{} tenants are still held", kept.leased);
        Ok(saved)
    }

    /// What the store holds.
    async fn kept(&self) -> anyhow::Result<store::Kept> {
        store::kept(&self.folder.join("keypulse.db")).await
    }

    async fn command(&self, args: &[&str], file: Option<&Path>) -> anyhow::Result<()> {
        let mut command = self.program()?;
        command.args(args).args(file);
        let ended = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "keypulse {} failed: {said}", args.join(" "));
        Ok(())
    }

    fn program(&self) -> anyhow::Result<Command> {
        let mut command = keypulse()?;
        command.current_dir(&self.folder).envs(self.settings.iter().map(|(k, v)| (k, v)));
        Ok(command)
    }
}

impl Daemon {
    /// Its own figures.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let text = provider::text(self.http.get(&self.metrics).send().await?).await?;
        Ok(Metrics(text))
    }
}

/// What `/metrics` said.
pub struct Metrics(String);

impl Metrics {
    /// The bound below which this share of a histogram's observations lies, since `earlier`; the
    /// upper bound of the bucket, so rather too much than too little.
    pub fn quantile(&self, name: &str, share: f64, earlier: &Self) -> anyhow::Result<f64> {
        let bucket = format!("{name}_bucket");
        let before: Vec<f64> = earlier.samples(&bucket).map(|(_, value)| value).collect();
        let buckets: Vec<(f64, f64)> = self
            .samples(&bucket)
            .zip(&before)
            .filter_map(|((labels, value), before)| {
                let bound = labels.split("le=\"").nth(1)?.split('"').next()?;
                Some((bound.parse().ok()?, value - before))
            })
            .collect();
        let all = buckets.last().context("an empty histogram")?.1;
        let within = buckets.iter().find(|(_, count)| *count >= share * all);
        Ok(within.map_or(f64::INFINITY, |(bound, _)| *bound))
    }

    fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let (series, value) = line.rsplit_once(' ')?;
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{'))
                .then(|| value.parse().ok().map(|value| (labels, value)))?
        })
    }
}
