//! What people give of a tenant, checked: addresses, languages, time zones, labels, days. A refusal
//! reads after the name of what was given, and repeats nothing of it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::redact::printable;

/// Longest name accepted, in characters.
pub const MAX_NAME: usize = 200;
/// A word of this length in a remark may be a key.
const LONGEST_WORD: usize = 40;
/// Longest mail address accepted, in bytes: RFC 5321 lets no longer one through.
const MAX_ADDRESS: usize = 254;
/// Longest role of a contact and longest name of a label, in bytes.
const MAX_WORD: usize = 63;
/// Longest value of a label, in characters.
const MAX_VALUE: usize = 200;

type Checked<T> = Result<T, &'static str>;

/// A name that people know.
pub fn name(text: &str) -> Checked<String> {
    if text.trim().is_empty() || text.chars().count() > MAX_NAME {
        return Err("must have 1 to 200 characters");
    }
    plain(text).map(str::to_owned)
}

/// Why somebody did something, in their own words: one line, and no word as long as a key.
pub fn remark(text: &str) -> Checked<String> {
    if text.trim().is_empty() || text.chars().count() > MAX_NAME {
        return Err("must have 1 to 200 characters");
    }
    if text.split_whitespace().any(|word| word.len() >= LONGEST_WORD) {
        return Err("contains a word as long as a key: say what happened, never the key");
    }
    plain(text).map(str::to_owned)
}

/// A mail address: one `@` with something on both sides, and nothing that could end a header or
/// begin a second address. Whether it exists, only a mail can tell.
pub fn address(text: &str) -> Checked<String> {
    plain(text)?;
    if text.len() > MAX_ADDRESS {
        return Err("is longer than any mail address (254 bytes)");
    }
    let sides = text.split_once('@');
    if !sides
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
    {
        return Err("must be one mail address such as anna@firm.example");
    }
    if text.contains(|c: char| c.is_whitespace() || "<>()[]\\,;:\"".contains(c)) {
        return Err("must be one mail address alone, without a name or a second address");
    }
    Ok(text.to_owned())
}

/// What a contact is to the customer.
pub fn role(text: &str) -> Checked<String> {
    word(text)
        .then(|| text.to_owned())
        .ok_or("must be one word of letters, digits, `-`, `_` and `.`")
}

/// A language with an optional script and region, such as `da` or `da-DK`, as BCP 47 writes it.
pub fn locale(text: &str) -> Checked<String> {
    const FORM: &str = "must be a language such as `da` or `da-DK`";
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    if !letters(language) || !(2..=3).contains(&language.len()) {
        return Err(FORM);
    }
    let mut locale = language.to_ascii_lowercase();
    let mut rest = parts.peekable();
    if let Some(script) = rest.next_if(|part| part.len() == 4 && letters(part)) {
        locale.push('-');
        locale.push_str(&script[..1].to_ascii_uppercase());
        locale.push_str(&script[1..].to_ascii_lowercase());
    }
    let region = |part: &&str| {
        (part.len() == 2 && letters(part))
            || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some(region) = rest.next_if(region) {
        locale.push('-');
        locale.push_str(&region.to_ascii_uppercase());
    }
    if rest.next().is_some() { Err(FORM) } else { Ok(locale) }
}

/// A time zone by its form only, such as `Europe/Copenhagen`: whether there is one of that name is
/// not looked up.
pub fn time_zone(text: &str) -> Checked<String> {
    let fits = text.len() <= 64
        && text.split('/').all(|part| {
            part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
        });
    if fits { Ok(text.to_owned()) } else { Err("must be a name such as `Europe/Copenhagen`") }
}

/// One label: `name=value`, or a bare name, whose value is the empty text.
pub fn label(text: &str) -> Checked<(String, String)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let (name, value) = (name.trim(), value.trim());
    if !word(name) {
        return Err("must be `name=value` or `name`; a name has letters, digits, `-`, `_` and `.`");
    }
    if value.chars().count() > MAX_VALUE || value.contains(';') {
        return Err("must have values of at most 200 characters without `;`");
    }
    plain(value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A day, which means its end in UTC, or a moment in RFC 3339.
pub fn moment(text: &str) -> Checked<DateTime<Utc>> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let end = day.and_hms_opt(23, 59, 59).ok_or("must be a day that there is")?;
        return Ok(end.and_utc());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| "must be a day such as 2027-01-31, or RFC 3339")
}

