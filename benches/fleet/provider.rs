//! The provider: `keypulse sandbox` as a process, and what it counted.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::process::{Process, keypulse};

/// A sandbox with its tenants' keys in a file.
pub struct Provider {
    process: Process,
    http: reqwest::Client,
    control: String,
    /// Where the API is.
    pub base: String,
    /// One JSON object a line.
    pub keys: PathBuf,
}

/// What was asked.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counts {
    pub total: u64,
    calls: Calls,
    pub tenants_asked: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Calls {
    introspect: u64,
}

impl Counts {
    /// Every check begins with exactly one of these calls.
    pub fn checks(&self) -> u64 {
        self.calls.introspect
    }
}

impl Provider {
    /// Starts one with so many tenants, each with a key.
    pub async fn start(folder: &Path, tenants: u32) -> anyhow::Result<Self> {
        let keys = folder.join(format!("keys-{tenants}.jsonl"));
        let (api, control) = (free_port()?, free_port()?);
        let mut command = keypulse()?;
        command.args(["sandbox", "--tenants", &tenants.to_string()]);
        command.args(["--listen", &api, "--control", &control]).arg("--keys-out").arg(&keys);
        let process = Process::start("the sandbox", &mut command)?;
        let (base, control) = (format!("http://{api}/"), format!("http://{control}/control/"));
        let mut provider = Self { process, http: client()?, control, base, keys };
        let deadline = Instant::now() + Duration::from_mins(1);
        while provider.counts().await.is_err() {
            provider.process.alive()?;
            anyhow::ensure!(Instant::now() < deadline, "the sandbox does not answer");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(provider)
    }

    /// What was counted since the last reset.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        Ok(serde_json::from_value(self.look("counts").await?)?)
    }

    /// Back to zero.
    pub async fn reset(&self) -> anyhow::Result<()> {
        let answer = self.http.post(format!("{}counts/reset", self.control)).send().await?;
        Ok(answer.error_for_status().map(drop)?)
    }

    /// Requests by the tenth of a second, the last two minutes, oldest first.
    pub async fn tenths(&self) -> anyhow::Result<Vec<u64>> {
        let answer = self.look("counts/tenths").await?;
        let tenths = answer["tenths"].as_array().context("no tenths")?;
        Ok(tenths.iter().filter_map(Value::as_u64).collect())
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }

    async fn look(&self, what: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{what}", self.control)).send().await?;
        text(answer).await.and_then(|text| Ok(serde_json::from_str(&text)?))
    }
}

/// The keys of the first tenants in a file.
pub fn keys(file: &Path, most: usize) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::new();
    for line in BufReader::new(std::fs::File::open(file)?).lines().take(most) {
        let tenant: Value = serde_json::from_str(&line?)?;
        match tenant["key"].as_str() {
            Some(key) => keys.push(key.to_owned()),
            None => bail!("a line without a key in {}", file.display()),
        }
    }
    Ok(keys)
}

/// A client as reqwest makes it, on loopback.
pub fn client() -> anyhow::Result<reqwest::Client> {
    #[expect(clippy::disallowed_methods, reason = "the reference is a client without our bounds")]
    let builder = reqwest::Client::builder();
    Ok(builder.no_proxy().tls_certs_only([]).build()?)
}

/// The whole body of an answer that is a success.
pub async fn text(answer: reqwest::Response) -> anyhow::Result<String> {
    #[expect(clippy::disallowed_methods, reason = "what answers here is started here")]
    let text = answer.error_for_status()?.text().await?;
    Ok(text)
}

/// An address of this machine that nobody listens on now.
pub fn free_port() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
