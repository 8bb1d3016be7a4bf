//! Dates, times and lists as a language writes them.

use chrono::{DateTime, Utc};
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::{MDE, MDET};
use icu_datetime::input::{DateTime as Civil, Time};
use icu_list::ListFormatter;
use icu_list::options::{ListFormatterOptions, ListLength};
use icu_locale_core::Locale;
use jiff::tz::TimeZone;

/// How dates are written in the language of that tag. English without a country is that of Europe,
/// where this product's customers are.
pub(super) fn locale(tag: &str) -> Locale {
    let tag = if tag == super::ENGLISH { "en-GB" } else { tag };
    tag.parse().unwrap_or(Locale::UNKNOWN)
}

/// Weekday, day and month.
pub(super) fn day(locale: Option<&Locale>, at: DateTime<Utc>, zone: Option<&str>) -> String {
    let (civil, _) = local(at, zone);
    let prefs = locale.unwrap_or(&Locale::UNKNOWN).into();
    let written = FixedCalendarDateTimeFormatter::<Gregorian, MDE>::try_new(prefs, MDE::long());
    written.map_or_else(|_| plain_day(at), |form| form.format(&civil.date).to_string())
}

/// The same with hour and minute, and the zone.
pub(super) fn moment(locale: Option<&Locale>, at: DateTime<Utc>, zone: Option<&str>) -> String {
    let (civil, zone) = local(at, zone);
    let prefs = locale.unwrap_or(&Locale::UNKNOWN).into();
    let fields: MDET = MDE::long().with_time_hm();
    let written = FixedCalendarDateTimeFormatter::<Gregorian, MDET>::try_new(prefs, fields);
    match (written, zone) {
        (Ok(form), Some(zone)) => format!("{} ({zone})", form.format(&civil)),
        (Ok(form), None) => format!("{} UTC", form.format(&civil)),
        (Err(_), _) => format!("{} {} UTC", plain_day(at), at.format("%H:%M")),
    }
}

/// A list of which all counts.
pub(super) fn list(locale: Option<&Locale>, items: &[&str]) -> String {
    let prefs = locale.unwrap_or(&Locale::UNKNOWN).into();
    let options = ListFormatterOptions::default().with_length(ListLength::Wide);
    ListFormatter::try_new_and(prefs, options)
        .map_or_else(|_| items.join(", "), |form| form.format(items.iter()).to_string())
}

/// What clocks show where `zone` is, and its name. None: UTC, which no other zone is called.
fn local(at: DateTime<Utc>, zone: Option<&str>) -> (Civil<Gregorian>, Option<String>) {
    let zone = zone.and_then(|name| TimeZone::get(name).ok());
    let name = zone.as_ref().and_then(TimeZone::iana_name).filter(|name| !is_utc(name));
    let name = name.map(str::to_owned);
    let zone = zone.filter(|_| name.is_some()).unwrap_or(TimeZone::UTC);
    let shown = jiff::Timestamp::from_second(at.timestamp()).unwrap_or_default().to_zoned(zone);
    let number = |part: i8| u8::try_from(part).unwrap_or_default();
    let date = Date::try_new_gregorian(
        i32::from(shown.year()),
        number(shown.month()),
        number(shown.day()),
    );
    let time = Time::try_new(number(shown.hour()), number(shown.minute()), 0, 0);
    let first =
        || Date::<Gregorian>::from_rata_die(icu_calendar::types::RataDie::new(1), Gregorian);
    let civil = Civil {
        date: date.unwrap_or_else(|_| first()),
        time: time.unwrap_or(Time::start_of_day()),
    };
    (civil, name)
}

fn is_utc(name: &str) -> bool {
    matches!(name, "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Unknown" | "UCT" | "Zulu" | "Etc/Zulu")
}

/// For a language of which nothing is known.
fn plain_day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}
