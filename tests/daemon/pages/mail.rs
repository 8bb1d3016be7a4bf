//! Mails that were written into a folder.

use std::path::Path;

/// A mail.
#[derive(Debug)]
pub struct Mail {
    pub to: String,
    /// All of it, as a reader sees it.
    pub text: String,
}

impl Mail {
    /// The one link below that address, the same wherever it stands.
    pub fn link(&self, home: &str) -> String {
        let begins = format!("{home}/l/");
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let mut links: Vec<String> = self
            .text
            .match_indices(&begins)
            .map(|(at, _)| {
                let token = &self.text[at + begins.len()..];
                format!("{begins}{}", &token[..token.find(ends).unwrap_or(token.len())])
            })
            .collect();
        links.dedup();
        assert_eq!(links.len(), 1, "{}", self.text);
        links.remove(0)
    }
}

/// Every mail in the folder, the oldest first.
pub fn all(folder: &Path) -> Vec<Mail> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    files.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    files.iter().map(|path| read(&std::fs::read_to_string(path).unwrap())).collect()
}

fn read(mail: &str) -> Mail {
    let to = mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap();
    let to = to.trim().trim_matches(['<', '>']).to_owned();
    Mail { to, text: unquoted(mail) }
}

/// Quoted-printable (RFC 2045, 6.7), as far as it is ASCII.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "").replace("=\n", "");
    let mut parts = text.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) if code.is_ascii() => {
                plain.push(char::from(code));
                plain.push_str(&part[2..]);
            }
            _ => {
                plain.push('=');
                plain.push_str(part);
            }
        }
    }
    plain
}
