//! What the daemon tells of itself: log lines and metrics. Never a key, a person or a tenant's
//! name as a label.

pub mod log;
pub mod metrics;

pub use metrics::Metrics;
