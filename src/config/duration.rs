//! Durations as people write them: `15m`, `10s`, `6h`.

use std::time::Duration;

use chrono::TimeDelta;

/// The longest duration anywhere in the configuration: 365 days.
pub(super) const LONGEST: Duration = Duration::from_hours(365 * 24);

/// What a duration must look like, to be read after "must be".
pub(super) const FORM: &str =
    "a duration such as `15m` (a whole number, then one of ms, s, m, h and d)";

/// Reads a whole number and its unit, from `0s` to [`LONGEST`]. There is no default unit and no
/// fraction, so that no reader has to guess.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let duration = Duration::from_millis(number.checked_mul(milliseconds)?);
    (duration <= LONGEST).then_some(duration)
}

/// The same span for the core, which counts in the time crate's type. Nothing up to [`LONGEST`]
/// is beyond that.
pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_means_what_it_says() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("15m", 900_000),
            ("6h", 21_600_000),
            ("365d", 31_536_000_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_with_a_unit_is_no_duration() {
        for text in [
            "", "15", "m", "1.5h", "-3s", "+3s", "3 s", " 3s", "3s ", "3S", "3w", "1h30m", "٣s",
            "1_000s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_beyond_the_longest_is_refused_and_does_not_wrap() {
        for text in ["366d", "18446744073709551615d", "99999999999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
