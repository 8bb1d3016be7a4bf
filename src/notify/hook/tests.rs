//! What is made of an alert, and what no template and no tenant's name can do.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::notify::alert::{Subject, Told, alert};

const KEY: &str = "made-up-routing-key-made-up-rout";

fn hook(manner: Manner, folder: Option<&Path>) -> Result<Hook, HookError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = "https://hooks.example/services/T0/B0/x".into();
    Hook::new(manner, &address, &Guard::allowing(&[]), folder)
}

fn about(examples: &[&str]) -> Alert {
    let at = DateTime::UNIX_EPOCH;
    let console = Url::parse("https://keys.example/console?x=1").unwrap();
    let examples = examples.iter().map(|one| (*one).to_owned()).collect();
    let cause = "rejected".to_owned();
    let told = Told { subject: Subject::NeedsReconnection, cause, count: 7, since: at, examples };
    alert(&told, at, at, Some(&console))
}

fn said(hook: &Hook, news: News, alert: &Alert) -> Json {
    let page = Page { name: "needs_reconnection/rejected", news, alert };
    serde_json::from_str(&hook.body(&page).unwrap()).unwrap()
}

fn pagerduty() -> Hook {
    hook(Manner::PagerDuty(KEY.into()), None).unwrap()
}

fn slack() -> Hook {
    hook(Manner::Slack, None).unwrap()
}

#[test]
fn a_pager_gets_an_event_with_a_key_that_stays_the_same_until_it_is_resolved() {
    let alert = about(&["erp-1", "erp-2"]);
    let begins = said(&pagerduty(), News::Begins, &alert);
    assert_eq!(begins["routing_key"], KEY);
    assert_eq!(begins["event_action"], "trigger");
    assert_eq!(begins["dedup_key"], "keypulse/needs_reconnection/rejected");
    assert_eq!(begins["client_url"], "https://keys.example/console?x=1");
    let payload = &begins["payload"];
    assert_eq!(payload["summary"], "7 tenants need a new key (rejected)");
    assert_eq!(payload["severity"], "warning");
    assert_eq!(payload["timestamp"], "1970-01-01T00:00:00Z");
    assert_eq!(payload["custom_details"]["examples"], "erp-1, erp-2");
    for (news, action) in
        [(News::Worse, "trigger"), (News::Lasts, "trigger"), (News::Ends, "resolve")]
    {
        let later = said(&pagerduty(), news, &alert);
        assert_eq!(
            (&later["event_action"], &later["dedup_key"]),
            (&action.into(), &begins["dedup_key"])
        );
    }
}

#[test]
fn a_chat_reads_what_it_is_and_that_it_is_over() {
    let alert = about(&["erp-1", "erp-2"]);
    let begins = said(&slack(), News::Begins, &alert);
    assert_eq!(begins["text"], "▲ 7 tenants need a new key (rejected)");
    assert_eq!(begins["attachments"][0]["title_link"], "https://keys.example/console?x=1");
    assert!(begins["attachments"][0]["text"].as_str().unwrap().contains("\nIf nobody acts: "));
    let worse = said(&slack(), News::Worse, &alert);
    assert_eq!(worse["text"], "More of them: ▲ 7 tenants need a new key (rejected)");
    let over = said(&slack(), News::Ends, &alert);
    assert_eq!(over["text"], "● Over: tenants need a new key (rejected)");
}

#[test]
fn a_tenants_name_calls_nobody_and_leads_nowhere_in_a_chat() {
    let names = [
        "<!channel>",
        "@here",
        "<https://evil.example|log in>",
        "*b*",
        "`c`",
        "[d](http://e.test)",
    ];
    let begins = said(&slack(), News::Begins, &about(&names)).to_string();
    for styled in ["*b*", "`c`", "[d]", "://e", "://evil", "e.test"] {
        assert!(!begins.contains(styled), "{styled} is in {begins}");
    }
    assert!(begins.contains("`keypulse tenant list --status needs_reconnection`"), "{begins}");
    assert!(!begins.contains("<!") && !begins.contains("<http") && !begins.contains("@here"));
    assert!(begins.contains("&lt;!channel&gt;"), "{begins}");
}

#[test]
fn a_template_of_ones_own_is_tried_before_it_is_needed_and_never_holds_the_routing_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pagerduty.json");
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        hook(Manner::PagerDuty(KEY.into()), Some(folder.path()))
    };
    for (bad, what) in [
        ("{\"a\": {{ sumary }} }", "line 1"),
        ("{\n\"a\": 1,\n}", "no JSON"),
        ("[1]", "no JSON object"),
        ("{\"a\": {{ routing_key }} }", "line 1"),
    ] {
        let error = crate::redact::chain(&with(bad).unwrap_err());
        assert!(error.contains("pagerduty.json") && error.contains(what), "{bad}: {error}");
    }
    let own = with("{\"routing_key\": \"another\", \"said\": {{ summary }}}").unwrap();
    let body = said(&own, News::Begins, &about(&[]));
    assert_eq!(body["routing_key"], KEY);
    assert_eq!(body["said"], "7 tenants need a new key (rejected)");
}

#[test]
fn neither_the_key_nor_the_path_is_ever_shown() {
    let shown = format!("{:?} {:?}", pagerduty(), slack());
    assert_eq!(shown, "PagerDuty(hooks.example) Slack(hooks.example)");
}

#[test]
fn whatever_tenants_are_called_it_is_one_json_object() {
    let hooks = [pagerduty(), slack()];
    proptest!(|(name in "\\PC{0,80}", news in 0_usize..4)| {
        let alert = about(&[&name, "\u{202e}\"\\\n"]);
        for hook in &hooks {
            prop_assert!(said(hook, News::ALL[news], &alert).is_object());
        }
    });
}
