//! Reads lines of bounded length: what is longer is reported and passed over without being held
//! in memory, also when it never ends. Its buffers are overwritten when they are dropped, because
//! keys stand in them.

use std::io::{self, Read};

use zeroize::{Zeroize, Zeroizing};

/// Longest line accepted, in bytes, without its end.
pub const MAX_LINE: usize = 64 * 1024;

/// The lines of a source, counted from 1.
pub struct Lines<R> {
    source: R,
    buffer: Zeroizing<Vec<u8>>,
    unread: std::ops::Range<usize>,
    line: Zeroizing<Vec<u8>>,
    number: u64,
    bytes: u64,
    /// The end of the latest line has not been met yet.
    inside: bool,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It has more than [`MAX_LINE`] bytes.
    TooLong,
}

impl<R: Read> Lines<R> {
    /// The lines of that source.
    pub fn of(source: R) -> Self {
        Self {
            source,
            buffer: Zeroizing::new(vec![0; MAX_LINE]),
            unread: 0..0,
            // Room for all of it from the start, so that no copy is left behind by growing.
            line: Zeroizing::new(Vec::with_capacity(MAX_LINE)),
            number: 0,
            bytes: 0,
            inside: false,
        }
    }

    /// The next line with its number; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        while self.inside {
            match self.piece()? {
                None => self.inside = false,
                Some((piece, ended)) => {
                    self.unread.start = piece.end + usize::from(ended);
                    self.inside = !ended;
                }
            }
        }
        self.line.zeroize();
        let mut begun = false;
        while let Some((piece, ended)) = self.piece()? {
            if !begun {
                begun = true;
                self.number += 1;
            }
            if self.line.len() + piece.len() > MAX_LINE {
                self.inside = true;
                return Ok(Some((self.number, Line::TooLong)));
            }
            self.unread.start = piece.end + usize::from(ended);
            self.line.extend_from_slice(&self.buffer[piece]);
            if ended {
                break;
            }
        }
        if !begun {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        Ok(Some((self.number, Line::Whole(line))))
    }

    /// How many bytes were read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the rest of this line stands in the buffer, as far as it was read, and whether its
    /// end was; `None` at the end of the source.
    fn piece(&mut self) -> io::Result<Option<(std::ops::Range<usize>, bool)>> {
        if self.unread.is_empty() {
            let read = loop {
                match self.source.read(&mut self.buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.bytes += read as u64;
            self.unread = 0..read;
            if read == 0 {
                return Ok(None);
            }
        }
        let unread = self.unread.clone();
        let end = self.buffer[unread.clone()].iter().position(|byte| *byte == b'\n');
        Ok(Some(match end {
            Some(at) => (unread.start..unread.start + at, true),
            None => (unread, false),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: impl Read) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::of(source);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            found.push((
                number,
                match line {
                    Line::Whole(line) => Some(line.to_vec()),
                    Line::TooLong => None,
                },
            ));
        }
        found
    }

    fn whole(number: u64, text: &str) -> (u64, Option<Vec<u8>>) {
        (number, Some(text.as_bytes().to_vec()))
    }

    #[test]
    fn lines_are_counted_whatever_ends_them_and_the_last_needs_no_end() {
        assert_eq!(all(&b""[..]), []);
        let expected = [whole(1, "a"), whole(2, ""), whole(3, "b"), whole(4, "c")];
        assert_eq!(all(&b"a\r\n\nb\nc"[..]), expected);
        assert_eq!(all(&b"a\n\nb\nc\n"[..]), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_whole() {
        let mut text = b"a\n".to_vec();
        text.extend(vec![b'x'; 3 * MAX_LINE + 17]);
        text.extend(b"\nb\n");
        assert_eq!(all(&text[..]), [whole(1, "a"), (2, None), whole(3, "b")]);
    }

    #[test]
    fn a_line_of_just_the_longest_length_is_whole() {
        let text = "x".repeat(MAX_LINE);
        assert_eq!(all(format!("{text}\nb").as_bytes()), [whole(1, &text), whole(2, "b")]);
        assert_eq!(all(format!("{text}x\nb").as_bytes()), [(1, None), whole(2, "b")]);
    }

    #[test]
    fn a_line_that_never_ends_is_refused_before_its_end_is_looked_for() {
        let mut lines = Lines::of(io::repeat(b'x'));
        assert_eq!(lines.next().unwrap(), Some((1, Line::TooLong)));
    }
}
