//! What cannot be taken back, over the API: another company, a tenant forgotten, other scopes for many.

use http::Method;
use keypulse::http::api::role::Role;
use serde_json::{Value, json};

use crate::api::Served;
use crate::rig::{Rig, on_both};
use crate::road::Road;

const REBIND: &str = "/api/v1/tenants/erp-0001/rebind";
const ERASE: &str = "/api/v1/tenants/erp-0001/erase";
const APPLY: &str = "/api/v1/scopes/apply";

#[tokio::test]
async fn a_tenant_is_bound_to_another_company_only_with_a_key_that_is_accepted_there() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Admin).await;
        let before = served.get(&token, "/api/v1/tenants/erp-0001").await.body;
        let other = "00000000-0000-4000-8000-00000000beef";
        let wish = json!({"company_id": other, "reason": "a new owner"});

        let refused = served.send(Method::POST, &token, REBIND, &wish).await;
        assert_eq!(refused.refused(), (409, "not-accepted-there"));
        let mut stale = wish.clone();
        stale["company_before"] = json!(other);
        let refused = served.send(Method::POST, &token, REBIND, &stale).await;
        assert_eq!(refused.refused(), (409, "changed-meanwhile"));
        let silent = json!({"company_id": other});
        let refused = served.send(Method::POST, &token, REBIND, &silent).await;
        assert_eq!(refused.refused(), (422, "bad-value"));
        let now = served.get(&token, "/api/v1/tenants/erp-0001").await.body;
        assert_eq!((&now["company_id"], &now["key"]), (&before["company_id"], &before["key"]));

        let mut bare = wish;
        bare["without_key"] = json!(true);
        bare["company_before"] = before["company_id"].clone();
        let done = served.send(Method::POST, &token, REBIND, &bare).await;
        assert_eq!((done.status, &done.body["changed"]), (200, &json!(true)), "{done:?}");
        assert_eq!(done.body["with_key"], false);
        assert_eq!(done.body["company_before"], before["company_id"]);
        assert_eq!(done.body["tenant"]["company_id"], other);
        assert_eq!(done.body["tenant"]["key"], Value::Null);
        let same = json!({"company_id": other, "reason": "again"});
        let again = served.send(Method::POST, &token, REBIND, &same).await;
        assert_eq!(again.body["changed"], false, "{again:?}");
        let chained = "SELECT COUNT(*) AS n FROM audit WHERE action = 'tenant.company_changed' \
                       AND actor_kind = 'token'";
        assert_eq!(rig.number(chained).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_is_forgotten_only_by_whoever_says_its_reference_again() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Admin).await;
        let wrong = json!({"ref": "erp-0002", "reason": "they have left"});
        assert_eq!(
            served.send(Method::POST, &token, ERASE, &wrong).await.refused(),
            (422, "bad-value")
        );
        let telling = json!({"ref": "erp-0001", "reason": "ERP-0001 has left"});
        assert_eq!(
            served.send(Method::POST, &token, ERASE, &telling).await.refused(),
            (422, "bad-value")
        );
        assert_eq!(served.get(&token, "/api/v1/tenants/erp-0001").await.status, 200);

        let right = json!({"ref": "erp-0001", "reason": "they have left"});
        let name = [("idempotency-key", "erase-1")];
        let done = served.send_as(Method::POST, &token, ERASE, &right, &name).await;
        assert_eq!((done.status, &done.body["key_destroyed"]), (200, &json!(true)), "{done:?}");
        assert!(!done.body.to_string().contains("erp-0001"), "{done:?}");
        let again = served.send_as(Method::POST, &token, ERASE, &right, &name).await;
        assert_eq!((again.status, &again.body), (200, &done.body));
        let gone = served.get(&token, "/api/v1/tenants/erp-0001").await;
        assert_eq!(gone.refused(), (404, "no-such-tenant"));
        assert_eq!(rig.number("SELECT COUNT(*) AS n FROM tenant_key").await, 0);
        let stub = "SELECT COUNT(*) AS n FROM audit WHERE action = 'tenant.erased' \
                    AND actor_kind = 'token'";
        assert_eq!(rig.number(stub).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_that_may_still_work_keeps_its_tenant_from_being_forgotten() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Admin).await;
        let disable = "/api/v1/tenants/erp-0001/disable";
        assert_eq!(served.send(Method::POST, &token, disable, &Value::Null).await.status, 200);
        let wish = json!({"ref": "erp-0001", "reason": "they have left"});
        let refused = served.send(Method::POST, &token, ERASE, &wish).await;
        assert_eq!(refused.refused(), (409, "deletion-open"));
    })
    .await;
}

/// Three tenants, of which nobody is held to `tags:read`, which is required of new keys.
async fn apart(rig: &Rig) -> Served {
    let road = Box::pin(Road::on(rig, 3)).await;
    rig.execute("UPDATE tenant SET required_scopes = 'export:read'", Vec::new()).await;
    Box::pin(Served::again(road)).await
}

#[tokio::test]
async fn scopes_are_applied_to_as_many_as_the_caller_expects_and_to_nobody_else() {
    on_both(async |rig| {
        let served = apart(rig).await;
        let token = served.token(Role::Admin).await;
        let diff = served.get(&token, "/api/v1/scopes/diff").await;
        assert_eq!((diff.status, &diff.body["held"]), (200, &json!(0)), "{diff:?}");
        assert_eq!(diff.body["groups"][0]["tenants"], 3);
        assert_eq!(
            served.get(&token, "/api/v1/scopes/diff?label=none").await.body["groups"],
            json!([])
        );

        let mut wish = json!({"tenants": 2});
        let asked = served.send(Method::POST, &token, APPLY, &wish).await;
        assert_eq!(asked.refused(), (409, "not-expected"));
        assert_eq!(asked.body["touched"], 2);
        wish["expected"] = json!(3);
        let other = served.send(Method::POST, &token, APPLY, &wish).await;
        assert_eq!((other.refused(), &other.body["touched"]), ((409, "not-expected"), &json!(2)));
        assert_eq!(served.get(&token, "/api/v1/scopes/diff").await.body["held"], 0);

        wish["expected"] = json!(2);
        let done = served.send(Method::POST, &token, APPLY, &wish).await;
        assert_eq!((done.status, &done.body["changed"]), (200, &json!(2)), "{done:?}");
        assert_eq!(served.get(&token, "/api/v1/scopes/diff").await.body["held"], 2);
        for bad in [
            json!({"percent": 0}),
            json!({"percent": 101}),
            json!({"tenants": 0}),
            json!({"percent": 1, "tenants": 1}),
            json!({"labels": ["a b"]}),
        ] {
            let refused = served.send(Method::POST, &token, APPLY, &bad).await;
            assert_eq!(refused.refused(), (422, "bad-value"), "{bad}");
        }
        let operator = served.token(Role::Operator).await;
        assert_eq!(served.get(&operator, "/api/v1/scopes/diff").await.status, 200);
        let refused = served.send(Method::POST, &operator, APPLY, &wish).await;
        assert_eq!(refused.refused(), (403, "role-not-allowed"));
    })
    .await;
}
