//! What every answer means, as a committed table: (call, status, shape, company, client, scopes,
//! installation status) and the finding. A second, made-up provider shows that nothing of Pleo is
//! written into the code.

use std::fmt::Write;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::health::CompanyId;
use crate::health::Failure;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Permission;
use crate::health::Scopes;

use super::examine::{CallKind, Examination, Step};
use super::{Answer, Body, Expected, Profile, Reply};

const OURS: &str = "11111111-1111-4111-8111-111111111111";
const FOREIGN: &str = "22222222-2222-4222-8222-222222222222";

fn reply(status: u16, body: Body) -> Reply {
    let retry_after = (status == 429).then_some(TimeDelta::seconds(30));
    Reply::Answered(Answer { status, retry_after, body })
}

fn introspected(method: &str, client: &str, scope: &str, subject: &str) -> Value {
    json!({"data": {"authMethod": method, "clientId": client, "scope": scope, "subjectURN": subject}})
}

fn good() -> Value {
    introspected("API_KEY", "client-1", "export-jobs:read users:read", &company_urn(OURS))
}

fn company_urn(id: &str) -> String {
    format!("urn:pleo:company:{id}")
}

/// Feeds the replies to a probe of a tenant of company [`OURS`] whose key was accepted for
/// `client-1` with `export-jobs:read`.
fn probe(replies: &[Reply], doubted: Option<&Failure>, turn: i64) -> (Finding, Vec<CallKind>) {
    let profile = Profile::load("pleo").unwrap();
    probe_with(&profile, replies, doubted, turn)
}

fn probe_with(
    profile: &Profile,
    replies: &[Reply],
    doubted: Option<&Failure>,
    turn: i64,
) -> (Finding, Vec<CallKind>) {
    let company = CompanyId::parse(OURS).unwrap();
    let required = Scopes::parse("export-jobs:read");
    let expected =
        Expected { company: Some(&company), client: Some("client-1"), required: &required };
    let mut examination = Examination::new(profile, expected, doubted, turn);
    let mut asked = Vec::new();
    let mut replies = replies.iter();
    let mut step = examination.step();
    loop {
        match step {
            Step::Ask(call) => {
                asked.push(call.kind);
                step = examination.answer(replies.next().expect("a call that the row omits"));
            }
            Step::Conclude(finding) => {
                assert!(replies.next().is_none(), "a reply that was not asked for");
                return (finding, asked);
            }
        }
    }
}

fn say(finding: &Finding) -> String {
    match finding {
        Finding::Accepted => "accepted".to_owned(),
        Finding::Failed(failure) => format!("AGAINST THE KEY: {failure}"),
        Finding::Inconclusive(why) => format!("inconclusive, {:?}: {why}", why.blame()),
        Finding::Operator(_) | Finding::Replaced(_) | Finding::Rebound(_) | Finding::Compared => {
            unreachable!("no answer is a person")
        }
    }
}

fn everywhere() -> Vec<(&'static str, Reply)> {
    vec![
        ("400", reply(400, Body::Other)),
        ("404", reply(404, Body::Other)),
        ("408", reply(408, Body::Other)),
        ("418", reply(418, Body::Other)),
        ("429", reply(429, Body::Other)),
        ("500", reply(500, Body::Other)),
        ("502", reply(502, Body::Other)),
        ("503", reply(503, Body::Other)),
        ("204", reply(204, Body::Other)),
        ("307 to another host", reply(307, Body::Other)),
        ("200, no JSON (HTML, empty, compressed, endless)", reply(200, Body::Other)),
        ("200, other JSON", reply(200, Body::Json(json!({"ok": true})))),
        ("200, a list", reply(200, Body::Json(json!([1])))),
        ("401", reply(401, Body::Other)),
        ("401, with a body", reply(401, Body::Json(good()))),
        ("403", reply(403, Body::Other)),
        ("no answer in time", Reply::Lost(Inconclusive::TimedOut)),
        ("no connection", Reply::Lost(Inconclusive::Disconnected)),
        ("no secure connection", Reply::Lost(Inconclusive::Tls)),
    ]
}

