//! Who may do what: every cell of the table, and tokens that are none.

use chrono::TimeDelta;
use http::Method;
use keypulse::http::api::role::{Deed, ROUTES, Role};
use serde_json::{Value, json};

use crate::api::Served;
use crate::rig::on_both;

const EVERYBODY: [Role; 5] = Role::ALL;

#[tokio::test]
async fn every_role_may_do_exactly_what_its_row_of_the_table_says() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        for role in EVERYBODY {
            let token = served.token(role).await;
            for route in &ROUTES {
                // Nobody is of this name: whoever is let through finds nothing, and harms nothing.
                let path = route.path.replace("{ref}", "nobody");
                let answer = served.send(route.method.clone(), &token, &path, &json!({})).await;
                let cell = format!("{} {} {}", role.word(), route.method, route.path);
                if route.deed.roles().contains(&role) {
                    assert!(![401, 403].contains(&answer.status), "{cell}: {answer:?}");
                } else {
                    assert_eq!(answer.refused(), (403, "role-not-allowed"), "{cell}");
                }
            }
        }
    })
    .await;
}

#[test]
fn the_table_of_the_manual_is_the_one_that_is_asked() {
    let manual = std::fs::read_to_string("docs/API.md").unwrap();
    for deed in Deed::ALL {
        let cells = EVERYBODY.map(|role| if role.may(deed) { "yes" } else { "–" });
        let line = format!("| {} | {} |", deed.words(), cells.join(" | "));
        assert!(manual.contains(&line), "docs/API.md lacks: {line}");
    }
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_or_not_any_more_lets_nobody_in() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let path = "/api/v1/tenants";
        let good = served.token(Role::Admin).await;
        assert_eq!(served.get(&good, path).await.status, 200);

        let expired = served.token_for("admin", TimeDelta::zero()).await;
        let strange = served.token_for("root", TimeDelta::days(1)).await;
        let other = keypulse::vault::Token::draw().unwrap();
        let typo = format!("{}0", &good[..good.len() - 1]);
        let typo = if typo == good { format!("{}1", &good[..good.len() - 1]) } else { typo };
        for bad in [expired.as_str(), &strange, other.shown_once(), &typo, "kp_", ""] {
            let answer = served.get(bad, path).await;
            assert_eq!(answer.refused(), (401, "unauthorized"), "{answer:?}");
            assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
        }
        let revoked = served.token(Role::Admin).await;
        assert_eq!(served.get(&revoked, path).await.status, 200);
        let id = keypulse::vault::TokenHash::parse(&revoked).unwrap().id();
        let now = served.road.app.clock.now();
        let store = &served.road.app.store;
        assert_eq!(store.revoke_token(&id, now).await.unwrap(), Some(true));
        assert_eq!(store.revoke_token(&id, now).await.unwrap(), Some(false));
        assert_eq!(store.revoke_token("nothing", now).await.unwrap(), None);
        assert_eq!(served.get(&revoked, path).await.refused(), (401, "unauthorized"));
        assert!(store.token(&id).await.unwrap().unwrap().used_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_token_counts_in_its_header_alone_and_once() {
    on_both(async |rig| {
        let served = Served::on(rig, 0).await;
        let token = served.token(Role::Admin).await;
        let bearer = format!("Bearer {token}");
        let path = format!("/api/v1/tenants?access_token={token}");
        let basic = format!("Basic {token}");
        let cookie = format!("token={token}; Authorization={bearer}");
        for headers in [
            vec![],
            vec![("cookie", cookie.as_str())],
            vec![("authorization", basic.as_str())],
            vec![("authorization", token.as_str())],
            vec![("authorization", bearer.as_str()), ("authorization", bearer.as_str())],
        ] {
            let answer = served.ask(&Method::GET, &path, &headers, "").await;
            assert_eq!(answer.refused(), (401, "unauthorized"), "{headers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_database_holds_no_token() {
    on_both(async |rig| {
        let served = Served::on(rig, 0).await;
        let token = served.token(Role::Admin).await;
        served.get(&token, "/api/v1/tenants").await;
        for row in rig.query("SELECT id, hash, role, name FROM api_token").await {
            let text = |name| row.try_get::<String>("", name).unwrap();
            let hash = row.try_get::<Vec<u8>>("", "hash").unwrap();
            let kept = format!("{}{}{}", text("id"), text("role"), text("name"));
            assert!(!kept.contains(&token[3..]) && hash.len() == 32);
            assert!(!token.as_bytes().windows(8).any(|part| hash.windows(8).any(|h| h == part)));
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_may_not_learns_nothing_of_the_body_or_the_tenant() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Reader).await;
        for reference in ["erp-0001", "nobody"] {
            let path = format!("/api/v1/tenants/{reference}/key");
            for body in [json!({}), json!({"key": "what is this"}), Value::Null] {
                let answer = served.send(Method::PUT, &token, &path, &body).await;
                assert_eq!(answer.refused(), (403, "role-not-allowed"));
            }
        }
    })
    .await;
}
