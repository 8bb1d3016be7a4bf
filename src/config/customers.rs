//! `[customers]`: when customers are written to.

use super::duration;
use super::error::ConfigError;
use super::load::above_zero;
use super::reader::Reader;
use super::sections::Customers;
use super::written::Written;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;
/// The most reminders, and the most announcements.
const MOST: usize = 10;

pub(super) fn customers(reader: &mut Reader) -> Result<Customers, ConfigError> {
    let reminders = reader.required("customers.reminders", |written| {
        let must = "be a list of durations, such as [\"1d\", \"3d\"]";
        written.texts(must, |text| duration::parse(text).filter(|span| !span.is_zero()))
    })?;
    if reminders.len() > MOST || !reminders.windows(2).all(|pair| pair[0] < pair[1]) {
        let must = "be a rising list of at most 10 durations, such as [\"1d\", \"3d\"]";
        return Err(reader.refuse("customers.reminders", must));
    }
    let expiring = reader.required("customers.expiring", |written| {
        written.texts("be a list of whole days, such as [\"30d\", \"7d\"]", days)
    })?;
    if expiring.len() > MOST {
        return Err(reader.refuse("customers.expiring", "be a list of at most 10 entries"));
    }
    Ok(Customers {
        reminders,
        expiring,
        hours: reader.required("customers.hours", |written| {
            written.text("be two hours of a day, such as `08-17` or `00-24`", hours)
        })?,
        first_waits: reader.required("customers.first_waits", Written::flag)?,
        give_up_after: reader.required("customers.give_up_after", above_zero)?,
    })
}

fn days(text: &str) -> Option<u32> {
    let seconds = duration::parse(text)?.as_secs();
    let whole = text.ends_with('d') && seconds >= DAY;
    whole.then(|| u32::try_from(seconds / DAY).ok()).flatten()
}

fn hours(text: &str) -> Option<(u8, u8)> {
    let hour = |text: &str| {
        let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| text.parse::<u8>().ok()).flatten().filter(|hour| *hour <= 24)
    };
    let (from, to) = text.split_once('-')?;
    Some((hour(from)?, hour(to)?)).filter(|(from, to)| from < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_of_one_day_the_earlier_first() {
        assert_eq!((hours("08-17"), hours("00-24")), (Some((8, 17)), Some((0, 24))));
        for wrong in ["", "8-17", "17-08", "08-08", "08-25", "08:00-17:00", "08-17-20", "+8-17"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_announcement_is_a_whole_number_of_days() {
        assert_eq!((days("30d"), days("1d")), (Some(30), Some(1)));
        for wrong in ["0d", "24h", "30", "-1d", "1.5d"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }
}
