//! What came of a form, shown once on the page that the browser is led to: carried there by a cookie that
//! only this console can have set.

use axum::http::{HeaderMap, HeaderValue};
use serde::Serialize;
use url::form_urlencoded;

use super::cookie;

/// What the cookie is called.
const NAME: &str = "kp-said";
/// The longest text, in characters.
const MOST: usize = 400;
/// So many seconds it waits for the page.
const WAITS: i64 = 30;

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
        let value = cookie::held(headers, NAME, secure)?;
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

fn set(value: &str, seconds: i64, secure: bool) -> Option<HeaderValue> {
    cookie::set(NAME, value, seconds, "Strict", secure)
}

#[cfg(test)]
mod tests {
    use axum::http::header;

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
