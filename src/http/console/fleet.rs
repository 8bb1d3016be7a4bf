//! The first page: is anything wrong, whose fault, what needs a person now, then everything else.

use axum::extract::{Extension, State};
use axum::response::Response;
use minijinja::context;
use serde::Serialize;

use crate::health::Sky;
use crate::http::api::problem::Problem;
use crate::http::api::role::Deed;
use crate::http::overview::{self, Look, Overview, See};
use crate::plain::many;
use crate::store::{Mode, TenantView};

use super::session::Visitor;
use super::when::When;
use super::{Console, view};

/// So many of those who need a person are named.
const NAMED: u32 = 25;

/// A tenant in a list.
#[derive(Debug, Serialize)]
pub struct Row {
    #[serde(rename = "ref")]
    reference: String,
    /// The same as a part of a path.
    path: String,
    name: String,
    status: &'static str,
    status_text: String,
    since: When,
}

impl Row {
    /// A tenant in a list.
    pub fn of(view: &TenantView, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            reference: view.reference.clone(),
            path: in_path(&view.reference),
            name: view.name.clone(),
            status: view.health.status.word(),
            status_text: view.health.status.to_string(),
            since: When::of(view.health.since, now),
        }
    }
}

/// A reference as a part of a path: it may hold whatever can be printed.
pub fn in_path(reference: &str) -> String {
    use std::fmt::Write as _;
    let mut path = String::with_capacity(reference.len());
    for byte in reference.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[derive(Debug, Serialize)]
struct Wrong {
    sign: &'static str,
    what: String,
    /// Where on the page, or by which command, there is more.
    place: Option<&'static str>,
    command: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Count {
    word: &'static str,
    tenants: i64,
    causes: Vec<(String, i64)>,
}

#[derive(Debug, Serialize)]
struct Class {
    word: &'static str,
    state: &'static str,
    /// The word of the status whose sign stands for it.
    sign: &'static str,
    text: String,
    since: When,
    held: u32,
}

#[derive(Debug, Serialize)]
struct Held {
    why: String,
    since: When,
}

/// Shows the fleet.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Refused> {
    let shown = page(&console, &visitor).await;
    shown.map_err(|problem| Refused(Box::new((console, visitor, problem))))
}

async fn page(console: &Console, visitor: &Visitor) -> Result<Response, Problem> {
    let (api, place) = (&console.api, &console.place);
    let (store, now) = (&api.store, api.clock.now());
    let look = Look {
        now,
        named: NAMED,
        put_off_before: now - place.put_off_after,
        late_before: api.late_before(),
        interval: place.interval,
        effective: &*place.effective,
        budget: place.budget,
    };
    let fleet = Overview::read(store, &look).await?;
    let wrong: Vec<Wrong> = fleet.wrong(true).into_iter().map(Wrong::from).collect();
    let counts = fleet.by_status().map(|(word, tenants, causes)| Count {
        word,
        tenants,
        causes: causes.into_iter().map(|(cause, many)| (cause.to_owned(), many)).collect(),
    });
    let counts: Vec<Count> = counts.collect();
    let mut weather = Vec::new();
    for row in &fleet.weather {
        let holds = row.sky.weather().holds();
        weather.push(Class {
            word: row.class.word(),
            state: row.sky.weather().word(),
            sign: match row.sky {
                Sky::Clear { .. } => "healthy",
                Sky::Unknown { .. } => "pending",
                Sky::Suspected { .. } | Sky::Incident(_) => "degraded",
            },
            text: overview::weather(row),
            since: When::of(row.sky.since(), now),
            held: if holds { store.count_held(row.class).await? } else { 0 },
        });
    }
    let rows: Vec<Row> = fleet.in_need.iter().map(|one| Row::of(one, now)).collect();
    let held = store.held().await?;
    let held = held.map(|held| Held { why: held.why, since: When::of(held.since, now) });
    let waiting = store.waiting_mail().await?;
    let deletions = store.count_deletions_wanted().await?;
    let mode = fleet.mode.map(|one| one.mode);
    let told = match mode {
        None | Some(Mode::Shadow) => "nobody: everything is decided and written down only",
        Some(Mode::OnCall) => "on-call and the integration; no customer",
        Some(Mode::Live) => "on-call, the integration and customers",
    };
    let sending = mode.is_some();
    let others = fleet.count("needs_reconnection") - i64::try_from(rows.len()).unwrap_or(0);
    Ok(console.page(
        visitor,
        "fleet.html",
        context! {
            title => "Fleet",
            read => view::value(&When::of(now, now)),
            empty => fleet.is_empty(),
            wrong => view::value(&wrong),
            counts => view::value(&counts),
            weather => view::value(&weather),
            rows => view::value(&rows),
            more => others.max(0),
            told,
            suspects => fleet.suspects,
            mails => many(i64::try_from(waiting.mails).unwrap_or(i64::MAX), "mail"),
            dead => fleet.posted_in("dead"),
            unknown => fleet.posted_in("unknown"),
            deletions,
            held => view::value(&held),
            may_hold => sending && visitor.caller.role.may(Deed::HoldMail),
            earliest => view::value(&When::maybe(fleet.earliest, now)),
            every => crate::plain::span(fleet.effective),
            version => env!("CARGO_PKG_VERSION"),
        },
    ))
}

impl From<overview::Wrong> for Wrong {
    fn from(one: overview::Wrong) -> Self {
        let place = one.see.filter(|see| *see == See::InNeed).map(|_| "need");
        Self { sign: one.sign, what: one.what, place, command: one.see.and_then(See::command) }
    }
}

/// What was not done, shown to whoever wanted it.
#[derive(Debug)]
pub struct Refused(pub Box<(Console, Visitor, Problem)>);

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (console, visitor, problem) = *self.0;
        console.refusal(Some(&visitor), &problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_part_of_a_path_whatever_it_holds() {
        assert_eq!(in_path("erp-483_a~b"), "erp-483_a~b");
        assert_eq!(in_path("a/../b?c#d%20"), "a%2F%2E%2E%2Fb%3Fc%23d%2520");
    }
}
