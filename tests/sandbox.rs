//! The sandbox over the wire: every change and every fault, met by a client on a real socket.
//!
//! Long because every sentence of `docs/SANDBOX.md` has a test here, all on one rig.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use keypulse::clock::ManualClock;
use keypulse::sandbox::{
    self, Applied, Call, Change, Company, Fault, FaultKind, InstallationError, InstallationStatus,
    KeyKind, Options, RetryAfter, Sandbox, SandboxError, Scope, World,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const INTROSPECT: &str = "v1/introspect";
const INSTALLATION: &str = "v1/installations/me";

// ---- what the documentation promises ----

#[tokio::test]
async fn introspect_answers_in_the_documented_shape() {
    let rig = Rig::start(20).await;
    let tenant = rig.world().tenant(1).unwrap();
    let answer = rig.get(INTROSPECT, 1).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json;charset=UTF-8");
    let data = &answer.json()["data"];
    assert_eq!(data["authMethod"], "API_KEY");
    assert_eq!(
        data["scope"],
        "export-jobs:read export-jobs:write export-items:read users:read accounts:read \
         vendors:read companies:read"
    );
    assert_eq!(data["subjectURN"], format!("urn:pleo:company:{}", tenant.company_id));
    assert_eq!(data["clientId"], tenant.client_id);
    assert_eq!(data["applicationName"], "Sandbox ERP");
    let standalone = rig.get(INTROSPECT, 5).await.json();
    assert_eq!(standalone["data"]["applicationName"], Value::Null);
}

#[tokio::test]
async fn the_installation_is_a_bare_object_and_its_company_can_be_asked_for() {
    let rig = Rig::start(20).await;
    let own = rig.world().company(1).id;
    let answer = rig.get(INSTALLATION, 1).await.json();
    assert_eq!(answer["status"], "ACTIVATED");
    assert_eq!(answer["resource"], format!("urn:pleo:company:{own}"));
    assert_eq!(answer["errorCode"], Value::Null);
    let asked = format!("{INSTALLATION}?company_id={own}");
    assert_eq!(rig.get(&asked, 1).await.status, 200);
    let foreign = format!("{INSTALLATION}?company_id={}", rig.world().company(2).id);
    assert_eq!(rig.get(&foreign, 1).await.status, 403);
}

#[tokio::test]
async fn a_company_is_named_to_its_own_key_and_to_no_other() {
    let rig = Rig::start(20).await;
    let company = rig.world().company(1);
    let answer = rig.get(&format!("v1/companies/{}", company.id), 1).await;
    let data = json!({"id": company.id, "name": company.name});
    assert_eq!((answer.status, &answer.json()["data"]), (200, &data));
    let foreign = format!("v1/companies/{}", rig.world().company(2).id);
    assert_eq!(rig.get(&foreign, 1).await.status, 403);
    assert_eq!(rig.get("v1/companies/acme", 1).await.status, 400);
}

#[tokio::test]
async fn only_basic_with_the_key_and_an_empty_password_is_accepted() {
    let rig = Rig::start(20).await;
    let key = rig.key(1);
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    for (header, status) in [
        (basic(format!("{key}:")), 200),
        (basic(format!("{key}:")).replace("Basic", "bASIC"), 200),
        (basic(format!("{key}:secret")), 401),
        (basic(key.clone()), 401),
        (basic(format!(":{key}")), 401),
        (basic("x".repeat(4_000)), 401),
        (format!("Bearer {key}"), 401),
        (format!("Basic {key}:"), 401),
        ("Basic".to_owned(), 401),
        (String::new(), 401),
    ] {
        let request = rig.request(Method::GET, INTROSPECT).header(AUTHORIZATION, &header);
        assert_eq!(send(request).await.status, status, "{header:.20}");
    }
    let bare = send(rig.request(Method::GET, INTROSPECT)).await;
    assert_eq!((bare.status, bare.json()["error"]["type"].as_str()), (401, Some("UNAUTHORIZED")));
}

#[tokio::test]
async fn the_wrong_method_is_405_and_an_unknown_path_404() {
    let rig = Rig::start(20).await;
    for method in [Method::POST, Method::DELETE, Method::PUT] {
        let answer = send(rig.as_tenant(rig.request(method, INSTALLATION), 1)).await;
        assert_eq!(answer.status, 405);
    }
    assert_eq!(rig.get("v2/employees?limit=1", 1).await.status, 404);
    assert_eq!(rig.get("v1/companies/", 1).await.status, 404);
}

#[tokio::test]
async fn one_seed_gives_one_world_and_another_seed_another() {
    let (first, second) = (Rig::start(20).await, Rig::start(20).await);
    for number in 1..=20 {
        assert_eq!(first.key(number), second.key(number));
        assert_eq!(first.world().company(number), second.world().company(number));
    }
    let other = Rig::start_with(20, 8).await;
    assert_ne!(first.key(1), other.key(1));
    assert_eq!(send(other.with_key(&first.key(1))).await.status, 401);
    assert_eq!(first.world().tenant(20).unwrap().reference.as_str(), "erp-0020");
    assert!(first.world().tenant(0).is_none() && first.world().tenant(21).is_none());
}

#[tokio::test]
async fn http_2_is_spoken_to_a_client_that_begins_with_it() {
    let rig = Rig::start(20).await;
    let client = client(reqwest::ClientBuilder::http2_prior_knowledge);
    let url = rig.sandbox.base_url().join(INTROSPECT).unwrap();
    let answer = client.get(url).basic_auth(rig.key(1), Some("")).send().await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, reqwest::Version::HTTP_2));
}

