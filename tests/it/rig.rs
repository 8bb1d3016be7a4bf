//! One empty database of each kind, and tenants to put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use keypulse::clock::{Clock, ManualClock};
use keypulse::health::{CompanyId, Evidence, Finding, Generation, Health, Policy, Scopes, Weather};
use keypulse::health::{Decision, Standing, decide};
use keypulse::ids::{TenantId, TenantRef, random_name};
use keypulse::store::{
    Actor, Auditor, Claim, HandOver, KeyKind, KeyringRow, NewTenant, Place, Store, Verdict,
    Watched, Who,
};
use keypulse::vault::sha256;
use ring::hmac;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement, Value};
use tempfile::TempDir;

/// A database of its own for one test.
pub struct Rig {
    pub store: Store,
    pub url: String,
    folder: TempDir,
}

/// Runs a test on a new SQLite file and on a new PostgreSQL database, both with the schema.
pub async fn on_both(test: impl AsyncFn(&Rig)) {
    for empty in [Rig::sqlite().await, Rig::postgres().await] {
        empty.store.migrate_up().await.unwrap();
        Box::pin(test(&empty)).await;
    }
}

impl Rig {
    /// A new SQLite file without a schema.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("keypulse.db").display());
        Self { store: open(&url).await, url, folder }
    }

    /// A new PostgreSQL database without a schema.
    pub async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("KEYPULSE_TEST_POSTGRES") else {
            panic!("KEYPULSE_TEST_POSTGRES is not set: run scripts/test")
        };
        let name = format!(
            "it_{}_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed),
            &random_name().unwrap()[..8]
        );
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        Self { store: open(&url).await, url, folder: tempfile::tempdir().unwrap() }
    }

    /// A second process on the same database.
    pub async fn another(&self) -> Store {
        open(&self.url).await
    }

    /// Which of the two it is.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    /// A folder of its own, removed with the rig.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Where the SQLite file is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("keypulse.db")
    }

    /// A connection behind the store's back.
    pub async fn raw(&self) -> DatabaseConnection {
        let url = match self.url.strip_prefix("sqlite://") {
            Some(path) => format!("sqlite://{path}?mode=rw"),
            None => self.url.clone(),
        };
        Database::connect(url).await.unwrap()
    }

    /// Runs a statement behind the store's back.
    pub async fn execute(&self, sql: &str, values: Vec<Value>) -> u64 {
        let raw = self.raw().await;
        let backend = raw.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let result = raw.execute_raw(statement).await.unwrap();
        raw.close().await.unwrap();
        result.rows_affected()
    }

    /// Asks behind the store's back.
    pub async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let raw = self.raw().await;
        let statement = Statement::from_string(raw.get_database_backend(), sql);
        let rows = raw.query_all_raw(statement).await.unwrap();
        raw.close().await.unwrap();
        rows
    }

    /// One number, asked behind the store's back.
    pub async fn number(&self, sql: &str) -> i64 {
        self.query(sql).await[0].try_get_by_index(0).unwrap()
    }

    /// A keyring of made-up rows, so that data key 1 "seals" what [`tenant`] makes; nothing when
    /// there is a keyring.
    pub async fn keyring(&self) {
        let row = |role: &str, id| KeyringRow {
            role: role.to_owned(),
            id,
            wrapped: vec![7; 61],
            created_at: 1_700_000_000_000_000,
            retired_at: None,
        };
        self.store.init_keyring(&[row("seal", 1), row("check", 2)]).await.unwrap();
    }

    /// Adds tenants `t-0000`, `t-0001`, …, each due a millisecond after the one before.
    pub async fn add(&self, tenants: u32) -> Vec<TenantId> {
        self.keyring().await;
        let mut ids = Vec::new();
        for n in 0..tenants {
            let new = tenant(n);
            let due = now() + TimeDelta::milliseconds(i64::from(n));
            self.store.add_tenant(&new, due, now()).await.unwrap();
            ids.push(new.id);
        }
        ids
    }

    /// Leases up to `limit` of those due at the hour.
    pub async fn claim(&self, lease: &str, limit: u32) -> Vec<Watched> {
        claim(&self.store, lease, limit, hour(1)).await
    }

    /// The tenant as it stands.
    pub async fn watched(&self, id: TenantId) -> Watched {
        self.store.watched(&[id]).await.unwrap().pop().unwrap()
    }
}

pub async fn claim(store: &Store, lease: &str, limit: u32, at: DateTime<Utc>) -> Vec<Watched> {
    let until = at + TimeDelta::minutes(5);
    store
        .claim(&Claim { who: Who::Everybody, horizon: at, now: at, until, lease, limit })
        .await
        .unwrap()
}

pub async fn open(url: &str) -> Store {
    let store = Store::open(&Place::parse(&url.into()).unwrap()).await.unwrap();
    store.audited(auditor()).acting_as(Actor::new("test", "one").with("user", "anna"))
}

/// The same database for somebody who has not opened the keyring.
pub async fn unaudited(url: &str) -> Store {
    Store::open(&Place::parse(&url.into()).unwrap()).await.unwrap()
}

/// Writes the audit chain with a key that every test has.
pub fn auditor() -> Auditor {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"the key of the tests");
    let mac = move |message: &[u8]| hmac::sign(&key, message).as_ref().try_into().unwrap();
    Auditor::new(mac, sha256, clock())
}

/// The moment at which every test begins.
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A clock that stands there.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::starting_at(now()))
}

pub fn hour(hours: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(hours)
}

pub fn minute(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

/// A tenant whose "sealed key" is just some bytes.
pub fn tenant(n: u32) -> NewTenant {
    NewTenant {
        id: TenantId::random().unwrap(),
        reference: TenantRef::parse(&format!("t-{n:04}")).unwrap(),
        name: format!("Company {n}"),
        company: CompanyId::parse(&format!("company-{n}")).unwrap(),
        required: Scopes::parse("export-jobs:read"),
        kind: KeyKind::Integrated,
        health: Health::pending(now(), None),
        key_ref: None,
        key_id: 1,
        sealed: format!("sealed-{n}").into_bytes(),
        fingerprint: format!("fingerprint-{n}").into_bytes(),
        masked: "…cdef".to_owned(),
        hand_over: HandOver::Delivered,
    }
}

/// What the rules say of a tenant and a finding at that minute.
pub fn decided(tenant: &Watched, finding: Finding, at: DateTime<Utc>) -> Verdict {
    decided_of(tenant, finding, Standing::Current, at)
}

/// The same of a key that stands so to its source.
pub fn decided_of(
    tenant: &Watched,
    finding: Finding,
    standing: Standing,
    at: DateTime<Utc>,
) -> Verdict {
    let evidence =
        Evidence { generation: Generation::FIRST, began: at, finding, standing, pause: None };
    let policy = Policy::default();
    let before = &tenant.health;
    let decision: Decision =
        decide(before, &evidence, Weather::Clear, &policy, TimeDelta::zero(), at);
    Verdict {
        tenant: tenant.id,
        reference: tenant.reference.clone(),
        version: tenant.version,
        changed_from: decision.changed(before).then(|| before.status.word()),
        client: None,
        granted: None,
        rebound: None,
        routine: decision.is_routine(before),
        remark: None,
        decision,
    }
}
