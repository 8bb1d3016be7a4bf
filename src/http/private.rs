//! The operators' listener: is it alive, can it serve, are checks made in time, and the metrics.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::redact::chain;
use crate::store::Store;
use crate::telemetry::Metrics;

/// A probe of a load balancer does not wait longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Room for the gathering of batches before a check counts as overdue.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// What the private listener needs to know.
#[derive(Clone, Debug)]
pub struct Private {
    /// Where tenants are kept.
    pub store: Store,
    /// What is counted.
    pub metrics: Metrics,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How often a tenant is to be asked.
    pub interval: TimeDelta,
    /// How many calls may be started in a minute, where all tenants share a budget.
    pub per_minute: Option<NonZeroU32>,
}

/// Why the listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Open to other machines without TLS.
    #[error(
        "`private.listen` is {0}, which other machines can reach, and this version cannot speak \
         TLS there: listen on 127.0.0.1 and put a TLS proxy in front"
    )]
    Exposed(SocketAddr),
    /// The address is in use or not ours.
    #[error("`private.listen` is {address}, which cannot be opened")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Opens the listener; only loopback.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    if !address.ip().is_loopback() {
        return Err(ListenError::Exposed(address));
    }
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
}

/// Serves until `end`.
pub async fn serve(
    listener: TcpListener,
    private: Private,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/checkz", get(checkz))
        .route("/metrics", get(metrics))
        .with_state(private);
    axum::serve(listener, router).with_graceful_shutdown(end).await
}

/// Whether this process can serve: the store answers and has the schema.
async fn readyz(State(private): State<Private>) -> Response {
    match timeout(PATIENCE, private.store.check_schema()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Ok(Err(error)) => unavailable(&chain(&error)),
        Err(_) => unavailable("the database did not answer within 2 seconds"),
    }
}

/// Whether checks are made in time, by what the store says, whoever makes them.
async fn checkz(State(private): State<Private>) -> Response {
    match timeout(PATIENCE, overdue(&private)).await {
        Ok(Ok(None)) => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Ok(Ok(Some(late))) => unavailable(&format!(
            "a check is {} seconds overdue, more than one interval",
            late.num_seconds()
        )),
        Ok(Err(error)) => unavailable(&chain(&error)),
        Err(_) => unavailable("the database did not answer within 2 seconds"),
    }
}

/// By how much the tenant that waits longest is late, if that is more than the effective interval:
/// the configured one, or as long as the budget needs for the whole fleet.
async fn overdue(private: &Private) -> Result<Option<TimeDelta>, crate::store::StoreError> {
    let Some(due) = private.store.earliest_due().await? else {
        return Ok(None);
    };
    let tenants = private.store.fleet_since(private.clock.now()).await?.watched;
    let pass = private.per_minute.map_or(TimeDelta::zero(), |calls| {
        TimeDelta::milliseconds(i64::from(tenants) * 60_000 / i64::from(calls.get()))
    });
    let late = private.clock.now() - due;
    Ok((late > private.interval.max(pass) + GRACE).then_some(late))
}

async fn metrics(State(private): State<Private>) -> Response {
    match timeout(PATIENCE, private.store.count_by_status()).await {
        Ok(Ok(counts)) => private.metrics.set_tenants(
            counts.iter().map(|one| (one.status.as_str(), one.cause.as_deref(), one.tenants)),
        ),
        // What this process counted itself is still true.
        Ok(Err(_)) | Err(_) => {
            private.metrics.store_errors.with_label_values(&["passing"]).inc();
        }
    }
    match private.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn unavailable(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}