// ---- changes ----

#[tokio::test]
async fn a_revoked_or_expired_key_is_refused_until_it_is_restored() {
    let rig = Rig::start(20).await;
    for word in ["revoke", "expire"] {
        rig.control(json!({"do": word, "tenant": 3})).await;
        assert_eq!(rig.get(INTROSPECT, 3).await.status, 401);
        assert_eq!(rig.get(INTROSPECT, 4).await.status, 200);
        rig.control(json!({"do": "restore", "tenant": 3})).await;
        assert_eq!(rig.get(INTROSPECT, 3).await.status, 200);
    }
}

#[tokio::test]
async fn a_rotated_key_works_only_as_its_new_generation() {
    let rig = Rig::start(20).await;
    let old = rig.key(3);
    rig.apply(Change::Revoke { tenant: 3 });
    let answer = rig.control(json!({"do": "rotate", "tenant": 3})).await;
    let new = answer["key"].as_str().unwrap();
    assert_eq!(rig.key(3), new);
    assert_eq!(send(rig.with_key(&old)).await.status, 401);
    assert_eq!(send(rig.with_key(new)).await.status, 200);
    rig.apply(Change::Restore { tenant: 3 });
    rig.apply(Change::Reset { tenant: 3 });
    assert_eq!(send(rig.with_key(&old)).await.status, 401);
    let Ok(Applied::Rotated { key }) = rig.world().apply(Change::Rotate { tenant: 3 }) else {
        panic!("no new key");
    };
    assert_eq!(send(rig.with_key(new)).await.status, 401);
    assert_eq!(send(rig.with_key(key.expose())).await.status, 200);
}

#[tokio::test]
async fn a_lost_scope_is_missing_from_a_200_and_shuts_the_company() {
    let rig = Rig::start(20).await;
    let company = format!("v1/companies/{}", rig.world().company(3).id);
    let scope = "companies:read";
    rig.control(json!({"do": "remove_scope", "tenant": 3, "scope": scope})).await;
    let answer = rig.get(INTROSPECT, 3).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.json()["data"]["scope"].as_str().unwrap().contains(scope));
    assert_eq!(rig.get(&company, 3).await.status, 403);
    rig.control(json!({"do": "add_scope", "tenant": 3, "scope": scope})).await;
    assert_eq!(rig.get(&company, 3).await.status, 200);
    let added = Scope::parse("tax-codes:write").unwrap();
    rig.apply(Change::AddScope { tenant: 3, scope: added });
    let scopes = rig.get(INTROSPECT, 3).await.json()["data"]["scope"].to_string();
    assert!(scopes.contains("tax-codes:write"));
}

