//! One tenant: what can be read out, then why, how it fared, what was said to whom, and what can be done.

use axum::extract::{Extension, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use minijinja::context;
use serde::Serialize;

use crate::health::Status;
use crate::http::api::explain::{self, Decided, Explanation, Told};
use crate::http::api::problem::Problem;
use crate::http::api::role::Deed;
use crate::http::api::tenants::{Reference, found};
use crate::http::api::view::Whole;
use crate::store::{AuditRow, ContactView, Detail, KeptLetter, KeptLink, LinkState};

use super::fleet::{Refused, in_path};
use super::picture::Picture;
use super::session::Visitor;
use super::when::When;
use super::{Console, view};

/// So many letters and rows of the audit chain are shown, the newest.
const LETTERS: u32 = 200;
const ROWS: u32 = 50;
/// So many links.
const LINKS: usize = 10;

/// Something that was decided.
#[derive(Debug, Serialize)]
struct Step {
    at: Option<When>,
    from: Option<String>,
    status: Option<String>,
    cause: Option<String>,
    reason: Option<String>,
    by: String,
}

/// Something that was told, or not.
#[derive(Debug, Serialize)]
struct Message {
    id: String,
    whom: String,
    stage: String,
    channel: Option<String>,
    outcome: &'static str,
    sign: &'static str,
    decided: Option<When>,
    at: Option<When>,
    why: String,
    letter: Option<Letter>,
}

/// A mail as it was sent.
#[derive(Debug, Serialize)]
struct Letter {
    /// Whether the customer got it, or may have.
    sent: bool,
    language: String,
    subject: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Contact {
    address: String,
    role: String,
    /// Since when it does not work, and why.
    refused: Option<(When, String)>,
}

#[derive(Debug, Serialize)]
struct Link {
    id: String,
    state: &'static str,
    recipient: String,
    made: Option<When>,
    until: When,
    tries: u32,
}

#[derive(Debug, Serialize)]
struct Entry {
    seq: i64,
    at: Option<When>,
    action: String,
    by: String,
    outcome: String,
    facts: String,
    /// What is personal in it; a word instead, where it was erased.
    detail: Option<String>,
}

/// What can be done, by whoever looks.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a button that is there or not")]
struct May {
    check: bool,
    link: bool,
    revoke: bool,
    pause: bool,
    resume: bool,
    disable: bool,
    confirm_deleted: bool,
    acknowledge: bool,
    erase: bool,
}

/// Shows a tenant.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    reference: Result<Reference, Problem>,
) -> Result<Response, Refused> {
    let shown = match reference {
        Ok(Reference(reference)) => page(&console, &visitor, &reference).await,
        Err(problem) => Err(problem),
    };
    shown.map_err(|problem| Refused(Box::new((console, visitor, problem))))
}

async fn page(console: &Console, visitor: &Visitor, reference: &str) -> Result<Response, Problem> {
    let (api, caller) = (&console.api, &visitor.caller);
    let (store, now) = (api.desk.store(caller), api.clock.now());
    let tenant = found(api, caller, reference).await?;
    let explained = Explanation::of(&store, &tenant).await?;
    let whole = Whole::of(&store, &tenant, &api.setting()).await?;
    let contacts = store.contacts(tenant.id).await?;
    let letters = store.letters_of(tenant.id, LETTERS).await?;
    let links = store.links_of(tenant.id).await?;
    let entries = if caller.role.may(Deed::ReadAudit) {
        let mut rows = store.latest_audit_rows(Some(tenant.id), ROWS).await?;
        rows.reverse();
        Some(rows.iter().map(|row| Entry::of(row, now)).collect::<Vec<_>>())
    } else {
        None
    };
    let health = &tenant.health;
    // More than are told may have been left out.
    let begun = tenant.created_at.filter(|_| explained.decided.len() < explain::DECISIONS);
    let status = (health.status.word(), health.since);
    let picture = Picture::of(&explained.decided, status, begun, now);
    let decided: Vec<Step> = explained.decided.iter().rev().map(|one| Step::of(one, now)).collect();
    let told: Vec<Message> =
        explained.told.iter().rev().map(|one| Message::of(one, &letters, now)).collect();
    let open = links.iter().any(|link| link.state(now) == LinkState::Open);
    let disabled = matches!(health.status, Status::Disabled(_));
    let paused = matches!(health.status, Status::Paused { .. });
    let unacknowledged = store.is_unacknowledged(tenant.id).await?;
    let may = |deed| caller.role.may(deed);
    let may = May {
        check: may(Deed::Check) && tenant.masked.is_some(),
        link: may(Deed::Link) && crate::http::api::links::served(api).is_ok(),
        revoke: may(Deed::Link) && open,
        pause: may(Deed::Pause) && !paused && !disabled,
        resume: may(Deed::Pause) && paused,
        disable: may(Deed::Disable) && health.status.word() != "disabled",
        confirm_deleted: may(Deed::ConfirmDeleted) && !whole.deletions_wanted.is_empty(),
        acknowledge: may(Deed::AcknowledgeDisabled) && unacknowledged,
        erase: may(Deed::Erase),
    };
    let links: Vec<Link> = links.iter().take(LINKS).map(|link| Link::of(link, now)).collect();
    let contacts: Vec<Contact> = contacts.iter().map(|one| Contact::of(one, now)).collect();
    let failing = explained.failing.as_ref().map(|failing| {
        let (first, last) = (When::of(failing.first_at, now), When::of(failing.last_at, now));
        context! {
            text => failing.text.as_str(),
            times => failing.in_a_row,
            first => view::value(&first),
            last => view::value(&last),
        }
    });
    let mut weather = Vec::new();
    for sky in &explained.weather {
        let since = When::of(sky.since, now);
        weather.push(context! {
            class => sky.class, state => sky.state, since => view::value(&since), holds => sky.holds,
        });
    }
    Ok(console.page(
        visitor,
        "tenant.html",
        context! {
            title => tenant.reference.as_str(),
            tenant => view::value(&whole),
            path => in_path(&tenant.reference),
            read => view::value(&When::of(now, now)),
            say => explained.say.as_str(),
            since => view::value(&When::of(health.since, now)),
            accepted => view::value(&When::maybe(explained.accepted_at, now)),
            silent => view::value(&When::maybe(explained.silent_since, now)),
            next => view::value(&When::maybe(explained.next_check_at, now)),
            expires => view::value(&When::maybe(health.expires_at, now)),
            added => view::value(&When::maybe(tenant.created_at, now)),
            failing,
            weather,
            picture => view::value(&picture),
            decided => view::value(&decided),
            told => view::value(&told),
            contacts => view::value(&contacts),
            links => view::value(&links),
            entries => view::value(&entries),
            may => view::value(&may),
        },
    ))
}

impl Step {
    fn of(one: &Decided, now: DateTime<Utc>) -> Self {
        Self {
            at: When::maybe(one.at, now),
            from: one.from.clone(),
            status: one.status.clone(),
            cause: one.cause.clone(),
            reason: one.reason.clone(),
            by: if one.by == "daemon" { "keypulse".to_owned() } else { format!("a {}", one.by) },
        }
    }
}

impl Message {
    fn of(one: &Told, letters: &[KeptLetter], now: DateTime<Utc>) -> Self {
        // A mail was sent by one channel, and its letter is kept with the message.
        let letter = letters.iter().find(|letter| {
            letter.message == one.id && one.channel.as_deref() == Some(crate::store::MAIL_CHANNEL)
        });
        Self {
            id: one.id.clone(),
            whom: one.audience.clone(),
            stage: one.stage.clone(),
            channel: one.channel.clone(),
            outcome: one.outcome,
            sign: match one.outcome {
                "sent" => "healthy",
                "dead" | "unknown" => "needs_reconnection",
                "waits" | "sending" => "pending",
                _ => "paused",
            },
            decided: When::maybe(one.decided_at, now),
            at: When::maybe(one.at, now),
            why: one.why.clone(),
            letter: letter.map(|letter| Letter {
                sent: matches!(one.outcome, "sent" | "unknown" | "sending"),
                language: letter.language.clone(),
                subject: letter.subject.clone(),
                text: letter.text.clone(),
            }),
        }
    }
}

impl Contact {
    fn of(one: &ContactView, now: DateTime<Utc>) -> Self {
        Self {
            address: one.contact.address.clone(),
            role: one.contact.role.clone(),
            refused: one.refused.as_ref().map(|(at, why)| (When::of(*at, now), why.clone())),
        }
    }
}

impl Link {
    fn of(link: &KeptLink, now: DateTime<Utc>) -> Self {
        Self {
            id: link.id.chars().take(8).collect(),
            state: link.state(now).name(),
            recipient: link.recipient.clone(),
            made: When::maybe(link.created_at, now),
            until: When::of(link.expires_at, now),
            tries: link.tries,
        }
    }
}

impl Entry {
    fn of(row: &AuditRow, now: DateTime<Utc>) -> Self {
        Self {
            seq: row.seq,
            at: When::maybe(row.at, now),
            action: row.action.clone(),
            by: format!("{} {}", row.actor_kind, row.actor_id),
            outcome: row.outcome.clone(),
            facts: facts(&row.facts),
            detail: match &row.detail {
                Detail::None => None,
                Detail::Erased => Some("erased".to_owned()),
                Detail::Known(text) => Some(facts(text)),
            },
        }
    }
}

/// A JSON object as people read it; what is none, as it is.
fn facts(json: &str) -> String {
    let Ok(serde_json::Value::Object(facts)) = serde_json::from_str(json) else {
        return json.to_owned();
    };
    let one = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => format!("{}: {text}", crate::plain::words(name)),
        None => format!("{}: {value}", crate::plain::words(name)),
    };
    facts.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_words() {
        assert_eq!(facts(r#"{"from_status":"a","n":3}"#), "from status: a; n: 3");
        assert_eq!(facts("[1]"), "[1]");
    }
}
