//! The terminal as a place for pictures: each is drawn over the one before, and never wider or
//! higher than the terminal is at that moment, so that nothing scrolls away.

use std::io::{self, Write as _};

/// Where nobody says how large it is.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

impl Size {
    /// That of the terminal behind standard output.
    pub fn now() -> Self {
        match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                Self { columns: size.ws_col.into(), rows: size.ws_row.into() }
            }
            Ok(_) | Err(_) => USUAL,
        }
    }
}

/// A terminal that is drawn on.
#[derive(Debug, Default)]
pub struct Screen {
    touched: bool,
}

impl Screen {
    /// Draws a picture over the one before. A reader that went away is no error.
    pub fn draw(&mut self, picture: &str) -> anyhow::Result<()> {
        let size = Size::now();
        let lines = fitted(picture, size);
        // Home, each line cleared before it is written (a full one has no room for it afterwards),
        // then what is below.
        let body = lines.join("\r\n\u{1b}[2K");
        let clear = if std::mem::replace(&mut self.touched, true) { "" } else { "\u{1b}[2J" };
        let below = if lines.len() < size.rows { "\u{1b}7\r\n\u{1b}[J\u{1b}8" } else { "" };
        written(&format!("{clear}\u{1b}[H\u{1b}[2K{body}{below}"))
    }

    /// Leaves the last picture standing; what is written next begins below it.
    pub fn leave(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.touched) { written("\r\n") } else { Ok(()) }
    }
}

impl Drop for Screen {
    /// Whatever ends the drawing, a prompt stands in a line of its own.
    fn drop(&mut self) {
        let _ = self.leave();
    }
}

fn written(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// As much of a picture as the terminal holds; the first lines matter most.
fn fitted(picture: &str, size: Size) -> Vec<String> {
    let all: Vec<&str> = picture.trim_end_matches('\n').split('\n').collect();
    let mut lines: Vec<String> =
        all.iter().take(size.rows).map(|line| narrowed(line, size.columns)).collect();
    if all.len() > size.rows
        && let Some(last) = lines.last_mut()
    {
        let hidden = all.len() - size.rows + 1;
        *last = narrowed(&format!("… {hidden} lines more: make the window higher"), size.columns);
    }
    lines
}

/// A line of at most so many characters, not counting what sets colours.
fn narrowed(line: &str, columns: usize) -> String {
    let mut text = String::new();
    let (mut width, mut escape, mut coloured) = (0, false, false);
    let total = visible(line);
    for c in line.chars() {
        escape |= c == '\u{1b}';
        if escape {
            coloured = true;
            text.push(c);
            escape = !c.is_ascii_alphabetic();
        } else if total > columns && width + 1 >= columns {
            text.push('…');
            if coloured {
                text.push_str("\u{1b}[0m");
            }
            break;
        } else {
            width += 1;
            text.push(c);
        }
    }
    text
}

/// How many characters of a line are seen.
fn visible(line: &str) -> usize {
    let mut escape = false;
    line.chars()
        .filter(|c| {
            escape |= *c == '\u{1b}';
            let seen = !escape;
            escape &= !c.is_ascii_alphabetic();
            seen
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_never_wider_or_higher_than_the_terminal() {
        let picture = "\u{1b}[31m✖\u{1b}[0m erp-0004 rejected\nsecond\nthird\n";
        let whole = fitted(picture, Size { columns: 19, rows: 3 });
        assert_eq!(whole, ["\u{1b}[31m✖\u{1b}[0m erp-0004 rejected", "second", "third"]);
        let narrow = fitted(picture, Size { columns: 6, rows: 2 });
        assert_eq!(narrow, ["\u{1b}[31m✖\u{1b}[0m erp…\u{1b}[0m", "… 2 l…"]);
    }

    #[test]
    fn a_line_of_just_the_width_is_not_cut() {
        assert_eq!(narrowed("123456", 6), "123456");
        assert_eq!(narrowed("1234567", 6), "12345…");
    }
}