#[tokio::test]
async fn a_moved_key_names_the_other_company_and_reaches_only_that() {
    let rig = Rig::start(20).await;
    let (own, other) = (rig.world().company(3), rig.world().company(4));
    let uuid = "0d5c3c7e-90a4-4c37-8f5e-1f6f3b7a2c11";
    rig.control(json!({"do": "move_company", "tenant": 3, "to": 4})).await;
    assert_eq!(rig.subject(3).await, format!("urn:pleo:company:{}", other.id));
    assert_eq!(rig.get(&format!("v1/companies/{}", own.id), 3).await.status, 403);
    let shown = rig.get(&format!("v1/companies/{}", other.id), 3).await.json();
    assert_eq!(shown["data"]["name"], other.name);
    rig.control(json!({"do": "move_company", "tenant": 3, "to": uuid})).await;
    assert_eq!(rig.subject(3).await, format!("urn:pleo:company:{uuid}"));
    rig.apply(Change::MoveCompany { tenant: 3, to: Company::Number(3) });
    assert_eq!(rig.subject(3).await, format!("urn:pleo:company:{}", own.id));
}

#[tokio::test]
async fn an_organisation_key_reaches_its_company_or_not_as_asked() {
    let rig = Rig::start(20).await;
    let company = format!("v1/companies/{}", rig.world().company(3).id);
    for (reaches_company, status) in [(true, 200), (false, 403)] {
        let change =
            json!({"do": "organisation_key", "tenant": 3, "reaches_company": reaches_company});
        rig.control(change).await;
        assert!(rig.subject(3).await.starts_with("urn:pleo:organisation:"));
        assert_eq!(rig.get(&company, 3).await.status, status);
    }
    rig.apply(Change::Reset { tenant: 3 });
    assert!(rig.subject(3).await.starts_with("urn:pleo:company:"));
}

#[tokio::test]
async fn a_key_of_another_client_has_another_client_id() {
    let rig = Rig::start(20).await;
    let client =
        async |tenant| rig.get(INTROSPECT, tenant).await.json()["data"]["clientId"].clone();
    assert_eq!(client(3).await, client(4).await);
    rig.control(json!({"do": "other_client", "tenant": 3})).await;
    assert_ne!(client(3).await, client(4).await);
}

#[tokio::test]
async fn an_installation_shows_its_status_and_error_or_is_not_there() {
    let rig = Rig::start(20).await;
    let status = InstallationStatus::Error;
    let error_code = Some(InstallationError::AuthError);
    rig.apply(Change::Installation { tenant: 3, status, error_code });
    let shown = rig.get(INSTALLATION, 3).await.json();
    assert_eq!((&shown["status"], &shown["errorCode"]), (&json!("ERROR"), &json!("AUTH_ERROR")));
    for (given, answered) in [
        ("INACTIVE", "INACTIVE"),
        ("AUTHORIZED", "AUTHORIZED"),
        ("PENDING_INTEGRATION", "PENDING_INTEGRATION"),
        ("unknown", "ON_HOLIDAY"),
    ] {
        rig.control(json!({"do": "installation", "tenant": 3, "status": given})).await;
        assert_eq!(rig.get(INSTALLATION, 3).await.json()["status"], answered);
    }
    rig.control(json!({"do": "installation", "tenant": 3, "status": "none"})).await;
    assert_eq!(rig.get(INSTALLATION, 3).await.status, 404);
    assert_eq!(rig.get(INTROSPECT, 3).await.status, 200);
}

// ---- faults ----

#[tokio::test]
async fn a_status_fault_hits_everybody_until_it_is_cleared() {
    let rig = Rig::start(20).await;
    for status in [500, 503, 401, 403, 400, 404] {
        rig.control(json!({"do": "fault", "kind": {"status": status}})).await;
        assert_eq!(rig.get(INTROSPECT, 1).await.status, status);
        assert_eq!(rig.get("v1/nothing", 2).await.status, status);
        rig.control(json!({"do": "clear_faults"})).await;
        assert_eq!(rig.get(INTROSPECT, 1).await.status, 200);
    }
}