fn identities() -> Vec<(&'static str, Value)> {
    let with = |method, client, scope, subject: &str| introspected(method, client, scope, subject);
    let ours = company_urn(OURS);
    let mut no_subject = good();
    no_subject["data"].as_object_mut().unwrap().remove("subjectURN");
    let mut no_scope = good();
    no_scope["data"].as_object_mut().unwrap().remove("scope");
    vec![
        ("all as expected", good()),
        (
            "company id in capitals",
            with(
                "API_KEY",
                "client-1",
                "export-jobs:read",
                &ours.to_uppercase().replace("URN:PLEO:COMPANY", "urn:pleo:company"),
            ),
        ),
        ("authMethod NONE", with("NONE", "client-1", "export-jobs:read", &ours)),
        ("authMethod OAUTH2", with("OAUTH2", "client-1", "export-jobs:read", &ours)),
        ("authMethod unheard of", with("MAGIC", "client-1", "export-jobs:read", &ours)),
        ("other client", with("API_KEY", "client-2", "export-jobs:read", &ours)),
        ("required scope missing", with("API_KEY", "client-1", "users:read", &ours)),
        ("only write of it", with("API_KEY", "client-1", "export-jobs:write", &ours)),
        ("no scope at all", with("API_KEY", "client-1", "", &ours)),
        ("scopes not named", no_scope),
        ("other company", with("API_KEY", "client-1", "export-jobs:read", &company_urn(FOREIGN))),
        ("other company, scope missing", with("API_KEY", "client-1", "", &company_urn(FOREIGN))),
        ("other client, scope missing", with("API_KEY", "client-2", "", &ours)),
        ("subject not named", no_subject),
        ("subject is a user", with("API_KEY", "client-1", "export-jobs:read", "urn:pleo:user:1")),
        (
            "subject climbs a path",
            with("API_KEY", "client-1", "export-jobs:read", "urn:pleo:company:../x"),
        ),
    ]
}

#[test]
fn the_evidence_table_is_as_committed() {
    let mut table = String::new();
    let mut row = |call: &str, answer: &str, finding: &Finding| {
        writeln!(table, "{call:<34} {answer:<48} {}", say(finding)).unwrap();
    };
    let first = reply(200, Body::Json(good()));
    for (name, answer) in everywhere() {
        row("identity", name, &probe(&[answer], None, 1).0);
    }
    for (name, body) in identities() {
        row(
            "identity",
            &format!("200, {name}"),
            &probe(&[reply(200, Body::Json(body))], None, 1).0,
        );
    }
    let organisation = |scope: &str| {
        let subject = "urn:pleo:organisation:9";
        reply(200, Body::Json(introspected("API_KEY", "client-1", scope, subject)))
    };
    let reaching = organisation("export-jobs:read companies:read");
    for (name, answer) in everywhere() {
        row("organisation: company", name, &probe(&[reaching.clone(), answer], None, 1).0);
    }
    for (name, id) in [("our company", OURS), ("another company", FOREIGN)] {
        let answer = reply(200, Body::Json(json!({"data": {"id": id, "name": "Nordlys ApS"}})));
        row(
            "organisation: company",
            &format!("200, {name}"),
            &probe(&[reaching.clone(), answer], None, 1).0,
        );
    }
    let unscoped = [organisation("export-jobs:read"), reply(403, Body::Other)];
    row("organisation without companies:read", "403", &probe(&unscoped, None, 1).0);
    let doubted = Failure::Disconnected;
    for (name, answer) in everywhere() {
        let replies = [first.clone(), answer];
        row("installation, routine", name, &probe(&replies, None, 4).0);
        row("installation, being confirmed", name, &probe(&replies, Some(&doubted), 1).0);
    }
    for status in
        ["ACTIVATED", "AUTHORIZED", "PENDING_INTEGRATION", "ERROR", "INACTIVE", "NEW_WORD"]
    {
        let body = json!({"status": status, "errorCode": "AUTH_ERROR"});
        let replies = [first.clone(), reply(200, Body::Json(body))];
        let name = format!("200, {status}");
        row("installation, routine", &name, &probe(&replies, None, 4).0);
        row("installation, being confirmed", &name, &probe(&replies, Some(&doubted), 1).0);
    }
    let scoped = Profile::parse("test", &format!("{PLEO}\n{SCOPED_CALL}")).unwrap();
    let lost = Failure::PermissionLost(Permission::Scopes(Scopes::parse("export-jobs:read")));
    for (name, answer) in everywhere() {
        let replies = [first.clone(), answer.clone()];
        row("scoped call, routine", name, &probe_with(&scoped, &replies, None, 1).0);
        let replies = [first.clone(), reply(404, Body::Other), answer];
        row("scoped call, being confirmed", name, &probe_with(&scoped, &replies, Some(&lost), 1).0);
    }
    insta::assert_snapshot!("evidence", table);
}

