//! Every series that this process counts, in one struct, born at zero. What can be counted from
//! the database is asked of it at scrape instead. No label holds a tenant.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::health::Failure;
use crate::health::Inconclusive;

/// The series of one process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Checks that ended, by what was found.
    pub checks: IntCounterVec,
    /// Calls that were started, by kind and answer.
    pub calls: IntCounterVec,
    /// How long a check took, from its first call to its finding, in seconds.
    pub check_seconds: Histogram,
    /// Seconds between the moment a check was due and its first call.
    pub lateness_seconds: Histogram,
    /// Tenants that were claimed.
    pub claimed: IntCounter,
    /// Results that were saved with one transaction.
    pub batch_size: Histogram,
    /// The interval that was configured, in seconds.
    pub interval_seconds: Gauge,
    /// The interval that the budget can carry for the fleet as it is, in seconds.
    pub effective_interval_seconds: Gauge,
    /// How much the tenant that waits longest is overdue, in seconds.
    pub overdue_seconds: Gauge,
    /// How far the time that keypulse goes by is ahead of a clock that was set back, in seconds.
    pub clock_ahead_seconds: Gauge,
    /// Decisions that were saved.
    pub saved: IntCounter,
    /// Decisions that were made again, because the row had changed meanwhile.
    pub decided_again: IntCounter,
    /// Evidence that was thrown away, because the key or the company had changed meanwhile.
    pub evidence_discarded: IntCounter,
    /// Errors of the store, by whether they pass by themselves.
    pub store_errors: IntCounterVec,
    /// Changes of status, by the status that was entered.
    pub status_changes: IntCounterVec,
    tenants: IntGaugeVec,
    scrape: Arc<Mutex<()>>,
}

impl Metrics {
    /// All series at zero. Fails only when two series have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            checks: counters(
                "keypulse_checks_total",
                "Checks that ended, by finding",
                &["evidence"],
            )?,
            calls: counters(
                "keypulse_calls_total",
                "Calls that were started, by kind and answer",
                &["call", "answer"],
            )?,
            check_seconds: histogram(
                "keypulse_check_duration_seconds",
                "Time from the first call of a check to its finding",
                &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
            )?,
            lateness_seconds: histogram(
                "keypulse_check_lateness_seconds",
                "Time from the moment a check was due to its first call",
                &[0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0],
            )?,
            claimed: IntCounter::new("keypulse_claimed_total", "Tenants claimed to be checked")?,
            batch_size: histogram(
                "keypulse_save_batch_size",
                "Results saved in one transaction",
                &[1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0],
            )?,
            interval_seconds: Gauge::new(
                "keypulse_interval_seconds",
                "Configured time between two routine checks of one tenant",
            )?,
            effective_interval_seconds: Gauge::new(
                "keypulse_effective_interval_seconds",
                "Time between two routine checks of one tenant that the budget can carry",
            )?,
            overdue_seconds: Gauge::new(
                "keypulse_overdue_seconds",
                "How long the tenant that waits longest has been due",
            )?,
            clock_ahead_seconds: Gauge::new(
                "keypulse_clock_ahead_seconds",
                "How far keypulse's time is ahead of the machine's clock, which was set back",
            )?,
            saved: IntCounter::new("keypulse_decisions_saved_total", "Decisions that were saved")?,
            decided_again: IntCounter::new(
                "keypulse_decisions_repeated_total",
                "Decisions made again because the row had changed meanwhile",
            )?,
            evidence_discarded: IntCounter::new(
                "keypulse_evidence_discarded_total",
                "Evidence thrown away because the key or the company had changed meanwhile",
            )?,
            store_errors: counters(
                "keypulse_store_errors_total",
                "Errors of the store, by kind",
                &["kind"],
            )?,
            status_changes: counters(
                "keypulse_status_changes_total",
                "Changes of status, by the status that was entered",
                &["status"],
            )?,
            tenants: IntGaugeVec::new(
                Opts::new("keypulse_tenants", "Tenants, by status and cause"),
                &["status", "cause"],
            )?,
            registry,
            scrape: Arc::default(),
        };
        metrics.register()?;
        metrics.zero();
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let collectors: [Box<dyn Collector>; 16] = [
            Box::new(self.claimed.clone()),
            Box::new(self.batch_size.clone()),
            Box::new(self.interval_seconds.clone()),
            Box::new(self.effective_interval_seconds.clone()),
            Box::new(self.overdue_seconds.clone()),
            Box::new(self.clock_ahead_seconds.clone()),
            Box::new(self.checks.clone()),
            Box::new(self.calls.clone()),
            Box::new(self.check_seconds.clone()),
            Box::new(self.lateness_seconds.clone()),
            Box::new(self.saved.clone()),
            Box::new(self.decided_again.clone()),
            Box::new(self.evidence_discarded.clone()),
            Box::new(self.store_errors.clone()),
            Box::new(self.status_changes.clone()),
            Box::new(self.tenants.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector)?;
        }
        let process = prometheus::process_collector::ProcessCollector::for_self();
        self.registry.register(Box::new(process))?;
        let build = IntGaugeVec::new(
            Opts::new("keypulse_build_info", "Always 1; the version is in the label"),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        self.registry.register(Box::new(build))
    }

    /// A rate needs a series that exists before its first event.
    fn zero(&self) {
        for evidence in ["accepted"].iter().chain(&Failure::NAMES).chain(&Inconclusive::NAMES) {
            let _ = self.checks.with_label_values(&[evidence]);
        }
        for kind in ["passing", "lasting"] {
            let _ = self.store_errors.with_label_values(&[kind]);
        }
        for status in crate::health::Status::WORDS {
            let _ = self.status_changes.with_label_values(&[status]);
        }
    }

    /// Brings the series of all these calls and answers into being.
    pub fn know_calls(&self, calls: &[&str], answers: &[&str]) {
        for call in calls {
            for answer in answers {
                let _ = self.calls.with_label_values(&[call, answer]);
            }
        }
    }

    /// Replaces the counts of tenants: `(status, cause, how many)`.
    pub fn set_tenants<'a>(
        &self,
        counts: impl IntoIterator<Item = (&'a str, Option<&'a str>, i64)>,
    ) {
        // Nobody may scrape between the reset and the new counts.
        let _replaced = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        self.tenants.reset();
        for status in crate::health::Status::WORDS {
            self.tenants.with_label_values(&[status, ""]).set(0);
        }
        for (status, cause, tenants) in counts {
            self.tenants.with_label_values(&[status, cause.unwrap_or("")]).set(tenants);
        }
    }

    /// All series in the text format of Prometheus.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let _whole = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_a_series_before_it_is_first_made() {
        let text = Metrics::new().unwrap().render().unwrap();
        for evidence in ["accepted", "rejected", "server_error", "key_unavailable"] {
            let series = format!("keypulse_checks_total{{evidence=\"{evidence}\"}} 0");
            assert!(text.contains(&series), "{series}");
        }
    }

    #[test]
    fn a_status_that_nobody_has_any_more_falls_to_zero() {
        let metrics = Metrics::new().unwrap();
        metrics.set_tenants([("degraded", Some("rejected"), 2), ("healthy", None, 5)]);
        metrics.set_tenants([("healthy", None, 7)]);
        let text = metrics.render().unwrap();
        assert!(text.contains("keypulse_tenants{cause=\"\",status=\"healthy\"} 7"), "{text}");
        assert!(!text.contains("status=\"degraded\"} 2"), "{text}");
    }
}