#[tokio::test]
async fn a_429_says_when_to_come_back_in_every_way_there_is() {
    let rig = Rig::start(20).await;
    let date = "Mon, 02 Mar 2026 08:01:00 GMT";
    for (retry_after, said) in [
        (json!({"seconds": 17}), Some("17")),
        (json!("date"), Some(date)),
        (json!("nonsense"), Some("a little later")),
        (json!("none"), None),
    ] {
        let kind = json!({"rate_limited": {"retry_after": retry_after}});
        rig.control(json!({"do": "fault", "kind": kind})).await;
        let answer = rig.get(INTROSPECT, 1).await;
        assert_eq!(answer.status, 429);
        let header = answer.headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap());
        assert_eq!(header, said);
    }
    let retry_after = RetryAfter::None;
    let written = serde_json::to_value(FaultKind::RateLimited { retry_after }).unwrap();
    assert_eq!(written, json!({"rate_limited": {"retry_after": "none"}}));
}

#[tokio::test]
async fn a_hanging_call_is_taken_counted_and_never_answered() {
    let rig = Rig::start(20).await;
    rig.fault(Fault::new(FaultKind::Hang));
    let waiting = timeout(Duration::from_millis(300), rig.get(INTROSPECT, 1)).await;
    assert!(waiting.is_err());
    let counts = rig.world().counts();
    assert_eq!((counts.total, counts.statuses.len()), (1, 0));
}

#[tokio::test]
async fn a_slow_answer_is_the_true_one_a_byte_at_a_time() {
    let rig = Rig::start(20).await;
    rig.fault(Fault::new(FaultKind::Slow));
    let mut socket = rig.raw(1).await;
    let mut received = Vec::new();
    let reading = timeout(Duration::from_millis(1_300), socket.read_to_end(&mut received)).await;
    assert!(reading.is_err(), "the answer ended");
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!((1..=3).contains(&body.len()) && r#"{"data""#.starts_with(body), "{body}");
}

#[tokio::test]
async fn a_reset_reaches_the_client_as_a_reset_and_not_as_an_end() {
    let rig = Rig::start(20).await;
    rig.fault(Fault::new(FaultKind::Reset));
    for _ in 0..10 {
        let mut socket = rig.raw(1).await;
        let error = socket.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(rig.world().counts().total, 10);
}

#[tokio::test]
async fn a_login_page_comes_with_200_as_html() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": "html"})).await;
    let answer = rig.get(INTROSPECT, 1).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[CONTENT_TYPE], "text/html;charset=UTF-8");
    assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn none_says_200_with_no_authentication_and_leaves_other_calls_alone() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": "none"})).await;
    let answer = rig.get(INTROSPECT, 1).await;
    assert_eq!((answer.status, &answer.json()["data"]["authMethod"]), (200, &json!("NONE")));
    assert_eq!(rig.get(INSTALLATION, 1).await.json()["status"], "ACTIVATED");
}

#[tokio::test]
async fn an_empty_answer_is_200_without_a_byte() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": "empty"})).await;
    let answer = rig.get(INTROSPECT, 1).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.headers["content-length"], "0");
}