/// A span such as `90m`, `12h` or `3d`, of at most a year.
pub fn span(text: &str) -> Checked<TimeDelta> {
    const FORM: &str = "must be a whole number and one of m, h and d, such as `12h`";
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let number: u32 = number.parse().map_err(|_| FORM)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(FORM),
    };
    let span = TimeDelta::minutes(i64::from(number) * minutes);
    if span <= TimeDelta::zero() || span > TimeDelta::days(366) {
        return Err("must be at least a minute and at most a year");
    }
    Ok(span)
}

/// A number of things in each hour, such as `60/h`.
pub fn per_hour(text: &str) -> Checked<u32> {
    let number = text.strip_suffix("/h").and_then(|number| number.parse().ok());
    number
        .filter(|number| (1..=1_000_000).contains(number))
        .ok_or("must be a whole number from 1 to 1000000 and `/h`, such as `60/h`")
}

/// Nothing that a terminal or a mail header would obey.
fn plain(text: &str) -> Checked<&str> {
    if printable(text) == text {
        Ok(text)
    } else {
        Err("contains a control character, or one that turns the direction of writing")
    }
}

fn word(text: &str) -> bool {
    text.len() <= MAX_WORD
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_write_a_header_or_reach_a_second_person_is_refused() {
        assert_eq!(address("anna@firm.example").unwrap(), "anna@firm.example");
        let long = format!("{}@firm.example", "a".repeat(250));
        for bad in [
            "",
            "anna",
            "@firm.example",
            "anna@",
            "a@b@c",
            "a@b\r\nBcc: c@d",
            "a@b,c@d",
            "a b@c",
            "Anna <a@b>",
            "a@b\u{202e}",
            &long,
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_remark_that_could_hold_a_key_is_refused() {
        assert!(remark("found in a public repository by Anna, ticket 4711").is_ok());
        for bad in ["", " ", "a\u{1b}[2J", &format!("it is pls_{}", "a1".repeat(20))] {
            assert!(remark(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_language_is_kept_as_bcp_47_writes_it() {
        for (given, kept) in
            [("da", "da"), ("DA-dk", "da-DK"), ("sr-latn-rs", "sr-Latn-RS"), ("es-419", "es-419")]
        {
            assert_eq!(locale(given).as_deref(), Ok(kept));
        }
        for bad in ["", "d", "danish", "da_DK", "da-", "da-DK-x", "1a", "da-D1"] {
            assert!(locale(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_zone_is_judged_by_its_form() {
        for good in ["Europe/Copenhagen", "UTC", "Etc/GMT+3", "America/Argentina/Ushuaia"] {
            assert_eq!(time_zone(good).as_deref(), Ok(good));
        }
        for bad in ["", "/", "Europe/", "../etc/passwd", "Europe Copenhagen", "+01:00", "é"] {
            assert!(time_zone(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_label_is_a_pair_or_a_bare_name() {
        let owned = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(label("tier=gold"), owned("tier", "gold"));
        assert_eq!(label("beta"), owned("beta", ""));
        assert_eq!(label("url=a=b"), owned("url", "a=b"));
        for bad in ["", "=x", "a b=c", "-a=b", "a=b;c", "a=\u{1b}[2J"] {
            assert!(label(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_means_its_end() {
        assert_eq!(moment("2027-01-31").unwrap().to_rfc3339(), "2027-01-31T23:59:59+00:00");
        assert!(moment("31.1.2027").unwrap_err().contains("2027-01-31"));
    }

    #[test]
    fn a_span_has_one_unit_and_ends_within_a_year() {
        assert_eq!(span("90m"), Ok(TimeDelta::minutes(90)));
        assert_eq!(span("3d"), Ok(TimeDelta::days(3)));
        for bad in ["", "0h", "12", "h", "1.5h", "-1h", "367d", "4294967295d", "3é"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
