//! Prints: for people as text, for programs as JSON. The one place that writes to standard output.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

pub use crate::plain::{many, moment, span, whole};
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
