//! The gate: who may start a call, and whose call is dropped.

use std::sync::Arc;
use std::time::Duration;

use keypulse::health::{Action, Finding};
use keypulse::sandbox::Change;
use keypulse::shutdown::Shutdown;
use keypulse::telemetry::Metrics;
use tokio::time::{Instant, sleep, timeout};

use crate::rig::{Rig, on_both};
use crate::road::Road;

fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

async fn disable(road: &Road, reference: &str) {
    let id = road.app.store.tenant(reference).await.unwrap().unwrap().id;
    let settler = road.app.settler(Metrics::new().unwrap(), Arc::default());
    settler.operate(id, Action::Compromise).await.unwrap().unwrap();
}

fn refused(road: &Road, why: &str) -> f64 {
    road.metric(&format!("keypulse_calls_refused_total{{why=\"{why}\"}}"))
}

#[tokio::test]
async fn a_key_that_was_read_before_it_was_revoked_is_not_used_after() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let held = road.claim("erp-0001", "mine").await;
        assert!(held.sealed.is_some());
        disable(&road, "erp-0001").await;
        let before = road.sandbox.world().counts().total;
        assert!(road.checker.probe(held, soon(), &Shutdown::new()).await.is_none());
        assert_eq!(road.sandbox.world().counts().total, before, "a call was made");
        assert!((refused(&road, "revoked") - 1.0).abs() < 0.1);
        assert_eq!(road.check("erp-0002").await, Finding::Accepted, "nobody else is touched");
    })
    .await;
}

#[tokio::test]
async fn a_call_under_way_is_dropped_when_its_key_is_revoked_and_others_go_on() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        road.sandbox.world().apply(Change::Latency { ms: 1_500 }).unwrap();
        let _reading = road.checker.gate.keep_reading();
        let (mine, other) = (road.claim("erp-0001", "a").await, road.claim("erp-0002", "b").await);
        let shutdown = Shutdown::new();
        let revoke = async {
            sleep(Duration::from_millis(100)).await;
            disable(&road, "erp-0001").await;
        };
        let (mine, other, ()) = tokio::join!(
            Box::pin(road.checker.probe(mine, soon(), &shutdown)),
            Box::pin(road.checker.probe(other, soon(), &shutdown)),
            Box::pin(revoke)
        );
        assert!(mine.is_none(), "its answer was waited for");
        assert_eq!(other.unwrap().evidence.finding, Finding::Accepted);
        assert!((refused(&road, "dropped") - 1.0).abs() < 0.1);
    })
    .await;
}

#[tokio::test]
async fn who_cannot_read_revocations_starts_no_call_and_who_can_again_does() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let held = road.claim("erp-0001", "mine").await;
        rig.execute("ALTER TABLE revocation RENAME TO elsewhere", vec![]).await;
        assert!(road.checker.probe(held.clone(), soon(), &Shutdown::new()).await.is_none());
        assert_eq!(road.sandbox.world().counts().total, 0);
        assert!(refused(&road, "unread") >= 1.0);
        rig.execute("ALTER TABLE elsewhere RENAME TO revocation", vec![]).await;
        assert!(road.checker.probe(held, soon(), &Shutdown::new()).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn what_was_read_more_than_three_seconds_ago_is_not_gone_by() {
    let rig = Rig::sqlite().await;
    rig.store.migrate_up().await.unwrap();
    let road = Road::on(&rig, 1).await;
    let held = road.claim("erp-0001", "mine").await;
    assert!(road.checker.probe(held.clone(), soon(), &Shutdown::new()).await.is_some());
    rig.execute("ALTER TABLE revocation RENAME TO elsewhere", vec![]).await;
    sleep(Duration::from_millis(3_100)).await;
    let asked = road.sandbox.world().counts().total;
    assert!(road.checker.probe(held, soon(), &Shutdown::new()).await.is_none());
    assert_eq!(road.sandbox.world().counts().total, asked);
}

#[tokio::test]
async fn a_newer_key_of_the_same_tenant_passes() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        disable(&road, "erp-0001").await;
        let gate = &road.checker.gate;
        gate.look().await.unwrap();
        assert!(gate.admit(id, 1, true).is_none());
        let newer = gate.admit(id, 2, true).unwrap();
        // The revocation of the older one does not drop its calls.
        let _reading = gate.keep_reading();
        assert!(timeout(Duration::from_millis(1_500), newer.revoked()).await.is_err());
    })
    .await;
}
