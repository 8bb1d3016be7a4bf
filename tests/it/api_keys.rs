//! Keys by the API: the one road in, every refusal as it may be shown, and disabling.

use http::Method;
use keypulse::http::api::role::Role;
use keypulse::provider::Refusal;
use keypulse::sandbox::{Change, Fault, FaultKind};
use serde_json::{Value, json};

use crate::api::Served;
use crate::entering::everything;
use crate::rig::on_both;

const KEY: &str = "/api/v1/tenants/erp-0001/key";

impl Served {
    /// What adds the sandbox's tenant, with its present key.
    fn newcomer(&self, number: u32) -> Value {
        let world = self.road.sandbox.world();
        let tenant = world.tenant(number).unwrap();
        json!({
            "ref": format!("new-{number}"),
            "company_id": tenant.company_id,
            "key": tenant.key().expose(),
        })
    }
}

#[tokio::test]
async fn a_tenant_is_added_with_its_key_and_is_healthy_at_once() {
    on_both(async |rig| {
        let served = Served::beside(rig, 2).await;
        let token = served.token(Role::Integration).await;
        let mut new = served.newcomer(1);
        let also = json!({
            "name": "Fjord A/S", "locale": "da-dk", "time_zone": "Europe/Copenhagen",
            "contact": {"address": "anna@fjord.example"}, "labels": {"plan": "pro", "beta": ""},
        });
        new.as_object_mut().unwrap().extend(also.as_object().unwrap().clone());
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let tenant = &answer.body["tenant"];
        assert_eq!((&tenant["status"], &tenant["ref"]), (&json!("healthy"), &json!("new-1")));
        assert_eq!(tenant["contact"], json!({"address": "anna@fjord.example", "role": "contact"}));
        assert_eq!(
            (&tenant["locale"], &tenant["labels"]["plan"]),
            (&json!("da-DK"), &json!("pro"))
        );
        assert!(tenant["accepted_at"].is_string() && tenant["next_check_at"].is_string());
        let read = served.get(&token, "/api/v1/tenants/new-1").await;
        assert_eq!(&read.body, tenant);
        // What is stored opens: the next check goes the usual road.
        served.road.check("new-1").await;
        assert_eq!(served.road.status("new-1").await, "healthy");

        let again = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
        assert_eq!(again.refused(), (409, "ref-taken"));
        new["ref"] = json!("another");
        let barred = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
        assert_eq!(barred.refused(), (409, "key-of-another-tenant"));
    })
    .await;
}

#[tokio::test]
async fn without_a_company_the_keys_own_is_named_and_nothing_is_stored_until_it_is_confirmed() {
    on_both(async |rig| {
        let served = Served::beside(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let before = everything(rig).await;
        let mut new = served.newcomer(1);
        let company = new.as_object_mut().unwrap().remove("company_id").unwrap();
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
        assert_eq!(answer.refused(), (409, "company-to-confirm"));
        assert_eq!(answer.body["company_id"], company);
        assert_eq!(everything(rig).await, before);
        new["company_id"] = answer.body["company_id"].clone();
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
        assert_eq!((answer.status, &answer.body["tenant"]["status"]), (201, &json!("healthy")));
        let mut dead = json!({"ref": "dead", "key": "pls_0123456789abcdef0123456789abcdef"});
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &dead).await;
        assert_eq!(answer.refused(), (422, "key-rejected"));
        dead["ref"] = json!("new-1");
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &dead).await;
        assert_eq!(answer.refused(), (409, "ref-taken"));
    })
    .await;
}

