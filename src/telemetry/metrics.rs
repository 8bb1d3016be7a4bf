//! Every series that this process counts, in one struct, born at zero. What can be counted from
//! the database is asked of it at scrape instead. No label holds a tenant. What each series means to
//! an operator is told in `docs/METRICS.md`, which a test holds against this file.
//!
//! Long because it is the list of all series, each with its help.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::health::CAUSES;
use crate::health::Class;
use crate::health::Failure;
use crate::health::Inconclusive;
use crate::health::MailStage;
use crate::health::Status;
use crate::health::Weather;

use super::repair::Repairs;

/// The series of one process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Checks that ended, by what was found.
    pub checks: IntCounterVec,
    /// Calls that were started, by kind and answer.
    pub calls: IntCounterVec,
    /// How long a call took, in seconds.
    pub call_seconds: Histogram,
    /// How long a check took, from its first call to its finding, in seconds.
    pub check_seconds: Histogram,
    /// Seconds between the moment a check was due and its first call.
    pub lateness_seconds: Histogram,
    /// Tenants that were claimed.
    pub claimed: IntCounter,
    /// Leases that this process holds.
    pub leases: IntGauge,
    /// Leases of this process that ran out before it had ended them.
    pub leases_lapsed: IntCounter,
    /// Calls that the budget has let start.
    pub budget_used: IntCounter,
    /// How long each of them waited for it, in seconds.
    pub budget_wait_seconds: Histogram,
    /// Calls that may be started in any second, on average.
    pub budget_rate: Gauge,
    /// How often the provider has asked for fewer calls, many at once counted as one.
    pub budget_holds: IntCounter,
    /// For how long yet nobody may start a call, in seconds.
    pub budget_held_seconds: Gauge,
    /// Calls that were not started, or dropped, because of a revocation, by why.
    pub calls_refused: IntCounterVec,
    /// Readings of keys that lie elsewhere, by kind of place and by what came of it.
    pub key_reads: IntCounterVec,
    /// Keys that may have leaked and are not confirmed to be deleted at the provider.
    pub deletions_wanted: IntGauge,
    /// How long ago revocations were last read, in seconds.
    pub revocations_age_seconds: Gauge,
    /// Whether what must never come back cannot be noted beside the database.
    pub withdrawals_unnoted: IntGauge,
    /// Results that were saved with one transaction.
    pub batch_size: Histogram,
    /// How long such a transaction took, in seconds.
    pub save_seconds: Histogram,
    /// The interval that was configured, in seconds.
    pub interval_seconds: Gauge,
    /// The interval that the budget can carry for the fleet as it is, in seconds.
    pub effective_interval_seconds: Gauge,
    /// How much the tenant that waits longest is overdue, in seconds.
    pub overdue_seconds: Gauge,
    /// Checks that are put off: due for a while, and claimed by nobody.
    pub put_off: IntGaugeVec,
    /// 1 while routine checks are put off.
    pub shedding: IntGauge,
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
    /// The number of the last row of the audit chain.
    pub audit_head: IntGauge,
    /// Rows that this process has appended to it.
    pub audit_rows: IntCounter,
    /// Times that nothing could be appended to it.
    pub audit_failures: IntCounter,
    /// Changes of status, by the status that was entered.
    pub status_changes: IntCounterVec,
    /// Stories that begin and end, and how long each step of a repair takes.
    pub repairs: Repairs,
    /// Tenants of whom the integration uses another key.
    pub out_of_step: IntGauge,
    /// Keys that are owed to the integration, by how far they have come.
    pub handovers: IntGaugeVec,
    /// Keys that were compared with the ones that the integration uses, by what came of it.
    pub comparisons: IntCounterVec,
    /// Questions to the integration which key it uses.
    pub fingerprint_calls: IntCounterVec,
    /// What came of comparing the integration's latest list.
    pub reconcile_keys: IntGaugeVec,
    /// When the integration's latest list was pushed.
    pub reconcile_pushed: Gauge,
    /// How long ago the oldest message was decided that was given up, or of which nobody knows.
    pub message_lost_seconds: GaugeVec,
    /// How long the oldest message that is still to be sent has waited, in seconds.
    pub message_waiting_seconds: GaugeVec,
    /// Tries to deliver, by what came of them.
    pub delivery_tries: IntCounterVec,
    /// Alerts that this process tells.
    pub alerts: IntGauge,
    /// What is believed of the provider, by class.
    pub weather: IntGaugeVec,
    /// Tenants whose failures are held, by class.
    pub held: IntGaugeVec,
    /// What the canary was found to be.
    pub canary: IntGaugeVec,
    /// Endpoints of the integration that are switched off.
    pub endpoints_off: IntGauge,
    /// 1 while this process is configured for another mode than the one that is in force.
    pub notify_mode_differs: IntGauge,
    /// Requests that the API has answered, by route and class of status.
    pub api_requests: IntCounterVec,
    /// How long the API took to answer, in seconds.
    pub api_seconds: Histogram,
    tenants: IntGaugeVec,
    episodes: IntGaugeVec,
    messages: IntGaugeVec,
    scrape: Arc<Mutex<()>>,
}

