//! The private API, `/api/v1`: what a program asks of keypulse. It knows no table, opens no key and
//! decides nothing; what it cannot do itself it asks of its [`Desk`].
//!
//! To add a route: a handler with `#[utoipa::path]`, a line in [`routes`], and a line in
//! [`role::ROUTES`], without which it answers nobody.

pub(super) mod acts;
mod audit;
pub(super) mod body;
pub(super) mod caller;
pub mod compared;
pub mod desk;
pub mod explain;
pub mod guide;
mod handover;
mod idempotent;
mod key;
pub(super) mod lasting;
mod limits;
pub mod links;
pub(super) mod mail;
mod measure;
mod openapi;
mod part;
pub mod problem;
mod query;
pub mod reconcile;
#[cfg(test)]
mod refusals;
pub mod review;
pub mod role;
pub mod scopes;
mod secret;
pub(super) mod tenants;
pub mod view;
mod weather;
mod wish;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use chrono::{DateTime, Utc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::words::Words;

pub use caller::Caller;
pub use desk::Desk;
pub use openapi::document;
pub use secret::Secret;

use compared::Setting;
use desk::DeskError;
use limits::Limits;
use problem::{Kind, Problem};

/// What the API needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// Where tokens and answers are kept. Handlers use the caller's store instead
    /// ([`Desk::store`]).
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) limits: Arc<Limits>,
    metrics: Metrics,
    words: Words,
}

impl Api {
    /// An API on that store, whose wishes that desk sees to, in those words.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        desk: Arc<dyn Desk>,
        words: Words,
    ) -> Self {
        measure::know(&metrics);
        Self { store, clock, desk, limits: Arc::default(), metrics, words }
    }

    /// What tenants are seen by at this moment.
    pub(super) fn setting(&self) -> Setting {
        Setting {
            now: self.clock.now(),
            late_before: self.late_before(),
            custody: self.desk.custody(),
            reconnect_url: self.desk.reconnect_url().map(str::to_owned),
        }
    }

    /// What was owed before this moment is late.
    pub(super) fn late_before(&self) -> DateTime<Utc> {
        self.clock.now() - self.desk.pickup_within()
    }
}

/// Every route that needs a token.
fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(tenants::read, tenants::change))
        .routes(routes!(explain::explain))
        .routes(routes!(key::put))
        .routes(routes!(links::list, links::make, links::revoke))
        .routes(routes!(links::invite))
        .routes(routes!(guide::read))
        .routes(routes!(lasting::rebind))
        .routes(routes!(lasting::erase))
        .routes(routes!(scopes::diff))
        .routes(routes!(scopes::apply))
        .routes(routes!(acts::pause))
        .routes(routes!(acts::resume))
        .routes(routes!(acts::check))
        .routes(routes!(acts::disable))
        .routes(routes!(acts::confirm_deleted))
        .routes(routes!(acts::acknowledge_disabled))
        .routes(routes!(mail::read))
        .routes(routes!(mail::hold))
        .routes(routes!(mail::release))
        .routes(routes!(mail::event))
        .routes(routes!(audit::list))
        .routes(routes!(audit::head))
        .routes(routes!(audit::review))
        .routes(routes!(reconcile::read, reconcile::push))
        .routes(routes!(handover::list))
        .routes(routes!(handover::fetch))
        .routes(routes!(handover::acknowledge))
        .routes(routes!(weather::read))
        .routes(routes!(weather::declare))
        .routes(routes!(weather::clear))
        .routes(routes!(weather::extend))
        .routes(routes!(weather::release))
}

/// The API, its description and the viewer.
pub fn router(api: &Api) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(api.clone(), caller::gate))
        .route_layer(middleware::from_fn_with_state(api.clone(), measure::measure))
        .with_state(api.clone())
        .merge(openapi::pages())
        .layer(middleware::from_fn(guarded))
}

/// Nothing that is answered here is kept by a cache or taken for anything else.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Where nothing is served.
pub async fn no_such_page() -> Problem {
    Kind::NoSuchPage.because("see /api/docs, or docs/API.md, for what there is")
}

/// Where something else is served.
pub async fn no_such_method() -> Problem {
    Kind::MethodNotAllowed.because("`Allow` says what can be done here")
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) => Self::of_store(&error),
            DeskError::Ending => Kind::Unavailable
                .because("keypulse is ending: nothing was tried and nothing has changed"),
            DeskError::Ours(what) => Self::ours(&what),
        }
    }
}
