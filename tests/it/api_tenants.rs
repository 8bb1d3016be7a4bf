//! Tenants by the API: lists and pages, changes, pauses, checks.

use std::collections::BTreeMap;

use http::Method;
use keypulse::health::Finding;
use keypulse::http::api::role::Role;
use keypulse::sandbox::Change;
use serde_json::{Value, json};

use crate::api::Served;
use crate::rig::{Rig, now, on_both, tenant};

const ONE: &str = "/api/v1/tenants/erp-0001";

#[tokio::test]
async fn pages_hold_each_of_two_and_a_half_thousand_once_while_others_are_added() {
    on_both(async |rig| {
        let served = Served::on(rig, 0).await;
        let store = &served.road.app.store;
        let key_id = rig.number("SELECT MAX(id) FROM data_key WHERE role = 'seal'").await;
        let add = async |n: u32| {
            let mut new = tenant(n);
            new.key_id = u32::try_from(key_id).unwrap();
            store.add_tenant(&new, now(), now()).await.unwrap();
        };
        // The even ones are there from the start.
        for n in 0..2_500 {
            add(2 * n).await;
        }
        let token = served.token(Role::Reader).await;
        let (mut seen, mut path) = (BTreeMap::new(), "/api/v1/tenants?limit=200".to_owned());
        let mut odd = (0..2_500).map(|n| 2 * n + 1).step_by(100);
        loop {
            let page = served.get(&token, &path).await;
            assert_eq!(page.status, 200, "{page:?}");
            for one in page.body["tenants"].as_array().unwrap() {
                let reference = one["ref"].as_str().unwrap().to_owned();
                *seen.entry(reference).or_insert(0) += 1;
            }
            for n in odd.by_ref().take(2) {
                add(n).await;
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/v1/tenants?limit=200&cursor={cursor}");
        }
        assert!(seen.values().all(|times| *times == 1));
        let even = (0..2_500).filter(|n| seen.contains_key(&format!("t-{:04}", 2 * n))).count();
        assert_eq!(even, 2_500);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_end_the_list() {
    on_both(async |rig| {
        let served = Served::on(rig, 4).await;
        let token = served.token(Role::Reader).await;
        let sql = "UPDATE tenant_state SET status = 'what' WHERE tenant_id = \
                   (SELECT id FROM tenant WHERE ref = 'erp-0002')";
        rig.execute(sql, vec![]).await;
        let first = served.get(&token, "/api/v1/tenants?limit=2").await;
        assert_eq!(first.body["tenants"].as_array().unwrap().len(), 1);
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let next = served.get(&token, &format!("/api/v1/tenants?limit=2&cursor={cursor}")).await;
        assert_eq!(next.body["tenants"].as_array().unwrap().len(), 2);
    })
    .await;
}

/// What the database would do for a page, as it tells.
async fn plan(rig: &Rig, sql: &str) -> String {
    let explain = if rig.url.starts_with("sqlite") { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let sql = format!("{explain} {sql}");
    let column = if rig.url.starts_with("sqlite") { "detail" } else { "QUERY PLAN" };
    let rows = rig.query(&sql).await;
    rows.iter().map(|row| row.try_get::<String>("", column).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_page_is_read_by_an_index_and_not_by_going_through_everybody() {
    on_both(async |rig| {
        rig.add(1).await;
        let numbers =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";
        let tenants = "INSERT INTO tenant (id, ref, name, company_id, required_scopes, key_kind, \
                       created_at)";
        let states = "INSERT INTO tenant_state (tenant_id, version, generation, status, since, \
                      episodes)";
        for sql in [
            format!(
                "{tenants} {numbers} SELECT i, 'u-' || i, 'x', 'x', 'x', 'integrated', 1 FROM n"
            ),
            format!("{states} {numbers} SELECT i, 1, 1, 'pending', 1, 0 FROM n"),
        ] {
            rig.execute(&sql, vec![]).await;
        }
        if !rig.url.starts_with("sqlite") {
            rig.execute("ANALYZE", vec![]).await;
        }
        let page = "SELECT t.ref FROM tenant t JOIN tenant_state s ON s.tenant_id = t.id \
                    LEFT JOIN tenant_key k ON k.tenant_id = t.id \
                    WHERE t.ref > 'u-15000' ORDER BY t.ref LIMIT 5";
        let said = plan(rig, page).await;
        let sorted = said.contains("Sort") || said.contains("TEMP B-TREE");
        assert!(said.to_ascii_lowercase().contains("index"), "{said}");
        assert!(!said.contains("SCAN t") && !said.contains("Seq Scan on tenant t"), "{said}");
        assert!(!sorted, "{said}");
    })
    .await;
}

#[tokio::test]
async fn filters_say_who_is_listed() {
    on_both(async |rig| {
        let served = Served::on(rig, 4).await;
        let token = served.token(Role::Support).await;
        served.road.check("erp-0001").await;
        let labels = json!({"labels": {"plan": "pro", "beta": ""}});
        assert_eq!(served.send(Method::PATCH, &token, ONE, &labels).await.status, 200);
        let labels = json!({"labels": {"plan": "free"}, "name": "Fjord A/S"});
        let path = "/api/v1/tenants/erp-0002";
        assert_eq!(served.send(Method::PATCH, &token, path, &labels).await.status, 200);
        for (query, expected) in [
            ("", vec!["erp-0001", "erp-0002", "erp-0003", "erp-0004"]),
            ("status=healthy", vec!["erp-0001"]),
            ("status=pending&limit=2", vec!["erp-0002", "erp-0003"]),
            ("label=plan", vec!["erp-0001", "erp-0002"]),
            ("label=plan%3Dfree", vec!["erp-0002"]),
            ("label=plan&label=beta", vec!["erp-0001"]),
            ("search=fjord%20a", vec!["erp-0002"]),
            ("cause=rejected", vec![]),
            ("status=disabled", vec![]),
        ] {
            let page = served.get(&token, &format!("/api/v1/tenants?{query}")).await;
            let listed: Vec<_> = page.body["tenants"]
                .as_array()
                .unwrap_or_else(|| panic!("{query}: {page:?}"))
                .iter()
                .map(|one| one["ref"].as_str().unwrap())
                .collect();
            assert_eq!(listed, expected, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_given_is_changed_what_is_null_is_taken_away_and_the_rest_stays() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Support).await;
        let body = json!({
            "name": "Fjord A/S", "contact": {"address": "bo@fjord.example", "role": "finance"},
            "locale": "DA-dk", "time_zone": "Europe/Copenhagen", "labels": {"plan": "pro", "x": ""},
        });
        let answer = served.send(Method::PATCH, &token, ONE, &body).await;
        assert_eq!((answer.status, &answer.body["name"]), (200, &json!("Fjord A/S")), "{answer:?}");
        assert_eq!(answer.body["contact"], body["contact"]);
        let body = json!({"contact": null, "locale": null, "labels": {"x": null, "y": "1"}});
        let answer = served.send(Method::PATCH, &token, ONE, &body).await;
        assert_eq!((&answer.body["contact"], &answer.body["locale"]), (&Value::Null, &Value::Null));
        assert_eq!(answer.body["labels"], json!({"plan": "pro", "y": "1"}));
        assert_eq!(answer.body["time_zone"], "Europe/Copenhagen");
        assert_eq!(served.get(&token, ONE).await.body, answer.body);

        let many: serde_json::Map<_, _> =
            (0..63).map(|n| (format!("many-{n}"), json!("1"))).collect();
        for bad in [
            json!({"name": ""}),
            json!({"name": "a\u{202e}b"}),
            json!({"contact": {"address": "two@a.example, b@b.example"}}),
            json!({"contact": {"address": "a@b.example\r\nbcc: c@d.example"}}),
            json!({"contact": ["a@b.example", "finance"]}),
            json!({"contact": {"address": "a@b.example", "phone": "1"}}),
            json!({"locale": "danish!"}),
            json!({"time_zone": "../etc/passwd"}),
            json!({"labels": {"a b": "1"}}),
            json!({"labels": {"a=b": "1"}}),
            json!({"labels": {"a": "\u{0}"}}),
            json!({"labels": many}),
            json!({"company_id": "another"}),
            json!({"status": "healthy"}),
            json!({"name": 7}),
            json!([]),
        ] {
            let refused = served.send(Method::PATCH, &token, ONE, &bad).await;
            assert_eq!(refused.refused(), (422, "bad-value"), "{bad}");
        }
        assert_eq!(served.get(&token, ONE).await.body, answer.body);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_is_paused_until_it_is_resumed_or_its_time_has_come() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Operator).await;
        served.road.check("erp-0001").await;
        let (pause, resume) = (format!("{ONE}/pause"), format!("{ONE}/resume"));
        let answer = served.send(Method::POST, &token, &pause, &Value::Null).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("paused")));
        assert_eq!(answer.body["next_check_at"], Value::Null);
        let until = (served.road.app.clock.now() + chrono::TimeDelta::days(3)).to_rfc3339();
        let answer = served.send(Method::POST, &token, &pause, &json!({"until": until})).await;
        assert!(answer.body["paused_until"].is_string(), "{answer:?}");
        let answer = served.send(Method::POST, &token, &resume, &json!({})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("healthy")));
        assert_eq!(served.send(Method::POST, &token, &resume, &Value::Null).await.status, 200);
        for until in ["2020-01-01T00:00:00Z", "+200000-01-01T00:00:00Z", "tomorrow"] {
            let answer = served.send(Method::POST, &token, &pause, &json!({"until": until})).await;
            assert_eq!(answer.refused(), (422, "bad-value"), "{until}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_check_asks_now_counts_as_any_other_and_waits_for_nobody_elses() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Support).await;
        let check = format!("{ONE}/check");
        let answer = served.send(Method::POST, &token, &check, &Value::Null).await;
        assert_eq!(
            (answer.status, &answer.body["finding"]),
            (200, &json!("accepted")),
            "{answer:?}"
        );
        assert_eq!(answer.body["tenant"]["status"], "healthy");
        served.road.change(Change::Revoke { tenant: 1 });
        let answer = served.send(Method::POST, &token, &check, &json!({})).await;
        assert_eq!(answer.body["finding"], "rejected");
        assert_eq!(answer.body["tenant"]["failing"]["in_a_row"], 1);
        let held = served.road.claim("erp-0001", "somebody").await;
        let answer = served.send(Method::POST, &token, &check, &Value::Null).await;
        assert_eq!(answer.refused(), (409, "check-under-way"));
        assert_eq!(held.reference, "erp-0001");
        served.road.app.store.release("somebody").await.unwrap();
        assert_ne!(served.road.check("erp-0001").await, Finding::Accepted);
    })
    .await;
}
