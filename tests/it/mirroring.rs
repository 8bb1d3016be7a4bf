//! Custody `mirror`: keys compared with those that the integration uses, by its address and by the
//! lists that it pushes.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use keypulse::custody::{Inquiry, NotTold, Told};
use keypulse::health::{Failure, Finding, Standing};
use keypulse::ids::TenantRef;
use keypulse::sandbox::{Change, Fault, FaultKind};
use keypulse::shutdown::Shutdown;
use keypulse::store::{Listed, Outcomes};
use keypulse::task::Answer;
use keypulse::task::reconcile::{Compared, ReconcileError, Reconciler};
use keypulse::task::rotate::{Wish, rotate};
use keypulse::task::{KeyringSource, Offer, Origin};
use keypulse::telemetry::Metrics;

use crate::integration::{Integration, Manner, TOKEN};
use crate::rig::{Rig, on_both};
use crate::road::{Road, soon};

const REJECTED: Finding = Finding::Failed(Failure::Rejected);

/// A keypulse whose master is an integration with the same keys, all accepted once.
pub struct Mirror {
    pub road: Road,
    pub integration: Integration,
    keyring: KeyringSource,
}

impl Mirror {
    /// One that is asked at its address.
    pub async fn asked(rig: &Rig, tenants: u32) -> Self {
        Box::pin(Self::new(rig, tenants, true)).await
    }

    /// One that only pushes lists.
    pub async fn pushing(rig: &Rig, tenants: u32) -> Self {
        Box::pin(Self::new(rig, tenants, false)).await
    }

    async fn new(rig: &Rig, tenants: u32, asked: bool) -> Self {
        let (integration, address): (Integration, SocketAddr) = Integration::start().await;
        let token = rig.folder().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&token, mode).unwrap();
        let url = Integration::url(address);
        let settings = [
            ("KEYPULSE__CUSTODY__MODE", "mirror"),
            ("KEYPULSE__CUSTODY__FINGERPRINT_URL", url.as_str()),
            ("KEYPULSE__CUSTODY__FINGERPRINT_TOKEN_FILE", token.to_str().unwrap()),
        ];
        let road = Road::made(rig, tenants, tenants, &settings[..if asked { 3 } else { 1 }]).await;
        let keyring = road.app.keyring().await.unwrap();
        let file = rig.folder().join("comparison.key");
        keyring.held().comparison_key().write_new_file(&file).unwrap();
        integration.learn(&file);
        for number in 1..=tenants {
            let tenant = road.sandbox.world().tenant(number).unwrap();
            integration.uses(tenant.reference.as_str(), tenant.key().expose());
            road.check(tenant.reference.as_str()).await;
        }
        Self { road, integration, keyring }
    }

    /// The customer gives the integration a new key; keypulse is told nothing.
    pub fn rotate(&self, number: u32) -> String {
        let key = self.road.rotated(number).expose().to_owned();
        self.integration.uses(&format!("erp-{number:04}"), &key);
        key
    }

    async fn push(&self) -> Compared {
        let settler = &self.road.checker.settler;
        let by = self.reconciler(settler);
        let push = by.begin().await.unwrap();
        assert_eq!(push.add(&self.listed()).await.unwrap(), Vec::<String>::new());
        Box::pin(push.finish(10)).await.unwrap()
    }

    fn reconciler<'a>(&'a self, settler: &'a keypulse::task::Settler) -> Reconciler<'a> {
        Reconciler {
            store: &self.road.app.store,
            keyring: &self.keyring,
            settler,
            provider: &self.road.app.profile().name,
            clock: Arc::clone(&self.road.app.clock),
        }
    }

    fn listed(&self) -> Vec<Listed> {
        let list = self.integration.list();
        let line = |line: &str| {
            let (reference, print) = line.split_once(',').unwrap();
            Listed {
                reference: TenantRef::parse(reference).unwrap(),
                fingerprint: keypulse::custody::list::fingerprint(print).unwrap(),
            }
        };
        list.lines().skip(1).map(line).collect()
    }

    /// How the key stood when it was refused.
    async fn standing(&self, reference: &str) -> Standing {
        let observed = self.road.probe(reference, "standing").await;
        assert_eq!(observed.evidence.finding, REJECTED);
        self.road.checker.settle(std::slice::from_ref(&observed), "standing").await.unwrap();
        observed.evidence.standing
    }

    /// The integration pushes a key.
    async fn pushes_key(&self, reference: &str, key: &str) -> Answer {
        let view = self.road.app.store.tenant(reference).await.unwrap().unwrap();
        let required = self.road.app.required_scopes();
        let origin = Origin::Integration;
        let offer = Offer { pasted: key, required: &required, expires_at: None, origin };
        Box::pin(self.road.checker.enter(view.id, &offer, &Shutdown::new())).await.unwrap()
    }

    async fn version(&self, reference: &str) -> i64 {
        let view = self.road.app.store.tenant(reference).await.unwrap().unwrap();
        self.road.app.store.watched(&[view.id]).await.unwrap()[0].version
    }
}

