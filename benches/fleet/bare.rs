//! The reference: reqwest in a loop, the same calls, the same number at once. It decides nothing,
//! keeps nothing and knows no budget.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::process::Process;
use crate::provider::{self, Provider};

/// How the process is told what to do.
const JOB: &str = "KEYPULSE_BENCH_BARE";

/// What to do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Job {
    pub base: String,
    pub keys: std::path::PathBuf,
    pub tenants: u32,
    pub concurrency: usize,
    /// One check of everybody in so many seconds; as fast as it goes without.
    pub interval: Option<u64>,
}

impl Job {
    /// The job of this process, if it was started for one.
    pub fn from_environment() -> anyhow::Result<Option<Self>> {
        match std::env::var(JOB) {
            Ok(job) => Ok(Some(serde_json::from_str(&job)?)),
            Err(_) => Ok(None),
        }
    }

    /// All of a provider's tenants.
    pub fn new(provider: &Provider, tenants: u32, interval: Option<u64>) -> Self {
        let (base, keys) = (provider.base.clone(), provider.keys.clone());
        Self { base, keys, tenants, concurrency: crate::daemon::CONCURRENCY, interval }
    }

    /// Starts a process that does it until it is killed.
    pub fn start(&self) -> anyhow::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(JOB, serde_json::to_string(self)?);
        Process::start("the bare client", &mut command)
    }
}

/// Does the job until the process is killed.
pub async fn run(job: &Job) -> anyhow::Result<()> {
    let work = Arc::new(Work {
        http: provider::client()?,
        base: job.base.clone(),
        keys: read_keys(&job.keys, job.tenants)?,
        next: AtomicUsize::new(0),
    });
    match job.interval {
        None => {
            let mut workers = JoinSet::new();
            for _ in 0..job.concurrency {
                workers.spawn(Arc::clone(&work).go_on());
            }
            while let Some(ended) = workers.join_next().await {
                ended?;
            }
        }
        Some(seconds) => pace(work, job, Duration::from_secs(seconds)).await,
    }
    Ok(())
}

async fn pace(work: Arc<Work>, job: &Job, interval: Duration) {
    let places = Arc::new(Semaphore::new(job.concurrency));
    let (begun, step) = (Instant::now(), interval / job.tenants.max(1));
    let mut turn = 0;
    loop {
        sleep_until(begun + step * turn).await;
        turn += 1;
        let (work, places) = (Arc::clone(&work), Arc::clone(&places));
        tokio::spawn(async move {
            if let Ok(_place) = places.acquire().await {
                work.check().await;
            }
        });
    }
}

struct Work {
    http: reqwest::Client,
    base: String,
    keys: Vec<String>,
    next: AtomicUsize,
}

impl Work {
    /// Makes one check after the other.
    async fn go_on(self: Arc<Self>) {
        loop {
            self.check().await;
        }
    }

    /// The calls of one check: the identity, and every fourth time the installation.
    async fn check(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let key = &self.keys[number % self.keys.len()];
        self.call("v1/introspect", key).await;
        if number.is_multiple_of(4) {
            self.call("v1/installations/me", key).await;
        }
    }

    async fn call(&self, path: &str, key: &str) {
        let request = self.http.get(format!("{}{path}", self.base)).basic_auth(key, Some(""));
        let answer = async { provider::text(request.send().await?).await };
        if let Err(error) = answer.await {
            eprintln!("bench: a call of the bare client failed: {error:#}");
        }
    }
}

fn read_keys(file: &Path, tenants: u32) -> anyhow::Result<Vec<String>> {
    let keys = provider::keys(file, usize::try_from(tenants)?)?;
    anyhow::ensure!(!keys.is_empty(), "no keys in {}", file.display());
    Ok(keys)
}
