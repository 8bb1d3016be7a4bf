//! The road of one check: asked of the sandbox, decided, saved; against other writers.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use keypulse::app::{Access, App, TenantRequest};
use keypulse::clock::{Clock, SystemClock};
use keypulse::config::Config;
use keypulse::custody::KeyRef;
use keypulse::health::{CompanyId, Failure, Finding, Inconclusive, cadence};
use keypulse::ids::TenantRef;
use keypulse::sandbox::{Change, Fault, FaultKind, Options, Sandbox, TenantView as Tenant};
use keypulse::shutdown::Shutdown;
use keypulse::store::{KeyKind, Watched};
use keypulse::task::{Checker, Observed};
use keypulse::telemetry::Metrics;
use keypulse::vault::MasterKey;
use tokio::time::Instant;

use crate::rig::{Rig, on_both};

/// Late enough for any call of a test to begin.
pub fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_mins(1)
}

/// A sandbox and a keypulse on one database, with the sandbox's tenants added.
pub struct Road {
    pub sandbox: Sandbox,
    pub app: App,
    pub checker: Checker,
}

impl Road {
    pub async fn on(rig: &Rig, tenants: u32) -> Self {
        Self::made(rig, tenants, tenants, &[]).await
    }

    /// The same, with so many of the sandbox's tenants added.
    pub async fn with(rig: &Rig, tenants: u32, added: u32) -> Self {
        Self::made(rig, tenants, added, &[]).await
    }

    /// The same with further settings, as variables.
    pub async fn made(rig: &Rig, tenants: u32, added: u32, settings: &[(&str, &str)]) -> Self {
        Self::placed(rig, tenants, added, settings, |_| None).await
    }

    /// The same with keys that lie elsewhere.
    pub async fn placed(
        rig: &Rig,
        tenants: u32,
        added: u32,
        settings: &[(&str, &str)],
        place: impl Fn(&Tenant) -> Option<KeyRef>,
    ) -> Self {
        // Two things of one process may want it; the first wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let options = Options { listen: anywhere, control: anywhere, tenants, seed: 3 };
        let sandbox = Sandbox::start(options, Arc::clone(&clock)).await.unwrap();
        let master = rig.folder().join("master.key");
        if !master.exists() {
            MasterKey::generate().unwrap().write_new_file(&master).unwrap();
        }
        let environment = [
            ("KEYPULSE__STORE__URL", rig.url.clone()),
            ("KEYPULSE__PROVIDER__BASE_URL", sandbox.base_url().to_string()),
            ("KEYPULSE__PROVIDER__TIMEOUT", "2s".to_owned()),
            ("KEYPULSE__KEYRING__MASTER_KEY_FILE", master.display().to_string()),
            ("KEYPULSE__BUDGET__PER_MINUTE", "60000".to_owned()),
        ];
        let further = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment = environment.into_iter().chain(further);
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let config = Config::load(None, environment).unwrap();
        let app = App::open(config, Access::Make, clock).await.unwrap();
        app.keyring().await.unwrap();
        let app = app.audited().await.unwrap();
        let keyring = app.keyring().await.unwrap();
        for number in 1..=added {
            let tenant = sandbox.world().tenant(number).unwrap();
            let key_ref = place(&tenant);
            let request = TenantRequest {
                reference: TenantRef::parse(tenant.reference.as_str()).unwrap(),
                name: tenant.company_name.clone(),
                company: CompanyId::parse(&tenant.company_id).unwrap(),
                kind: KeyKind::Integrated,
                expires_at: None,
                key: tenant.into_key(),
                key_ref,
            };
            app.add_tenant(&keyring, &request).await.unwrap();
        }
        let checker = app.checker(keyring, Metrics::new().unwrap()).unwrap();
        // As for a fleet that nobody has to wait in.
        checker.budget.pace().know(60_000, TimeDelta::minutes(1));
        Self { sandbox, app, checker }
    }

    /// Another one who asks, decides and saves on the same database.
    pub async fn checker_of(app: &App) -> Checker {
        app.checker(app.keyring().await.unwrap(), Metrics::new().unwrap()).unwrap()
    }