#[tokio::test]
async fn a_tenant_whose_key_is_not_taken_leaves_nothing_behind() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let token = served.token(Role::Integration).await;
        let before = everything(rig).await;
        let mut other = served.newcomer(2);
        other["key"] = json!(served.road.rotated(1).expose());
        let mut dead = served.newcomer(2);
        dead["key"] = json!("pls_0123456789abcdef0123456789abcdef");
        for (new, kind) in [(other, (422, "other-company")), (dead, (422, "key-rejected"))] {
            let answer = served.send(Method::POST, &token, "/api/v1/tenants", &new).await;
            assert_eq!(answer.refused(), kind, "{answer:?}");
            assert!(answer.body["customer_message"].is_string(), "{answer:?}");
            assert_eq!(everything(rig).await, before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_a_dead_one_and_the_same_again_is_no_news() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let key = served.road.rotated(1);
        let body =
            json!({"key": format!(" \"{}\" ", key.expose()), "expires_at": "2030-01-31T00:00:00Z"});
        let answer = served.send(Method::PUT, &token, KEY, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!((&answer.body["type"], answer.kind()), (&json!("replaced"), "replaced"));
        assert_eq!(answer.body["status_before"], "pending");
        assert_eq!(answer.body["tenant"]["status"], "healthy");
        assert_eq!(answer.body["tenant"]["key"], key.masked());
        assert_eq!(answer.body["tenant"]["expires_at"], "2030-01-31T00:00:00Z");
        let again = served.send(Method::PUT, &token, KEY, &json!({"key": key.expose()})).await;
        assert_eq!((again.status, &again.body["type"]), (200, &json!("same-key")));
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant_key WHERE generation = 2").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_has_its_type_and_words_for_the_customer_and_changes_nothing() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let token = served.token(Role::Integration).await;
        served.road.check("erp-0001").await;
        let before = everything(rig).await;
        let theirs = served.road.sandbox.world().tenant(2).unwrap().into_key();
        for (key, expected) in [
            ("", (422, "key-empty")),
            ("two words", (422, "key-unusable")),
            ("pls_0123456789abcdef0123456789abcdef", (422, "key-rejected")),
            (theirs.expose(), (409, "key-of-another-tenant")),
        ] {
            let asked = [("accept-language", "da, en;q=0.5")];
            let body = json!({"key": key});
            let answer = served.send_as(Method::PUT, &token, KEY, &body, &asked).await;
            assert_eq!(answer.refused(), expected);
            assert!(Refusal::NAMES.contains(&answer.kind()));
            for text in ["customer_message", "next_step"] {
                assert!(answer.body[text].as_str().unwrap().len() > 10, "{answer:?}");
            }
            assert!(answer.head.contains("content-language: da"), "{answer:?}");
            assert_eq!(everything(rig).await, before, "{key}");
        }
        served.road.change(Change::Fault(Fault::new(FaultKind::Status(503))));
        let answer =
            served.send(Method::PUT, &token, KEY, &json!({"key": "pls_any_other_key"})).await;
        assert_eq!(answer.refused(), (503, "provider-unreachable"));
        assert!(answer.head.contains("retry-after: "), "{answer:?}");
        assert_eq!(everything(rig).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_disabled_key_is_gone_never_taken_again_and_an_open_point_until_it_is_confirmed() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let token = served.token(Role::Admin).await;
        served.road.check("erp-0001").await;
        served.road.check("erp-0002").await;
        let key = served.road.sandbox.world().tenant(1).unwrap().into_key();
        let path = "/api/v1/tenants/erp-0001";
        let disable = format!("{path}/disable");
        let long = json!({"reason": format!("it was {}", "x".repeat(60))});
        let refused = served.send(Method::POST, &token, &disable, &long).await;
        assert_eq!(refused.refused(), (422, "bad-value"));

        let body = json!({"reason": "found in a chat"});
        let answer = served.send(Method::POST, &token, &disable, &body).await;
        assert_eq!((answer.status, &answer.body["changed"]), (200, &json!(true)), "{answer:?}");
        assert_eq!(answer.body["tenant"]["status"], "disabled");
        assert_eq!(answer.body["tenant"]["key"], Value::Null);
        assert!(answer.body["notice"].as_str().unwrap().contains("deleted at Pleo"), "{answer:?}");
        assert_eq!(answer.body["tenant"]["deletions_wanted"].as_array().unwrap().len(), 1);
        let again = served.send(Method::POST, &token, &disable, &Value::Null).await;
        assert_eq!((again.status, &again.body["changed"]), (200, &json!(false)));

        let check = served.send(Method::POST, &token, &format!("{path}/check"), &Value::Null).await;
        assert_eq!(check.refused(), (409, "no-key"));
        for act in ["pause", "resume"] {
            let act = format!("{path}/{act}");
            let answer = served.send(Method::POST, &token, &act, &Value::Null).await;
            assert_eq!(answer.refused(), (409, "tenant-disabled"));
        }
        let answer = served.send(Method::PUT, &token, KEY, &json!({"key": key.expose()})).await;
        assert_eq!(answer.refused(), (422, "withdrawn-key"));
        let other = served.get(&token, "/api/v1/tenants/erp-0002").await;
        assert_eq!(other.body["status"], "healthy");

        let confirm = format!("{path}/confirm-deleted");
        let answer = served.send(Method::POST, &token, &confirm, &json!({})).await;
        assert_eq!((answer.status, &answer.body["changed"]), (200, &json!(true)));
        assert_eq!(answer.body["tenant"]["deletions_wanted"], json!([]));
        let answer = served.send(Method::POST, &token, &confirm, &json!({})).await;
        assert_eq!(answer.body["changed"], false);

        let key = served.road.rotated(1);
        let answer = served.send(Method::PUT, &token, KEY, &json!({"key": key.expose()})).await;
        assert_eq!((answer.status, &answer.body["tenant"]["status"]), (200, &json!("healthy")));
    })
    .await;
}

#[tokio::test]
async fn of_two_keys_that_are_given_at_once_one_is_live_and_the_other_says_so() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let key = served.road.rotated(1);
        let body = json!({"key": key.expose()});
        let (one, two) = tokio::join!(
            served.send(Method::PUT, &token, KEY, &body),
            served.send(Method::PUT, &token, KEY, &body)
        );
        let mut kinds = [one.kind(), two.kind()];
        kinds.sort_unstable();
        assert!(kinds.contains(&"replaced"), "{one:?} {two:?}");
        assert!(["replaced-meanwhile", "same-key"].iter().any(|kind| kinds.contains(kind)));
        let now = served.get(&token, "/api/v1/tenants/erp-0001").await;
        assert_eq!(
            (&now.body["status"], &now.body["key"]),
            (&json!("healthy"), &json!(key.masked()))
        );
    })
    .await;
}

