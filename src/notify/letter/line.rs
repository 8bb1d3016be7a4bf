//! Names from outside as part of a line: no markup is meant by them, no further line, no other direction
//! of writing, and none of them fills a letter.

/// The most characters of a name.
pub(super) const NAME: usize = 120;
/// The most characters of a name in a subject.
pub(super) const SHORT: usize = 40;
/// The most characters of a company's id.
pub(super) const COMPANY: usize = 80;
/// The most characters of a subject.
pub(super) const SUBJECT: usize = 150;

/// One line of at most `most` characters, with an ellipsis where something was left out.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut all = String::new();
    // A name of any length costs no more than its beginning.
    for c in text.chars().take(most * 4) {
        if c.is_whitespace() || c.is_control() {
            if !all.is_empty() && !all.ends_with(' ') {
                all.push(' ');
            }
        } else if !is_unseen(c) {
            all.push(c);
        }
    }
    let all = all.trim_end();
    if all.chars().count() <= most {
        return all.to_owned();
    }
    let kept: String = all.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

/// The last four characters of what is said of a key; nothing where that would be all of it.
pub(super) fn tail(masked: &str) -> Option<String> {
    let shown: Vec<char> = masked.chars().filter(char::is_ascii_alphanumeric).collect();
    let tail: String = shown.get(shown.len().checked_sub(4)?..)?.iter().collect();
    Some(format!("…{tail}"))
}

/// Marks that turn the direction of writing, and characters that are not seen and make two names look
/// alike.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_name_is_it_stays_one_line_of_bounded_length(text in "[a-z\\s\u{ad}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{e0001}\\PC]{0,90}") {
            let said = line(&text, 30);
            prop_assert!(said.chars().count() <= 30);
            prop_assert!(!said.contains(char::is_control));
            prop_assert!(!said.chars().any(is_unseen));
            let breaks = said.contains(['\u{2028}', '\u{2029}']);
            prop_assert!(!breaks);
        }
    }

    #[test]
    fn a_name_keeps_what_can_be_read() {
        assert_eq!(line("  Fjord\r\nBcc:\t A/S ", 40), "Fjord Bcc: A/S");
        assert_eq!(line("a\u{202e}b\u{2066}c\u{200b}d", 40), "abcd");
        assert_eq!(line("Smørrebrød & Søn", 40), "Smørrebrød & Søn");
        assert_eq!(line("abcdef", 4), "abc…");
    }

    #[test]
    fn of_a_key_no_more_than_its_last_four_characters_is_shown() {
        assert_eq!(tail("…f6c2").as_deref(), Some("…f6c2"));
        assert_eq!(tail("pls_0123456789abcdef").as_deref(), Some("…cdef"));
        assert_eq!(tail("…"), None);
    }
}
