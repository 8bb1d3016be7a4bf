//! A requirement that has changed: what is known of those it would touch, and that applying it
//! touches those and nobody else, and condemns nobody.

use keypulse::health::{Action, Evidence, Failure, Finding, Permission, Reason, Scopes};
use keypulse::sandbox::{Change, Scope};
use keypulse::store::{LabelFilter, StoreError, TenantFilter};
use keypulse::task::{Applied, Difference, Observed, Plan, Requirement, Share};

use crate::rig::{Rig, on_both, unaudited};
use crate::road::Road;

/// What is required besides: every key of the sandbox has it until it is taken away.
const MORE: &str = "export-jobs:read users:read";

fn everybody() -> TenantFilter {
    TenantFilter::default()
}

async fn difference(road: &Road, required: &str) -> Difference {
    let required = Scopes::parse(required);
    let filter = everybody();
    let asked = Requirement { store: &road.checker.store, required: &required, filter: &filter };
    asked.difference().await.unwrap()
}

async fn plan(road: &Road, required: &str, share: Share) -> Plan {
    let required = Scopes::parse(required);
    let filter = everybody();
    let asked = Requirement { store: &road.checker.store, required: &required, filter: &filter };
    asked.plan(share).await.unwrap()
}

async fn apply(road: &Road, required: &str, share: Share) -> Applied {
    let required = Scopes::parse(required);
    let filter = everybody();
    let asked = Requirement { store: &road.checker.store, required: &required, filter: &filter };
    let plan = asked.plan(share).await.unwrap();
    asked.apply(&plan, || false, |_, _| {}).await.unwrap()
}

async fn held_to(road: &Road, reference: &str) -> String {
    road.app.store.tenant(reference).await.unwrap().unwrap().required.joined()
}

fn lose(road: &Road, tenant: u32) {
    let scope = Scope::parse("users:read").unwrap();
    road.change(Change::RemoveScope { tenant, scope });
}

fn lost(scope: &str) -> Finding {
    Finding::Failed(Failure::PermissionLost(Permission::Scopes(Scopes::parse(scope))))
}

#[tokio::test]
async fn what_a_key_is_granted_is_written_when_it_is_news_and_not_with_every_check() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let granted = async || {
            let sql = "SELECT granted_scopes FROM tenant";
            rig.query(sql).await[0].try_get_by_index::<Option<String>>(0).unwrap()
        };
        assert_eq!(granted().await, None);
        road.check("erp-0001").await;
        let first = granted().await.unwrap();
        assert!(Scopes::parse(&first).contains("users:read"), "{first}");
        let again = road.probe("erp-0001", "check").await;
        // Behind its back: whoever wrote it again would put it right.
        rig.execute("UPDATE tenant SET granted_scopes = 'nothing'", vec![]).await;
        road.checker.settle(std::slice::from_ref(&again), "check").await.unwrap();
        assert_eq!(granted().await.as_deref(), Some("nothing"));
        lose(&road, 1);
        road.check("erp-0001").await;
        assert!(!Scopes::parse(&granted().await.unwrap()).contains("users:read"));
    })
    .await;
}

