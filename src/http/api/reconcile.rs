//! The list of the keys that the integration uses: pushed, and how the last one came out. A list has
//! its own bound, and one is taken at a time; it is no JSON, because the same file serves the command.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::config::CustodyMode;

use super::Api;
use super::body::Read;
use super::caller::Caller;
use super::desk::Reconciled;
use super::part;
use super::problem::{Details, Kind, Problem};

/// All that can be asked for.
const KNOWN: [&str; 1] = ["dry_run"];
/// What a list is said to be.
const TYPES: [&str; 3] = ["text/csv", "application/jsonl", "application/x-ndjson"];
/// Tenants of each outcome that are named.
const EXAMPLES: usize = 100;

/// How a list is taken.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what push reads")]
pub struct Parameters {
    /// `true`: say what would come of it and change nothing.
    dry_run: Option<bool>,
}

/// What came of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// Whether nothing was changed by it.
    pub dry_run: bool,
    /// How many keys are on it.
    pub keys: u64,
    /// Tenants with the same key on both sides.
    pub same: u64,
    /// Tenants with another key than the one held here.
    pub differs: u64,
    /// Tenants that are not on the list.
    pub only_here: u64,
    /// Those on the list without a key here: nobody watches them.
    pub only_there: u64,
    /// Some of those that are not the same, at most 100 of each outcome.
    pub examples: Examples,
    /// Tenants that are out of step from now on.
    pub newly_out_of_step: u64,
    /// Tenants that were and are no longer.
    pub in_step_again: u64,
    /// Tenants whose keys were taken meanwhile: the list says nothing of them.
    pub younger: u64,
    /// Tenants whose keys do not open here, at most 100.
    pub unopened: Vec<String>,
}

/// References of some tenants.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Examples {
    /// Those with another key.
    pub differs: Vec<String>,
    /// Those that are not on the list.
    pub only_here: Vec<String>,
    /// Those on the list without a key here.
    pub only_there: Vec<String>,
}

/// The list that counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LastList {
    /// When it was pushed; null where none ever was. It counts for a day.
    pushed_at: Option<DateTime<Utc>>,
    /// How many keys are on it.
    keys: u64,
    /// How its keys stood then; null while they are being compared, or where they never were.
    outcomes: Option<Outcomes>,
}

/// How many keys stood how.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Outcomes {
    /// The same on both sides.
    same: u64,
    /// Another than the one held here.
    differs: u64,
    /// Not on the list.
    only_here: u64,
    /// On the list, and none here.
    only_there: u64,
}

/// Whether a list only says what would come of it.
#[derive(Clone, Copy, Debug)]
pub struct Rehearse(bool);

impl<S: Send + Sync> FromRequestParts<S> for Rehearse {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut rehearse = false;
        part::parameters(parts.uri.query().unwrap_or_default(), &KNOWN, None, |_, value| {
            rehearse = match value {
                "true" => true,
                "false" => false,
                _ => return Err(Kind::BadQuery.because("`dry_run` must be `true` or `false`")),
            };
            Ok(())
        })?;
        Ok(Self(rehearse))
    }
}

/// The bytes of a list, of a type that one has.
#[derive(Debug)]
pub struct Pushed(Read);

impl<S: Send + Sync> FromRequestParts<S> for Pushed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            return Err(Kind::NotList.because(
                "send `Content-Type: text/csv` with the header `ref,fingerprint`, or \
                 `application/jsonl` with an object of these two a line",
            ));
        }
        let read = parts.extensions.get::<Read>().cloned();
        read.map(Self).ok_or_else(|| Problem::ours("a body was not read"))
    }
}

/// Push the list of all keys that the integration uses.
///
/// Only where `custody.mode` is `mirror`. CSV with the header `ref,fingerprint`, or JSON Lines with these
/// two fields, at most 32 MiB, one list at a time. It counts as a whole or not at all: if a line cannot
/// be used, the answer names it by its number and nothing is changed. Whoever uses another key than the
/// one held here is out of step from then on.
#[utoipa::path(post, path = "/api/v1/reconcile", operation_id = "push_list", tag = "custody",
    params(Parameters),
    request_body(content((String = "text/csv"), (String = "application/jsonl"))),
    responses((status = OK, description = "Compared", body = Comparison),
        (status = CONFLICT, description = "Custody is not `mirror`, or a later list counts",
            body = Details, content_type = "application/problem+json")))]
pub async fn push(
    State(api): State<Api>,
    caller: Caller,
    Rehearse(rehearse): Rehearse,
    pushed: Result<Pushed, Problem>,
) -> Result<Json<Comparison>, Problem> {
    mirrored(&api)?;
    let Pushed(list) = pushed?;
    match api.desk.reconcile(&caller, list.bytes(), rehearse, EXAMPLES).await? {
        Reconciled::Compared(comparison) => Ok(Json(comparison)),
        Reconciled::Refused(bad_lines, lines) => Err(Problem::of_list(bad_lines, lines)),
        Reconciled::Empty => Err(Kind::ListRefused
            .because("there is no key on the list: an empty one is taken for a mistake")),
        Reconciled::Overtaken => Err(Kind::ListOvertaken.because(
            "another list was pushed meanwhile, and counts: nothing was changed by this one",
        )),
    }
}

/// Read how the last list came out.
///
/// Only where `custody.mode` is `mirror`.
#[utoipa::path(get, path = "/api/v1/reconcile", operation_id = "read_list", tag = "custody",
    responses((status = OK, description = "The list that counts", body = LastList),
        (status = CONFLICT, description = "Custody is not `mirror`", body = Details,
            content_type = "application/problem+json")))]
pub async fn read(State(api): State<Api>, caller: Caller) -> Result<Json<LastList>, Problem> {
    mirrored(&api)?;
    let last = api.desk.store(&caller).reconciled().await?;
    Ok(Json(LastList {
        pushed_at: last.map(|last| last.pushed_at),
        keys: last.map_or(0, |last| last.entries),
        outcomes: last.and_then(|last| last.outcomes).map(|found| Outcomes {
            same: found.same,
            differs: found.differs,
            only_here: found.only_here,
            only_there: found.only_there,
        }),
    }))
}

fn mirrored(api: &Api) -> Result<(), Problem> {
    match api.desk.custody() {
        CustodyMode::Mirror => Ok(()),
        CustodyMode::Keeper | CustodyMode::Reference => Err(Kind::NotMirrored.because(
            "`custody.mode` is not `mirror`: the keys held here are not copies of the \
             integration's, and there is nothing to compare them with",
        )),
    }
}
