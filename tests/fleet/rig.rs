//! One installation with a fleet: a folder, a database, the sandbox, and settings in the
//! environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use keypulse::app::{Access, App, TenantRequest};
use keypulse::clock::{Clock, SystemClock};
use keypulse::config::Config;
use keypulse::health::{CompanyId, cadence};
use keypulse::sandbox::{Change, Options, Sandbox, World};
use keypulse::store::KeyKind;
use keypulse::vault::MasterKey;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::daemon::Daemon;
use crate::database::{Database, Kind};

/// Serves the sandboxes, apart from the threads that wait.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// What fleets here have in common: a lease of half a minute, and nobody asked again soon because
/// an answer was lost.
const SETTINGS: [(&str, &str); 6] = [
    ("provider.timeout", "1s"),
    ("provider.connect_timeout", "1s"),
    ("policy.confirm_after", r#"["1h","2h","3h"]"#),
    ("policy.dead_interval", "365d"),
    ("private.listen", "127.0.0.1:0"),
    ("log.format", "json"),
];

/// An installation. Dropped, its files and its sandbox are gone.
pub struct Rig {
    pub database: Database,
    pub began: DateTime<Utc>,
    folder: TempDir,
    sandbox: Sandbox,
    settings: BTreeMap<String, String>,
    interval: TimeDelta,
}

impl Rig {
    /// A provider with so many tenants, asked every `interval` seconds, and a keypulse that knows
    /// none of them. A file is in a folder `data` of its own.
    pub fn new(kind: Kind, tenants: u32, interval: u32, budget: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("keypulse-fleet-").tempdir().unwrap();
        for name in ["data", "logs"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self::within(folder, kind, tenants, interval, budget)
    }

    /// The same in a folder that has `data` and `logs` already.
    pub fn within(folder: TempDir, kind: Kind, tenants: u32, interval: u32, budget: u32) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options { listen: anywhere, control: anywhere, tenants, seed: 5 };
        let clock = Arc::new(SystemClock::default());
        let sandbox = RUNTIME.block_on(Sandbox::start(options, clock)).unwrap();
        let database = match kind {
            Kind::File => Database::File(folder.path().join("data/keypulse.db")),
            Kind::Server => Database::on_server(),
        };
        let master = folder.path().join("master.key");
        MasterKey::generate().unwrap().write_new_file(&master).unwrap();
        let mut settings: BTreeMap<String, String> =
            SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        settings.extend([
            ("store.url".to_owned(), database.url()),
            ("keyring.master_key_file".to_owned(), master.display().to_string()),
            ("provider.base_url".to_owned(), sandbox.base_url().to_string()),
            ("watch.interval".to_owned(), format!("{interval}s")),
            ("budget.per_minute".to_owned(), budget.to_string()),
        ]);
        let interval = TimeDelta::seconds(interval.into());
        let rig = Self { database, began: now(), folder, sandbox, settings, interval };
        if kind == Kind::Server {
            let migrated = rig.run(&["migrate", "up"]);
            assert!(migrated.status.success(), "{migrated:?}");
        }
        rig
    }

    /// Changes one setting, by its name in the configuration.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Has every check be one call, so that many can be made within the budget.
    pub fn one_call_a_check(self) -> Self {
        let profile = include_str!("../../config/providers/pleo.toml");
        let path = self.folder().join("own.toml");
        std::fs::write(&path, profile.replace("every = 4", "every = 1000000")).unwrap();
        self.set("provider.profile", path.to_str().unwrap())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn logs(&self) -> PathBuf {
        self.folder().join("logs")
    }

    pub fn world(&self) -> &World {
        self.sandbox.world()
    }

    /// Holds every answer back for so long.
    pub fn latency(&self, ms: u64) {
        self.world().apply(Change::Latency { ms: ms.try_into().unwrap() }).unwrap();
    }

    /// Adds tenants of the provider, each to be asked at once.
    pub fn add(&self, numbers: RangeInclusive<u32>) {
        let environment =
            self.environment().map(|(name, value)| (OsString::from(name), value.into()));
        let config = Config::load(None, environment).unwrap();
        RUNTIME.block_on(async {
            let clock = Arc::new(SystemClock::default());
            let app = App::open(config, Access::Make, clock).await.unwrap();
            let keyring = app.keyring().await.unwrap();
            for number in numbers {
                let tenant = self.world().tenant(number).unwrap();
                let request = TenantRequest {
                    reference: tenant.reference.clone(),
                    name: tenant.company_name.clone(),
                    company: CompanyId::parse(&self.world().company(number).id).unwrap(),
                    kind: KeyKind::Integrated,
                    expires_at: None,
                    key: tenant.into_key(),
                    key_ref: None,
                };
                app.add_tenant(&keyring, &request).await.unwrap();
            }
            app.store.close().await.unwrap();
        });
    }

    /// How often each of these tenants was asked.
    pub fn asked(&self, numbers: RangeInclusive<u32>) -> Vec<u64> {
        numbers.map(|number| self.world().tenant_counts(number).unwrap().introspect).collect()
    }

    /// Nobody was asked more often than its schedule wants: once when it was added, once for each
    /// of its routine moments since, and once more for each time that it is named in `again`.
    pub fn nobody_is_asked_too_often(&self, again: &[String], why: impl Debug) {
        let ids: BTreeMap<String, i64> =
            self.database.rows::<(String, i64)>("SELECT ref, id FROM tenant").into_iter().collect();
        let end = now();
        for number in 1..=self.world().tenants() {
            let reference = self.world().tenant(number).unwrap().reference.to_string();
            let asked = self.world().tenant_counts(number).unwrap().introspect;
            let Some(id) = ids.get(&reference) else {
                assert_eq!(asked, 0, "{reference} is not known yet");
                continue;
            };
            let phase = cadence::phase(*id, self.interval);
            let turn = |at| cadence::turn(at, self.interval, phase);
            let moments = u64::try_from(turn(end) - turn(self.began)).unwrap();
            let more = again.iter().filter(|one| **one == reference).count() as u64;
            assert!(
                asked <= 1 + moments + more,
                "{reference} was asked {asked} times, with {moments} routine moments and held by \
                 {more} dead processes; {why:?}"
            );
        }
    }

    /// The program with the settings of this installation, and nothing of the tester's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keypulse"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a daemon.
    pub fn daemon(&self) -> Daemon {
        Daemon::start(self.command(&["run"]), &self.logs())
    }

    fn environment(&self) -> impl Iterator<Item = (String, String)> {
        let variable = |key: &str| format!("KEYPULSE__{}", key.to_uppercase().replace('.', "__"));
        self.settings.iter().map(move |(key, value)| (variable(key), value.clone()))
    }
}

pub fn now() -> DateTime<Utc> {
    SystemClock::default().now()
}
