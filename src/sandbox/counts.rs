//! What the sandbox was asked, counted without a lock that two requests would meet at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use http::StatusCode;
use serde::Serialize;
use tokio::time::Instant;

use super::fault::Call;
use super::window::{Busiest, Window};

/// What was asked since the start or the last reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests whose head has arrived.
    pub total: u64,
    /// The same by call.
    pub calls: CallCounts,
    /// Answers by status; a request that hangs or is reset has none.
    pub statuses: BTreeMap<u16, u64>,
    /// How many tenants were asked about at least once.
    pub tenants_asked: u32,
    /// Requests in each of the last 120 seconds, oldest first; the last is the second that runs.
    pub per_second: Vec<u64>,
    /// The busiest 60 seconds.
    pub busiest_60s: Busiest,
}

/// Requests by call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// `/v1/introspect`.
    pub introspect: u64,
    /// `/v1/installations/me`.
    pub installation: u64,
    /// `/v1/companies/{id}`.
    pub company: u64,
    /// Anything else.
    pub other: u64,
}

impl CallCounts {
    /// All together.
    pub const fn total(&self) -> u64 {
        self.introspect + self.installation + self.company + self.other
    }
}

/// The counters behind [`Counts`]; 12 bytes a tenant.
#[derive(Debug)]
pub(super) struct Counters {
    since: Instant,
    calls: [AtomicU64; 4],
    statuses: Box<[AtomicU64]>,
    tenants: Box<[[AtomicU32; 3]]>,
    window: Window,
}

impl Counters {
    /// All at zero, the tenants counted from 1.
    pub(super) fn new(tenants: u32) -> Self {
        Self {
            since: Instant::now(),
            calls: Default::default(),
            statuses: (0..500).map(|_| AtomicU64::new(0)).collect(),
            tenants: (0..tenants).map(|_| Default::default()).collect(),
            window: Window::new(),
        }
    }

    /// A request has arrived; `caller` is the tenant whose key it carries, worn out or not.
    pub(super) fn asked(&self, call: Call, caller: Option<u32>) {
        self.calls[call as usize].fetch_add(1, Ordering::Relaxed);
        self.window.add(self.tenth());
        let tenant = caller.and_then(|number| self.tenants.get(number as usize - 1));
        if let Some(counter) = tenant.and_then(|counters| counters.get(call as usize)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A request is being answered.
    pub(super) fn answered(&self, status: StatusCode) {
        if let Some(counter) = self.statuses.get(usize::from(status.as_u16()) - 100) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted.
    pub(super) fn view(&self) -> Counts {
        let [introspect, installation, company, other] =
            [0, 1, 2, 3].map(|call: usize| self.calls[call].load(Ordering::Relaxed));
        let calls = CallCounts { introspect, installation, company, other };
        let tenth = self.tenth();
        let asked =
            |tenant: &&[AtomicU32; 3]| tenant.iter().any(|calls| calls.load(Ordering::Relaxed) > 0);
        Counts {
            total: calls.total(),
            calls,
            statuses: (100_u16..)
                .zip(&self.statuses)
                .map(|(status, count)| (status, count.load(Ordering::Relaxed)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            tenants_asked: u32::try_from(self.tenants.iter().filter(asked).count())
                .unwrap_or(u32::MAX),
            per_second: self.window.seconds(tenth),
            busiest_60s: self.window.busiest(tenth),
        }
    }

    /// Requests in each of the last 1,200 tenths of a second, oldest first, without the one that
    /// runs.
    pub(super) fn tenths(&self) -> Vec<u64> {
        self.window.tenths(self.tenth())
    }

    /// What was counted of one tenant's keys, old ones included. Calls to other paths are not told
    /// apart by tenant.
    pub(super) fn tenant(&self, number: u32) -> Option<CallCounts> {
        let counters = self.tenants.get((number as usize).checked_sub(1)?)?;
        let [introspect, installation, company] =
            [0, 1, 2].map(|call: usize| u64::from(counters[call].load(Ordering::Relaxed)));
        Some(CallCounts { introspect, installation, company, other: 0 })
    }

    /// Back to zero.
    pub(super) fn reset(&self) {
        for counter in self.calls.iter().chain(&self.statuses) {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in self.tenants.iter().flatten() {
            counter.store(0, Ordering::Relaxed);
        }
        self.window.clear();
    }

    fn tenth(&self) -> u32 {
        u32::try_from(self.since.elapsed().as_millis() / 100).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_once_in_each_column() {
        let counters = Counters::new(2);
        counters.asked(Call::Introspect, Some(1));
        counters.asked(Call::Company, Some(1));
        counters.asked(Call::Other, Some(2));
        counters.asked(Call::Introspect, None);
        counters.answered(StatusCode::OK);
        counters.answered(StatusCode::UNAUTHORIZED);
        let counts = counters.view();
        assert_eq!((counts.total, counts.calls.introspect, counts.calls.other), (4, 2, 1));
        assert_eq!(counts.statuses, BTreeMap::from([(200, 1), (401, 1)]));
        assert_eq!(counts.tenants_asked, 1);
        assert_eq!(counts.per_second.iter().sum::<u64>(), 4);
        assert_eq!(counts.busiest_60s, Busiest { at_least: 4, at_most: 4 });
        assert_eq!(counters.tenant(1).map(|calls| calls.total()), Some(2));
        assert_eq!((counters.tenant(0), counters.tenant(3)), (None, None));
        counters.reset();
        assert_eq!(counters.view().total, 0);
        assert_eq!(counters.tenant(1), Some(CallCounts::default()));
    }
}
