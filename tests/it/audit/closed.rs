//! What has to be chained and cannot be is not done, and the checks go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use keypulse::health::{Action, Finding};
use keypulse::sandbox::Change;
use keypulse::shutdown::Shutdown;
use keypulse::store::StoreError;
use keypulse::task::{Answer, EnterError, Offer, Origin};
use keypulse::telemetry::Metrics;

use super::{fault, tamper};
use crate::rig::{Rig, decided, minute, now, on_both, tenant, unaudited};
use crate::road::Road;

/// Two ways in which the head takes nothing: it is gone, or the database refuses.
async fn break_head(rig: &Rig, way: usize) {
    if way == 0 {
        tamper(rig, "DELETE FROM audit_head").await;
    } else if rig.is_sqlite() {
        let sql = "CREATE TRIGGER no BEFORE UPDATE ON audit_head \
                   BEGIN SELECT RAISE(ABORT, 'no'); END";
        rig.execute(sql, vec![]).await;
    } else {
        let function = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \
                        $$ BEGIN RAISE EXCEPTION 'no'; END $$";
        rig.execute(function, vec![]).await;
        let trigger = "CREATE TRIGGER no BEFORE UPDATE ON audit_head \
                       FOR EACH ROW EXECUTE FUNCTION no()";
        rig.execute(trigger, vec![]).await;
    }
}

/// A tenant's key and state as they lie there.
async fn lies_there(rig: &Rig) -> Vec<(i64, i64, Vec<u8>, String, i64)> {
    let sql = "SELECT k.tenant_id, k.generation, k.sealed, s.status, s.version \
               FROM tenant_key k JOIN tenant_state s ON s.tenant_id = k.tenant_id \
               ORDER BY k.tenant_id";
    let of = |row: &sea_orm::QueryResult| {
        (
            row.try_get_by_index(0).unwrap(),
            row.try_get_by_index(1).unwrap(),
            row.try_get_by_index(2).unwrap(),
            row.try_get_by_index(3).unwrap(),
            row.try_get_by_index(4).unwrap(),
        )
    };
    rig.query(sql).await.iter().map(of).collect()
}

#[tokio::test]
async fn while_the_chain_takes_nothing_no_key_changes_and_the_checks_go_on() {
    for way in 0..2 {
        on_both(async |rig| {
            let road = Road::on(rig, 2).await;
            road.check("erp-0001").await;
            let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
            break_head(rig, way).await;
            let version = rig.watched(id).await.version;
            assert_eq!(road.check("erp-0001").await, Finding::Accepted);
            assert_eq!(rig.watched(id).await.version, version + 1, "routine checks go on");
            let before = lies_there(rig).await;

            road.sandbox.world().apply(Change::Rotate { tenant: 1 }).unwrap();
            let fresh = road.sandbox.world().tenant(1).unwrap().into_key();
            let required = road.app.required_scopes();
            let offer = Offer {
                pasted: fresh.expose(),
                required: &required,
                expires_at: None,
                origin: Origin::Integration,
            };
            let refused = road.checker.enter(id, &offer, &Shutdown::new()).await.unwrap_err();
            let chained = |error: &StoreError| matches!(error, StoreError::Unchained { .. });
            assert!(matches!(&refused, EnterError::Store(why) if chained(why)), "{refused}");
            assert!(refused.to_string().contains("keypulse audit verify"), "{refused}");

            let unusable = Offer { pasted: "", ..offer };
            let refused = road.checker.enter(id, &unusable, &Shutdown::new()).await;
            assert!(matches!(refused, Err(EnterError::Store(why)) if chained(&why)));

            let settler = road.app.settler(Metrics::new().unwrap(), Arc::default());
            for action in [Action::Compromise, Action::Pause { until: None }] {
                let refused = settler.operate(id, action).await.unwrap_err();
                assert!(chained(&refused), "{refused}");
            }
            let keyring = &road.checker.keyring;
            let request = crate::rotation::request("late", 1);
            let error = road.app.add_tenant(keyring, &request).await.unwrap_err();
            assert!(error.downcast_ref().is_some_and(chained), "{error}");
            let label = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
            assert!(chained(&road.app.store.label(id, &label, &[]).await.unwrap_err()));
            assert_eq!(lies_there(rig).await, before, "everything is as it was");
            assert!(road.app.store.care(id).await.unwrap().labels.is_empty());
            assert_eq!(rig.number("SELECT COUNT(*) FROM revocation").await, 0);

            assert!(road.app.store.appended().failed > 0);
        })
        .await;
    }
}

