//! The list of an integration's keys over the API.

use std::fmt::Write;

use http::Method;
use keypulse::http::api::role::Role;
use serde_json::{Value, json};

use crate::api::{Answer, Served};
use crate::entering::everything;
use crate::mirroring::Mirror;
use crate::rig::{Rig, on_both};

const PATH: &str = "/api/v1/reconcile";

async fn push(served: &Served, token: &str, query: &str, list: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/csv")];
    Box::pin(served.ask(&Method::POST, &format!("{PATH}{query}"), &headers, list)).await
}

/// Three tenants, of which the second has rotated its key and the third is not on the list, and
/// somebody whom nobody knows.
async fn apart(rig: &Rig) -> (Served, String) {
    let mirror = Box::pin(Mirror::pushing(rig, 3)).await;
    mirror.rotate(2);
    let list = mirror.integration.list();
    let print = list.lines().nth(1).unwrap().split_once(',').unwrap().1.to_owned();
    let lines = list.lines().filter(|line| !line.starts_with("erp-0003"));
    let list = lines.chain([format!("erp-9999,{print}").as_str()]).collect::<Vec<_>>().join("\n");
    (Box::pin(Served::again(mirror.road)).await, list)
}

#[tokio::test]
async fn a_pushed_list_is_counted_named_and_remembered() {
    on_both(async |rig| {
        let (served, list) = Box::pin(apart(rig)).await;
        let token = served.token(Role::Integration).await;
        assert_eq!(served.get(&token, PATH).await.body["pushed_at"], Value::Null);

        let rehearsed = push(&served, &token, "?dry_run=true", &list).await;
        assert_eq!(rehearsed.body["dry_run"], true, "{rehearsed:?}");
        assert_eq!(rehearsed.body["differs"], 1);
        assert_eq!(served.get(&token, PATH).await.body["pushed_at"], Value::Null);

        let answer = push(&served, &token, "", &list).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let said = &answer.body;
        assert_eq!((&said["keys"], &said["same"]), (&json!(3), &json!(1)));
        assert_eq!(said["examples"]["differs"], json!(["erp-0002"]));
        assert_eq!(said["examples"]["only_here"], json!(["erp-0003"]));
        assert_eq!(said["examples"]["only_there"], json!(["erp-9999"]));
        assert_eq!(said["newly_out_of_step"], 1);
        let now = served.get(&token, PATH).await.body;
        let counted = json!({"same": 1, "differs": 1, "only_here": 1, "only_there": 1});
        assert_eq!(now["outcomes"], counted, "{now}");
        let tenant = served.get(&token, "/api/v1/tenants/erp-0002").await.body;
        assert_eq!(tenant["cause"], "out_of_step");
        let pushed = "SELECT COUNT(*) AS n FROM audit WHERE action = 'list.pushed' \
                      AND actor_kind = 'token'";
        assert_eq!(rig.number(pushed).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_list_with_a_line_that_cannot_be_used_changes_nothing_and_is_not_repeated() {
    on_both(async |rig| {
        let (served, list) = Box::pin(apart(rig)).await;
        let token = served.token(Role::Integration).await;
        let before = everything(rig).await;
        let bad =
            format!("{list}\nerp-0004,pls_fedcba9876543210\n{}\n", list.lines().nth(1).unwrap());
        let answer = push(&served, &token, "", &bad).await;
        assert_eq!(answer.refused(), (422, "list-refused"));
        assert_eq!(answer.body["bad_lines"], 2);
        assert_eq!(
            (&answer.body["lines"][0]["line"], &answer.body["lines"][1]["line"]),
            (&json!(5), &json!(6))
        );
        assert!(!answer.body.to_string().contains("fedcba"), "{answer:?}");
        let empty = push(&served, &token, "", "ref,fingerprint\n").await;
        assert_eq!(empty.refused(), (422, "list-refused"));
        assert_eq!(push(&served, &token, "?dry_run=x", &list).await.refused(), (400, "bad-query"));
        let bearer = format!("Bearer {token}");
        let typed = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let wrong = served.ask(&Method::POST, PATH, &typed, &list).await;
        assert_eq!(wrong.refused(), (415, "not-a-list"));
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_lines_pass_and_more_than_the_bound_do_not() {
    let rig = Rig::sqlite().await;
    let (served, list) = Box::pin(apart(&rig)).await;
    let token = served.token(Role::Integration).await;
    let print = list.lines().nth(1).unwrap().split_once(',').unwrap().1.to_owned();
    let mut long = list;
    for number in 10_000..110_000 {
        write!(long, "\ncustomer-of-the-installation-{number},{print}").unwrap();
    }
    let answer = push(&served, &token, "", &long).await;
    assert_eq!((answer.status, &answer.body["keys"]), (200, &json!(100_003)), "{answer:?}");
    assert_eq!(answer.body["only_there"], 100_001);
    assert_eq!(answer.body["examples"]["only_there"].as_array().unwrap().len(), 100);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: text/csv\r\ncontent-length: {}\r\n\r\n",
        32 * 1024 * 1024 + 1
    );
    assert_eq!(served.raw(head.as_bytes()).await.refused(), (413, "body-too-large"));
    // Nothing else takes as much.
    let body = json!({"reason": "x".repeat(20_000)});
    let disable = served.send(Method::POST, &token, "/api/v1/tenants/erp-0001/disable", &body);
    assert_eq!(disable.await.refused(), (413, "body-too-large"));
}

#[tokio::test]
async fn where_custody_is_no_mirror_there_is_nothing_to_compare() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let answer = push(&served, &token, "", "ref,fingerprint").await;
        assert_eq!(answer.refused(), (409, "not-mirrored"));
        assert_eq!(served.get(&token, PATH).await.refused(), (409, "not-mirrored"));
    })
    .await;
}

#[tokio::test]
async fn a_tenant_says_how_its_key_stands_to_the_integrations() {
    on_both(async |rig| {
        let (served, list) = Box::pin(apart(rig)).await;
        let token = served.token(Role::Integration).await;
        push(&served, &token, "", &list).await;
        for (reference, outcome) in
            [("erp-0001", "same"), ("erp-0002", "differs"), ("erp-0003", "not_compared")]
        {
            let tenant = served.get(&token, &format!("/api/v1/tenants/{reference}")).await.body;
            assert_eq!(tenant["comparison"]["outcome"], outcome, "{tenant}");
            assert_eq!(tenant["comparison"]["at"].is_null(), outcome == "not_compared");
        }
    })
    .await;
}
