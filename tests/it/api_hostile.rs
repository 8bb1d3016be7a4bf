//! What nobody should send: bounded, clear, and nothing of it comes back.

use http::Method;
use keypulse::http::api::problem::Kind;
use keypulse::http::api::role::Role;
use keypulse::provider::Refusal;
use serde_json::{Value, json};

use crate::api::Served;
use crate::entering::everything;
use crate::rig::on_both;

const KEY: &str = "/api/v1/tenants/erp-0001/key";
/// Stands for a key in a place where none belongs.
const MARK: &str = "pls_fedcba9876543210fedcba9876543210";

#[tokio::test]
async fn a_body_that_is_not_what_it_must_be_is_refused_and_nothing_of_it_is_repeated() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let before = everything(rig).await;
        let bearer = format!("Bearer {token}");
        let json = ("content-type", "application/json");
        let huge = format!("{{\"key\":\"{}\"}}", "x".repeat(20_000));
        let deep = format!("{{\"key\":{}", "[".repeat(8_000));
        for (kind, body, expected) in [
            (json, format!("{{\"key\":\"{MARK}\""), (400, "bad-request")),
            (json, MARK.to_owned(), (400, "bad-request")),
            (json, String::new(), (400, "bad-request")),
            (json, format!("{{\"{MARK}\":1}}"), (422, "bad-value")),
            (json, format!("{{\"key\":[\"{MARK}\"]}}"), (422, "bad-value")),
            (json, format!("{{\"key\":\"{MARK}\",\"key\":\"x\"}}"), (422, "bad-value")),
            (json, format!("{{\"key\":\"{MARK}\",\"expires_at\":\"{MARK}\"}}"), (422, "bad-value")),
            (json, format!("\"{MARK}\""), (422, "bad-value")),
            (json, format!("[\"{MARK}\"]"), (422, "bad-value")),
            (json, "null".to_owned(), (422, "bad-value")),
            (json, "{\"key\":\"\\ud800\"}".to_owned(), (400, "bad-request")),
            (json, deep, (422, "bad-value")),
            (json, huge, (413, "body-too-large")),
            (("content-type", "text/plain"), format!("{{\"key\":\"{MARK}\"}}"), (415, "not-json")),
            (
                ("content-type", "application/json; charset=latin1"),
                format!("{{\"key\":\"{MARK}\"}}"),
                (415, "not-json"),
            ),
            (("x-nothing", "x"), format!("{{\"key\":\"{MARK}\"}}"), (415, "not-json")),
        ] {
            let headers = [("authorization", bearer.as_str()), kind];
            let answer = served.ask(&Method::PUT, KEY, &headers, &body).await;
            let start: String = body.chars().take(60).collect();
            assert_eq!(answer.refused(), expected, "{start}");
            let said = format!("{}{}", answer.head, answer.body);
            assert!(!said.contains("fedcba98"), "{said}");
        }
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_and_lengths_that_lie_are_refused() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let head = |length: &str| {
            format!(
                "PUT {KEY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer \
                 {token}\r\ncontent-type: application/json\r\n{length}\r\n\r\n"
            )
        };
        let mut bytes = head("content-length: 12").into_bytes();
        bytes.extend_from_slice(b"{\"key\":\"\xff\xfe\"}");
        assert_eq!(served.raw(&bytes).await.refused(), (400, "bad-request"));
        // Said before a byte of it is there.
        let large = served.raw(head("content-length: 9999999999").as_bytes()).await;
        assert_eq!(large.refused(), (413, "body-too-large"));
        let mut endless = head("transfer-encoding: chunked").into_bytes();
        for _ in 0..40 {
            endless.extend_from_slice(format!("400\r\n{}\r\n", "x".repeat(0x400)).as_bytes());
        }
        assert_eq!(served.raw(&endless).await.refused(), (413, "body-too-large"));
        for wrong in ["content-length: -1", "content-length: 1\r\ncontent-length: 2"] {
            assert_eq!(served.raw(head(wrong).as_bytes()).await.status, 400, "{wrong}");
        }
        let heavy = format!("x-heavy: {}", "x".repeat(600_000));
        let status = served.raw(head(&heavy).as_bytes()).await.status;
        assert!([0, 431].contains(&status), "{status}");
        assert_eq!(served.get(&token, "/api/v1/tenants").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn paths_and_queries_that_lead_astray_find_nothing() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Admin).await;
        for path in [
            "/api/v1/tenants/%00",
            "/api/v1/tenants/%ff%fe",
            "/api/v1/tenants/..%2f..%2fetc%2fpasswd",
            "/api/v1/tenants/erp-0001%0d%0ax",
            "/api/v1/tenants/nobody",
            "/api/v1/tenants/a%20b",
        ] {
            assert_eq!(served.get(&token, path).await.refused(), (404, "no-such-tenant"), "{path}");
        }
        for path in ["/api/v1/tenants/", "/api/v1//tenants", "/api/v2/tenants", "/api", "/nothing"]
        {
            assert_eq!(served.get(&token, path).await.refused(), (404, "no-such-page"), "{path}");
        }
        let long = format!("/api/v1/tenants/{}", "x".repeat(2_000));
        assert_eq!(served.get(&token, &long).await.refused(), (404, "no-such-tenant"));
        for method in [Method::DELETE, Method::PUT, Method::TRACE, Method::OPTIONS] {
            let answer = served.send(method, &token, "/api/v1/tenants", &Value::Null).await;
            assert_eq!(answer.refused(), (405, "method-not-allowed"));
            assert!(answer.head.contains("allow: "), "{answer:?}");
        }
        let body = json!({"key": MARK});
        let path = format!("{KEY}?key={MARK}");
        let answer = served.send(Method::PUT, &token, &path, &body).await;
        assert_eq!(answer.refused(), (400, "bad-query"));
        for query in ["limit=0", "limit=9999", "nothing=1", "cursor=zzz", "search=%00", "status=x"]
        {
            let answer = served.get(&token, &format!("/api/v1/tenants?{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
            answer.refused();
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_held_back_with_a_time_to_wait_and_others_are_served() {
    on_both(async |rig| {
        let served = Served::on(rig, 0).await;
        let (token, other) = (served.token(Role::Reader).await, served.token(Role::Reader).await);
        let mut held = None;
        for _ in 0..500 {
            let wave = (0..20).map(|_| served.get(&token, "/api/v1/tenants?limit=1"));
            let mut wave: Vec<_> = wave.map(Box::pin).collect();
            for one in &mut wave {
                let answer = one.as_mut().await;
                if answer.status != 200 {
                    held = Some(answer);
                }
            }
            if held.is_some() {
                break;
            }
        }
        let held = held.unwrap();
        assert_eq!(held.refused(), (429, "too-many-requests"));
        assert!(held.head.contains("retry-after: 1"), "{held:?}");
        assert_eq!(served.get(&other, "/api/v1/tenants").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn what_is_answered_is_not_kept_by_anybody_and_the_viewer_comes_from_here_only() {
    on_both(async |rig| {
        let served = Served::on(rig, 0).await;
        let token = served.token(Role::Reader).await;
        let list = served.get(&token, "/api/v1/tenants").await;
        assert!(list.head.contains("cache-control: no-store"), "{list:?}");
        assert!(list.head.contains("x-content-type-options: nosniff"), "{list:?}");
        let none = [("accept", "text/html")];
        let described = served.ask(&Method::GET, "/api/openapi.json", &none, "").await;
        assert_eq!((described.status, &described.body["openapi"]), (200, &json!("3.1.0")));
        let page = served.ask(&Method::GET, "/api/docs/", &none, "").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.head.contains("content-security-policy: default-src 'self'"), "{page:?}");
        let html = page.body.as_str().unwrap();
        assert!(html.contains("swagger-ui"), "{html}");
        let start = served.ask(&Method::GET, "/api/docs/swagger-initializer.js", &none, "").await;
        let script = start.body.as_str().unwrap();
        assert!(script.contains("\"validatorUrl\": \"none\""), "{script}");
        for text in [html, script] {
            assert!(!text.contains("https://") && !text.contains("http://"), "{text}");
        }
    })
    .await;
}

#[test]
fn the_manual_lists_every_type_of_problem_with_its_status() {
    let manual = std::fs::read_to_string("docs/API.md").unwrap();
    for kind in Kind::ALL {
        let (word, status, _) = kind.told();
        let line = format!("| `{word}` | {} |", status.as_u16());
        assert!(manual.contains(&line), "docs/API.md lacks: {line}");
    }
    for name in Refusal::NAMES {
        assert!(manual.contains(&format!("| `{name}` |")), "docs/API.md lacks {name}");
    }
}

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let path = "docs/openapi.json";
    let made = keypulse::http::api::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("KEYPULSE_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == made,
        "docs/openapi.json is not what the code says: run this test with KEYPULSE_WRITE_OPENAPI=1"
    );
}

#[test]
fn every_route_is_described_and_every_described_one_is_in_the_table_of_roles() {
    let described = serde_json::to_value(keypulse::http::api::document()).unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    let mut known: Vec<_> = keypulse::http::api::role::ROUTES
        .iter()
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}