#[tokio::test]
async fn an_endless_answer_has_not_ended_after_sixteen_megabytes() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": "endless"})).await;
    let mut answer = rig.as_tenant(rig.request(Method::GET, INTROSPECT), 1).send().await.unwrap();
    let mut read = 0;
    while read < 16 * 1024 * 1024 {
        let chunk = answer.chunk().await.unwrap().expect("the body ended");
        if read == 0 {
            assert!(chunk.starts_with(br#"{"data":{"authMethod":"API_KEY""#));
        }
        read += chunk.len();
    }
}

#[tokio::test]
async fn a_compressed_answer_is_real_gzip_a_thousand_times_its_size() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": "compressed"})).await;
    let answer = rig.get(INTROSPECT, 1).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert!(answer.body.len() < 70_000, "{} bytes", answer.body.len());
    let mut gzip = Command::new("gzip")
        .args(["-dc"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&answer.body));
    let unpacked = gzip.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(unpacked.status.success(), "gzip found a fault");
    assert_eq!(unpacked.stdout.len(), 1 + 64 * 1024 * 4 * 258);
    assert!(unpacked.stdout.iter().all(|byte| *byte == b' '));
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_path_on_the_other_host() {
    let rig = Rig::start(20).await;
    let kind = json!({"redirect": {"to": "https://elsewhere.example"}});
    rig.control(json!({"do": "fault", "kind": kind})).await;
    let answer = rig.get("v1/introspect?x=1", 1).await;
    assert_eq!(answer.status, 307);
    assert_eq!(answer.headers["location"], "https://elsewhere.example/v1/introspect?x=1");
}

#[tokio::test]
async fn a_share_hits_the_same_tenants_every_time_and_nobody_without_a_key() {
    let rig = Rig::start(60).await;
    rig.fault(Fault::new(FaultKind::Status(401)).share(0.3));
    let first = rig.refused(60).await;
    assert!((8..=28).contains(&first.len()), "{first:?}");
    assert_eq!(rig.refused(60).await, first);
    rig.apply(Change::ClearFaults {});
    rig.fault(Fault::new(FaultKind::Status(503)).share(0.3));
    assert_eq!(rig.refused(60).await, first);
    assert_eq!(send(rig.request(Method::GET, INTROSPECT)).await.status, 401);
}

#[tokio::test]
async fn a_fault_for_named_tenants_and_one_call_hits_only_those() {
    let rig = Rig::start(20).await;
    let fault = Fault::new(FaultKind::Status(503)).tenants(vec![7, 2]).call(Call::Introspect);
    rig.fault(fault);
    assert_eq!(rig.refused(20).await, [2, 7]);
    assert_eq!(rig.get(INSTALLATION, 2).await.status, 200);
}

#[tokio::test]
async fn a_fault_with_an_end_is_over_afterwards() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "fault", "kind": {"status": 500}, "for_ms": 400})).await;
    assert_eq!(rig.get(INTROSPECT, 1).await.status, 500);
    let healed = async {
        while rig.get(INTROSPECT, 1).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), healed).await.unwrap();
}