/// Bounds of times that a provider or a database takes.
const QUICK: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of times that something waits for its turn.
const PATIENT: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// The stages of the messages of each kind of channel, without their numbers.
const STAGES: [(&str, &[&str]); 5] = [
    ("webhook", &["status_changed", "company_changed", "key_replaced", "disabled", "incident"]),
    ("alertmanager", &["first", "resolved"]),
    ("pagerduty", &["first", "resolved"]),
    ("slack", &["first", "resolved"]),
    ("mail", &["first", "reminder", "resolved", "expiring", "link", "again"]),
];
/// A stage that another version of keypulse has written.
const OTHER: &str = "other";

/// All that the canary can be found to be.
pub const CANARY: [&str; 4] = ["accepted", "refused", "silent", "none"];

impl Metrics {
    /// All series at zero. Fails only when two series have one name.
    #[expect(clippy::too_many_lines, reason = "a list: each series with its name and its help")]
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let new = Maker(&registry);
        let metrics = Self {
            checks: new.counters(
                "keypulse_checks_total",
                "Checks that ended, by finding",
                &["evidence"],
            )?,
            calls: new.counters(
                "keypulse_calls_total",
                "Calls that were started, by kind and answer",
                &["call", "answer"],
            )?,
            call_seconds: new.histogram(
                "keypulse_call_duration_seconds",
                "Time from the start of a call to its answer, or to giving it up",
                &QUICK,
            )?,
            check_seconds: new.histogram(
                "keypulse_check_duration_seconds",
                "Time from the first call of a check to its finding",
                &QUICK,
            )?,
            lateness_seconds: new.histogram(
                "keypulse_check_lateness_seconds",
                "Time from the moment a check was due to its first call",
                &PATIENT,
            )?,
            claimed: new.counter("keypulse_claimed_total", "Tenants claimed to be checked")?,
            leases: new.int_gauge(
                "keypulse_leases",
                "Tenants that this process has claimed and not yet saved or given back",
            )?,
            leases_lapsed: new.counter(
                "keypulse_leases_lapsed_total",
                "Leases of this process that ran out before their check was saved",
            )?,
            budget_used: new
                .counter("keypulse_budget_used_total", "Calls that the budget has let start")?,
            budget_wait_seconds: new.histogram(
                "keypulse_budget_wait_seconds",
                "Time that a call waited for the budget",
                &PATIENT,
            )?,
            budget_rate: new.gauge(
                "keypulse_budget_calls_per_second",
                "Calls that the budget allows on average: those of a minute, divided by 60",
            )?,
            budget_holds: new.counter(
                "keypulse_budget_holds_total",
                "Times that the provider has asked for fewer calls (429), many at once being one",
            )?,
            budget_held_seconds: new.gauge(
                "keypulse_budget_held_seconds",
                "Time until any process on this database may start a call again",
            )?,
            batch_size: new.histogram(
                "keypulse_save_batch_size",
                "Results saved in one transaction",
                &[1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0],
            )?,
            save_seconds: new.histogram(
                "keypulse_save_duration_seconds",
                "Time that the saving of a batch took, whether it succeeded or not",
                &QUICK,
            )?,
            interval_seconds: new.gauge(
                "keypulse_interval_seconds",
                "Configured time between two routine checks of one tenant",
            )?,
            effective_interval_seconds: new.gauge(
                "keypulse_effective_interval_seconds",
                "Time between two routine checks of one tenant that the budget can carry",
            )?,
            overdue_seconds: new.gauge(
                "keypulse_overdue_seconds",
                "How long the tenant that waits longest has been due",
            )?,
            put_off: new.gauges(
                "keypulse_checks_put_off",
                "Checks that have been due for 30 seconds and that nobody has claimed, by kind",
                &["kind"],
            )?,
            shedding: new.int_gauge(
                "keypulse_shedding",
                "1 while routine checks are put off, because there is more to do than can be done",
            )?,
            clock_ahead_seconds: new.gauge(
                "keypulse_clock_ahead_seconds",
                "How far keypulse's time is ahead of the machine's clock, which was set back",
            )?,
            key_reads: new.counters(
                "keypulse_key_reads_total",
                "Readings of keys that lie elsewhere, by kind of place and by what came of it",
                &["place", "result"],
            )?,
            calls_refused: new.counters(
                "keypulse_calls_refused_total",
                "Calls not started or dropped because a key was revoked or might have been",
                &["why"],
            )?,
            deletions_wanted: new.int_gauge(
                "keypulse_deletions_wanted",
                "Keys that may have leaked and are not confirmed to be deleted at the provider",
            )?,
            revocations_age_seconds: new.gauge(
                "keypulse_revocations_age_seconds",
                "How long ago this process last read which keys were revoked",
            )?,
            withdrawals_unnoted: new.int_gauge(
                "keypulse_withdrawals_unnoted",
                "1 while what must never come back cannot be noted in the file beside the database",
            )?,
            saved: new.counter("keypulse_decisions_saved_total", "Decisions that were saved")?,
            decided_again: new.counter(
                "keypulse_decisions_repeated_total",
                "Decisions made again because the row had changed meanwhile",
            )?,
            evidence_discarded: new.counter(
                "keypulse_evidence_discarded_total",
                "Evidence thrown away because the key or the company had changed meanwhile",
            )?,
            store_errors: new.counters(
                "keypulse_store_errors_total",
                "Errors of the store, by kind",
                &["kind"],
            )?,
            audit_head: new
                .int_gauge("keypulse_audit_head", "Number of the last row of the audit chain")?,
            audit_rows: new.counter(
                "keypulse_audit_rows_total",
                "Rows that this process has appended to the audit chain",
            )?,
            audit_failures: new.counter(
                "keypulse_audit_failures_total",
                "Times that nothing could be appended to the audit chain, and so nothing was done",
            )?,
            status_changes: new.counters(
                "keypulse_status_changes_total",
                "Changes of status, by the status that was entered",
                &["status"],
            )?,
            repairs: Repairs::new(&new)?,
            out_of_step: new.int_gauge(
                "keypulse_tenants_out_of_step",
                "Tenants of whom the integration uses another key than the one that was refused",
            )?,
            handovers: new.gauges(
                "keypulse_handovers",
                "Keys that are owed to the integration, by how far they have come",
                &["state"],
            )?,
            comparisons: new.counters(
                "keypulse_comparisons_total",
                "Keys compared with the ones that the integration uses, by outcome",
                &["outcome"],
            )?,
            fingerprint_calls: new.counters(
                "keypulse_fingerprint_calls_total",
                "Questions to the integration which key it uses, by what came of them",
                &["answer"],
            )?,
            reconcile_keys: new.gauges(
                "keypulse_reconcile_keys",
                "Keys here and on the list that the integration pushed last, as compared then",
                &["outcome"],
            )?,
            reconcile_pushed: new.gauge(
                "keypulse_reconcile_pushed_timestamp_seconds",
                "When the integration pushed its latest list of keys; 0 when it never did",
            )?,
            messages: new.gauges(
                "keypulse_messages",
                "Messages that have not arrived, by kind of channel, stage, and how they fare there",
                &["channel", "stage", "state"],
            )?,
            message_lost_seconds: new.real_gauges(
                "keypulse_message_lost_seconds",
                "How long ago the oldest message was decided that was given up or is unknown",
                &["channel", "state"],
            )?,
            message_waiting_seconds: new.real_gauges(
                "keypulse_message_waiting_seconds",
                "How long ago the oldest message was decided that is still to be sent",
                &["channel"],
            )?,
            delivery_tries: new.counters(
                "keypulse_delivery_tries_total",
                "Tries to deliver, by kind of channel and by what came of them",
                &["channel", "result"],
            )?,
            alerts: new.int_gauge("keypulse_alerts", "Alerts that this process tells on-call")?,
            weather: new.gauges(
                "keypulse_weather",
                "1 for what is believed of the provider, by class of failure",
                &["class", "state"],
            )?,
            held: new.gauges(
                "keypulse_held_tenants",
                "Tenants whose failures are held because many fail together, by class",
                &["class"],
            )?,
            canary: new.gauges(
                "keypulse_canary",
                "1 for what the canary was last found to be",
                &["finding"],
            )?,
            endpoints_off: new.int_gauge(
                "keypulse_webhook_endpoints_off",
                "Endpoints of the integration that are switched off",
            )?,
            notify_mode_differs: new.int_gauge(
                "keypulse_notify_mode_differs",
                "1 while the process is configured for another notify.mode than is in force",
            )?,
            api_requests: new.counters(
                "keypulse_api_requests_total",
                "Requests that the API has answered, by route and class of status",
                &["route", "status"],
            )?,
            api_seconds: new.histogram(
                "keypulse_api_request_duration_seconds",
                "Time from the head of a request to the API until its answer",
                &QUICK,
            )?,
            tenants: new.gauges(
                "keypulse_tenants",
                "Tenants, by status and cause",
                &["status", "cause"],
            )?,
            episodes: new.gauges(
                "keypulse_episodes_open",
                "Episodes that are open, by what they are about",
                &["cause"],
            )?,
            registry: registry.clone(),
            scrape: Arc::default(),
        };
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process))?;
        new.gauges("keypulse_build_info", "Always 1; the version is in the label", &["version"])?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        metrics.zero();
        Ok(metrics)
    }

    /// A rate needs a series that exists before its first event.
    fn zero(&self) {
        for evidence in ["accepted"].iter().chain(&Failure::NAMES).chain(&Inconclusive::NAMES) {
            let _ = self.checks.with_label_values(&[evidence]);
        }
        for kind in ["passing", "lasting"] {
            let _ = self.store_errors.with_label_values(&[kind]);
        }
        for why in ["revoked", "unread", "dropped"] {
            let _ = self.calls_refused.with_label_values(&[why]);
        }
        for state in ["owed", "late", "fetched", "without_recipient"] {
            let _ = self.handovers.with_label_values(&[state]);
        }
        for outcome in ["same", "differs", "only_here", "not_compared"] {
            let _ = self.comparisons.with_label_values(&[outcome]);
        }
        for outcome in ["same", "differs", "only_here", "only_there"] {
            let _ = self.reconcile_keys.with_label_values(&[outcome]);
        }
        for answer in ["answered", "unanswered", "held_back"] {
            let _ = self.fingerprint_calls.with_label_values(&[answer]);
        }
        for class in Class::ALL {
            for state in Weather::ALL {
                let _ = self.weather.with_label_values(&[class.word(), state.word()]);
            }
            let _ = self.held.with_label_values(&[class.word()]);
        }
        for finding in CANARY {
            let _ = self.canary.with_label_values(&[finding]);
        }
        for channel in ["webhook", "alertmanager", "pagerduty", "slack", "mail"] {
            for state in ["dead", "unknown"] {
                let _ = self.message_lost_seconds.with_label_values(&[channel, state]);
            }
            for result in ["delivered", "again", "dead"] {
                let _ = self.delivery_tries.with_label_values(&[channel, result]);
            }
            let _ = self.message_waiting_seconds.with_label_values(&[channel]);
        }
        let _ = self.delivery_tries.with_label_values(&["mail", "unknown"]);
        for status in Status::WORDS {
            let _ = self.status_changes.with_label_values(&[status]);
        }
        self.set_put_off(0, 0);
        self.set_tenants([]);
        self.set_episodes([]);
        self.set_messages([]);
    }

    /// Brings the series of all these calls and answers into being.
    pub fn know_calls(&self, calls: &[&str], answers: &[&str]) {
        for call in calls {
            for answer in answers {
                let _ = self.calls.with_label_values(&[call, answer]);
            }
        }
    }

    /// Brings the series of all these places and results into being.
    pub fn know_reads<'a>(&self, places: &[&str], results: impl IntoIterator<Item = &'a str>) {
        for result in results {
            for place in places {
                let _ = self.key_reads.with_label_values(&[place, result]);
            }
        }
    }

    /// How many confirmations and how many routine checks are put off.
    pub fn set_put_off(&self, confirmations: u32, routine: u32) {
        for (kind, checks) in [("confirmation", confirmations), ("routine", routine)] {
            self.put_off.with_label_values(&[kind]).set(checks.into());
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
        for (status, cause) in Status::CAUSES {
            self.tenants.with_label_values(&[status, cause]).set(0);
        }
        for (status, cause, tenants) in counts {
            self.tenants.with_label_values(&[status, cause.unwrap_or("")]).set(tenants);
        }
    }

    /// Replaces the counts of open episodes: `(cause, how many)`.
    pub fn set_episodes<'a>(&self, counts: impl IntoIterator<Item = (&'a str, i64)>) {
        let _replaced = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        for cause in CAUSES {
            self.episodes.with_label_values(&[cause]).set(0);
        }
        // A cause may come twice: of keys in doubt, and of keys that were judged dead.
        for (cause, episodes) in counts {
            self.episodes.with_label_values(&[cause]).add(episodes);
        }
    }

    /// Replaces the counts of messages: `(kind of channel, stage, state, how many)`.
    pub fn set_messages<'a>(
        &self,
        counts: impl IntoIterator<Item = (&'a str, &'a str, &'a str, i64)>,
    ) {
        let _replaced = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        for (channel, stages) in STAGES {
            for stage in stages.iter().chain(&[OTHER]) {
                for state in ["owed", "sending", "dead", "unknown"] {
                    self.messages.with_label_values(&[channel, stage, state]).set(0);
                }
            }
        }
        // A kind of channel that another version has written is not among those that were set to zero.
        let ours = |channel: &str| STAGES.iter().any(|(on, _)| *on == channel);
        for (channel, stage, state, messages) in counts.into_iter().filter(|one| ours(one.0)) {
            let kind = MailStage::parse(stage).map_or(stage, |mail| mail.kind());
            let known = STAGES.iter().any(|(on, all)| *on == channel && all.contains(&kind));
            let kind = if known { kind } else { OTHER };
            self.messages.with_label_values(&[channel, kind, state]).add(messages);
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

/// Makes series, each registered at once.
pub(super) struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.keep(IntCounter::new(name, help)?)
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.keep(Gauge::new(name, help)?)
    }

    fn int_gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.keep(IntGauge::new(name, help)?)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn real_gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        self.keep(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, prometheus::Error> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.keep(Histogram::with_opts(opts)?)
    }

    fn keep<C: Collector + Clone + 'static>(&self, made: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
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
    fn keys_in_doubt_and_keys_judged_dead_for_one_cause_are_counted_together_at_each_scrape() {
        let metrics = Metrics::new().unwrap();
        for _ in 0..2 {
            metrics.set_episodes([("rejected", 500), ("expired", 1), ("rejected", 3)]);
            let text = metrics.render().unwrap();
            assert!(text.contains("keypulse_episodes_open{cause=\"rejected\"} 503\n"), "{text}");
        }
    }

    #[test]
    fn a_kind_of_channel_that_another_version_has_written_makes_no_series() {
        let metrics = Metrics::new().unwrap();
        metrics.set_messages([("teams", "first", "dead", 3), ("mail", "another", "dead", 2)]);
        let text = metrics.render().unwrap();
        assert!(!text.contains("teams"), "{text}");
        let other = "keypulse_messages{channel=\"mail\",stage=\"other\",state=\"dead\"} 2\n";
        assert!(text.contains(other), "{text}");
    }

    #[test]
    fn every_status_has_a_series_for_each_of_its_causes_before_anybody_has_it() {
        let text = Metrics::new().unwrap().render().unwrap();
        for (status, cause) in [("healthy", ""), ("degraded", "unreachable")] {
            let series = format!("keypulse_tenants{{cause=\"{cause}\",status=\"{status}\"}} 0\n");
            assert!(text.contains(&series), "{series}");
        }
        assert_eq!(text.matches("\nkeypulse_tenants{").count(), Status::CAUSES.len());
        assert!(
            !text.contains("cause=\"\",status=\"degraded\""),
            "no degraded tenant has no cause"
        );
    }

    #[test]
    fn the_numbers_of_reminders_are_one_stage_and_what_is_unknown_is_another() {
        let metrics = Metrics::new().unwrap();
        let series = |text: &str| text.matches("\nkeypulse_messages{").count();
        let before = series(&metrics.render().unwrap());
        metrics.set_messages([
            ("mail", "reminder-1", "owed", 2),
            ("mail", "reminder-12", "owed", 3),
            ("mail", "expiring-7", "dead", 1),
            ("webhook", "first", "owed", 1),
        ]);
        let text = metrics.render().unwrap();
        for one in [
            "{channel=\"mail\",stage=\"reminder\",state=\"owed\"} 5\n",
            "{channel=\"mail\",stage=\"expiring\",state=\"dead\"} 1\n",
            "{channel=\"webhook\",stage=\"other\",state=\"owed\"} 1\n",
        ] {
            assert!(text.contains(&format!("keypulse_messages{one}")), "{one}");
        }
        assert_eq!((before, series(&text)), (88, 88));
        metrics.set_messages([]);
        assert!(!metrics.render().unwrap().contains("stage=\"reminder\",state=\"owed\"} 5"));
    }

    #[test]
    fn a_status_that_nobody_has_any_more_falls_to_zero() {
        let metrics = Metrics::new().unwrap();
        metrics.set_tenants([("degraded", Some("rejected"), 2), ("healthy", None, 5)]);
        metrics.set_tenants([("healthy", None, 7)]);
        let text = metrics.render().unwrap();
        assert!(text.contains("keypulse_tenants{cause=\"\",status=\"healthy\"} 7"), "{text}");
        assert!(
            text.contains("keypulse_tenants{cause=\"rejected\",status=\"degraded\"} 0"),
            "{text}"
        );
    }
}
