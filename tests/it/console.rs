//! The console over real HTTP: who is let in, what a form must carry, and who may do what.

use chrono::TimeDelta;
use http::Method;
use keypulse::http::api::role::Role;
use keypulse::sandbox::Change;

use crate::api::Served;
use crate::browsing::{Browser, location, signed_in, text};
use crate::rig::{Rig, on_both};
use crate::road::Road;

const ONE: &str = "/console/tenants/erp-0001";

#[tokio::test]
async fn nobody_sees_anything_without_signing_in_and_is_led_back_to_where_they_were_going() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let mut browser = Browser::default();
        for path in ["/console", "/console/search?q=erp", ONE, "/console/tenants/erp-0001/disable"]
        {
            let answer = browser.get(&served, path).await;
            assert_eq!(answer.status, 303, "{path}");
            assert!(location(&answer).starts_with("/console/sign-in"), "{path}");
        }
        let answer = browser.get(&served, "/").await;
        assert_eq!((answer.status, location(&answer)), (303, "/console"));
        let refused = browser.send(&served, &format!("{ONE}/check"), "").await;
        assert_eq!(refused.status, 401);
        let token = served.token(Role::Support).await;
        for (to, leads) in [
            ("/console/search?q=erp", "/console/search?q=erp"),
            (ONE, ONE),
            ("", "/console"),
            ("//evil.example", "/console"),
            ("https://evil.example/console/", "/console"),
            ("/consolesomething", "/console"),
            ("/console/%0d%0aSet-Cookie: a=b", "/console"),
            ("/console/\\evil", "/console"),
        ] {
            let to: String =
                to.bytes().fold(String::new(), |to, byte| to + &format!("%{byte:02x}"));
            let fields = format!("token={token}&to={to}");
            let answer = Browser::default().send(&served, "/console/sign-in", &fields).await;
            assert_eq!((answer.status, location(&answer)), (303, leads), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_good_token_of_a_person_lets_in_and_the_session_ends_with_it() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let expired = served.token_for("support", TimeDelta::seconds(-1)).await;
        let machine = served.token(Role::Integration).await;
        let unknown = keypulse::vault::Token::draw().unwrap().shown_once().to_owned();
        for (token, status, why) in [
            ("", 401, "token"),
            ("abc", 401, "token"),
            (&*unknown, 401, "not known here"),
            (&*expired, 401, "has expired"),
            (&*machine, 403, "not for people"),
        ] {
            let mut browser = Browser::default();
            let answer = browser.sign_in(&served, token).await;
            assert_eq!(answer.status, status, "{why}");
            assert!(text(&answer).contains(why), "{}", text(&answer));
            assert!(browser.cookies.is_empty(), "{why}");
        }
        let mut browser = Browser::default();
        let token = served.token(Role::Support).await;
        browser.sign_in(&served, &token).await;
        assert_eq!(browser.get(&served, ONE).await.status, 200);
        let kept = served.road.app.store.tokens().await.unwrap();
        let ours = kept.iter().find(|one| one.role == "support" && one.used_at.is_some()).unwrap();
        let now = served.road.app.clock.now();
        served.road.app.store.revoke_token(&ours.id, now).await.unwrap();
        assert_eq!(browser.get(&served, ONE).await.status, 303, "its token was revoked");
        // What the database holds is no cookie.
        let held = browser.cookies["kp-console"].clone();
        assert_eq!(rig.number("SELECT COUNT(*) FROM console_session").await, 1);
        let sql = "SELECT hash FROM console_session";
        let hash: Vec<u8> = rig.query(sql).await[0].try_get("", "hash").unwrap();
        assert_ne!(hash, held.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_form_that_is_not_from_a_page_of_this_session_does_nothing() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let mut browser = signed_in(&served, Role::Operator).await;
        let form = browser.form(&served).await;
        let others = signed_in(&served, Role::Operator).await.form(&served).await;
        assert_ne!(form, others);
        let pause = format!("{ONE}/pause");
        for wrong in [String::new(), "form=".to_owned(), format!("form={others}")] {
            assert_eq!(browser.send(&served, &pause, &wrong).await.status, 403, "{wrong}");
        }
        let right = format!("form={form}");
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "none"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            browser.headers = vec![(name, value.to_owned())];
            let answer = browser.ask(&served, &Method::POST, &pause, &right).await;
            assert_eq!(answer.status, 403, "{name}: {value}");
        }
        // Nor one of which a browser says nothing.
        browser.headers.clear();
        let answer = browser.ask(&served, &Method::POST, &pause, &right).await;
        assert_eq!(answer.status, 403);
        let paused = "SELECT COUNT(*) FROM tenant_state WHERE paused_at IS NOT NULL";
        assert_eq!(rig.number(paused).await, 0);
        let answer = browser.send(&served, &pause, &right).await;
        assert_eq!((answer.status, location(&answer)), (303, ONE), "{answer:?}");
        assert_eq!(rig.number(paused).await, 1);
    })
    .await;
}

