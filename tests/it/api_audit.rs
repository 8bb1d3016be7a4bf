//! What is done by the API stands in the audit chain under the token that did it.

use http::Method;
use keypulse::http::api::review::Review;
use keypulse::http::api::role::Role;
use keypulse::sandbox::Change;
use keypulse::vault::TokenHash;
use serde_json::{Value, json};

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

#[tokio::test]
async fn the_chain_is_read_page_by_page_from_any_row_on_and_of_one_tenant() {
    on_both(async |rig| {
        let served = Served::on(rig, 3).await;
        let token = served.token(Role::Operator).await;
        let path = "/api/v1/tenants/erp-0002/pause";
        served.send(Method::POST, &token, path, &json!({})).await;
        let head = served.get(&token, "/api/v1/audit/head").await.body;
        let noted = served.road.app.store.audit_head().await.unwrap().unwrap();
        assert_eq!((&head["seq"], &head["head"]), (&json!(noted.seq), &json!(noted.to_string())));

        let (mut path, mut seen) = ("/api/v1/audit?limit=2".to_owned(), Vec::new());
        loop {
            let page = served.get(&token, &path).await;
            let rows = page.body["rows"].as_array().unwrap_or_else(|| panic!("{page:?}"));
            assert!(rows.len() <= 2, "{page:?}");
            seen.extend(rows.iter().map(|row| row["seq"].as_i64().unwrap()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/v1/audit?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, (1..=noted.seq).collect::<Vec<_>>());

        let since = served.get(&token, &format!("/api/v1/audit?after={}", noted.seq - 1)).await;
        assert_eq!(since.body["rows"].as_array().unwrap().len(), 1);
        let one = served.get(&token, "/api/v1/audit?tenant=erp-0002").await.body;
        let actions: Vec<_> =
            one["rows"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
        assert_eq!(actions.first(), Some(&json!("tenant.added")), "{one}");
        assert!(actions.len() >= 2 && actions.len() < seen.len(), "{one}");
        // Reading wrote nothing.
        assert_eq!(served.road.app.store.audit_head().await.unwrap(), Some(noted));

        let nobody = served.get(&token, "/api/v1/audit?tenant=nobody").await;
        assert_eq!(nobody.refused(), (404, "no-such-tenant"));
        let cursor = served.get(&token, "/api/v1/audit?limit=1").await.body["next_cursor"].clone();
        let both = format!("cursor={}&after=1", cursor.as_str().unwrap());
        for query in ["after=-1", "after=x", "limit=0", "actor=me", both.as_str()] {
            let answer = served.get(&token, &format!("/api/v1/audit?{query}")).await;
            assert_eq!(answer.refused(), (400, "bad-query"), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_review_of_a_tenant_tells_of_each_of_its_keys_and_of_no_other_tenant() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let token = served.token(Role::Admin).await;
        for number in [1, 2] {
            let key = served.road.rotated(number);
            let path = format!("/api/v1/tenants/erp-{number:04}/key");
            let body = json!({ "key": key.expose() });
            assert_eq!(served.send(Method::PUT, &token, &path, &body).await.status, 200);
        }
        let disable = "/api/v1/tenants/erp-0001/disable";
        served.send(Method::POST, &token, disable, &json!({})).await;
        let path = "/api/v1/tenants/erp-0001/audit";
        let first = served.get(&token, &format!("{path}?limit=2")).await.body;
        let review = &first["review"];
        assert_eq!(
            (&review["tenant"], &review["status"]),
            (&json!("erp-0001"), &json!("disabled"))
        );
        assert_eq!((&review["deletions_wanted"], &review["complete"]), (&json!(1), &json!(true)));
        let keys = review["keys"].as_array().unwrap();
        let ends: Vec<_> =
            keys.iter().map(|key| (&key["generation"], key["ended_how"].as_str())).collect();
        assert_eq!(
            ends,
            [(&json!(1), Some("replaced")), (&json!(2), Some("disabled"))],
            "{review}"
        );
        let id = &TokenHash::parse(&token).unwrap().id();
        assert_eq!(keys[1]["stored_by"], format!("token {id}"));
        let (mut rows, mut next) = (first["rows"].as_array().unwrap().clone(), first);
        while let Some(cursor) = next["next_cursor"].as_str() {
            next = served.get(&token, &format!("{path}?limit=2&cursor={cursor}")).await.body;
            assert_eq!(next["review"], Value::Null);
            rows.extend(next["rows"].as_array().unwrap().iter().cloned());
        }
        assert!(rows.iter().all(|row| row["tenant_id"] == rows[0]["tenant_id"]), "{rows:?}");
        let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["tenant.added", "key.replaced", "key.disabled"]);
    })
    .await;
}

#[tokio::test]
async fn a_review_of_more_rows_than_are_read_says_that_it_is_not_complete() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let store = &served.road.app.store;
        let view = store.tenant("erp-0001").await.unwrap().unwrap();
        let rows = store.audit_rows(Some(view.id), 0, 100).await.unwrap().len();
        let whole = Review::of(store, &view, "Pleo", rows).await.unwrap();
        assert!(whole.complete);
        let cut = Review::of(store, &view, "Pleo", rows - 1).await.unwrap();
        assert!(!cut.complete);
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_for_what_their_role_may_not_do_is_chained_and_who_is_unknown_is_not() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let (reader, admin) = (served.token(Role::Reader).await, served.token(Role::Admin).await);
        let store = &served.road.app.store;
        let since = store.audit_head().await.unwrap().unwrap().seq;
        let path = "/api/v1/tenants/erp-0001";
        let body = json!({ "key": "pls_fedcba9876543210fedcba9876543210" });
        let key = format!("{path}/key");
        assert_eq!(served.send(Method::PUT, &reader, &key, &body).await.status, 403);
        let nobody = "/api/v1/tenants/pls_fedcba9876543210/key";
        assert_eq!(served.send(Method::PUT, &reader, nobody, &body).await.status, 403);
        // A sealed key is no business of anybody but the integration, though it is only read.
        assert_eq!(served.get(&admin, &format!("{path}/handover")).await.status, 403);
        // None of these: nothing would be changed, or nobody is known.
        assert_eq!(served.get(&reader, "/api/v1/audit").await.status, 403);
        assert_eq!(served.send(Method::PUT, "kp_nothing", &key, &body).await.status, 401);
        let other = keypulse::vault::Token::draw().unwrap();
        assert_eq!(served.send(Method::PUT, other.shown_once(), &key, &body).await.status, 401);

        let rows = store.audit_rows(None, since, 100).await.unwrap();
        let known = store.tenant("erp-0001").await.unwrap().unwrap().id;
        let id = |token: &str| TokenHash::parse(token).unwrap().id();
        let chained: Vec<_> = rows
            .iter()
            .map(|row| (row.actor_id.clone(), row.tenant, row.outcome.as_str()))
            .collect();
        assert_eq!(
            chained,
            [
                (id(&reader), Some(known), "refused"),
                (id(&reader), None, "refused"),
                (id(&admin), Some(known), "refused"),
            ]
        );
        assert!(rows[0].facts.contains("/api/v1/tenants/{ref}/key"), "{rows:?}");
        assert!(!format!("{rows:?}").contains("fedcba98"), "{rows:?}");
    })
    .await;
}