#[test]
fn further_calls_are_made_in_their_turn_and_while_something_is_being_confirmed() {
    let identity = reply(200, Body::Json(good()));
    let active = reply(200, Body::Json(json!({"status": "ACTIVATED"})));
    for turn in 1..4 {
        assert_eq!(probe(std::slice::from_ref(&identity), None, turn).1, [CallKind::Identity]);
    }
    let both = [CallKind::Identity, CallKind::Installation];
    let replies = [identity, active];
    assert_eq!(probe(&replies, None, 8).1, both);
    assert_eq!(probe(&replies, Some(&Failure::Rejected), 1).1, both);
}

#[test]
fn the_company_of_an_organisation_is_asked_by_the_id_that_we_expect() {
    let profile = Profile::load("pleo").unwrap();
    let company = CompanyId::parse(OURS).unwrap();
    let required = Scopes::default();
    let expected = Expected { company: Some(&company), client: None, required: &required };
    let mut examination = Examination::new(&profile, expected, None, 1);
    let subject = "urn:pleo:organization:9";
    let body = introspected("API_KEY", "c", "companies:read", subject);
    match examination.answer(&reply(200, Body::Json(body))) {
        Step::Ask(call) => assert_eq!(call.path, format!("/v1/companies/{OURS}")),
        Step::Conclude(finding) => panic!("{finding:?}"),
    }
}

const PLEO: &str = include_str!("../../config/providers/pleo.toml");

const SCOPED_CALL: &str = r#"
[[permission]]
name = "exports"
path = "/v1/export-jobs?limit=1"
needs = ["export-jobs:read"]
every = 1
"#;

#[test]
fn nobody_is_asked_for_a_permission_that_was_not_required_of_them() {
    let call = SCOPED_CALL.replace("export-jobs:read", "users:read");
    let profile = Profile::parse("test", &format!("{PLEO}\n{call}")).unwrap();
    let identity = reply(200, Body::Json(good()));
    assert_eq!(probe_with(&profile, &[identity], None, 1).1, [CallKind::Identity]);
}

#[test]
fn a_client_is_compared_only_once_it_is_known() {
    let profile = Profile::load("pleo").unwrap();
    let company = CompanyId::parse(OURS).unwrap();
    let required = Scopes::parse("export-jobs:read");
    let expected = Expected { company: Some(&company), client: None, required: &required };
    let mut examination = Examination::new(&profile, expected, None, 1);
    let body = introspected("API_KEY", "any-client", "export-jobs:read", &company_urn(OURS));
    let step = examination.answer(&reply(200, Body::Json(body)));
    assert!(matches!(step, Step::Conclude(Finding::Accepted)), "{step:?}");
    assert_eq!(examination.seen().unwrap().client.as_deref(), Some("any-client"));
}

