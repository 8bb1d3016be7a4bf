//! The cookies of the console: read by their names, and never by a script. What stands in one is its owner's
//! business.

use axum::http::{HeaderMap, HeaderValue, header};

/// The longest header with cookies that is looked at.
const LONGEST: usize = 8 * 1024;

/// What the browser holds under that name.
pub fn held<'a>(headers: &'a HeaderMap, name: &str, secure: bool) -> Option<&'a str> {
    let name = whole(name, secure);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.filter(|line| line.len() <= LONGEST).flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (its, value) = pair.trim().split_once('=')?;
        (its == name).then_some(value)
    })
}

/// A cookie to be held for so many seconds; for none, it is taken away. `site` is its `SameSite`.
pub fn set(name: &str, value: &str, seconds: i64, site: &str, secure: bool) -> Option<HeaderValue> {
    let only = if secure { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite={site}{only}",
        whole(name, secure),
        seconds.max(0)
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Under TLS the name itself forbids other hosts to set it.
fn whole(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}