#[tokio::test]
async fn each_role_is_shown_and_may_do_what_the_table_says_and_a_refusal_is_chained() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let refusals = "SELECT COUNT(*) FROM audit WHERE action = 'api.refused'";
        for role in [Role::Reader, Role::Support, Role::Operator, Role::Admin] {
            let mut browser = signed_in(&served, role).await;
            let form = format!("form={}", browser.form(&served).await);
            let page = text(&browser.get(&served, ONE).await);
            for (word, may) in [
                ("check", role != Role::Reader),
                ("pause", matches!(role, Role::Operator | Role::Admin)),
                ("disable", matches!(role, Role::Operator | Role::Admin)),
                ("erase", role == Role::Admin),
            ] {
                let shown = page.contains(&format!("/tenants/erp-0001/{word}\""));
                assert_eq!(shown, may, "{role:?}: {word} on the page");
                let before = rig.number(refusals).await;
                // Nothing is confirmed, so that nothing is disabled or erased.
                let answer = browser.send(&served, &format!("{ONE}/{word}"), &form).await;
                // Who may not is led back and told so; what was refused is in the chain.
                let refused = rig.number(refusals).await - before;
                assert_eq!(refused, i64::from(!may), "{role:?}: {word}: {answer:?}");
            }
            assert_eq!(page.contains("id=\"audit\""), matches!(role, Role::Operator | Role::Admin));
            let first = text(&browser.get(&served, "/console").await);
            let holds = matches!(role, Role::Operator | Role::Admin) && first.contains("mail/hold");
            let answer =
                browser.send(&served, "/console/mail/hold", &format!("{form}&reason=x")).await;
            assert_eq!(
                answer.status == 403,
                !matches!(role, Role::Operator | Role::Admin),
                "{role:?}"
            );
            assert!(!holds || answer.status == 303, "{role:?}");
            browser.send(&served, &format!("{ONE}/resume"), &form).await;
        }
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 1);
        assert_eq!(rig.number("SELECT COUNT(*) FROM deletion").await, 0);
    })
    .await;
}

