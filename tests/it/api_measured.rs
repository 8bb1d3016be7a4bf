//! What the API counts of itself.

use http::Method;
use keypulse::http::api::role::{ROUTES, Role};
use serde_json::Value;

use crate::api::Served;
use crate::rig::on_both;

#[tokio::test]
async fn answers_are_counted_by_route_and_class_and_no_request_makes_a_new_series() {
    on_both(async |rig| {
        let served = Served::on(rig, 1).await;
        let token = served.token(Role::Reader).await;
        let rendered = || served.metrics.render().unwrap();
        let series = |text: &str| text.matches("\nkeypulse_api_requests_total{").count();
        let before = rendered();
        assert_eq!(series(&before), 3 * ROUTES.len());

        for reference in ["erp-0001", "nobody", "%00"] {
            served.get(&token, &format!("/api/v1/tenants/{reference}")).await;
        }
        served.get("kp_nothing", "/api/v1/tenants/erp-0001").await;
        let head = [("authorization", &*format!("Bearer {token}"))];
        served.ask(&Method::HEAD, "/api/v1/tenants/erp-0001", &head, "").await;
        // Nothing is served there.
        served.get(&token, "/api/v1/nothing").await;
        served.send(Method::DELETE, &token, "/api/v1/tenants/erp-0001", &Value::Null).await;
        let after = rendered();
        assert_eq!(series(&after), series(&before));
        let path = "GET /api/v1/tenants/{ref}";
        for (status, requests) in [("2xx", 2), ("4xx", 3), ("5xx", 0)] {
            let line = format!(
                "keypulse_api_requests_total{{route=\"{path}\",status=\"{status}\"}} {requests}\n"
            );
            assert!(after.contains(&line), "{line}{after}");
        }
        assert!(after.contains("keypulse_api_request_duration_seconds_count 5\n"), "{after}");
    })
    .await;
}