const HEALTHY: &str = "healthy";
const OUT: &str = "degraded (out of step)";

#[tokio::test]
async fn a_list_says_of_every_key_how_it_stands_and_touches_only_those_that_differ() {
    on_both(async |rig| {
        let mirror = Mirror::pushing(rig, 4).await;
        mirror.rotate(2);
        mirror.integration.forgets("erp-0003");
        mirror.integration.uses("ghost", "a key that nobody watches");
        let before = mirror.version("erp-0001").await + mirror.version("erp-0003").await;
        let compared = mirror.push().await;
        let outcomes = Outcomes { same: 2, differs: 1, only_here: 1, only_there: 1 };
        assert_eq!(compared.outcomes, outcomes);
        assert_eq!((compared.newly_out, compared.in_step_again), (1, 0));
        assert_eq!(compared.examples.differs, ["erp-0002"]);
        assert_eq!(compared.examples.only_here, ["erp-0003"]);
        assert_eq!(compared.examples.only_there, ["ghost"]);
        for (reference, status) in
            [("erp-0001", HEALTHY), ("erp-0002", OUT), ("erp-0003", HEALTHY), ("erp-0004", HEALTHY)]
        {
            assert_eq!(mirror.road.status(reference).await, status, "{reference}");
        }
        let after = mirror.version("erp-0001").await + mirror.version("erp-0003").await;
        assert_eq!(after, before, "somebody was touched whose key is the same, or unknown");
        let kept = mirror.road.app.store.reconciled().await.unwrap().unwrap();
        assert_eq!((kept.entries, kept.outcomes), (4, Some(outcomes)));

        // The other way round: the same key again.
        let tenant = mirror.road.sandbox.world().tenant(2).unwrap();
        let again = mirror.push().await;
        assert_eq!((again.newly_out, again.in_step_again), (0, 0));
        let old = mirror.integration.key("erp-0002").unwrap();
        assert_eq!(tenant.key().expose(), old);
        assert!(matches!(mirror.pushes_key("erp-0002", &old).await, Answer::Replaced { .. }));
        assert_eq!(mirror.road.status("erp-0002").await, HEALTHY);
        assert_eq!(mirror.push().await.outcomes, Outcomes { same: 3, differs: 0, ..outcomes });
    })
    .await;
}