#[test]
fn a_pause_asked_for_by_any_of_the_answers_is_kept() {
    let profile = Profile::load("pleo").unwrap();
    let company = CompanyId::parse(OURS).unwrap();
    let required = Scopes::default();
    let expected = Expected { company: Some(&company), client: None, required: &required };
    let mut examination = Examination::new(&profile, expected, None, 4);
    examination.answer(&reply(200, Body::Json(good())));
    let step = examination.answer(&reply(429, Body::Other));
    assert!(matches!(step, Step::Conclude(Finding::Accepted)), "{step:?}");
    assert_eq!(examination.pause(), Some(TimeDelta::seconds(30)));
}

#[test]
fn a_text_that_a_database_or_a_terminal_would_stumble_over_is_nonsense() {
    let nonsense = Finding::Inconclusive(Inconclusive::Nonsense);
    for client in ["a\u{0}b", "a\u{1b}[2J", ""] {
        let body = introspected("API_KEY", client, "export-jobs:read", &company_urn(OURS));
        assert_eq!(probe(&[reply(200, Body::Json(body))], None, 1).0, nonsense, "{client:?}");
    }
}

const OTHER_PROVIDER: &str = r#"
name = "ledgerly"
title = "Ledgerly"
base_url = "https://api.ledgerly.example"
required_scopes = ["books.read"]
[authentication]
form = "bearer"
[identity]
path = "/me"
needs = ["profile"]
scopes = "/grants"
subject = "/tenant/id"
company_prefixes = [""]
[[permission]]
name = "books"
path = "/books?limit=1"
needs = ["books.read"]
every = 2
"#;

#[test]
fn another_provider_is_judged_by_its_own_profile() {
    let profile = Profile::parse("test", OTHER_PROVIDER).unwrap();
    let company = CompanyId::parse("acme-7").unwrap();
    let required = profile.default_scopes();
    let expected = Expected { company: Some(&company), client: None, required: &required };
    let judge = |replies: &[Reply], turn| {
        let mut examination = Examination::new(&profile, expected, None, turn);
        let mut last = None;
        for reply in replies {
            last = match examination.answer(reply) {
                Step::Conclude(finding) => Some(finding),
                Step::Ask(_) => None,
            };
        }
        last
    };
    let me = |grants: &[&str], id: &str| {
        reply(200, Body::Json(json!({"grants": grants, "tenant": {"id": id}})))
    };
    let scopes = |text| Permission::Scopes(Scopes::parse(text));
    let well = me(&["books.read"], "acme-7");
    assert_eq!(judge(std::slice::from_ref(&well), 1), Some(Finding::Accepted));
    assert_eq!(
        judge(&[me(&[], "acme-7")], 1),
        Some(Finding::Failed(Failure::PermissionLost(scopes("books.read"))))
    );
    assert_eq!(
        judge(&[me(&["books.read"], "ACME-7")], 1),
        Some(Finding::Failed(Failure::WrongCompany(CompanyId::parse("ACME-7").unwrap()))),
        "only a UUID means the same in capitals"
    );
    assert_eq!(
        judge(&[me(&["books.read"], "acme-8")], 1),
        Some(Finding::Failed(Failure::WrongCompany(CompanyId::parse("acme-8").unwrap())))
    );
    assert_eq!(
        judge(&[reply(403, Body::Other)], 1),
        Some(Finding::Failed(Failure::PermissionLost(scopes("profile"))))
    );
    assert_eq!(judge(std::slice::from_ref(&well), 2), None, "the permission call has its turn");
    assert_eq!(
        judge(&[well.clone(), reply(403, Body::Other)], 2),
        Some(Finding::Failed(Failure::PermissionLost(scopes("books.read"))))
    );
    assert_eq!(judge(&[well, reply(500, Body::Other)], 2), Some(Finding::Accepted));
}
