//! Moments as a page shows them: how long ago, with the exact time beside it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::plain::{moment, span};

/// A moment on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct When {
    /// `3 hours ago`, or `in 5 minutes`.
    pub ago: String,
    /// `3 hours`, of what has lasted since then.
    pub lasted: String,
    /// The same to the second, for eyes.
    pub exact: String,
    /// The same for programs.
    pub iso: String,
}

impl When {
    /// A moment as it is seen now.
    pub fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let ago = if at > now {
            format!("in {}", span(at - now))
        } else {
            format!("{} ago", span(now - at))
        };
        let iso = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let lasted = span(now - at);
        Self { ago, lasted, exact: moment(Some(at)), iso }
    }

    /// The same of a moment that there may not be.
    pub fn maybe(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Self> {
        at.map(|at| Self::of(at, now))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_moment_is_seen_from_now() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let when = When::of(now - TimeDelta::hours(3), now);
        assert_eq!((&*when.ago, &*when.lasted), ("3 hours ago", "3 hours"));
        assert_eq!(when.exact, "2024-10-03 21:00:00 UTC");
        assert_eq!(when.iso, "2024-10-03T21:00:00Z");
        assert_eq!(When::of(now + TimeDelta::minutes(5), now).ago, "in 5 minutes");
    }
}
