//! What a webhook says. Its form is committed in `docs/webhooks/`, and a test holds the two together.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The version of the form. It is raised when a field goes or means something else, never when one
/// is added.
pub const VERSION: u32 = 1;

/// Every type there is, without the one of a test.
pub const TYPES: [&str; 5] = [
    "tenant.status_changed",
    "tenant.key_replaced",
    "tenant.disabled",
    "tenant.company_changed",
    "provider.incident",
];

/// What `webhook test` sends.
pub const TEST: &str = "keypulse.test";

/// The body of a message: the same text at every try, so that the id always means the same.
pub fn body(kind: &str, decided_at: DateTime<Utc>, data: &Value) -> String {
    json!({
        "type": kind,
        "version": VERSION,
        "timestamp": decided_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": data,
    })
    .to_string()
}

/// The type of a stage that the integration is owed.
pub fn kind(stage: &str) -> String {
    match stage {
        "incident" => format!("provider.{stage}"),
        of_a_tenant => format!("tenant.{of_a_tenant}"),
    }
}