#[tokio::test]
async fn latency_holds_back_every_answer() {
    let rig = Rig::start(20).await;
    rig.control(json!({"do": "latency", "ms": 200})).await;
    let begun = tokio::time::Instant::now();
    rig.get(INTROSPECT, 1).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

// ---- the control port ----

#[tokio::test]
async fn counts_agree_with_what_was_asked() {
    let rig = Rig::start(20).await;
    rig.apply(Change::Revoke { tenant: 2 });
    for (path, tenant) in [(INTROSPECT, 1), (INTROSPECT, 2), (INSTALLATION, 1), ("v1/x", 1)] {
        rig.get(path, tenant).await;
    }
    let counts = rig.look("control/counts").await;
    assert_eq!(counts["total"], 4);
    assert_eq!(
        counts["calls"],
        json!({"introspect": 2, "installation": 1, "company": 0, "other": 1})
    );
    assert_eq!(counts["statuses"], json!({"200": 2, "401": 1, "404": 1}));
    assert_eq!(counts["tenants_asked"], 2);
    assert_eq!(counts["busiest_60s"], json!({"at_least": 4, "at_most": 4}));
    let seconds = counts["per_second"].as_array().unwrap();
    assert_eq!((seconds.len(), seconds.iter().filter_map(Value::as_u64).sum()), (120, 4_u64));
    assert_eq!(rig.look("control/counts?tenant=1").await["total"], 2);
    assert_eq!(rig.look("control/counts?tenant=21").await["error"], "there is no such tenant");
    let tenths = rig.look("control/counts/tenths").await["tenths"].as_array().unwrap().len();
    assert_eq!(tenths, 1_200);
    let reset = rig.sandbox.control_url().join("control/counts/reset").unwrap();
    send(rig.client.post(reset)).await;
    assert_eq!(rig.look("control/counts").await["total"], 0);
}

#[tokio::test]
async fn tenants_are_listed_with_masked_keys_only() {
    let rig = Rig::start(20).await;
    let page = rig.look("control/tenants?from=4&limit=2").await;
    assert_eq!(page["total"], 20);
    let tenants = page["tenants"].as_array().unwrap();
    assert_eq!((tenants.len(), &tenants[0]["ref"]), (2, &json!("erp-0004")));
    assert_eq!(tenants[1]["kind"], "standalone");
    let tail = rig.key(4).split_off(49);
    assert_eq!(tenants[0]["key"], format!("…{tail}"));
    let all = rig.look("control/tenants").await.to_string();
    assert!(!(1..=20).any(|number| all.contains(&rig.key(number))));
    assert_eq!(rig.look("control/tenants?from=21").await["tenants"], json!([]));
}

#[tokio::test]
async fn the_world_shows_what_is_wrong_with_it() {
    let rig = Rig::start(20).await;
    let fault = json!({"do": "fault", "kind": "empty", "calls": ["introspect"], "share": 1.0});
    rig.control(fault).await;
    rig.control(json!({"do": "latency", "ms": 5})).await;
    rig.get(INTROSPECT, 1).await;
    let world = rig.look("control/world").await;
    let shown =
        json!({"kind": "empty", "calls": ["introspect"], "share": 1.0, "ms_left": null, "met": 1});
    assert_eq!(world, json!({"tenants": 20, "latency_ms": 5, "faults": [shown]}));
}

#[tokio::test]
async fn what_the_control_port_does_not_understand_it_refuses_in_words() {
    let rig = Rig::start(20).await;
    for (change, status, named) in [
        (json!({"do": "revoke", "tenant": 21}), 422, "1 to 20"),
        (json!({"do": "revoke", "tenant": 0}), 422, "1 to 20"),
        (json!({"do": "revoke", "tenant": 1, "why": "x"}), 400, "why"),
        (json!({"do": "move_company", "tenant": 1, "to": "acme"}), 422, "UUID"),
        (json!({"do": "fault", "kind": "hang", "share": 2}), 422, "share"),
        (json!({"do": "fault", "kind": {"status": 200}}), 422, "status"),
        (json!({"do": "fault", "kind": {"redirect": {"to": "nowhere"}}}), 422, "http"),
        (json!({"do": "dance"}), 400, "dance"),
    ] {
        let answer = send(rig.post(change.to_string())).await;
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(answer.status == status && error.contains(named), "{change}: {error}");
    }
    assert_eq!(send(rig.post("{".to_owned())).await.status, 400);
    let unmarked = rig.sandbox.control_url().join("control/changes").unwrap();
    assert_eq!(send(rig.client.post(unmarked).body("{}")).await.status, 415);
    assert!(rig.look("control/tenants?form=4").await["error"].is_string());
    assert!(rig.look("control/keys").await["error"].is_string());
    assert!(rig.look("control/changes").await["error"].is_string());
    assert_eq!(rig.refused(20).await, [0; 0]);
}

#[tokio::test]
async fn the_control_port_does_not_open_outside_loopback() {
    let control = "0.0.0.0:0".parse().unwrap();
    let options = Options { control, ..options(1, 7) };
    let refused = Sandbox::start(options, clock()).await.unwrap_err();
    assert!(matches!(refused, SandboxError::ControlNotLoopback(_)), "{refused}");
}

// ---- life ----

#[tokio::test]
async fn a_stopped_sandbox_has_closed_its_listeners_and_connections() {
    let rig = Rig::start(20).await;
    rig.fault(Fault::new(FaultKind::Hang));
    let mut open = rig.raw(1).await;
    let api: SocketAddr = *rig.sandbox.base_url().socket_addrs(|| None).unwrap().first().unwrap();
    rig.sandbox.stop().await;
    assert!(TcpStream::connect(api).await.is_err());
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), open.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty());
}

