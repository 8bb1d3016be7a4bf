//! keypulse watches the API key of every customer of an integration and gets a dead one replaced
//! before the customer notices.
//!
//! The modules in reading order; `docs/ARCHITECTURE.md` walks one check through them.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod custody;
pub mod edge;
pub mod given;
pub mod health;
pub mod http;
pub mod ids;
pub mod notify;
pub mod plain;
pub mod provider;
pub mod redact;
pub mod sandbox;
pub mod shutdown;
pub mod store;
pub mod task;
pub mod telemetry;
pub mod templates;
pub mod vault;
pub mod words;
