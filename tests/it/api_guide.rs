//! What an integration's own screen is told to say.

use http::Method;
use keypulse::http::api::role::Role;
use serde_json::{Value, json};

use crate::api::{Answer, Served};
use crate::rig::{Rig, on_both};
use crate::road::Road;

const PATH: &str = "/api/v1/tenants/erp-0001/reconnect-guide";

async fn named(rig: &Rig) -> Served {
    let product = [("KEYPULSE__BRAND__PRODUCT", "Acme ERP")];
    Served::again(Box::pin(Road::made(rig, 1, 1, &product)).await).await
}

async fn accepting(served: &Served, token: &str, languages: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept-language", languages)];
    served.ask(&Method::GET, PATH, &headers, "").await
}

#[tokio::test]
async fn a_guide_asks_a_customer_for_something_only_where_the_customer_is_needed() {
    on_both(async |rig| {
        let served = Box::pin(named(rig)).await;
        let token = served.token(Role::Reader).await;
        served.road.check("erp-0001").await;
        let well = served.get(&token, PATH).await;
        assert_eq!((well.status, &well.body["needed"]), (200, &json!(false)), "{well:?}");
        assert_eq!(well.body["banner"], Value::Null);

        let admin = served.token(Role::Admin).await;
        let disable = "/api/v1/tenants/erp-0001/disable";
        assert_eq!(served.send(Method::POST, &admin, disable, &Value::Null).await.status, 200);
        let guide = served.get(&token, PATH).await.body;
        assert_eq!(
            (&guide["status"], &guide["cause"]),
            (&json!("disabled"), &json!("compromised"))
        );
        assert_eq!(guide["needed"], true);
        let banner = guide["banner"].as_str().unwrap();
        assert!(banner.contains("Acme ERP") && !banner.contains('<'), "{banner}");
        assert!(!guide["since"].is_null());
        let steps = guide["steps"].as_array().unwrap();
        assert!((3..=5).contains(&steps.len()), "{guide}");
        assert!(steps.iter().all(|step| !step["text"].as_str().unwrap().is_empty()));
        assert!(!guide["button"].as_str().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_language_is_the_one_asked_for_and_the_answer_says_which_it_is() {
    on_both(async |rig| {
        let served = Box::pin(named(rig)).await;
        let token = served.token(Role::Reader).await;
        let english = served.get(&token, PATH).await;
        assert!(english.head.contains("content-language: en"), "{english:?}");
        let danish = served.get(&token, &format!("{PATH}?locale=da-DK")).await;
        assert!(danish.head.contains("content-language: da"), "{danish:?}");
        assert_ne!(danish.body["title"], english.body["title"]);
        let accepted = accepting(&served, &token, "da").await;
        assert_eq!(accepted.body["title"], danish.body["title"]);
        for bad in ["locale=!", "lang=da", "locale=da&locale=en"] {
            let refused = served.get(&token, &format!("{PATH}?{bad}")).await;
            assert_eq!(refused.refused(), (400, "bad-query"), "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_name_for_the_product_there_is_no_guide() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Reader).await;
        assert_eq!(served.get(&token, PATH).await.refused(), (409, "no-pages"));
    })
    .await;
}