#[tokio::test]
async fn the_keys_file_is_private_complete_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.jsonl");
    let serve = || {
        let (options, path) = (options(20, 7), path.clone());
        async move { sandbox::serve(options, clock(), Some(&path), |_| (), async {}).await }
    };
    serve().await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 20);
    let rig = Rig::start(20).await;
    for (number, line) in (1..).zip(&lines) {
        let tenant = rig.world().tenant(number).unwrap();
        assert_eq!(line["ref"], tenant.reference.as_str());
        assert_eq!(line["company_id"], tenant.company_id);
        assert_eq!(line["name"], tenant.company_name);
        assert_eq!(line["expires_at"].is_string(), tenant.kind == KeyKind::Standalone);
        assert_eq!(send(rig.with_key(line["key"].as_str().unwrap())).await.status, 200);
    }
    let refused = serve().await.unwrap_err();
    let SandboxError::KeysFile { source, .. } = refused else {
        panic!("another error: {refused}");
    };
    assert_eq!(source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

// ---- helpers ----

struct Rig {
    sandbox: Sandbox,
    client: reqwest::Client,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Rig {
    async fn start(tenants: u32) -> Self {
        Self::start_with(tenants, 7).await
    }

    async fn start_with(tenants: u32, seed: u64) -> Self {
        let sandbox = Sandbox::start(options(tenants, seed), clock()).await.unwrap();
        let client = client(|builder| builder);
        Self { sandbox, client }
    }

    fn world(&self) -> &World {
        self.sandbox.world()
    }

    fn apply(&self, change: Change) {
        self.world().apply(change).unwrap();
    }

    fn fault(&self, fault: Fault) {
        self.apply(Change::Fault(fault));
    }

    fn key(&self, tenant: u32) -> String {
        self.world().tenant(tenant).unwrap().key().expose().to_owned()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.sandbox.base_url().join(path).unwrap())
    }

    fn as_tenant(&self, request: RequestBuilder, tenant: u32) -> RequestBuilder {
        request.basic_auth(self.key(tenant), Some(""))
    }

    fn with_key(&self, key: &str) -> RequestBuilder {
        self.request(Method::GET, INTROSPECT).basic_auth(key, Some(""))
    }

    async fn get(&self, path: &str, tenant: u32) -> Answer {
        send(self.as_tenant(self.request(Method::GET, path), tenant)).await
    }

    async fn subject(&self, tenant: u32) -> String {
        let answer = self.get(INTROSPECT, tenant).await.json();
        answer["data"]["subjectURN"].as_str().unwrap().to_owned()
    }

    async fn refused(&self, tenants: u32) -> Vec<u32> {
        let mut refused = Vec::new();
        for tenant in 1..=tenants {
            if self.get(INTROSPECT, tenant).await.status != 200 {
                refused.push(tenant);
            }
        }
        refused
    }

    fn post(&self, body: String) -> RequestBuilder {
        let url = self.sandbox.control_url().join("control/changes").unwrap();
        self.client.post(url).header(CONTENT_TYPE, "application/json").body(body)
    }

    async fn control(&self, change: Value) -> Value {
        let answer = send(self.post(change.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    async fn look(&self, path: &str) -> Value {
        send(self.client.get(self.sandbox.control_url().join(path).unwrap())).await.json()
    }

    /// A socket on which a whole request has been sent.
    async fn raw(&self, tenant: u32) -> TcpStream {
        let url = self.sandbox.base_url();
        let mut socket =
            TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
        let credentials = STANDARD.encode(format!("{}:", self.key(tenant)));
        let request = format!(
            "GET /v1/introspect HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Basic {credentials}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let mut answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
        assert!(body.len() < 1024 * 1024, "the body is too long for a test");
    }
    Answer { status, headers, body }
}

#[expect(clippy::disallowed_methods, reason = "a test's client, bounded by the test")]
fn client(set: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    // Another test of this process may have been first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20));
    set(builder).build().unwrap()
}

fn options(tenants: u32, seed: u64) -> Options {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Options { listen: any, control: any, tenants, seed }
}

fn clock() -> Arc<ManualClock> {
    let start: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
    Arc::new(ManualClock::starting_at(start))
}
