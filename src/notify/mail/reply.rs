//! What a relay answered, as far as it is kept: its numbers. Its text may repeat addresses.

use std::fmt;

/// A reply that says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits; 4xx means not now, 5xx means no.
    pub code: u16,
    /// The same more finely, where the relay says so (RFC 3463): class, subject, detail.
    pub enhanced: Option<[u16; 3]>,
}

impl Reply {
    /// The reply of that code and text.
    pub fn new(code: u16, text: &str) -> Self {
        Self { code, enhanced: enhanced(text).filter(|[class, ..]| *class == code / 100) }
    }

    /// Whether the same will be answered tomorrow.
    pub fn is_permanent(self) -> bool {
        self.code >= 500
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        match self.enhanced {
            Some([class, subject, detail]) => write!(f, " {class}.{subject}.{detail}"),
            None => Ok(()),
        }
    }
}

/// The code at the beginning of a text, such as `5.1.1 no such user`.
fn enhanced(text: &str) -> Option<[u16; 3]> {
    let word = text.split_ascii_whitespace().next()?;
    let mut parts = word.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let code = [parts.next()??, parts.next()??, parts.next()??];
    (parts.next().is_none() && matches!(code[0], 2 | 4 | 5)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_code_is_read_where_it_stands_first_and_fits_the_reply() {
        assert_eq!(Reply::new(550, "5.1.1 no such user").to_string(), "550 5.1.1");
        assert_eq!(Reply::new(451, "4.7.1").to_string(), "451 4.7.1");
        for text in [
            "",
            "no such user",
            "4.1.1 of the wrong class",
            "5.1 too short",
            "5.1.1.1 too long",
            "5.1.1234 x",
            "5.+1.1 x",
            "no 5.1.1 user",
        ] {
            assert_eq!(Reply::new(550, text).to_string(), "550", "{text:?}");
        }
    }
}
