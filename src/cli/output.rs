//! Prints: for people as text, for programs as JSON. The one place that writes to standard output.

use std::io::{self, Write};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

pub use crate::redact::printable;

/// One line for people. A reader that went away (`| head`) is no error.
pub fn line(text: &str) -> anyhow::Result<()> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// One value as a line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value).context("the answer cannot be written as JSON")?)
}

/// One value as JSON over several lines, for an answer that is one document.
pub fn document(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?)
}

/// Bytes for a program, as they are. A reader that went away has not got them: that is an error.
pub fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut to = io::stdout().lock();
    to.write_all(bytes).and_then(|()| to.flush()).context("standard output cannot be written")
}

/// A hint beside the answer, on standard error.
pub fn hint(text: &str) -> anyhow::Result<()> {
    written(writeln!(io::stderr().lock(), "{text}"))
}

/// How far something has come, over what was said of it before, on standard error. It is no matter
/// if it cannot be written.
pub fn progress(text: &str) {
    let mut to = io::stderr().lock();
    let _ = write!(to, "\r{text}").and_then(|()| to.flush());
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

/// At most so many characters, the last one an ellipsis where some are left out.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The same text in lines of at most so many characters, broken between words; all but the first
/// begin with so many spaces.
pub fn wrapped(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let (mut lines, mut line, mut width) = (Vec::new(), String::new(), 0);
    for word in text.split(' ') {
        let wide = word.chars().count();
        if width > 0 && width + 1 + wide > columns {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            width = indent;
        } else if !line.is_empty() {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += wide;
    }
    lines.push(line);
    lines
}

fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the answer cannot be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_rounded_down_to_the_unit_that_people_would_many() {
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

    #[test]
    fn what_is_cut_is_seen_to_be_cut() {
        assert_eq!(cut("Ängsmark", 8), "Ängsmark");
        assert_eq!(cut("Ängsmark", 7), "Ängsma…");
    }

    #[test]
    fn a_wrapped_line_is_broken_between_words_and_goes_on_further_in() {
        let text = "12:00:00  ● erp-0004 is now healthy";
        assert_eq!(wrapped(text, 80, 4), [text]);
        let narrow = ["12:00:00  ●", "    erp-0004 is", "    now healthy"];
        assert_eq!(wrapped(text, 15, 4), narrow);
    }
}