#[tokio::test]
async fn who_was_out_of_step_and_is_not_any_more_is_so_by_the_next_list() {
    on_both(async |rig| {
        let mirror = Mirror::pushing(rig, 1).await;
        let own = mirror.integration.key("erp-0001").unwrap();
        mirror.integration.uses("erp-0001", "put in by mistake");
        assert_eq!(mirror.push().await.newly_out, 1);
        assert_eq!(mirror.road.status("erp-0001").await, OUT);
        mirror.integration.uses("erp-0001", &own);
        assert_eq!(mirror.push().await.in_step_again, 1);
        assert_eq!(mirror.road.status("erp-0001").await, HEALTHY);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_replaced_at_the_integration_is_held_against_nobody() {
    on_both(async |rig| {
        let mirror = Mirror::asked(rig, 2).await;
        let key = mirror.rotate(1);
        assert_eq!(mirror.standing("erp-0001").await, Standing::OutOfStep);
        assert_eq!(mirror.road.status("erp-0001").await, OUT);
        assert_eq!(mirror.standing("erp-0001").await, Standing::OutOfStep);
        assert_eq!(rig.number("SELECT COUNT(*) FROM episode").await, 0);
        let customers = "SELECT COUNT(*) FROM message WHERE audience = 'customer'";
        assert_eq!(rig.number(customers).await, 0);
        assert!(matches!(mirror.pushes_key("erp-0001", &key).await, Answer::Replaced { .. }));
        assert_eq!(mirror.road.status("erp-0001").await, HEALTHY);
        assert_eq!(mirror.road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(rig.number("SELECT COUNT(*) FROM handover").await, 0, "it has that key");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_both_have_and_that_is_refused_counts() {
    on_both(async |rig| {
        let mirror = Mirror::asked(rig, 1).await;
        mirror.road.change(Change::Revoke { tenant: 1 });
        assert_eq!(mirror.standing("erp-0001").await, Standing::Current);
        assert_eq!(mirror.road.status("erp-0001").await, "healthy (suspect)");
        assert_eq!(mirror.integration.calls(), 1, "an accepted key was compared");
    })
    .await;
}

/// Puts what was stored into the past.
async fn earlier(rig: &Rig, column: &str, hours: i64) {
    let (table, column) = column.split_once('.').unwrap();
    let micros = hours * 3_600_000_000;
    rig.execute(&format!("UPDATE {table} SET {column} = {column} - {micros}"), vec![]).await;
}

#[tokio::test]
async fn where_the_integration_does_not_answer_its_list_is_looked_at_and_for_a_day_only() {
    on_both(async |rig| {
        let mirror = Mirror::asked(rig, 1).await;
        mirror.push().await;
        mirror.integration.answers(Manner::Status(503));
        mirror.road.change(Change::Revoke { tenant: 1 });
        assert_eq!(mirror.standing("erp-0001").await, Standing::Current);
        assert_eq!(mirror.integration.calls(), 1);
        earlier(rig, "tenant_key.created_at", 48).await;
        earlier(rig, "reconcile_list.pushed_at", 23).await;
        assert_eq!(mirror.standing("erp-0001").await, Standing::Current);
        earlier(rig, "reconcile_list.pushed_at", 1).await;
        assert_eq!(mirror.standing("erp-0001").await, Standing::NotCompared);
        let (store, id) = (&mirror.road.app.store, mirror.road.id("erp-0001").await);
        let compared = store.compared(id).await.unwrap().unwrap();
        assert_eq!(compared.standing, Standing::NotCompared);
        assert_eq!(store.count_not_compared().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_list_says_nothing_of_a_key_that_is_younger_than_it() {
    on_both(async |rig| {
        let mirror = Mirror::pushing(rig, 1).await;
        mirror.push().await;
        let key = mirror.rotate(1);
        assert!(matches!(mirror.pushes_key("erp-0001", &key).await, Answer::Replaced { .. }));
        mirror.road.change(Change::Revoke { tenant: 1 });
        assert_eq!(mirror.standing("erp-0001").await, Standing::NotCompared);
        assert_eq!(mirror.road.status("erp-0001").await, "healthy (suspect)");
        mirror.push().await;
        assert_eq!(mirror.standing("erp-0001").await, Standing::Current);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_the_integration_does_not_know_is_neither_in_step_nor_out_of_it() {
    on_both(async |rig| {
        let mirror = Mirror::asked(rig, 1).await;
        mirror.integration.forgets("erp-0001");
        mirror.road.change(Change::Revoke { tenant: 1 });
        assert_eq!(mirror.standing("erp-0001").await, Standing::NotCompared);
        assert_eq!(mirror.road.status("erp-0001").await, "healthy (suspect)");
    })
    .await;
}

#[tokio::test]
async fn a_tenant_out_of_step_is_so_until_both_have_the_same_key_whatever_an_older_list_says() {
    on_both(async |rig| {
        let mirror = Mirror::asked(rig, 1).await;
        mirror.push().await;
        mirror.rotate(1);
        assert_eq!(mirror.standing("erp-0001").await, Standing::OutOfStep);
        // The list says "the same", and is older than what was found since.
        mirror.integration.answers(Manner::Status(500));
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
        assert_eq!(mirror.standing("erp-0001").await, Standing::NotCompared);
        assert_eq!(mirror.road.status("erp-0001").await, OUT);
    })
    .await;
}

#[tokio::test]
async fn an_incident_that_refuses_everybody_does_not_ask_the_integration_of_everybody() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let mirror = Mirror::asked(&rig, 200).await;
    mirror.road.change(Change::Fault(Fault::new(FaultKind::Status(401))));
    let begun = tokio::time::Instant::now();
    let mut claimed = Vec::new();
    for number in 1..=200 {
        claimed.push(mirror.road.claim(&format!("erp-{number:04}"), "incident").await);
    }
    let keyring = mirror.road.app.keyring().await.unwrap();
    let checker = mirror.road.app.checker(keyring, Metrics::new().unwrap()).unwrap();
    checker.budget.pace().know(60_000, TimeDelta::minutes(1));
    let checker = Arc::new(checker);
    let mut probes = tokio::task::JoinSet::new();
    for tenant in claimed {
        let checker = Arc::clone(&checker);
        probes.spawn(async move { checker.probe(tenant, soon(), &Shutdown::new()).await });
    }
    let observed = probes.join_all().await;
    let seconds = begun.elapsed().as_secs() + 1;
    let standing = |wanted| {
        let evidence = observed.iter().flatten().map(|one| &one.evidence);
        evidence.filter(|one| one.finding == REJECTED && one.standing == wanted).count()
    };
    let asked = mirror.integration.calls();
    assert!((1..=60 + seconds).contains(&asked), "{asked} calls in {seconds} s");
    let (current, not) = (standing(Standing::Current), standing(Standing::NotCompared));
    assert_eq!((current as u64, current + not), (asked, 200));
}

#[tokio::test]
async fn what_is_no_fingerprint_is_no_answer() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (integration, address) = Integration::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comparison.key");
    std::fs::write(&file, "0b".repeat(32)).unwrap();
    integration.learn(&file);
    integration.uses("erp-1", "a key");
    let url = Integration::url(address);
    let ask = async |token: &str| {
        Inquiry::new(&url, Some(&token.to_owned().into())).unwrap().ask("erp-1").await
    };
    for (manner, expected) in [
        (Manner::Status(404), Ok(Told::HasNone)),
        (Manner::Status(204), Err(NotTold::Answered(204))),
        (Manner::Status(500), Err(NotTold::Answered(500))),
        (Manner::Redirect, Err(NotTold::Answered(302))),
        (Manner::Nonsense, Err(NotTold::Nonsense)),
        (Manner::Endless, Err(NotTold::Nonsense)),
    ] {
        integration.answers(manner);
        assert_eq!(ask(TOKEN).await, expected, "{manner:?}");
    }
    integration.answers(Manner::Well);
    let print = keypulse::custody::list::fingerprint(&integration.fingerprint("erp-1").unwrap());
    assert_eq!(ask(TOKEN).await, Ok(Told::Uses(print.unwrap())));
    assert_eq!(ask("another").await, Err(NotTold::Answered(401)));
    drop(integration);
    let nobody = Inquiry::new("http://127.0.0.1:1/{ref}", None).unwrap();
    assert_eq!(nobody.ask("erp-1").await, Err(NotTold::Broken));
}

#[tokio::test]
async fn a_list_counts_as_a_whole_or_not_at_all_and_of_two_the_later_one() {
    on_both(async |rig| {
        let mirror = Mirror::pushing(rig, 2).await;
        mirror.rotate(1);
        let by = mirror.reconciler(&mirror.road.checker.settler);
        let begun = by.begin().await.unwrap();
        let keys = mirror.listed();
        assert_eq!(begun.add(&keys).await.unwrap(), Vec::<String>::new());
        // Nothing of it counts yet.
        assert_eq!(mirror.road.app.store.reconciled().await.unwrap(), None);
        assert_eq!(mirror.road.status("erp-0001").await, HEALTHY);
        // A reference for the second time, in another batch.
        assert_eq!(begun.add(&keys[1..]).await.unwrap(), ["erp-0002"]);
        let later = by.begin().await.unwrap();
        later.add(&keys).await.unwrap();
        let said = later.rehearse(10).await.unwrap();
        assert_eq!((said.outcomes.differs, said.newly_out), (1, 0));
        assert_eq!(mirror.road.status("erp-0001").await, HEALTHY);
        mirror.push().await;
        assert_eq!(mirror.road.status("erp-0001").await, OUT);
        assert!(matches!(begun.finish(10).await, Err(ReconcileError::Overtaken)));
        assert_eq!(rig.number("SELECT COUNT(*) FROM reconcile_list").await, 1);
        assert_eq!(rig.number("SELECT COUNT(*) FROM reconcile_entry").await, 2);
        // One that was given up is deleted by the next.
        by.begin().await.unwrap().add(&keys).await.unwrap();
        earlier(rig, "reconcile_list.pushed_at", 2).await;
        mirror.push().await;
        assert_eq!(rig.number("SELECT COUNT(*) FROM reconcile_entry").await, 2);
    })
    .await;
}

#[tokio::test]
async fn the_comparison_key_outlives_rotation_and_opens_nothing_that_lies_in_the_database() {
    on_both(async |rig| {
        let mirror = Mirror::pushing(rig, 1).await;
        let wish = Wish { provider: "pleo", another: false, now: mirror.road.app.clock.now() };
        let rotated = rotate(&mirror.keyring, wish, &Shutdown::new(), |_, _| {}).await;
        assert!(rotated.is_ok(), "{rotated:?}");
        assert_eq!(mirror.push().await.outcomes.same, 1);
        let stored = rig.query("SELECT fingerprint FROM tenant_key").await;
        let stored: Vec<u8> = stored[0].try_get("", "fingerprint").unwrap();
        assert_ne!(stored, mirror.listed()[0].fingerprint);
    })
    .await;
}
