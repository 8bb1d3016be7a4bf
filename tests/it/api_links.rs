//! Links for customers, over the API.

use http::Method;
use keypulse::http::api::role::Role;
use serde_json::{Value, json};

use crate::api::Served;
use crate::rig::{Rig, on_both};
use crate::road::Road;

const LINKS: &str = "/api/v1/tenants/erp-0001/links";
const INVITE: &str = "/api/v1/invitations";
const PAGES: [(&str, &str); 2] = [
    ("KEYPULSE__PUBLIC__URL", "https://keys.example.com/"),
    ("KEYPULSE__BRAND__PRODUCT", "Acme ERP"),
];

async fn with_pages(rig: &Rig) -> Served {
    Served::again(Box::pin(Road::made(rig, 2, 2, &PAGES)).await).await
}

/// Everything that is kept of answers.
async fn kept(rig: &Rig) -> String {
    let rows = rig.query("SELECT body FROM api_answer").await;
    rows.iter()
        .map(|row| row.try_get::<Option<String>>("", "body").unwrap().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_link_is_shown_once_and_a_repetition_makes_none_and_shows_none() {
    on_both(async |rig| {
        let served = Box::pin(with_pages(rig)).await;
        let token = served.token(Role::Support).await;
        let name = [("idempotency-key", "link-1")];
        let body = json!({"recipient": "owner"});
        let made = served.send_as(Method::POST, &token, LINKS, &body, &name).await;
        assert_eq!(made.status, 201, "{made:?}");
        let url = made.body["url"].as_str().unwrap();
        assert!(url.starts_with("https://keys.example.com/l/"), "{url}");
        assert_eq!(made.body["notice"], Value::Null);

        let again = served.send_as(Method::POST, &token, LINKS, &body, &name).await;
        assert_eq!((again.status, &again.body["url"]), (201, &Value::Null), "{again:?}");
        assert_eq!(again.body["id"], made.body["id"]);
        assert!(again.body["notice"].as_str().unwrap().contains("first answer"));
        assert!(!kept(rig).await.contains(url), "the link was kept");

        let list = served.get(&token, LINKS).await.body;
        assert_eq!(list["links"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list["links"][0]["state"], "open");
        assert_eq!(list["links"][0]["recipient"], "owner");
        assert!(!list.to_string().contains(url));
        let revoked = served.send(Method::DELETE, &token, LINKS, &Value::Null).await;
        assert_eq!((revoked.status, &revoked.body["revoked"]), (200, &json!(1)));
        assert_eq!(served.get(&token, LINKS).await.body["links"][0]["state"], "revoked");
        let chained = "SELECT COUNT(*) AS n FROM audit WHERE actor_kind = 'token' \
                       AND action IN ('link.made', 'link.revoked')";
        assert_eq!(rig.number(chained).await, 2);
    })
    .await;
}

#[tokio::test]
async fn somebody_is_invited_who_is_no_tenant_yet_and_nobody_who_is() {
    on_both(async |rig| {
        let served = Box::pin(with_pages(rig)).await;
        let token = served.token(Role::Integration).await;
        let made = served.send(Method::POST, &token, INVITE, &json!({"ref": "erp-0077"})).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert!(made.body["url"].as_str().unwrap().contains("/l/"));
        let again = served.send(Method::POST, &token, INVITE, &json!({"ref": "erp-0001"})).await;
        assert_eq!(again.refused(), (409, "ref-taken"));
        for bad in [
            json!({"ref": "a b"}),
            json!({"ref": "x", "kind": "y"}),
            json!({"ref": "x", "locale": "!"}),
        ] {
            let refused = served.send(Method::POST, &token, INVITE, &bad).await;
            assert_eq!(refused.refused(), (422, "bad-value"), "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn disabling_takes_all_links_back_and_gives_a_fresh_one_that_is_not_kept() {
    on_both(async |rig| {
        let served = Box::pin(with_pages(rig)).await;
        let token = served.token(Role::Admin).await;
        assert_eq!(served.send(Method::POST, &token, LINKS, &Value::Null).await.status, 201);
        let path = "/api/v1/tenants/erp-0001/disable";
        let name = [("idempotency-key", "disable-1")];
        let done = served.send_as(Method::POST, &token, path, &json!({}), &name).await;
        let url = done.body["link"]["url"].as_str().unwrap();
        let states = served.get(&token, LINKS).await.body;
        let states = states["links"].as_array().unwrap();
        let open: Vec<_> = states.iter().filter(|link| link["state"] == "open").collect();
        assert_eq!((states.len(), open.len()), (2, 1), "{states:?}");
        assert_eq!(open[0]["id"], done.body["link"]["id"]);
        let again = served.send_as(Method::POST, &token, path, &json!({}), &name).await;
        assert_eq!(again.body["link"]["url"], Value::Null, "{again:?}");
        assert_eq!(again.body["changed"], true);
        assert!(!kept(rig).await.contains(url), "the link was kept");
        let twice = served.send(Method::POST, &token, path, &json!({})).await;
        assert_eq!(twice.body["link"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn where_no_page_is_served_no_link_is_made() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Admin).await;
        let made = served.send(Method::POST, &token, LINKS, &Value::Null).await;
        assert_eq!(made.refused(), (409, "no-pages"));
        let invited = served.send(Method::POST, &token, INVITE, &json!({"ref": "x"})).await;
        assert_eq!(invited.refused(), (409, "no-pages"));
    })
    .await;
}
