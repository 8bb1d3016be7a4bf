//! What every answer of the pages carries, and which forms are believed to come from a page of ours.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

/// How long a browser remembers that there is TLS here: a year.
const HSTS: &str = "max-age=31536000";

const FIXED: [(HeaderName, &str); 7] = [
    // Nothing is kept: not by a cache, and not by the browser for "back".
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // A browser that sends no `Origin` for `no-referrer` would lock itself out.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

/// Puts on what every answer carries. The page's own style and script bear the nonce; nothing else
/// runs, and nothing comes from or goes to anybody else.
pub fn cover(headers: &mut HeaderMap, nonce: Option<&str>, secure: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let own = nonce.map_or_else(String::new, |nonce| {
        format!(" script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self';")
    });
    let policy = format!(
        "default-src 'none';{own} form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

/// Whether a form was sent by a page of ours: the browser says so by `Sec-Fetch-Site`, or one that
/// does not know that by `Origin`. Whoever sends neither is no browser in front of a person.
pub fn is_ours(headers: &HeaderMap, home: &Url) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), None) => site == "same-origin",
        (Some(site), Some(origin)) => site == "same-origin" && is_home(origin, home),
        (None, Some(origin)) => is_home(origin, home),
        (None, None) => false,
    }
}

/// Whether a browser asks ahead of a person who may never look.
pub fn is_ahead(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-purpose") || headers.contains_key("purpose")
}

fn is_home(origin: &str, home: &Url) -> bool {
    origin == home.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_ours(&headers, &Url::parse("https://connect.erp.example/pleo/").unwrap())
    }

    #[test]
    fn only_a_form_from_our_own_page_is_taken() {
        let (site, origin) = ("sec-fetch-site", "origin");
        assert!(sent(&[(site, "same-origin")]));
        assert!(sent(&[(site, "same-origin"), (origin, "https://connect.erp.example")]));
        assert!(sent(&[(origin, "https://connect.erp.example")]));
        for wrong in [
            &[][..],
            &[(site, "cross-site")],
            &[(site, "none")],
            &[(site, "same-site"), (origin, "https://connect.erp.example")],
            &[(site, "same-origin"), (origin, "https://erp.example")],
            &[(origin, "null")],
            &[(origin, "http://connect.erp.example")],
            &[(origin, "https://connect.erp.example.evil.example")],
        ] {
            assert!(!sent(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_page_may_run_only_what_bears_its_nonce_and_be_framed_by_nobody() {
        let mut headers = HeaderMap::new();
        cover(&mut headers, Some("abc"), true);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("script-src 'nonce-abc'") && !policy.contains("unsafe"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
        let mut plain = HeaderMap::new();
        cover(&mut plain, None, false);
        assert!(!plain.contains_key(STRICT_TRANSPORT_SECURITY));
        assert!(!plain[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("nonce"));
    }
}
