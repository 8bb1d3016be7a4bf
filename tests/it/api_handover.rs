//! Keys on their way to the integration by the API: listed, fetched under a token, acknowledged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use keypulse::http::api::role::Role;
use keypulse::store::{HandOver, SealedCopy};
use keypulse::vault::TokenHash;
use serde_json::{Value, json};

use crate::age::Pair;
use crate::api::{Answer, Served};
use crate::rig::{now, on_both, tenant};

const COPY: &str = "/api/v1/tenants/erp-0001/handover";
const ACK: &str = "/api/v1/tenants/erp-0001/handover/acknowledge";
const LIST: &str = "/api/v1/handovers";

impl Served {
    /// Gives a tenant a new key at the provider, and keypulse by somebody who is not the integration.
    async fn repair(&self, number: u32) -> String {
        let key = self.road.rotated(number).expose().to_owned();
        let admin = self.token(Role::Admin).await;
        let path = format!("/api/v1/tenants/erp-{number:04}/key");
        let answer = self.send(Method::PUT, &admin, &path, &json!({ "key": key })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        key
    }

    async fn acknowledge(&self, token: &str, generation: u32) -> Answer {
        self.send(Method::POST, token, ACK, &json!({ "generation": generation })).await
    }
}

fn sealed(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{answer:?}");
    STANDARD.decode(answer.body["sealed"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_key_that_is_owed_is_fetched_again_and_again_until_it_is_acknowledged() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let (token, pair) = (served.token(Role::Integration).await, Pair::new());
        served.road.register(&pair).await;
        assert_eq!(served.get(&token, COPY).await.refused(), (404, "nothing-owed"));
        let key = served.repair(1).await;
        let owed = served.get(&token, LIST).await.body;
        assert_eq!(owed["next_cursor"], Value::Null);
        let one = &owed["handovers"][0];
        assert_eq!(
            (&one["type"], &one["ref"], &one["generation"], &one["state"]),
            (&json!("tenant.key_replaced"), &json!("erp-0001"), &json!(2), &json!("owed"))
        );
        // Not before anybody has it; a HEAD gives nobody anything.
        let bearer = format!("Bearer {token}");
        let head = served.ask(&Method::HEAD, COPY, &[("authorization", &bearer)], "").await;
        assert!(head.status == 405 && head.head.contains("allow: get"), "{head:?}");
        assert_eq!(served.acknowledge(&token, 2).await.refused(), (409, "not-fetched"));

        let first = served.get(&token, COPY).await;
        assert_eq!(pair.text(&sealed(&first)), key);
        assert_eq!(
            (&first.body["generation"], &first.body["recipient"]),
            (&json!(2), &json!(pair.public))
        );
        assert_eq!(first.body["owed_at"], one["owed_at"]);
        assert_eq!(served.get(&token, COPY).await.body, first.body);
        let shown = served.get(&token, "/api/v1/tenants/erp-0001").await.body;
        assert_eq!(shown["handover"]["state"], "fetched", "{shown}");

        assert_eq!(served.acknowledge(&token, 1).await.refused(), (409, "other-generation"));
        let done = served.acknowledge(&token, 2).await;
        assert_eq!((done.status, &done.body["changed"]), (200, &json!(true)), "{done:?}");
        let again = served.acknowledge(&token, 2).await;
        assert_eq!((again.status, &again.body["changed"]), (200, &json!(false)), "{again:?}");
        assert_eq!(served.get(&token, COPY).await.refused(), (409, "already-acknowledged"));
        assert_eq!(served.get(&token, LIST).await.body["handovers"], json!([]));
        let shown = served.get(&token, "/api/v1/tenants?limit=1").await.body;
        assert_eq!(shown["tenants"][0]["handover"]["state"], "acknowledged", "{shown}");
    })
    .await;
}

#[tokio::test]
async fn what_the_integration_brings_itself_is_not_owed_to_it() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        served.road.register(&Pair::new()).await;
        let key = served.road.rotated(1).expose().to_owned();
        let path = "/api/v1/tenants/erp-0001/key";
        let answer = served.send(Method::PUT, &token, path, &json!({ "key": key })).await;
        assert_eq!((answer.status, &answer.body["tenant"]["handover"]), (200, &Value::Null));
        assert_eq!(served.get(&token, COPY).await.refused(), (404, "nothing-owed"));
        assert_eq!(served.acknowledge(&token, 2).await.refused(), (404, "nothing-owed"));
    })
    .await;
}

