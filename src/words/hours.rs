//! Hours of the day where somebody is.

use chrono::{DateTime, Utc};
use jiff::tz::TimeZone;

/// Hours of a day, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first.
    pub from: u8,
    /// The one before which they end; 24 at most.
    pub to: u8,
}

impl Hours {
    /// Whether it is one of these hours where `zone` is. A zone that is not known counts as UTC.
    pub fn contain(self, at: DateTime<Utc>, zone: Option<&str>) -> bool {
        let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let at = jiff::Timestamp::from_second(at.timestamp()).unwrap_or_default();
        let hour = u8::try_from(at.to_zoned(zone).hour()).unwrap_or_default();
        (self.from..self.to).contains(&hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Hours = Hours { from: 8, to: 17 };

    fn contain(at: &str, zone: Option<&str>) -> bool {
        WORK.contain(at.parse().unwrap(), zone)
    }

    #[test]
    fn the_hour_is_that_of_the_customer_in_summer_as_in_winter() {
        let copenhagen = Some("Europe/Copenhagen");
        assert!(contain("2026-11-30T07:00:00Z", copenhagen));
        assert!(!contain("2026-11-30T06:59:59Z", copenhagen));
        assert!(contain("2026-07-01T06:00:00Z", copenhagen), "clocks are an hour ahead");
        assert!(!contain("2026-07-01T15:00:00Z", copenhagen), "it is five o'clock there");
        assert!(contain("2026-07-01T15:00:00Z", None));
    }

    #[test]
    fn a_zone_that_nobody_knows_counts_as_utc() {
        assert!(contain("2026-11-30T08:00:00Z", Some("Atlantis/Capital")));
        assert!(!contain("2026-11-30T07:59:00Z", Some("Atlantis/Capital")));
    }

    #[test]
    fn always_is_every_hour() {
        let always = Hours { from: 0, to: 24 };
        for hour in 0..24 {
            let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour);
            assert!(always.contain(at, Some("Asia/Kolkata")));
        }
    }
}
