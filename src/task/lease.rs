//! How long a tenant is held by whoever asks about it, and until when a call may begin.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::ids::random_name;
use crate::store::StoreError;

/// A save may have to wait so long for another writer; if for longer, the row's version protects
/// it, and the worst is that the tenant is asked once more.
const SAVING: TimeDelta = TimeDelta::seconds(5);

/// A name that nobody else holds a lease by: a check under way keeps its own.
pub(super) fn fresh_name() -> Result<String, StoreError> {
    random_name().map_err(|_| StoreError::Refused { code: "randomness".to_owned() })
}

/// The time during which nobody else asks about a tenant.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// When it runs out.
    pub until: DateTime<Utc>,
    /// After this no call is begun: it could outlast the lease, and somebody else might be asking
    /// already.
    pub latest: Instant,
}

impl Lease {
    /// A lease from `now` on, with so much time to begin calls of this length at most.
    pub fn new(now: DateTime<Utc>, to_begin: TimeDelta, call_timeout: TimeDelta) -> Self {
        Self {
            until: now + to_begin + call_timeout + SAVING,
            latest: Instant::now() + to_begin.to_std().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_begins_at_the_last_moment_and_times_out_is_saved_within_the_lease() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let (begun, call) = (Instant::now(), TimeDelta::minutes(5));
        let lease = Lease::new(now, TimeDelta::seconds(30), call);
        let last_end = now + TimeDelta::from_std(lease.latest - begun).unwrap() + call;
        assert!(last_end < lease.until, "{last_end} {lease:?}");
    }
}
