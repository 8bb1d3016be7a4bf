//! What an operator does to a tenant goes the road of every check.

use chrono::TimeDelta;
use keypulse::health::{Action, Finding, Reason};
use keypulse::telemetry::Metrics;

use crate::rig::on_both;
use crate::road::Road;

#[tokio::test]
async fn a_paused_tenant_is_not_asked_and_a_resumed_one_is_asked_at_once() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        let paused = settler.operate(view.id, Action::Pause { until: None }).await.unwrap();
        assert_eq!(paused.unwrap().decision.reason, Reason::Paused);
        assert_eq!(road.status("erp-0001").await, "paused");
        assert_eq!(road.app.store.tenant("erp-0001").await.unwrap().unwrap().due_at, None);

        settler.operate(view.id, Action::Resume).await.unwrap().unwrap();
        assert_eq!(road.status("erp-0001").await, "healthy");
        let due = road.app.store.tenant("erp-0001").await.unwrap().unwrap().due_at.unwrap();
        assert!(due <= road.app.clock.now());
        let again = settler.operate(view.id, Action::Resume).await.unwrap().unwrap();
        assert_eq!(again.decision.reason, Reason::NotPaused);
    })
    .await;
}

#[tokio::test]
async fn a_pause_made_while_the_provider_is_asked_is_not_lost_and_the_answer_changes_nothing() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let observed = road.probe("erp-0001", "daemon").await;
        assert_eq!(observed.evidence.finding, Finding::Accepted);
        let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
        let until = Some(road.app.clock.now() + TimeDelta::hours(1));
        settler.operate(observed.tenant.id, Action::Pause { until }).await.unwrap().unwrap();
        let held = rig.number("SELECT COUNT(*) FROM tenant_state WHERE lease = 'daemon'").await;
        assert_eq!(held, 1, "the check under way lost its lease");
        road.checker.settle(&[observed], "daemon").await.unwrap();
        assert_eq!(road.status("erp-0001").await, "paused");
        let view = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        assert_eq!(view.due_at, until);
        assert_eq!(view.health.accepted_at, None);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_is_gone_is_not_operated_upon() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let settler = road.app.settler(Metrics::new().unwrap(), std::sync::Arc::default());
        let nobody = keypulse::ids::TenantId::from_raw(1);
        assert!(settler.operate(nobody, Action::Resume).await.unwrap().is_none());
    })
    .await;
}
