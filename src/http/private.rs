//! The operators' listener: is it alive, can it serve, are checks made in time, the metrics; and the
//! API.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::health::Weather;
use crate::redact::chain;
use crate::store::ChannelKind;
use crate::store::FleetCount;
use crate::store::Pickup;
use crate::store::StageCount;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::CANARY;

use super::api::{self, Api};
use super::console::{self, Console};

/// A probe of a load balancer does not wait longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Room for the gathering of batches before a check counts as overdue.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// The interval that the budget can carry for so many tenants.
pub type Effective = Arc<dyn Fn(u32) -> TimeDelta + Send + Sync>;

/// What the private listener needs to know.
#[derive(Clone)]
pub struct Private {
    /// Where tenants are kept.
    pub store: Store,
    /// What is counted.
    pub metrics: Metrics,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How often a tenant is to be asked, given how many there are.
    pub effective: Effective,
    /// How long a key that is to be handed over may wait before it is late.
    pub pickup_within: Duration,
}

/// The API and the console, and the metrics and checks where they have no listener of their own.
pub fn router(api: &Api, console: &Console, watched: Option<Private>) -> Router {
    let router = api::router(api).merge(console::router(console));
    let router = match watched {
        Some(private) => router.merge(watched_routes(private)),
        None => router,
    };
    router.fallback(api::no_such_page).method_not_allowed_fallback(api::no_such_method)
}

/// The metrics and checks alone.
pub fn watched_router(private: Private) -> Router {
    watched_routes(private)
        .fallback(api::no_such_page)
        .method_not_allowed_fallback(api::no_such_method)
}

fn watched_routes(private: Private) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/checkz", get(checkz))
        .route("/metrics", get(metrics))
        .with_state(private)
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
async fn overdue(private: &Private) -> Result<Option<TimeDelta>, StoreError> {
    let Some(due) = private.store.earliest_due().await? else {
        return Ok(None);
    };
    let tenants = private.store.count_watched().await?;
    let late = private.clock.now() - due;
    Ok((late > (private.effective)(tenants) + GRACE).then_some(late))
}

async fn metrics(State(private): State<Private>) -> Response {
    match timeout(PATIENCE, count(&private)).await {
        Ok(Ok(())) => {}
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

/// Counts what the store knows, for whichever process has done it.
async fn count(private: &Private) -> Result<(), StoreError> {
    let FleetCount { by_status, episodes, out_of_step } = private.store.count_fleet().await?;
    let counts = by_status.iter();
    let counts = counts.map(|one| (one.status.as_str(), one.cause.as_deref(), one.tenants));
    private.metrics.set_tenants(counts);
    private.metrics.set_episodes(episodes);
    private.metrics.out_of_step.set(out_of_step);
    let held = private.store.held_for(private.clock.now()).await?;
    private.metrics.budget_held_seconds.set(held.to_std().unwrap_or_default().as_secs_f64());
    let late_before = private.clock.now() - private.pickup_within;
    let handovers = private.store.count_handovers(late_before).await?;
    for pickup in Pickup::OPEN {
        let keys = private.metrics.handovers.with_label_values(&[pickup.name()]);
        keys.set(handovers.of(pickup));
    }
    count_messages(private).await?;
    count_weather(private).await?;
    let list = private.store.reconciled().await?;
    if let Some(outcomes) = list.and_then(|list| list.outcomes) {
        for (word, keys) in outcomes.named() {
            let series = private.metrics.reconcile_keys.with_label_values(&[word]);
            series.set(i64::try_from(keys).unwrap_or(i64::MAX));
        }
    }
    let pushed = list.map_or(0, |list| list.pushed_at.timestamp_millis());
    private.metrics.reconcile_pushed.set(TimeDelta::milliseconds(pushed).as_seconds_f64());
    Ok(())
}

/// What is owed, by kind of channel.
async fn count_messages(private: &Private) -> Result<(), StoreError> {
    let counted = private.store.count_stages().await?;
    let each = counted.iter().map(|one| (&*one.kind, &*one.stage, &*one.state, one.messages));
    private.metrics.set_messages(each);
    let (now, metrics) = (private.clock.now(), &private.metrics);
    let oldest = |kind: &str, states: &[&str]| {
        let of = |one: &&StageCount| one.kind == kind && states.contains(&&*one.state);
        let oldest = counted.iter().filter(of).filter_map(|one| one.oldest).min();
        let waited = oldest.map_or(TimeDelta::zero(), |at| now - at);
        waited.to_std().unwrap_or_default().as_secs_f64()
    };
    for kind in ChannelKind::ALL.map(ChannelKind::word) {
        let waiting = metrics.message_waiting_seconds.with_label_values(&[kind]);
        waiting.set(oldest(kind, &["owed", "sending"]));
        for state in ["dead", "unknown"] {
            let lost = metrics.message_lost_seconds.with_label_values(&[kind, state]);
            lost.set(oldest(kind, &[state]));
        }
    }
    let channels = private.store.channels().await?;
    let off = channels.iter().filter(|one| one.active && one.off_at.is_some()).count();
    private.metrics.endpoints_off.set(i64::try_from(off).unwrap_or(i64::MAX));
    Ok(())
}

/// What is believed of the provider, and of how many because of it.
async fn count_weather(private: &Private) -> Result<(), StoreError> {
    for row in private.store.weather().await? {
        let (class, weather) = (row.class, row.sky.weather());
        for state in Weather::ALL {
            let series = private.metrics.weather.with_label_values(&[class.word(), state.word()]);
            series.set(i64::from(state == weather));
        }
        let held = if weather.holds() { private.store.count_held(class).await? } else { 0 };
        private.metrics.held.with_label_values(&[class.word()]).set(held.into());
    }
    let canary = private.store.canary().await?;
    for finding in CANARY {
        let found = canary.as_ref().is_some_and(|one| one.finding == finding);
        private.metrics.canary.with_label_values(&[finding]).set(i64::from(found));
    }
    Ok(())
}

fn unavailable(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}