#[tokio::test]
async fn texts_come_in_the_language_asked_for_else_the_headers_else_the_tenants_else_english() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let put = async |query: &str, headers: &[(&str, &str)], key: &str| {
            let path = format!("{KEY}{query}");
            served.send_as(Method::PUT, &token, &path, &json!({ "key": key }), headers).await
        };
        let danish: &[_] = &[("accept-language", "fi, da;q=0.5")];
        let finnish: &[_] = &[("accept-language", "fi")];
        let junk = ";q=,".repeat(1_500);
        let none = [
            ("", &[][..], "en", "No key was given."),
            ("?locale=fi", finnish, "en", "No key was given."),
            ("", &[("accept-language", junk.as_str())], "en", "No key was given."),
            ("", danish, "da", "Der blev ikke angivet nogen nøgle."),
            ("?locale=SV-fi", danish, "sv", "Ingen nyckel angavs."),
        ];
        let german = "Es wurde kein Schlüssel angegeben.";
        let tenants = [
            ("", &[][..], "de", german),
            ("?locale=fi", finnish, "de", german),
            ("", danish, "da", "Der blev ikke angivet nogen nøgle."),
            ("?locale=sv", danish, "sv", "Ingen nyckel angavs."),
        ];
        for (locale, cases) in [(Value::Null, &none[..]), (json!("de-AT"), &tenants)] {
            let change = json!({ "locale": locale });
            let path = "/api/v1/tenants/erp-0001";
            assert_eq!(served.send(Method::PATCH, &token, path, &change).await.status, 200);
            for (query, headers, language, begins) in cases {
                let answer = put(query, headers, "").await;
                assert_eq!(answer.refused(), (422, "key-empty"), "{query} {headers:?}");
                let said = answer.body["customer_message"].as_str().unwrap();
                assert!(said.starts_with(begins), "{locale} {query} {headers:?}: {said}");
                let header = format!("content-language: {language}\r\n");
                assert!(format!("{}\r\n", answer.head).contains(&header), "{answer:?}");
            }
        }
        let key = served.road.rotated(1);
        let answer = put("?locale=da", &[], key.expose()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.head.contains("content-language: da"), "{answer:?}");
        let said = answer.body["customer_message"].as_str().unwrap();
        assert!(said.starts_with("Pleo godtager denne nøgle for "), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_new_tenants_own_language_counts_and_a_query_is_taken_only_where_it_means_something() {
    on_both(async |rig| {
        let served = Served::beside(rig, 1).await;
        let token = served.token(Role::Integration).await;
        let mut dead = served.newcomer(1);
        dead["key"] = json!("two words");
        dead["locale"] = json!("sv");
        for (path, language) in [("", "sv"), ("?locale=de", "de")] {
            let path = format!("/api/v1/tenants{path}");
            let answer = served.send(Method::POST, &token, &path, &dead).await;
            assert_eq!(answer.refused(), (422, "key-unusable"));
            assert!(answer.head.contains(&format!("content-language: {language}")), "{answer:?}");
        }
        // Also while the company is not known yet.
        let mut unknown = dead.clone();
        unknown.as_object_mut().unwrap().remove("company_id");
        let answer = served.send(Method::POST, &token, "/api/v1/tenants", &unknown).await;
        assert_eq!(answer.refused(), (422, "key-unusable"));
        assert!(answer.head.contains("content-language: sv"), "{answer:?}");

        dead["key"] = served.newcomer(1)["key"].clone();
        let answer = served.send(Method::POST, &token, "/api/v1/tenants?locale=da", &dead).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert!(answer.head.contains("content-language: da"), "{answer:?}");
        let key = "/api/v1/tenants/new-1/key";
        for bad in ["?locale=danish!", "?locale=da&locale=da", "?language=da", "?key=pls_1"] {
            let path = format!("{key}{bad}");
            let answer = served.send(Method::PUT, &token, &path, &json!({"key": ""})).await;
            assert_eq!(answer.refused(), (400, "bad-query"), "{bad}");
            assert!(!answer.body.to_string().contains("pls_1"), "{answer:?}");
        }
        let elsewhere = "/api/v1/tenants/new-1/pause?locale=da";
        let answer = served.send(Method::POST, &token, elsewhere, &json!({})).await;
        assert_eq!(answer.refused(), (400, "bad-query"));
    })
    .await;
}
