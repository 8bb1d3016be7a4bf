//! Asks the integration which key it uses for one tenant, by keyed fingerprint: no key travels.
//! Bounded in time and size, to one host only. When to ask, and what follows, others say.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use crate::edge;
use crate::edge::Bounds;

use super::list::fingerprint;

/// How long a whole call may take, to the end of the answer.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Idle connections kept.
const IDLE: usize = 4;
/// The answer has less than 100 bytes.
const MAX_BODY: usize = 4 * 1024;
/// What stands in the address for the tenant.
const PLACE: &str = "{ref}";

/// Where and how the integration is asked.
#[derive(Clone)]
pub struct Inquiry {
    http: reqwest::Client,
    address: String,
    authorization: Option<HeaderValue>,
}

/// What the integration says of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The keyed fingerprint of the key that it uses.
    Uses([u8; 32]),
    /// It has no key for this tenant.
    HasNone,
}

/// Why it could not be asked. The address is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// Nobody answered in time.
    #[error("nobody answered within 5 seconds")]
    Silence,
    /// The connection could not be made or broke.
    #[error("the connection could not be made, or broke")]
    Broken,
    /// An answer other than 200 and 404.
    #[error("it was answered {0}")]
    Answered(u16),
    /// An answer without a fingerprint.
    #[error("the answer is not {{\"fingerprint\": \"64 hexadecimal digits\"}}")]
    Nonsense,
    /// The reference cannot stand in an address.
    #[error("the tenant's reference cannot stand in an address")]
    Reference,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum BadInquiry {
    /// Mostly: no trusted certificates on this machine.
    #[error(
        "no HTTP client could be made for it: are trusted certificates (ca-certificates) there?"
    )]
    NoClient,
    /// No address.
    #[error("`custody.fingerprint_url` is no URL with `{{ref}}` in it")]
    Address,
    /// A token that cannot stand in a header.
    #[error("the token in `custody.fingerprint_token_file` is empty or cannot be sent in a header")]
    Token,
}

#[derive(Deserialize)]
struct Answer {
    fingerprint: String,
}

impl Inquiry {
    /// Asks at `address`, where `{ref}` stands for the tenant, with that bearer token.
    pub fn new(address: &str, token: Option<&SecretString>) -> Result<Self, BadInquiry> {
        let url = Url::parse(&filled(address, "x")).map_err(|_| BadInquiry::Address)?;
        if !address.contains(PLACE) {
            return Err(BadInquiry::Address);
        }
        let authorization = token.map(bearer).transpose()?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Nothing here unpacks a compressed body, so a small one cannot become a large one.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let bounds = Bounds { connect: PATIENCE, answer: PATIENCE, idle: IDLE };
        let http = edge::builder(url.scheme() == "https", bounds).default_headers(headers).build();
        let http = http.map_err(|_| BadInquiry::NoClient)?;
        Ok(Self { http, address: address.to_owned(), authorization })
    }

    /// Asks once which key the integration uses for a tenant.
    pub async fn ask(&self, reference: &str) -> Result<Told, NotTold> {
        let url = place(&self.address, reference).ok_or(NotTold::Reference)?;
        timeout(PATIENCE, self.call(url)).await.unwrap_or(Err(NotTold::Silence))
    }

    async fn call(&self, url: Url) -> Result<Told, NotTold> {
        let mut request = self.http.get(url);
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let mut response = request.send().await.map_err(|_| NotTold::Broken)?;
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(Told::HasNone),
            other => return Err(NotTold::Answered(other)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| NotTold::Broken)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(NotTold::Nonsense);
            }
            body.extend_from_slice(&chunk);
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| NotTold::Nonsense)?;
        fingerprint(&answer.fingerprint).map(Told::Uses).ok_or(NotTold::Nonsense)
    }
}

/// The address for one tenant; `None` where the reference would lead elsewhere: `..` means the folder
/// above, however it is written.
fn place(address: &str, reference: &str) -> Option<Url> {
    if matches!(reference, "." | "..") {
        return None;
    }
    Url::parse(&filled(address, reference)).ok()
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inquiry(address hidden)")
    }
}

/// An address with the tenant in its place; all but letters, digits, `-`, `_`, `.` and `~`
/// percent-encoded.
pub fn filled(address: &str, reference: &str) -> String {
    let mut encoded = String::with_capacity(reference.len());
    for byte in reference.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    address.replace(PLACE, &encoded)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, BadInquiry> {
    let token = token.expose_secret();
    if token.is_empty() {
        return Err(BadInquiry::Token);
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| BadInquiry::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reference_leads_anywhere_but_to_its_own_place() {
        let (path, query) =
            ("http://127.0.0.1:9/keys/{ref}/fingerprint", "http://127.0.0.1:9/f?of={ref}&v=1");
        for reference in
            ["erp-1", "../../admin", "a/b?c#d", "a%2e%2e", "a&v=2", "@evil", "...", "\\"]
        {
            let url = place(path, reference).unwrap();
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            assert_eq!((segments.len(), segments[0], segments[2]), (3, "keys", "fingerprint"));
            assert_eq!((url.host_str(), url.query()), (Some("127.0.0.1"), None), "{reference}");
            let url = place(query, reference).unwrap();
            let pairs: Vec<_> = url.query_pairs().collect();
            assert_eq!((pairs.len(), &*pairs[0].1, &*pairs[1].1), (2, reference, "1"));
        }
        assert!(["..", "."].iter().all(|reference| place(path, reference).is_none()));
        assert!(matches!(Inquiry::new("http://127.0.0.1:9/keys", None), Err(BadInquiry::Address)));
    }
}
