//! Dates, times and lists, language by language.

use std::fmt::Write;

use super::*;

#[test]
fn days_and_moments_are_written_as_each_language_writes_them() {
    let words = Words::built_in();
    let at = Utc.with_ymd_and_hms(2026, 11, 17, 23, 12, 30).unwrap();
    let zone = Some("Europe/Copenhagen");
    let mut said = String::new();
    for tag in words.languages() {
        let own = tongue(&words, tag);
        let list = own.list(&["a", "b", "c"]);
        let (day, moment) = (own.day(at, zone), own.moment(at, zone));
        writeln!(said, "{tag}: {day}; {moment}; {list}").unwrap();
        writeln!(said, "    {}; {}", own.day(at, None), own.moment(at, None)).unwrap();
    }
    insta::assert_snapshot!(said.trim_end(), @"
    da: onsdag 18. november; onsdag 18. november kl. 00.12 (Europe/Copenhagen); a, b og c
        tirsdag 17. november; tirsdag 17. november kl. 23.12 UTC
    de: Mittwoch, 18. November; Mittwoch, 18. November um 00:12 (Europe/Copenhagen); a, b und c
        Dienstag, 17. November; Dienstag, 17. November um 23:12 UTC
    en: Wednesday 18 November; Wednesday 18 November at 00:12 (Europe/Copenhagen); a, b and c
        Tuesday 17 November; Tuesday 17 November at 23:12 UTC
    sv: onsdag 18 november; onsdag 18 november kl. 00:12 (Europe/Copenhagen); a, b och c
        tisdag 17 november; tisdag 17 november kl. 23:12 UTC
    ");
    let english = tongue(&words, "en");
    assert_eq!(
        [english.list(&[]), english.list(&["a"]), english.list(&["a", "b"])],
        ["", "a", "a and b"]
    );
}

#[test]
fn clocks_change_in_copenhagen_and_a_zone_that_is_not_known_is_utc_and_says_so() {
    let danish = tongue(&Words::built_in(), "da");
    let said = |month, day, hour, minute, zone| {
        danish.moment(Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap(), zone)
    };
    let zone = Some("Europe/Copenhagen");
    assert_eq!(said(3, 29, 0, 59, zone), "søndag 29. marts kl. 01.59 (Europe/Copenhagen)");
    assert_eq!(said(3, 29, 1, 0, zone), "søndag 29. marts kl. 03.00 (Europe/Copenhagen)");
    assert_eq!(said(10, 25, 0, 30, zone), "søndag 25. oktober kl. 02.30 (Europe/Copenhagen)");
    assert_eq!(said(10, 25, 1, 30, zone), "søndag 25. oktober kl. 02.30 (Europe/Copenhagen)");
    // The day is another one there.
    assert_eq!(said(7, 1, 22, 0, zone), "torsdag 2. juli kl. 00.00 (Europe/Copenhagen)");
    for zone in
        [None, Some("UTC"), Some("Etc/UTC"), Some("Mars/Base"), Some("../../etc/passwd"), Some("")]
    {
        assert_eq!(said(7, 1, 22, 0, zone), "onsdag 1. juli kl. 22.00 UTC", "{zone:?}");
    }
    let far = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
    for at in far {
        assert!(!danish.day(at, zone.or(None)).is_empty());
    }
}
