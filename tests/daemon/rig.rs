//! One installation of keypulse: a folder, a provider that is the sandbox, settings in the
//! environment, and the fleet.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use keypulse::app::{Access, App, TenantRequest};
use keypulse::clock::SystemClock;
use keypulse::config::Config;
use keypulse::health::CompanyId;
use keypulse::sandbox::{self, Applied, Change, Fault, Sandbox, World};
use keypulse::store::KeyKind;
use keypulse::vault::MasterKey;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::daemon::Daemon;
use crate::program::{self, Ran};
use crate::wait;

/// Serves the sandboxes, apart from the threads that wait.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Enough tenants to be each other's control.
pub const FLEET: u32 = 25;

/// Minutes become tenths of seconds. The longer bound is out of reach unless a test asks for it.
const SETTINGS: [(&str, &str); 14] = [
    ("watch.interval", "1s"),
    ("policy.span", "500ms"),
    ("policy.confirm_after", r#"["200ms","400ms","1s"]"#),
    ("policy.alone_span", "3s"),
    ("policy.wrong_company_span", "500ms"),
    ("policy.dead_interval", "1s"),
    ("policy.unreachable_after", "30m"),
    ("policy.flap_window", "0s"),
    ("budget.per_minute", "60000"),
    ("private.listen", "127.0.0.1:0"),
    ("provider.timeout", "2s"),
    ("provider.connect_timeout", "1s"),
    ("provider.required_scopes", r#"["export-jobs:read","users:read"]"#),
    ("log.format", "json"),
];

/// An installation. Dropped, everything of it is gone.
pub struct Rig {
    folder: TempDir,
    options: sandbox::Options,
    sandbox: Option<Sandbox>,
    settings: BTreeMap<String, String>,
}

impl Rig {
    /// A provider with so many tenants, and a keypulse that knows none of them.
    pub fn new(tenants: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("keypulse-test-").tempdir().unwrap();
        for name in ["data", "tmp", "output"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut options =
            sandbox::Options { listen: anywhere, control: anywhere, tenants, seed: 7 };
        let sandbox = start(options).unwrap();
        // The same address again, should it be stopped and started.
        options.listen.set_port(sandbox.base_url().port().unwrap());
        let rig = Self { folder, options, sandbox: Some(sandbox), settings: BTreeMap::new() };
        let master = MasterKey::generate().unwrap();
        master.write_new_file(&rig.master_key()).unwrap();
        let rig = SETTINGS.iter().fold(rig, |rig, (key, value)| rig.set(key, value));
        let (base, database) = (rig.sandbox().base_url(), rig.database());
        let master = rig.master_key();
        rig.set("provider.base_url", base.as_str())
            .set("store.url", &format!("sqlite://{}", database.display()))
            .set("keyring.master_key_file", master.to_str().unwrap())
    }

    /// A provider with [`FLEET`] tenants, and a keypulse that has all their keys.
    pub fn fleet() -> Self {
        let rig = Self::new(FLEET);
        rig.add(1..=FLEET);
        rig
    }

    /// Changes one setting, by its name in the configuration.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds tenants of the provider, without asking it.
    pub fn add(&self, numbers: RangeInclusive<u32>) {
        let requests = numbers.map(|number| self.request(number)).collect();
        self.add_requests(requests);
    }

    /// Adds one tenant whose key runs out then.
    pub fn add_expiring(&self, number: u32, expires_at: DateTime<Utc>) {
        let mut request = self.request(number);
        request.expires_at = Some(expires_at);
        self.add_requests(vec![request]);
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that holds the database and nothing else.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn database(&self) -> PathBuf {
        self.data().join("keypulse.db")
    }

    pub fn master_key(&self) -> PathBuf {
        self.path().join("master.key")
    }

    pub fn world(&self) -> &World {
        self.sandbox().world()
    }

    /// Changes the provider's world.
    pub fn apply(&self, change: Change) -> Applied {
        self.world().apply(change).unwrap()
    }

    pub fn fault(&self, fault: Fault) {
        self.apply(Change::Fault(fault));
    }

    pub fn clear_faults(&self) {
        self.apply(Change::ClearFaults {});
    }

    /// Takes the provider away: nobody listens at its address any more.
    pub fn provider_goes(&mut self) {
        RUNTIME.block_on(self.sandbox.take().unwrap().stop());
    }

    /// Where its control port answers, such as `http://127.0.0.1:4011`.
    pub fn control(&self) -> String {
        self.sandbox().control_url().as_str().trim_end_matches('/').to_owned()
    }

    /// Brings it back, at the same address, as it was at the start.
    pub fn provider_returns(&mut self) {
        let options = self.options;
        let sandbox = wait::until("the provider's old port", || start(options), String::new);
        self.sandbox = Some(sandbox);
    }

    /// `erp-0003` for 3.
    pub fn reference(&self, number: u32) -> String {
        self.world().tenant(number).unwrap().reference.to_string()
    }

    pub fn key(&self, number: u32) -> String {
        let tenant = self.world().tenant(number).unwrap();
        tenant.key().expose().to_owned()
    }

    /// Requests that the provider has counted for one tenant.
    pub fn asked(&self, number: u32) -> u64 {
        self.world().tenant_counts(number).unwrap().total()
    }

    /// A file in this folder that only its owner can use.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).unwrap();
        std::io::Write::write_all(&mut file, content.as_ref()).unwrap();
        path
    }

    /// The command with the settings of this installation.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program::command(args);
        command
            .current_dir(self.path())
            .env("TMPDIR", self.path().join("tmp"))
            .envs(self.environment());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        program::run(&mut self.command(args), b"")
    }

    /// Starts the daemon.
    pub fn daemon(&self) -> Daemon {
        self.daemon_with(&[])
    }

    /// Starts the daemon with further variables.
    pub fn daemon_with(&self, environment: &[(&str, &str)]) -> Daemon {
        let mut command = self.command(&["run"]);
        command.envs(environment.iter().copied());
        Daemon::start(command, &self.path().join("output"))
    }

    /// Starts the daemon and waits until every tenant is healthy.
    pub fn healthy_daemon(&self) -> Daemon {
        let daemon = self.daemon();
        daemon.until("every key is accepted", |daemon| {
            let changes = daemon.changes();
            changes.iter().filter(|one| one.to == "healthy").count() == FLEET as usize
        });
        daemon
    }

    /// What `tenant show --json` says.
    pub fn show(&self, number: u32) -> Value {
        self.run(&["tenant", "show", &self.reference(number), "--json"]).json()
    }

    /// What `tenant list --json` says of everybody's status and cause.
    pub fn statuses(&self) -> BTreeMap<String, (String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.run(&["tenant", "list", "--json"])
            .json_lines()
            .iter()
            .map(|one| {
                let status = (text(&one["status"]).unwrap(), text(&one["cause"]));
                (text(&one["ref"]).unwrap(), status)
            })
            .collect()
    }

    /// The settings as variables.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let variable = |key: &str| format!("KEYPULSE__{}", key.to_uppercase().replace('.', "__"));
        self.settings.iter().map(|(key, value)| (variable(key), value.clone())).collect()
    }

    fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    fn request(&self, number: u32) -> TenantRequest {
        let tenant = self.world().tenant(number).unwrap();
        TenantRequest {
            reference: tenant.reference.clone(),
            name: tenant.company_name.clone(),
            company: CompanyId::parse(&self.world().company(number).id).unwrap(),
            kind: match tenant.kind {
                sandbox::KeyKind::Integrated => KeyKind::Integrated,
                sandbox::KeyKind::Standalone => KeyKind::Standalone,
            },
            expires_at: tenant.expires_at,
            key: tenant.into_key(),
            key_ref: None,
        }
    }

    fn add_requests(&self, requests: Vec<TenantRequest>) {
        let environment = self.environment().into_iter();
        let environment = environment.map(|(name, value)| (OsString::from(name), value.into()));
        let config = Config::load(None, environment).unwrap();
        RUNTIME.block_on(async {
            let app =
                App::open(config, Access::Make, Arc::new(SystemClock::default())).await.unwrap();
            let keyring = app.keyring().await.unwrap();
            for request in requests {
                app.add_tenant(&keyring, &request).await.unwrap();
            }
            app.store.close().await.unwrap();
        });
    }
}

/// Lets others read a file.
pub fn open_to_others(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

fn start(options: sandbox::Options) -> Option<Sandbox> {
    let clock = Arc::new(SystemClock::default());
    RUNTIME.block_on(Sandbox::start(options, clock)).ok()
}
