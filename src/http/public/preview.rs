//! Every page there can be, with made-up people: for whoever changes a template or a text, and to find
//! at the start what would otherwise be found by a customer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::KeyKind;
use crate::words::Tongue;

use super::outcome::Outcome;
use super::page::{Notice, Pages, Reader, Subject};
use super::screen::{Ask, Over, Screen, Why};
use super::templates::TemplateError;

/// A page and what it shows.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it shows, in a few words with `-` between them: a file may be called so.
    pub name: String,
    /// The page.
    pub html: String,
}

/// Renders every page in one language.
pub fn all(pages: &Pages, tongue: &Tongue) -> Result<Vec<Preview>, TemplateError> {
    let nonce = "preview";
    let reader = Reader {
        tongue,
        nonce,
        reference: Some("1a2b3c4d"),
        action: "#",
        link: Some("https://connect.example/l/…"),
        base: "",
    };
    let mut made = Vec::new();
    for (name, screen, kind) in screens() {
        let html = pages.screen(&screen, &subject(kind), &reader)?;
        made.push(Preview { name, html });
    }
    let html =
        pages.elsewhere("https://erp.example/settings", &subject(KeyKind::Integrated), &reader)?;
    made.push(Preview { name: "elsewhere".to_owned(), html });
    for notice in Notice::ALL {
        let html = pages.notice(notice, &reader)?;
        made.push(Preview { name: format!("notice-{}", notice.word()), html });
    }
    for preview in &made {
        if preview.name.starts_with("ask-") {
            check(preview)?;
        }
    }
    Ok(made)
}

/// A page that asks must have what it asks with.
fn check(preview: &Preview) -> Result<(), TemplateError> {
    let lacks = |what| TemplateError::Lacks { name: "ask.html".to_owned(), what };
    let has = |text: &str| preview.html.contains(text);
    if !has("method=\"post\"") {
        return Err(lacks("a form with method=\"post\""));
    }
    if !has("name=\"key\"") || !has("type=\"password\"") {
        return Err(lacks("a field of type=\"password\" with name=\"key\""));
    }
    if !has("name=\"do\" value=\"try\"") {
        return Err(lacks("a button with name=\"do\" value=\"try\""));
    }
    Ok(())
}

fn subject(kind: KeyKind) -> Subject {
    Subject {
        customer: "Fjord A/S".to_owned(),
        company: Some("bd97c2b1-18e9-4df7-9ea7-034642645342".to_owned()),
        masked: Some("…f6c2".to_owned()),
        kind,
        scopes: vec!["export-jobs:read".to_owned(), "users:read".to_owned()],
        zone: Some("Europe/Copenhagen".to_owned()),
    }
}

/// Every screen by a name of its own, with the kind of key.
fn screens() -> Vec<(String, Screen, KeyKind)> {
    let since = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_774) + TimeDelta::hours(8);
    let ask = |why: Why, said: Option<Outcome>| {
        let since = (!matches!(why, Why::New | Why::Wish | Why::NeverAccepted)).then_some(since);
        Screen::Ask(Ask { why, since, said, wait_until: None })
    };
    let missing = vec!["users:read".to_owned()];
    let whys = [
        Why::New,
        Why::Wish,
        Why::Rejected,
        Why::Expired,
        Why::NeverAccepted,
        Why::Disconnected,
        Why::Permission(missing.clone()),
        Why::WrongCompany,
        Why::Leaked,
        Why::Declined,
    ];
    let mut all = Vec::new();
    for why in whys {
        let name = format!("ask-{}", why.word());
        all.push((name, ask(why, None), KeyKind::Integrated));
    }
    all.push((
        "ask-permission-company".into(),
        ask(Why::Permission(Vec::new()), None),
        KeyKind::Integrated,
    ));
    all.push(("ask-standalone".into(), ask(Why::Expired, None), KeyKind::Standalone));
    for (word, said) in [
        ("no-answer", Outcome::NoAnswer { pasted: true }),
        ("given-up", Outcome::GivenUp { by_person: false }),
        ("said-no", Outcome::GivenUp { by_person: true }),
        ("ours", Outcome::Ours),
    ] {
        all.push((
            format!("ask-after-{word}"),
            ask(Why::Rejected, Some(said)),
            KeyKind::Integrated,
        ));
    }
    for (word, said) in [("lacking", Outcome::StillLacking), ("once-more", Outcome::OnceMore)] {
        let why = Why::Permission(missing.clone());
        all.push((format!("ask-after-{word}"), ask(why, Some(said)), KeyKind::Integrated));
    }
    let waiting = Ask {
        why: Why::Rejected,
        since: Some(since),
        said: None,
        wait_until: Some(since + TimeDelta::days(4)),
    };
    all.push(("ask-waiting".into(), Screen::Ask(waiting), KeyKind::Integrated));
    let company = "bd97c2b1-18e9-4df7-9ea7-034642645342".to_owned();
    let confirm =
        Screen::Confirm {
            company, name: Some("Fjord A/S".to_owned()), masked: "…0a1b".to_owned()
        };
    all.push(("confirm".into(), confirm, KeyKind::Integrated));
    all.push(("connected".into(), Screen::Connected, KeyKind::Integrated));
    all.push(("declined".into(), Screen::Declined, KeyKind::Integrated));
    for (word, why) in
        [("used", Over::Used), ("expired", Over::Expired), ("revoked", Over::Revoked)]
    {
        let ended = |works, renewed| Screen::Ended { why, works, renewed };
        all.push((format!("ended-{word}"), ended(false, false), KeyKind::Integrated));
        if why == Over::Expired {
            all.push(("ended-renewed".into(), ended(false, true), KeyKind::Integrated));
            all.push(("ended-works".into(), ended(true, false), KeyKind::Integrated));
        }
    }
    all
}