#[tokio::test]
async fn in_a_batch_whose_chaining_fails_nothing_is_saved_and_alone_the_routine_is() {
    on_both(async |rig| {
        let ids = rig.add(3).await;
        for id in &ids {
            super::live(rig, *id, &[(0, Finding::Accepted)]).await;
        }
        break_head(rig, 0).await;
        let mut batch = Vec::new();
        for id in &ids {
            batch.push(decided(&rig.watched(*id).await, Finding::Accepted, minute(15)));
        }
        let watched = rig.watched(ids[1]).await;
        let pause = Finding::Operator(Action::Pause { until: None });
        batch[1] = decided(&watched, pause, minute(15));
        let error = rig.store.save(&batch, "x", minute(15)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unchained { .. }), "{error}");
        assert_eq!(rig.watched(ids[0]).await.version, 2, "all or nothing");
        for (n, one) in batch.iter().enumerate() {
            let saved = rig.store.save(std::slice::from_ref(one), "x", minute(15)).await;
            assert_eq!(saved.is_ok(), n != 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_handle_without_the_audit_key_changes_nothing_that_has_to_be_chained() {
    on_both(async |rig| {
        rig.keyring().await;
        let plain = unaudited(&rig.url).await;
        let error = plain.add_tenant(&tenant(0), now(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::NotAudited), "{error}");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 0);
        let error = plain.verify_audit(None, |_, _| {}).await.unwrap_err();
        assert!(matches!(error, StoreError::NotAudited), "{error}");
        assert_eq!(fault(rig).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_refused_key_stands_in_the_chain_with_the_kind_of_refusal_and_without_the_key() {
    on_both(async |rig| {
        let road = Road::on(rig, 2).await;
        let id = road.app.store.tenant("erp-0001").await.unwrap().unwrap().id;
        let required = road.app.required_scopes();
        let other = road.sandbox.world().tenant(2).unwrap().into_key();
        let offer = Offer {
            pasted: other.expose(),
            required: &required,
            expires_at: None,
            origin: Origin::Integration,
        };
        let actor = keypulse::store::Actor::new("token", "4711").with("from", "192.0.2.1");
        let answer = road.checker.enter_as(actor, id, &offer, &Shutdown::new()).await.unwrap();
        assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
        let rows = road.app.store.latest_audit_rows(Some(id), 1).await.unwrap();
        assert_eq!((rows[0].action.as_str(), rows[0].outcome.as_str()), ("key.offered", "refused"));
        assert!(rows[0].facts.contains("\"type\":\"key-of-another-tenant\""), "{rows:?}");
        assert_eq!((rows[0].actor_kind.as_str(), rows[0].actor_id.as_str()), ("token", "4711"));
        let whole = road.app.store.verify_audit(None, |_, _| {}).await.unwrap();
        assert_eq!(whole.fault, None);
        let all = format!("{:?}", road.app.store.audit_rows(None, 0, 100).await.unwrap());
        assert!(!all.contains(other.expose()) && !all.contains(&other.masked()), "{all}");
        // The key that tenant 2 has is named as it was when it was added.
        let added = road.app.store.tenant("erp-0002").await.unwrap().unwrap().id;
        let added = road.app.store.audit_rows(Some(added), 0, 1).await.unwrap();
        let key = |facts: &str| {
            let facts: serde_json::Value = serde_json::from_str(facts).unwrap();
            facts["key"].as_str().unwrap().to_owned()
        };
        assert_eq!(key(&rows[0].facts), key(&added[0].facts));
    })
    .await;
}
