//! What is done by the API stands in the audit chain under the token that did it.

use http::Method;
use keypulse::http::api::role::Role;
use keypulse::sandbox::Change;
use keypulse::vault::TokenHash;
use serde_json::json;

use crate::api::Served;
use crate::rig::on_both;

#[tokio::test]
async fn every_deed_is_chained_under_the_token_that_did_it_and_with_its_name_apart() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let token = served.token(Role::Admin).await;
        let new = served.road.rotated(1);
        let path = "/api/v1/tenants/erp-0001";
        let dead = json!({ "key": "pls_00000000000000000000000000000000" });
        let deeds = [
            (Method::PUT, format!("{path}/key"), dead, 422),
            (Method::PUT, format!("{path}/key"), json!({ "key": new.expose() }), 200),
            (Method::POST, format!("{path}/pause"), json!({}), 200),
            (Method::POST, format!("{path}/disable"), json!({ "reason": "left open" }), 200),
        ];
        let since = served.road.app.store.audit_head().await.unwrap().unwrap().seq;
        for (method, path, body, status) in deeds {
            let answer = served.send(method, &token, &path, &body).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        let rows = served.road.app.store.audit_rows(None, since, 100).await.unwrap();
        let done: Vec<_> =
            rows.iter().map(|row| (row.action.as_str(), row.outcome.as_str())).collect();
        assert_eq!(done[..2], [("key.offered", "refused"), ("key.replaced", "done")], "{done:?}");
        assert_eq!(done.last().map(|(action, _)| *action), Some("key.disabled"), "{done:?}");
        let id = &TokenHash::parse(&token).unwrap().id();
        for row in &rows {
            assert_eq!((row.actor_kind.as_str(), &row.actor_id), ("token", id), "{row:?}");
            assert!(format!("{:?}", row.detail).contains("a test"), "{row:?}");
            assert!(!format!("{row:?}").contains(new.expose()));
        }
    })
    .await;
}

#[tokio::test]
async fn making_and_revoking_a_token_is_chained_and_a_refused_newcomer_too() {
    on_both(async |rig| {
        let served = Served::beside(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let tenant = served.road.sandbox.world().tenant(1).unwrap();
        let company = tenant.company_id.clone();
        let old = tenant.into_key();
        served.road.change(Change::Rotate { tenant: 1 });
        let body = json!({ "ref": "new-1", "company_id": company, "key": old.expose() });
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &body).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        let store = &served.road.app.store;
        let id = &TokenHash::parse(&token).unwrap().id();
        assert_eq!(store.revoke_token(id, served.road.app.clock.now()).await.unwrap(), Some(true));
        let rows = store.audit_rows(None, 0, 100).await.unwrap();
        let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
        for action in ["token.made", "tenant.offered", "token.revoked"] {
            assert!(actions.contains(&action), "{actions:?}");
        }
    })
    .await;
}
