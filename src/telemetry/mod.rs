//! What the daemon tells of itself: log lines, metrics, and word to the service manager. Never a key, a person or a tenant's
//! name as a label.

pub mod log;
pub mod metrics;
pub mod repair;
pub mod supervisor;

pub use metrics::Metrics;
pub use supervisor::Supervisor;
