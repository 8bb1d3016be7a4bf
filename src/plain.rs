//! Numbers, times and statuses as people read them: the same in every command and on every page.

use chrono::{DateTime, TimeDelta, Utc};

/// The sign of a status.
pub fn symbol(status: &str) -> char {
    match status {
        "pending" => '○',
        "healthy" => '●',
        "degraded" => '▲',
        "needs_reconnection" => '✖',
        "paused" => '‖',
        _ => '⊘',
    }
}

/// A word as people read it.
pub fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// A moment as people read it in a list.
pub fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A count as [`many`] takes it.
pub fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of things: `1 tenant`, `2 tenants`.
pub fn many(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How long something takes or has lasted, as people say it.
pub fn span(span: TimeDelta) -> String {
    match span.num_seconds().max(0) {
        seconds @ 0..=119 => many(seconds, "second"),
        seconds @ 120..=7_199 => many(seconds / 60, "minute"),
        seconds @ 7_200..=172_799 => many(seconds / 3_600, "hour"),
        seconds => many(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_rounded_down_to_the_unit_that_people_would_use() {
        for (seconds, said) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(TimeDelta::seconds(seconds)), said);
        }
    }
}
