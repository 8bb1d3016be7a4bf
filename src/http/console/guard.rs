//! What every answer of the console carries, and which forms are believed to come from a page of it.

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use url::Url;

use crate::http::public::guard;

use super::place::{Place, host};

/// Puts on what every answer carries. The page's own style and script bear the nonce, the script may ask for
/// pages of the console again, and nothing comes from or goes to anybody else.
pub fn cover(headers: &mut HeaderMap, nonce: Option<&str>, secure: bool) {
    guard::cover(headers, nonce, secure);
    let Some(nonce) = nonce else { return };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Whether a form was sent by a page of the console: by the name that people reach it by, or by the one
/// that this request was sent to, as through a tunnel.
pub fn is_ours(parts: &Parts, place: &Place) -> bool {
    let here = host(parts).into_iter().flat_map(|host| {
        ["https", "http"]
            .into_iter()
            .filter_map(move |scheme| Url::parse(&format!("{scheme}://{host}/")).ok())
    });
    place.external.clone().into_iter().chain(here).any(|home| guard::is_ours(&parts.headers, &home))
}
