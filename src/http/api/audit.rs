//! What was done, by whom: the audit chain, its head, and the review of one tenant.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::ids::TenantId;
use crate::ids::TenantRef;
use crate::store::AuditRow;

use super::Api;
use super::caller::Caller;
use super::part::{self, Limit, Of, PartParameters};
use super::problem::{Details, Kind, Problem, no_tenant};
use super::review::{Entry, Review};
use super::tenants::{Reference, found};

/// A review is made from so many rows at most.
const MOST_ROWS: usize = 20_000;

/// Which rows of the chain.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what Asked reads")]
pub struct Parameters {
    /// How many on a page: 1 to 200, 50 where it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the list goes on: `next_cursor` of the page before, as it is.
    cursor: Option<String>,
    /// Only rows behind the one of this number, instead of a cursor.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Only rows about the tenant of this reference.
    tenant: Option<String>,
}

/// Part of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The rows, in their order.
    rows: Vec<Entry>,
    /// To be given as `cursor` for the next page; null at the end of the chain.
    next_cursor: Option<String>,
}

/// The last row of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeadAnswer {
    /// Its number: how many rows there are.
    seq: i64,
    /// What `keypulse audit verify --expect` takes: the number, `:` and the code of the row.
    head: String,
}

/// The review of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantAudit {
    /// What is known of it and its keys; null on the pages that follow the first.
    review: Option<Review>,
    /// The rows about it, in their order.
    rows: Vec<Entry>,
    /// To be given as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// What part of the chain is asked for.
#[derive(Debug, Default)]
pub struct Asked {
    after: Option<i64>,
    limit: Limit,
    tenant: Option<String>,
}

/// What part of the rows about one tenant is asked for.
#[derive(Debug, Default)]
pub struct AskedOfOne(Asked);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts, &["limit", "cursor", "after", "tenant"])
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AskedOfOne {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Asked::read(parts, &["limit", "cursor"]).map(Self)
    }
}

impl Asked {
    fn read(parts: &Parts, known: &[&str]) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let query = parts.uri.query().unwrap_or_default();
        part::parameters(query, known, None, |name, value| {
            match name {
                "limit" => asked.limit = Limit::parse(value)?,
                "tenant" => asked.tenant = Some(value.to_owned()),
                _ if asked.after.is_some() => {
                    return Err(Kind::BadQuery.because("give `cursor` or `after`, not both"));
                }
                "cursor" => asked.after = Some(Of::Audit.place(value, number)?),
                _ => {
                    let after = number(value).ok_or_else(|| {
                        Kind::BadQuery.because("`after` must be the number of a row, or 0")
                    })?;
                    asked.after = Some(after);
                }
            }
            Ok(())
        })?;
        Ok(asked)
    }

    async fn rows(
        &self,
        api: &Api,
        caller: &Caller,
        tenant: Option<TenantId>,
    ) -> Result<(Vec<Entry>, Option<String>), Problem> {
        let (after, Limit(limit)) = (self.after.unwrap_or(0), self.limit);
        let rows = api.desk.store(caller).audit_rows(tenant, after, limit).await?;
        let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = rows.last().filter(|_| full).map(|row: &AuditRow| row.seq.to_string());
        let entries = rows.iter().map(Entry::from).collect();
        Ok((entries, next.map(|seq| Of::Audit.cursor(&seq))))
    }
}

/// The number of a row, or 0.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|seq| *seq >= 0)
}

/// Read the audit chain.
///
/// From its beginning, or from behind a row that was read before (`after`), page by page: whoever keeps
/// the last number and asks for what came since misses nothing. Reading writes nothing.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "read_audit", tag = "audit",
    params(Parameters),
    responses((status = OK, description = "A page", body = AuditPage),
        (status = NOT_FOUND, description = "There is no such tenant", body = Details,
            content_type = "application/problem+json")))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<AuditPage>, Problem> {
    let tenant = match &asked.tenant {
        Some(text) => {
            let reference = TenantRef::parse(text).map_err(|_| no_tenant())?;
            Some(found(&api, &caller, reference.as_str()).await?.id)
        }
        None => None,
    };
    let (rows, next_cursor) = asked.rows(&api, &caller, tenant).await?;
    Ok(Json(AuditPage { rows, next_cursor }))
}

/// Read the head of the audit chain.
///
/// To be kept away from the database: `keypulse audit verify --expect` then tells whether the chain was
/// cut or written anew.
#[utoipa::path(get, path = "/api/v1/audit/head", operation_id = "read_audit_head", tag = "audit",
    responses((status = OK, description = "The last row", body = HeadAnswer)))]
pub async fn head(State(api): State<Api>, caller: Caller) -> Result<Json<HeadAnswer>, Problem> {
    let head = api.desk.store(&caller).audit_head().await?;
    let head = head.ok_or_else(|| {
        Problem::ours("the audit chain has lost its head; run `keypulse audit verify`")
    })?;
    Ok(Json(HeadAnswer { seq: head.seq, head: head.to_string() }))
}

/// Review one tenant.
///
/// What `keypulse audit export` writes: since when each key was stored and by whom, when it was first and
/// last known to be accepted, how it ended; and every row about the tenant, page by page.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}/audit", operation_id = "review_tenant",
    tag = "audit",
    params(("ref" = String, Path, description = "The integration's own name for the tenant"),
        PartParameters),
    responses((status = OK, description = "The review", body = TenantAudit)))]
pub async fn review(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    AskedOfOne(asked): AskedOfOne,
) -> Result<Json<TenantAudit>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let review = if asked.after.is_none() {
        let store = api.desk.store(&caller);
        Some(Review::of(&store, &view, &api.desk.profile().title, MOST_ROWS).await?)
    } else {
        None
    };
    let (rows, next_cursor) = asked.rows(&api, &caller, Some(view.id)).await?;
    Ok(Json(TenantAudit { review, rows, next_cursor }))
}
