//! The leases that this process holds, counted: how many, and how many ran out in its hands. The
//! store decides who holds what; this only remembers, for the metrics.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::ids::TenantId;
use crate::telemetry::Metrics;

/// Who is held, and until when.
#[derive(Debug)]
pub(super) struct Leases {
    held: HashMap<TenantId, DateTime<Utc>>,
    metrics: Metrics,
}

impl Leases {
    /// None yet.
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { held: HashMap::new(), metrics }
    }

    /// These were claimed until then. Whoever is still remembered was lost: its lease had run out,
    /// or it could not have been claimed again.
    pub(super) fn begin(
        &mut self,
        tenants: impl IntoIterator<Item = TenantId>,
        until: DateTime<Utc>,
    ) {
        for tenant in tenants {
            if self.held.insert(tenant, until).is_some() {
                self.metrics.leases_lapsed.inc();
            }
        }
        self.show();
    }

    /// These were saved or given back at that moment.
    pub(super) fn end(&mut self, tenants: impl IntoIterator<Item = TenantId>, now: DateTime<Utc>) {
        for tenant in tenants {
            if self.held.remove(&tenant).is_some_and(|until| until <= now) {
                self.metrics.leases_lapsed.inc();
            }
        }
        self.show();
    }

    fn show(&self) {
        self.metrics.leases.set(i64::try_from(self.held.len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_lease_that_ran_out_before_its_end_or_before_the_next_claim_is_counted_once() {
        let metrics = Metrics::new().unwrap();
        let mut leases = Leases::new(metrics.clone());
        let [in_time, late, lost] = [1, 2, 3].map(TenantId::from_raw);
        let noon = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        leases.begin([in_time, late, lost], noon);
        assert_eq!((metrics.leases.get(), metrics.leases_lapsed.get()), (3, 0));
        leases.end([in_time], noon - TimeDelta::seconds(1));
        assert_eq!((metrics.leases.get(), metrics.leases_lapsed.get()), (2, 0));
        leases.end([late], noon);
        leases.end([late], noon);
        assert_eq!((metrics.leases.get(), metrics.leases_lapsed.get()), (1, 1));
        leases.begin([lost], noon + TimeDelta::hours(1));
        assert_eq!((metrics.leases.get(), metrics.leases_lapsed.get()), (1, 2));
    }
}
