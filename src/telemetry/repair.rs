//! The series of the repair funnel: stories that begin and end, and how long each step from the first
//! failure to the new key took. Each step is counted once, by the process that saved it.

use chrono::TimeDelta;
use prometheus::{Histogram, IntCounter, IntCounterVec};

use crate::health::CAUSES;
use crate::health::Outcome;
use crate::health::Repair;

use super::metrics::Maker;

/// Bounds of what takes minutes where all is well, and weeks where people are asked for something:
/// 1, 5, 15 and 30 minutes, 1, 2, 4 and 8 hours, 1, 2 and 3 days, 1, 2 and 4 weeks.
const LONG: [f64; 14] = [
    60.0,
    300.0,
    900.0,
    1_800.0,
    3_600.0,
    7_200.0,
    14_400.0,
    28_800.0,
    86_400.0,
    172_800.0,
    259_200.0,
    604_800.0,
    1_209_600.0,
    2_419_200.0,
];

/// What is counted of repairs.
#[derive(Clone, Debug)]
pub struct Repairs {
    opened: IntCounter,
    closed: IntCounterVec,
    detect: Histogram,
    tell: Histogram,
    open: Histogram,
    reconnect: Histogram,
}

impl Repairs {
    pub(super) fn new(new: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let repairs = Self {
            opened: new.counter("keypulse_episodes_opened_total", "Episodes that have begun")?,
            closed: new.counters(
                "keypulse_episodes_closed_total",
                "Episodes that have ended, by what they were about and by how they ended",
                &["cause", "outcome"],
            )?,
            detect: new.histogram(
                "keypulse_time_to_detect_seconds",
                "Time from the first failure of a key to the verdict that it is dead",
                &LONG,
            )?,
            tell: new.histogram(
                "keypulse_time_to_tell_seconds",
                "Time from that verdict until the relay has taken the first mail",
                &LONG,
            )?,
            open: new.histogram(
                "keypulse_time_to_open_seconds",
                "Time from the first mail until the customer's page is first looked at",
                &LONG,
            )?,
            reconnect: new.histogram(
                "keypulse_time_to_reconnect_seconds",
                "Time from the verdict until a key is accepted again",
                &LONG,
            )?,
        };
        for cause in CAUSES {
            for outcome in Outcome::ALL {
                let _ = repairs.closed.with_label_values(&[cause, outcome.name()]);
            }
        }
        Ok(repairs)
    }

    /// A decision was saved.
    pub fn saved(&self, repair: Repair) {
        if let Some((cause, outcome)) = repair.closed {
            self.closed.with_label_values(&[cause, outcome.name()]).inc();
        }
        if repair.opened {
            self.opened.inc();
        }
        observe(&self.detect, repair.detected);
        observe(&self.reconnect, repair.reconnected);
    }

    /// The first mail of a story was taken, so long after the verdict.
    pub fn told(&self, after: TimeDelta) {
        observe(&self.tell, Some(after));
    }

    /// A page was looked at, the first of its story, so long after the first mail.
    pub fn looked_at(&self, after: TimeDelta) {
        observe(&self.open, Some(after));
    }
}

/// Clocks of several machines may differ by a moment: what takes no time takes none.
fn observe(histogram: &Histogram, took: Option<TimeDelta>) {
    if let Some(took) = took {
        histogram.observe(took.to_std().unwrap_or_default().as_secs_f64());
    }
}
