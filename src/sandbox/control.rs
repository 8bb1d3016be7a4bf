//! The control port: the same changes as in process, over HTTP. It is not protected, so it is bound
//! to loopback only, and it takes JSON only, so that no web page can post to it unasked.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::change::{Applied, Change};
use super::view::TenantView;
use super::world::World;

/// Largest body taken: room for a fault that names a hundred thousand tenants.
const BODY_LIMIT: usize = 1024 * 1024;
/// Most tenants shown at once.
const PAGE: u32 = 10_000;

type Answer = Result<Json<Value>, Refusal>;
type Refusal = (StatusCode, Json<Value>);

/// The routes.
pub(super) fn router(world: World) -> Router {
    Router::new()
        .route("/control/changes", post(change))
        .route("/control/tenants", get(tenants))
        .route("/control/counts", get(counts))
        .route("/control/counts/tenths", get(tenths))
        .route("/control/counts/reset", post(reset_counts))
        .route("/control/world", get(conditions))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(world)
}

async fn change(State(world): State<World>, headers: HeaderMap, body: Bytes) -> Answer {
    require_json(&headers)?;
    let change: Change = serde_json::from_slice(&body)
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
    match world.apply(change) {
        Ok(Applied::Done) => Ok(Json(json!({"done": true}))),
        Ok(Applied::Rotated { key }) => Ok(Json(json!({"done": true, "key": key.expose()}))),
        Err(error) => Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default = "first")]
    from: u32,
    #[serde(default = "hundred")]
    limit: u32,
}

const fn first() -> u32 {
    1
}

const fn hundred() -> u32 {
    100
}

async fn tenants(State(world): State<World>, uri: Uri) -> Answer {
    let page: Page = query(&uri)?;
    let until = page.from.saturating_add(page.limit.min(PAGE));
    let shown: Vec<_> = (page.from..until)
        .skip_while(|number| *number == 0)
        .map_while(|number| world.tenant(number))
        .map(|tenant| row(&tenant))
        .collect();
    Ok(Json(json!({"total": world.tenants(), "tenants": shown})))
}

fn row(tenant: &TenantView) -> Value {
    json!({
        "tenant": tenant.number,
        "ref": tenant.reference.as_str(),
        "company_id": tenant.company_id,
        "company_name": tenant.company_name,
        "key": tenant.key().masked(),
        "kind": tenant.kind,
        "generation": tenant.generation,
        "key_state": tenant.key_state,
        "reach": tenant.reach,
        "client_id": tenant.client_id,
        "scopes": tenant.scopes,
        "installation": tenant.installation,
        "expires_at": tenant.expires_at,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    tenant: Option<u32>,
}

async fn counts(State(world): State<World>, uri: Uri) -> Answer {
    let whose: Whose = query(&uri)?;
    let Some(tenant) = whose.tenant else {
        return Ok(Json(json!(world.counts())));
    };
    let counts = world
        .tenant_counts(tenant)
        .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "there is no such tenant"))?;
    let total = counts.total();
    Ok(Json(json!({"tenant": tenant, "total": total, "calls": counts})))
}

async fn tenths(State(world): State<World>) -> Answer {
    Ok(Json(json!({"tenths": world.tenths()})))
}

async fn reset_counts(State(world): State<World>) -> Answer {
    world.reset_counts();
    Ok(Json(json!({"done": true})))
}

async fn conditions(State(world): State<World>) -> Answer {
    let latency = u64::try_from(world.latency().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(json!({
        "tenants": world.tenants(),
        "latency_ms": latency,
        "faults": world.faults(),
    })))
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    Query::try_from_uri(uri)
        .map(|Query(value)| value)
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.body_text()))
}

fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|kind| kind.starts_with(b"application/json")) {
        return Ok(());
    }
    Err(refuse(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "send Content-Type: application/json (curl --json does)",
    ))
}

fn refuse(status: StatusCode, error: &str) -> Refusal {
    (status, Json(json!({"error": error})))
}