    /// Claims one tenant and asks about it, without saving.
    pub async fn probe(&self, reference: &str, lease: &str) -> Observed {
        let tenant = self.claim(reference, lease).await;
        self.checker.probe(tenant, soon(), &Shutdown::new()).await.unwrap()
    }

    pub async fn claim(&self, reference: &str, lease: &str) -> Watched {
        let view = self.app.store.tenant(reference).await.unwrap().unwrap();
        let now = self.app.clock.now();
        let until = now + TimeDelta::minutes(1);
        self.app.store.claim_one(view.id, lease, now, until).await.unwrap().unwrap()
    }

    /// One whole check.
    pub async fn check(&self, reference: &str) -> Finding {
        let observed = self.probe(reference, "check").await;
        self.checker.settle(std::slice::from_ref(&observed), "check").await.unwrap();
        observed.evidence.finding
    }

    pub async fn status(&self, reference: &str) -> String {
        self.app.store.tenant(reference).await.unwrap().unwrap().health.status.to_string()
    }

    pub fn metric(&self, series: &str) -> f64 {
        let text = self.checker.metrics.render().unwrap();
        let line = text.lines().find(|line| line.starts_with(series));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("no series {series}"))
    }
}

#[tokio::test]
async fn a_key_is_trusted_only_after_the_provider_accepts_it() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        assert_eq!(road.status("erp-0001").await, "pending");
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn the_client_is_pinned_at_the_first_acceptance_and_another_one_is_no_evidence() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let pinned = road.app.store.tenant("erp-0001").await.unwrap().unwrap().client;
        assert_eq!(pinned, Some(road.sandbox.world().tenant(1).unwrap().client_id));
        road.sandbox.world().apply(Change::OtherClient { tenant: 1 }).unwrap();
        let other = Finding::Inconclusive(Inconclusive::OtherClient);
        assert_eq!(road.check("erp-0001").await, other);
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn evidence_that_lost_its_row_is_decided_again_and_counts_once() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.sandbox.world().apply(Change::Revoke { tenant: 1 }).unwrap();
        // Asked twice before either is saved, as by two processes after a lease ran out.
        let one = road.probe("erp-0001", "one").await;
        road.app.store.release("one").await.unwrap();
        let two = road.probe("erp-0001", "two").await;
        road.checker.settle(&[one], "one").await.unwrap();
        road.checker.settle(std::slice::from_ref(&two), "two").await.unwrap();
        let health = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        assert_eq!(health.status.doubt().unwrap().count.get(), 2);
        assert_eq!(health.status.doubt().unwrap().failure, Failure::Rejected);
        assert!(road.metric("keypulse_decisions_repeated_total") >= 1.0);
        // Told once more, it counts no more.
        road.checker.settle(&[two], "two").await.unwrap();
        let again = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        assert_eq!(again.status.doubt().unwrap().count.get(), 2);
    })
    .await;
}

#[tokio::test]
async fn evidence_about_a_key_that_was_replaced_meanwhile_is_thrown_away_and_counted() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.sandbox.world().apply(Change::Revoke { tenant: 1 }).unwrap();
        let old = road.probe("erp-0001", "old").await;
        rig.execute("UPDATE tenant_state SET generation = 2, version = version + 1", vec![]).await;
        road.checker.settle(&[old], "old").await.unwrap();
        assert_eq!(road.status("erp-0001").await, "healthy");
        assert!((road.metric("keypulse_evidence_discarded_total") - 1.0).abs() < 0.1);
    })
    .await;
}

#[tokio::test]
async fn evidence_about_a_company_that_was_changed_meanwhile_is_thrown_away() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let old = road.probe("erp-0001", "old").await;
        rig.execute("UPDATE tenant SET company_id = 'elsewhere'", vec![]).await;
        rig.execute("UPDATE tenant_state SET version = version + 1", vec![]).await;
        let accepted_at = |health: keypulse::health::Health| health.accepted_at;
        let before = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        road.checker.settle(&[old], "old").await.unwrap();
        let after = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        assert_eq!(accepted_at(before), accepted_at(after));
    })
    .await;
}

