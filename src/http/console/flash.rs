//! What came of a form, shown once on the page that the browser is led to: carried there by a cookie that
//! only this console can have set.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use url::form_urlencoded;

/// The longest text, in characters; and the longest header with cookies that is looked at.
const MOST: usize = 400;
const LONGEST: usize = 8 * 1024;
/// So many seconds it waits for the page.
const WAITS: u32 = 30;

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Whether it was done.
    pub good: bool,
    /// What.
    pub text: String,
}

impl Said {
    /// The cookie with it.
    pub fn cookie(&self, secure: bool) -> Option<HeaderValue> {
        let text: String = self.text.chars().take(MOST).collect();
        let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        set(&format!("{}{text}", if self.good { '+' } else { '-' }), WAITS, secure)
    }

    /// What was said, if something was.
    pub fn read(headers: &HeaderMap, secure: bool) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.filter(|line| line.len() <= LONGEST).flat_map(|line| line.split(';'));
        let value = pairs.find_map(|pair| {
            let (its, value) = pair.trim().split_once('=')?;
            (its == name(secure)).then_some(value)
        })?;
        let (good, text) = match (value.strip_prefix('+'), value.strip_prefix('-')) {
            (Some(text), _) => (true, text),
            (None, Some(text)) => (false, text),
            (None, None) => return None,
        };
        let text = form_urlencoded::parse(text.as_bytes()).next()?.0.chars().take(MOST).collect();
        Some(Self { good, text })
    }
}

/// Takes the cookie away.
pub fn gone(secure: bool) -> Option<HeaderValue> {
    set("", 0, secure)
}

fn name(secure: bool) -> &'static str {
    if secure { "__Host-kp-said" } else { "kp-said" }
}

fn set(value: &str, seconds: u32, secure: bool) -> Option<HeaderValue> {
    let only = if secure { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{only}",
        name(secure)
    );
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_arrives_as_it_was_whatever_is_in_it() {
        for secure in [true, false] {
            for text in ["Done: a=b; c & <d> “é” 100%", "", &"ä".repeat(MOST + 9)] {
                let said = Said { good: text.len() % 2 == 0, text: text.to_owned() };
                let cookie = said.cookie(secure).unwrap();
                let pair = cookie.to_str().unwrap().split_once("; ").unwrap().0.to_owned();
                let mut headers = HeaderMap::new();
                headers.insert(header::COOKIE, format!("x=1; {pair}").parse().unwrap());
                let text: String = text.chars().take(MOST).collect();
                let read = Said::read(&headers, secure);
                if text.is_empty() {
                    assert_eq!(read, None);
                } else {
                    assert_eq!(read, Some(Said { text, ..said }));
                }
                assert_eq!(Said::read(&headers, !secure), None);
            }
        }
    }
}
