//! The dashboards for Grafana and the example for the Alertmanager, as they are committed: held against
//! Grafana's own types, the manual of the metrics, and a real Prometheus that has watched a real daemon.

mod asked;
mod board;
mod drawn;
mod lived;
mod prometheus;
mod routed;
