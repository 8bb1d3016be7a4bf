//! Plain text as mail readers show it best: short lines, and no more than one empty line at a time.

/// The most characters of a line. A word that is longer, such as an address, stands alone and whole.
const WIDTH: usize = 76;

/// The text with its lines broken at spaces. What begins with `- ` goes on below its own beginning.
pub(super) fn wrapped(text: &str) -> String {
    let mut all = String::new();
    let mut empty = true;
    for source in text.lines() {
        if source.trim().is_empty() {
            if !empty {
                all.push('\n');
            }
            empty = true;
            continue;
        }
        empty = false;
        let indent = if source.starts_with("- ") { "  " } else { "" };
        let mut width = 0;
        for word in source.split_whitespace() {
            let length = word.chars().count();
            if width == 0 {
                all.push_str(word);
                width = length;
            } else if width + 1 + length <= WIDTH {
                all.push(' ');
                all.push_str(word);
                width += 1 + length;
            } else {
                all.push('\n');
                all.push_str(indent);
                all.push_str(word);
                width = indent.len() + length;
            }
        }
        all.push('\n');
    }
    format!("{}\n", all.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_an_address_stays_whole() {
        let address = format!("https://connect.example/l/{}", "x".repeat(90));
        let text = format!("{}\n\n\n\n{address}\n- {}\n", "word ".repeat(40), "more ".repeat(20));
        let made = wrapped(&text);
        for line in made.lines() {
            assert!(line.chars().count() <= WIDTH || line == address, "{line}");
            assert_eq!(line, line.trim_end());
        }
        assert!(made.contains(&format!("\n\n{address}\n- more")), "{made}");
        assert!(made.contains("\n  more"), "{made}");
        assert!(!made.contains("\n\n\n"));
    }
}