#[tokio::test]
async fn what_a_key_lacks_is_known_also_of_one_that_is_failing_for_it() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.change(Change::RemoveScope {
            tenant: 1,
            scope: Scope::parse("export-jobs:read").unwrap(),
        });
        lose(&road, 1);
        assert_eq!(road.check("erp-0001").await, lost("export-jobs:read"));
        let difference = difference(&road, MORE).await;
        let impact = &difference.groups[0].impact;
        assert_eq!((impact.lack, impact.confirming), (1, 1));
        assert_eq!(impact.lacking["users:read"], 1);
        assert_eq!(impact.lacking["export-jobs:read"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_new_key_brings_what_it_is_granted_and_leaves_nothing_of_the_one_before() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        lose(&road, 1);
        let key = road.rotated(1);
        road.enter("erp-0001", key.expose()).await;
        let found = difference(&road, MORE).await;
        assert_eq!((found.groups[0].impact.lack, found.groups[0].impact.not_known), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn the_difference_counts_who_suffices_who_lacks_and_of_whom_nothing_is_known() {
    on_both(async |rig| {
        let road = Road::on(rig, 5).await;
        lose(&road, 2);
        for known in ["erp-0001", "erp-0002", "erp-0003", "erp-0005"] {
            road.check(known).await;
        }
        let disabled = road.app.store.tenant("erp-0005").await.unwrap().unwrap().id;
        road.checker.settler.operate(disabled, Action::Compromise).await.unwrap().unwrap();

        let same = difference(&road, "export-jobs:read").await;
        assert_eq!((same.held, same.groups.len(), same.keyless), (4, 0, 1));
        let found = difference(&road, "users:read").await;
        assert_eq!((found.held, found.groups.len(), found.keyless), (0, 1, 1));
        let group = &found.groups[0];
        assert_eq!(group.held_to.joined(), "export-jobs:read");
        assert_eq!(group.adds.joined(), "users:read");
        assert_eq!(group.drops.joined(), "export-jobs:read");
        let impact = &group.impact;
        assert_eq!((impact.tenants, impact.suffice, impact.lack, impact.not_known), (4, 2, 1, 1));
        assert_eq!(impact.lacking["users:read"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_greater_share_has_the_same_tenants_and_more_and_what_is_done_is_not_done_again() {
    on_both(async |rig| {
        let road = Road::on(rig, 10).await;
        let bound = async || {
            let mut bound = Vec::new();
            for n in 1..=10 {
                let reference = format!("erp-{n:04}");
                if held_to(&road, &reference).await == MORE {
                    bound.push(reference);
                }
            }
            bound
        };
        assert_eq!(apply(&road, MORE, Share::Percent(25)).await.changed, 3);
        let first = bound().await;
        assert_eq!(first.len(), 3);
        assert_eq!(apply(&road, MORE, Share::Percent(25)).await, Applied::default());
        assert_eq!(apply(&road, MORE, Share::Tenants(5)).await.changed, 2);
        let second = bound().await;
        assert_eq!(second.len(), 5);
        assert!(first.iter().all(|one| second.contains(one)), "{first:?} {second:?}");
        assert_eq!(apply(&road, MORE, Share::All).await.changed, 5);
        let whole = plan(&road, MORE, Share::All).await;
        assert_eq!((whole.share, whole.held, whole.impact.tenants), (10, 10, 0));
    })
    .await;
}

#[tokio::test]
async fn an_application_that_is_stopped_goes_on_where_it_was() {
    on_both(async |rig| {
        let ids = rig.add(450).await;
        let required = Scopes::parse(MORE);
        let filter = everybody();
        let asked = Requirement { store: &rig.store, required: &required, filter: &filter };
        let plan = asked.plan(Share::All).await.unwrap();
        assert_eq!(plan.impact.tenants, ids.len() as u64);
        let done = std::cell::Cell::new(0);
        let stopped = asked.apply(&plan, || done.get() > 0, |now, _| done.set(now)).await.unwrap();
        assert!(stopped.interrupted);
        assert_eq!((stopped.changed, done.get()), (200, 200));
        let rest = asked.plan(Share::All).await.unwrap();
        assert_eq!((rest.held, rest.impact.tenants), (200, 250));
        let ended = asked.apply(&rest, || false, |_, _| {}).await.unwrap();
        assert_eq!(ended, Applied { changed: 250, left: 0, interrupted: false });
    })
    .await;
}

#[tokio::test]
async fn applying_is_no_evidence_and_who_lacks_a_scope_is_confirmed_like_anybody() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        lose(&road, 1);
        for one in ["erp-0001", "erp-0002"] {
            road.check(one).await;
        }
        let before = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        assert_eq!(apply(&road, MORE, Share::All).await.changed, 2);
        let after = road.app.store.tenant("erp-0001").await.unwrap().unwrap();
        assert_eq!((&after.health, after.due_at), (&before.health, before.due_at));
        assert_eq!(rig.number("SELECT COUNT(*) FROM message WHERE stage = 'first'").await, 0);
        assert_eq!(road.check("erp-0001").await, lost("users:read"));
        assert_eq!(road.status("erp-0001").await, "healthy (suspect)");
        assert_eq!(road.check("erp-0002").await, Finding::Accepted);
    })
    .await;
}

#[tokio::test]
async fn what_was_found_of_the_set_before_does_not_count_of_the_one_after() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        road.change(Change::RemoveScope {
            tenant: 1,
            scope: Scope::parse("export-jobs:read").unwrap(),
        });
        let asked = road.probe("erp-0001", "daemon").await;
        assert_eq!(asked.evidence.finding, lost("export-jobs:read"));
        assert_eq!(apply(&road, "users:read", Share::All).await.changed, 1);
        road.checker.settle(std::slice::from_ref(&asked), "daemon").await.unwrap();
        assert_eq!(road.status("erp-0001").await, "healthy");
        // It can be asked again at once.
        assert_eq!(road.check("erp-0001").await, Finding::Accepted);
        assert_eq!(road.status("erp-0001").await, "healthy");
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_meets_an_application_is_kept() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        let found = road.probe("erp-0001", "daemon").await;
        let finding = Finding::Operator(Action::Pause { until: None });
        let paused = Observed { evidence: Evidence { finding, ..found.evidence }, ..found };
        assert_eq!(apply(&road, MORE, Share::All).await.changed, 1);
        let settled = road.checker.settler.settle(&[paused], "daemon").await.unwrap();
        assert_eq!(settled[0].decision.reason, Reason::Paused);
        assert_eq!(road.status("erp-0001").await, "paused");
        assert_eq!(held_to(&road, "erp-0001").await, MORE);
    })
    .await;
}

#[tokio::test]
async fn a_permission_that_is_being_confirmed_is_confirmed_before_another_is_required() {
    on_both(async |rig| {
        let road = Road::on(rig, 1).await;
        road.check("erp-0001").await;
        let scope = Scope::parse("export-jobs:read").unwrap();
        road.change(Change::RemoveScope { tenant: 1, scope });
        road.check("erp-0001").await;
        let planned = plan(&road, MORE, Share::All).await;
        assert_eq!((planned.impact.tenants, planned.later), (0, 1));
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let held = road.checker.store.hold_to(&[id], &Scopes::parse(MORE)).await.unwrap();
        assert!(held.is_empty(), "it came to be confirmed after the plan was made");
        road.change(Change::AddScope { tenant: 1, scope });
        road.check("erp-0001").await;
        assert_eq!(apply(&road, MORE, Share::All).await.changed, 1);
    })
    .await;
}

#[tokio::test]
async fn a_label_keeps_everybody_else_as_they_are() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        let label = [("region".to_owned(), "dk".to_owned())].into();
        rig.store.label(ids[1], &label, &[]).await.unwrap();
        let labels = vec![LabelFilter { name: "region".to_owned(), value: Some("dk".to_owned()) }];
        let filter = TenantFilter { labels, ..TenantFilter::default() };
        let required = Scopes::parse(MORE);
        let asked = Requirement { store: &rig.store, required: &required, filter: &filter };
        let plan = asked.plan(Share::All).await.unwrap();
        assert_eq!((plan.whole, plan.impact.tenants), (1, 1));
        asked.apply(&plan, || false, |_, _| {}).await.unwrap();
        let of = async |id| rig.watched(id).await.required.joined();
        assert_eq!(of(ids[1]).await, MORE);
        assert_eq!(
            (of(ids[0]).await, of(ids[2]).await),
            ("export-jobs:read".into(), "export-jobs:read".into())
        );
        assert_eq!(number_of_others(rig).await, 2);
        let sql = "SELECT facts FROM audit WHERE action = 'tenant.scopes_applied'";
        let chained = rig.query(sql).await;
        let facts: String = chained[0].try_get_by_index(0).unwrap();
        assert_eq!(
            (chained.len(), facts.as_str()),
            (1, r#"{"from":"export-jobs:read","to":"export-jobs:read users:read"}"#)
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_chained_is_not_applied() {
    on_both(async |rig| {
        let ids = rig.add(2).await;
        let store = unaudited(&rig.url).await;
        let refused = store.hold_to(&ids, &Scopes::parse(MORE)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotAudited), "{refused}");
        assert_eq!(number_of_others(rig).await, 2);
    })
    .await;
}

async fn number_of_others(rig: &Rig) -> i64 {
    rig.number("SELECT COUNT(*) FROM tenant WHERE required_scopes = 'export-jobs:read'").await
}
