//! Counts what the API answers, and how fast. The labels are the routes of the table and five classes
//! of status: as many series whatever is asked.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use crate::telemetry::Metrics;

use super::Api;
use super::role::{ROUTES, Route};

/// Classes of status that are ever answered.
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

/// Brings all series into being: a rate needs one that exists before its first event.
pub fn know(metrics: &Metrics) {
    for route in &ROUTES {
        for class in CLASSES {
            let _ = metrics.api_requests.with_label_values(&[label(route).as_str(), class]);
        }
    }
}

/// Counts one request by its answer; whoever hangs up before it is not counted.
pub async fn measure(
    State(api): State<Api>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let (begun, method) = (Instant::now(), request.method().clone());
    let response = next.run(request).await;
    let method = if method == Method::HEAD { Method::GET } else { method };
    let route =
        ROUTES.iter().find(|one| one.method == method && one.path == path.as_str()).map(label);
    if let Some(route) = route {
        let class = match response.status().as_u16() {
            500.. => "5xx",
            400..500 => "4xx",
            ..400 => "2xx",
        };
        api.metrics.api_requests.with_label_values(&[route.as_str(), class]).inc();
        api.metrics.api_seconds.observe(begun.elapsed().as_secs_f64());
    }
    response
}

fn label(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}
