//! Requests with an `Idempotency-Key`: done once, answered again, also by another process.

use chrono::TimeDelta;
use http::Method;
use keypulse::http::api::role::Role;
use keypulse::sandbox::{Change, Fault, FaultKind};
use keypulse::store::{Claimed, Request};
use serde_json::json;

use crate::api::Served;
use crate::rig::{now, on_both};

const KEY: &str = "/api/v1/tenants/erp-0001/key";
const NAMED: [(&str, &str); 1] = [("idempotency-key", "6f1c-0001")];

#[tokio::test]
async fn a_repetition_gets_the_first_answer_also_from_the_next_process_and_does_nothing() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let body = json!({"key": served.road.rotated(1).expose()});
        let first = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!((first.status, &first.body["type"]), (200, &json!("replaced")));
        assert!(!first.head.contains("idempotency-replayed"));
        let again = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
        served.stop();

        let served = Box::pin(Served::on(rig, 0)).await;
        let again = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(served.road.sandbox.world().counts().total, 0);
    })
    .await;
}

#[tokio::test]
async fn another_request_under_the_same_name_is_refused_and_another_tokens_is_its_own() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let body = json!({"key": "pls_0123456789abcdef0123456789abcdef"});
        let first = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!(first.refused(), (422, "key-rejected"));
        let again = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!((again.refused(), &again.body), (first.refused(), &first.body));
        assert!(again.head.contains("idempotency-replayed: true"));

        let other = json!({"key": served.road.rotated(1).expose()});
        let answer = served.send_as(Method::PUT, &token, KEY, &other, &NAMED).await;
        assert_eq!(answer.refused(), (422, "idempotency-key-reused"));
        let pause = "/api/v1/tenants/erp-0001/pause";
        let answer = served.send_as(Method::POST, &token, pause, &body, &NAMED).await;
        assert_eq!(answer.refused(), (422, "idempotency-key-reused"));

        let second = served.token(Role::Integration).await;
        let answer = served.send_as(Method::PUT, &second, KEY, &other, &NAMED).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn what_says_try_again_is_tried_again_under_the_same_name() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let body = json!({"key": served.road.rotated(1).expose()});
        served.road.change(Change::Fault(Fault::new(FaultKind::Status(503))));
        let answer = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!(answer.refused(), (503, "provider-unreachable"));
        served.road.change(Change::ClearFaults {});
        let answer = served.send_as(Method::PUT, &token, KEY, &body, &NAMED).await;
        assert_eq!((answer.status, &answer.body["type"]), (200, &json!("replaced")), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn two_of_one_name_at_once_do_the_work_once() {
    on_both(async |rig| {
        let served = Served::beside(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let tenant = served.road.sandbox.world().tenant(1).unwrap();
        let body = json!({
            "ref": "one", "company_id": tenant.company_id, "key": tenant.key().expose(),
        });
        let path = "/api/v1/tenants";
        let ask = || served.send_as(Method::POST, &token, path, &body, &NAMED);
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        let answers = [one, two, three];
        assert!(answers.iter().any(|one| one.status == 201), "{answers:?}");
        for answer in &answers {
            let under_way = answer.status == 409 && answer.kind() == "request-under-way";
            assert!(answer.status == 201 || under_way, "{answer:?}");
        }
        assert_eq!(ask().await.status, 201);
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_request_is_kept() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let key = "pls_0123456789abcdef0123456789abcdef";
        served.send_as(Method::PUT, &token, KEY, &json!({"key": key}), &NAMED).await;
        let rows = rig.query("SELECT name, request, claim, body FROM api_answer").await;
        assert_eq!(rows.len(), 1);
        for row in rows {
            let bytes = |name| row.try_get::<Vec<u8>>("", name).unwrap();
            assert_eq!((bytes("name").len(), bytes("request").len()), (32, 32));
            let body: String = row.try_get("", "body").unwrap();
            assert!(!body.contains("0123456789") && !body.contains("6f1c"), "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Operator).await;
        let pause = "/api/v1/tenants/erp-0001/pause";
        let long = "x".repeat(256);
        for headers in [
            vec![("idempotency-key", "")],
            vec![("idempotency-key", "a b")],
            vec![("idempotency-key", "ä")],
            vec![("idempotency-key", long.as_str())],
            vec![("idempotency-key", "a"), ("idempotency-key", "b")],
        ] {
            let answer = served.send_as(Method::POST, &token, pause, &json!({}), &headers).await;
            assert_eq!(answer.refused(), (400, "bad-idempotency-key"), "{headers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_held_given_up_taken_over_when_abandoned_and_forgotten_after_a_day() {
    on_both(async |rig| {
        let store = &rig.store;
        let (name, request, other) = ([1; 32], [2; 32], [3; 32]);
        let asked = Request { name: &name, request: &request };
        let at = |minutes| now() + TimeDelta::minutes(minutes);
        let claim =
            async |who, minutes| store.claim_request(&asked, who, at(minutes)).await.unwrap();
        assert_eq!(claim("a", 0).await, Claimed::New);
        assert_eq!(claim("b", 1).await, Claimed::UnderWay);
        store.unclaim(&name, "b").await.unwrap();
        assert_eq!(claim("b", 1).await, Claimed::UnderWay);
        store.unclaim(&name, "a").await.unwrap();
        assert_eq!(claim("b", 1).await, Claimed::New);
        // Whoever had it has died.
        assert_eq!(claim("c", 5).await, Claimed::New);
        store.answered(&name, "b", 200, "late").await.unwrap();
        assert_eq!(claim("d", 6).await, Claimed::UnderWay);
        store.answered(&name, "c", 201, "done").await.unwrap();
        let answered = Claimed::Answered { status: 201, body: "done".to_owned() };
        assert_eq!(claim("d", 60).await, answered);
        let wrong = Request { name: &name, request: &other };
        assert_eq!(store.claim_request(&wrong, "d", at(60)).await.unwrap(), Claimed::Other);
        assert_eq!(store.forget_answers(at(60)).await.unwrap(), 0);
        assert_eq!(claim("e", 24 * 60 + 6).await, Claimed::New);
        assert_eq!(store.forget_answers(at(3 * 24 * 60)).await.unwrap(), 1);
    })
    .await;
}