#[tokio::test]
async fn a_fault_of_the_provider_is_written_down_and_blamed_on_nobody() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.sandbox.world().apply(Change::Fault(Fault::new(FaultKind::Status(500)))).unwrap();
        for _ in 0..6 {
            road.check("erp-0001").await;
        }
        let health = road.app.store.tenant("erp-0001").await.unwrap().unwrap().health;
        assert_eq!(health.status.to_string(), "healthy");
        assert_eq!(health.status.doubt(), None);
        assert!(health.silent_since.is_some());
    })
    .await;
}

#[tokio::test]
async fn no_call_is_started_that_could_outlast_the_lease() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let tenant = road.claim("erp-0001", "late").await;
        let latest = Instant::now();
        assert!(road.checker.probe(tenant, latest, &Shutdown::new()).await.is_none());
        assert_eq!(road.sandbox.world().counts().total, 0);
    })
    .await;
}

#[tokio::test]
async fn no_call_is_started_once_the_end_has_begun() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let tenant = road.claim("erp-0001", "late").await;
        let shutdown = Shutdown::new();
        shutdown.begin();
        assert!(road.checker.probe(tenant, soon(), &shutdown).await.is_none());
        assert_eq!(road.sandbox.world().counts().total, 0);
    })
    .await;
}

#[tokio::test]
async fn a_check_that_has_begun_makes_its_other_calls_though_the_end_begins() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        // Whoever is doubted is asked everything.
        road.sandbox.world().apply(Change::Revoke { tenant: 1 }).unwrap();
        road.check("erp-0001").await;
        road.sandbox.world().apply(Change::Restore { tenant: 1 }).unwrap();
        road.sandbox.world().apply(Change::Latency { ms: 200 }).unwrap();
        let tenant = road.claim("erp-0001", "ending").await;
        let (shutdown, world) = (Shutdown::new(), road.sandbox.world());
        world.reset_counts();
        let end = async {
            while world.counts().total == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            shutdown.begin();
        };
        let (observed, ()) = tokio::join!(road.checker.probe(tenant, soon(), &shutdown), end);
        assert_eq!(observed.unwrap().evidence.finding, Finding::Accepted);
        assert_eq!(world.counts().calls.installation, 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_in_one_of_four_intervals_is_asked_of_a_part_of_the_fleet_in_each() {
    on_both(async |rig| {
        let road = Road::on(rig, 120).await;
        let (interval, now) = (road.checker.policy.interval, road.app.clock.now());
        let mut by_interval: BTreeMap<i64, Vec<bool>> = BTreeMap::new();
        for n in 1..=120 {
            let reference = format!("erp-{n:04}");
            road.check(&reference).await;
            let id = road.app.store.tenant(&reference).await.unwrap().unwrap().id.raw();
            let turn = cadence::turn(now, interval, cadence::phase(id, interval));
            let asked = road.sandbox.world().tenant_counts(n).unwrap().installation > 0;
            by_interval.entry(turn).or_default().push(asked);
        }
        let together = by_interval.into_values().max_by_key(Vec::len).unwrap();
        assert!(together.len() >= 60, "{}", together.len());
        assert!(together.contains(&true) && together.contains(&false), "{together:?}");
    })
    .await;
}

#[tokio::test]
async fn failures_that_the_whole_fleet_shares_are_held() {
    on_both(async |rig| {
        let road = Road::on(rig, 24).await;
        for n in 1..=24 {
            road.check(&format!("erp-{n:04}")).await;
        }
        road.sandbox.world().apply(Change::Fault(Fault::new(FaultKind::Status(401)))).unwrap();
        for _ in 0..3 {
            for n in 1..=24 {
                road.check(&format!("erp-{n:04}")).await;
            }
        }
        // As if all of it had begun hours ago: neither bound is what holds them.
        let sql = "UPDATE tenant_state SET doubt_first = doubt_first - 7200000000, \
                   run_first = run_first - 7200000000";
        rig.execute(sql, vec![]).await;
        // The counts of the weather may be two seconds old.
        tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
        for _ in 0..4 {
            road.check("erp-0001").await;
        }
        assert_eq!(road.status("erp-0001").await, "degraded (rejected)");
    })
    .await;
}