#[tokio::test]
async fn disabling_and_forgetting_take_the_typed_reference_and_are_done_by_whoever_typed_it() {
    on_both(async |rig| {
        let served = Served::on(rig, 2).await;
        let mut browser = signed_in(&served, Role::Admin).await;
        let form = format!("form={}", browser.form(&served).await);
        let page = browser.get(&served, &format!("{ONE}/disable")).await;
        assert!(text(&page).contains("no way back but a new key"), "{page:?}");
        let wrong = format!("{form}&confirm=erp-0002");
        browser.send(&served, &format!("{ONE}/disable"), &wrong).await;
        let said = text(&browser.get(&served, ONE).await);
        assert!(said.contains("must be the reference of the tenant: nothing was done"), "{said}");
        let disabled = "SELECT COUNT(*) FROM tenant_state WHERE status = 'disabled'";
        assert_eq!(rig.number(disabled).await, 0);
        let right = format!("{form}&confirm=erp-0001&reason=in+a+log");
        browser.send(&served, &format!("{ONE}/disable"), &right).await;
        assert_eq!(rig.number(disabled).await, 1);
        let chained = "SELECT COUNT(*) FROM audit WHERE actor_kind = 'token' \
                       AND action = 'tenant.operated'";
        let by_hand = rig.number(chained).await
            + rig.number("SELECT COUNT(*) FROM audit WHERE actor_kind = 'token' AND facts LIKE '%disabled%'").await;
        assert!(by_hand > 0, "the chain names nobody");
        let gone = format!("{form}&confirm=erp-0002&reason=the+customer+asked");
        let answer = browser.send(&served, "/console/tenants/erp-0002/erase", &gone).await;
        assert_eq!((answer.status, location(&answer)), (303, "/console"), "{answer:?}");
        assert_eq!(rig.number("SELECT COUNT(*) FROM tenant").await, 1);
        assert_eq!(browser.get(&served, "/console/tenants/erp-0002").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn whatever_is_in_an_address_or_a_form_is_answered_and_is_no_markup() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let mut browser = signed_in(&served, Role::Admin).await;
        let evil = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
        for path in [
            format!("/console/search?q={evil}"),
            format!("/console/search?status={evil}&cause={evil}&after={evil}"),
            format!("/console/search?q={}", "a".repeat(5_000)),
            format!("/console/tenants/{evil}"),
            "/console/tenants/%00".to_owned(),
            "/console/tenants/%FF".to_owned(),
            "/console/search?q=%FF%00&q=b".to_owned(),
            "/console/search?q=a&q=b".to_owned(),
            "/console/search?cause=%00".to_owned(),
            "/console/search?after=%00".to_owned(),
            "/console/search?status=foo".to_owned(),
            "/console/tenants/%FF/disable".to_owned(),
            "/console/sign-in?to=a&to=b".to_owned(),
            format!("{ONE}/{evil}"),
        ] {
            let answer = browser.get(&served, &path).await;
            assert!((200..500).contains(&answer.status), "{path}: {answer:?}");
            assert!(!text(&answer).contains("<script>alert"), "{path}");
            assert!(answer.head.contains("cache-control: no-store"), "{path}: {}", answer.head);
            assert!(answer.head.contains("content-security-policy: "), "{path}: {}", answer.head);
        }
        let page = browser.get(&served, "/console").await;
        for header in [
            "cache-control: no-store",
            "x-frame-options: deny",
            "content-security-policy: default-src 'none'; script-src 'nonce-",
        ] {
            assert!(page.head.contains(header), "{header}: {}", page.head);
        }
        let form = browser.form(&served).await;
        let long = format!("form={form}&reason={}", "a".repeat(9_000));
        let answer = browser.send(&served, &format!("{ONE}/pause"), &long).await;
        assert_eq!(answer.status, 400);
        let odd = format!("form={form}&for=century");
        browser.send(&served, &format!("{ONE}/pause"), &odd).await;
        let paused = "SELECT COUNT(*) FROM tenant_state WHERE paused_at IS NOT NULL";
        assert_eq!(rig.number(paused).await, 0);
    })
    .await;
}

/// A keypulse behind a proxy at this address.
async fn behind(rig: &Rig, address: &str) -> Served {
    let settings = [
        // As the tests' requests name it.
        ("KEYPULSE__CONSOLE__EXTERNAL_URL", "https://x"),
        ("KEYPULSE__CONSOLE__PROXY_ADDRESSES", &*format!("[\"{address}\"]")),
        ("KEYPULSE__CONSOLE__PROXY_ROLES", "[\"helpdesk=support\", \"sre=operator\"]"),
    ];
    let road = Road::made(rig, 1, 1, &settings);
    Served::again(Box::pin(road).await).await
}

#[tokio::test]
async fn a_proxy_is_believed_from_its_address_only_and_asked_each_time() {
    on_both(async |rig| {
        let served = behind(rig, "127.0.0.1").await;
        let said = |user: &str, groups: &str| {
            vec![("x-forwarded-user", user.to_owned()), ("x-forwarded-groups", groups.to_owned())]
        };
        let mut browser =
            Browser { headers: said("anna@erp.example", "sre,all"), ..Browser::default() };
        let page = text(&browser.get(&served, ONE).await);
        assert!(page.contains("anna@erp.example (operator)"), "{page}");
        assert!(!page.contains("Sign out"), "whom a proxy signs in it signs out");
        let sessions = "SELECT COUNT(*) FROM console_session";
        assert_eq!(rig.number(sessions).await, 1);
        browser.get(&served, "/console").await;
        assert_eq!(rig.number(sessions).await, 1, "one visit is one session");
        // The chain has an id that names nobody, and the name beside it.
        let sql =
            "SELECT COUNT(*) FROM audit WHERE actor_kind = 'person' AND actor_id LIKE '%anna%'";
        assert_eq!(rig.number(sql).await, 0);
        let sql = "SELECT COUNT(*) FROM audit_detail WHERE detail LIKE '%anna@erp.example%'";
        assert_eq!(rig.number(sql).await, 1);
        // Another group, another role; none, and nobody gets in by an old cookie.
        browser.headers = said("anna@erp.example", "helpdesk");
        assert!(text(&browser.get(&served, ONE).await).contains("(support)"));
        browser.headers = said("anna@erp.example", "all");
        let answer = browser.get(&served, ONE).await;
        assert_eq!(answer.status, 403);
        assert!(text(&answer).contains("none of your groups has a role here"), "{answer:?}");
        browser.headers.clear();
        assert_eq!(browser.get(&served, ONE).await.status, 303);
        // A form begins no session, and neither does what somebody else's page loads.
        let before = rig.number(sessions).await;
        let mut late = Browser { headers: said("anna@erp.example", "sre"), ..Browser::default() };
        let answer = late.send(&served, &format!("{ONE}/pause"), "form=x").await;
        assert_eq!(answer.status, 401);
        assert!(text(&answer).contains("your session had ended"), "{answer:?}");
        late.headers.push(("sec-fetch-site", "cross-site".to_owned()));
        assert_eq!(late.get(&served, ONE).await.status, 303);
        late.headers.push(("sec-fetch-mode", "navigate".to_owned()));
        assert_eq!(rig.number(sessions).await, before);
        assert_eq!(late.get(&served, ONE).await.status, 200);
        // Somebody else at the same browser is somebody else.
        browser.headers = said("bo@erp.example", "helpdesk");
        assert!(text(&browser.get(&served, ONE).await).contains("bo@erp.example (support)"));
        served.stop();
    })
    .await;
    on_both(async |rig| {
        let served = behind(rig, "192.0.2.7").await;
        let headers =
            vec![("x-forwarded-user", "root".to_owned()), ("x-forwarded-groups", "sre".to_owned())];
        let mut browser = Browser { headers, ..Browser::default() };
        assert_eq!(browser.get(&served, ONE).await.status, 303, "anybody can send a header");
    })
    .await;
}

#[tokio::test]
async fn a_check_from_the_console_is_one_of_the_provider_and_what_came_of_it_is_said_once() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let mut browser = signed_in(&served, Role::Support).await;
        let form = format!("form={}", browser.form(&served).await);
        browser.send(&served, &format!("{ONE}/check"), &form).await;
        let page = text(&browser.get(&served, ONE).await);
        assert!(page.contains("Pleo was asked: the key is accepted."), "{page}");
        let page = text(&browser.get(&served, ONE).await);
        assert!(!page.contains("Pleo was asked"), "it is said again");
        served.road.sandbox.world().apply(Change::Revoke { tenant: 1 }).unwrap();
        browser.send(&served, &format!("{ONE}/check"), &form).await;
        let page = text(&browser.get(&served, ONE).await);
        assert!(page.contains("Pleo was asked: Pleo refused the key"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn the_console_is_below_the_path_that_people_know_whether_the_proxy_takes_it_away_or_not() {
    on_both(async |rig| {
        for external in ["https://x/ops/keypulse/", "https://x/ops/keypulse/console"] {
            let settings = [("KEYPULSE__CONSOLE__EXTERNAL_URL", external)];
            let served = Served::again(Box::pin(Road::made(rig, 1, 0, &settings)).await).await;
            for path in
                ["/", "/ops/keypulse", "/ops/keypulse/", "/console/", "/ops/keypulse/console/"]
            {
                let answer = Browser::default().get(&served, path).await;
                let led = (answer.status, location(&answer));
                assert_eq!(led, (303, "/ops/keypulse/console"), "{path}");
            }
            for path in ["/console", "/ops/keypulse/console"] {
                let answer = Browser::default().get(&served, path).await;
                assert_eq!(location(&answer), "/ops/keypulse/console/sign-in", "{path}");
            }
            for path in ["/console/tenants/x", "/ops/keypulse/console/tenants/x"] {
                let answer = Browser::default().get(&served, path).await;
                let to = "/ops/keypulse/console/sign-in?to=%2fconsole%2ftenants%2fx";
                assert_eq!(location(&answer), to, "{path}");
            }
            served.stop();
        }
    })
    .await;
}