#[tokio::test]
async fn a_key_without_a_recipient_or_not_accepted_yet_is_not_given_and_the_answer_says_why() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        served.repair(1).await;
        assert_eq!(served.get(&token, COPY).await.refused(), (409, "no-recipient"));
        let owed = served.get(&token, LIST).await.body;
        assert_eq!(owed["handovers"][0]["state"], "without_recipient");
        let pair = Pair::new();
        served.road.register(&pair).await;
        assert_eq!(served.get(&token, COPY).await.status, 200);

        let copy = SealedCopy { recipient: pair.public.clone(), bytes: b"sealed".to_vec() };
        let mut new = tenant(7);
        new.hand_over = HandOver::Owed(Some(copy));
        new.key_id = u32::try_from(rig.number("SELECT MAX(key_id) FROM tenant_key").await).unwrap();
        served.road.app.store.add_tenant(&new, now(), now()).await.unwrap();
        let path = "/api/v1/tenants/t-0007/handover";
        assert_eq!(served.get(&token, path).await.refused(), (409, "not-accepted-yet"));
    })
    .await;
}

#[tokio::test]
async fn each_fetch_and_each_acknowledgement_is_chained_under_the_token_before_it_is_answered() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        served.road.register(&Pair::new()).await;
        served.repair(1).await;
        let store = &served.road.app.store;
        let since = store.audit_head().await.unwrap().unwrap().seq;
        served.get(&token, COPY).await;
        served.acknowledge(&token, 2).await;
        let rows = store.audit_rows(None, since, 100).await.unwrap();
        let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["handover.fetched", "handover.acknowledged"]);
        let id = TokenHash::parse(&token).unwrap().id();
        for row in &rows {
            assert_eq!((row.actor_kind.as_str(), &row.actor_id), ("token", &id), "{row:?}");
            assert_eq!(row.generation, Some(2));
        }
    })
    .await;
}

#[tokio::test]
async fn a_copy_is_not_given_when_it_cannot_be_written_down_who_gets_it() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        served.road.register(&Pair::new()).await;
        served.repair(1).await;
        rig.execute("DELETE FROM audit_head", vec![]).await;
        let answer = served.get(&token, COPY).await;
        assert_eq!(answer.refused(), (500, "internal"), "{answer:?}");
        assert!(answer.body.get("sealed").is_none(), "{answer:?}");
        let fetched = "SELECT COUNT(*) FROM handover WHERE fetched_at IS NOT NULL";
        assert_eq!(rig.number(fetched).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_owed_is_listed_page_by_page_and_by_its_own_cursor_only() {
    on_both(async |rig| {
        let served = Served::on(rig, 3).await;
        let token = served.token(Role::Reader).await;
        for number in 1..=3 {
            served.repair(number).await;
        }
        let (mut path, mut listed) = (format!("{LIST}?limit=2"), Vec::new());
        loop {
            let page = served.get(&token, &path).await;
            for one in page.body["handovers"].as_array().unwrap() {
                listed.push(one["ref"].as_str().unwrap().to_owned());
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("{LIST}?limit=2&cursor={cursor}");
        }
        assert_eq!(listed, ["erp-0001", "erp-0002", "erp-0003"]);
        let tenants = served.get(&token, "/api/v1/tenants?limit=2").await;
        let foreign = tenants.body["next_cursor"].as_str().unwrap();
        for (query, kind) in [
            (format!("cursor={foreign}"), "bad-cursor"),
            ("limit=201".to_owned(), "bad-query"),
            ("status=late".to_owned(), "bad-query"),
            ("limit=1&limit=1".to_owned(), "bad-query"),
        ] {
            let answer = served.get(&token, &format!("{LIST}?{query}")).await;
            assert_eq!(answer.refused(), (400, kind), "{query}");
        }
    })
    .await;
}
