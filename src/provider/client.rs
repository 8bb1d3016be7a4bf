//! One call over the network: bounded in time and size, to one host only.

use std::io;
use std::pin::pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep_until};
use url::Url;
use zeroize::Zeroizing;

use crate::edge;
use crate::edge::Bounds;
use crate::health::Inconclusive;
use crate::redact::ApiKey;

use super::classify::{Answer, Body, Reply};
use super::examine::Call;
use super::profile::{Authentication, Profile, check_base_url};

/// The documented answers are under 2 KiB; what is longer than this is none of them.
const MAX_BODY: usize = 64 * 1024;
/// Whatever a provider asks for, a tenant is asked again within this.
const MAX_RETRY_AFTER: TimeDelta = TimeDelta::hours(1);

/// Makes calls to one provider. Follows no redirect, uses no proxy, keeps no cookie.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authentication: Authentication,
    total: Duration,
}

/// How long a call may take, and how many connections are kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To connect, with TLS.
    pub connect: Duration,
    /// For the whole call, to the end of the body.
    pub total: Duration,
    /// Idle connections kept.
    pub idle: usize,
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one to which a key may travel.
    #[error("`provider.base_url` {0}")]
    Address(String),
    /// Mostly: no trusted certificates on this machine.
    #[error("no HTTPS client could be made: are trusted certificates (ca-certificates) installed?")]
    Tls(#[source] reqwest::Error),
}

impl Client {
    /// A client for the profile's provider at `base`.
    pub fn new(profile: &Profile, base: &Url, limits: Limits) -> Result<Self, ClientError> {
        check_base_url(base).map_err(ClientError::Address)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Nothing here unpacks a compressed body, so a small one cannot become a large one.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let bounds = Bounds { connect: limits.connect, answer: limits.total, idle: limits.idle };
        let builder = edge::builder(base.scheme() == "https", bounds).default_headers(headers);
        let http = builder.build().map_err(|error| ClientError::Tls(error.without_url()))?;
        Ok(Self {
            http,
            base: base.clone(),
            authentication: profile.authentication.clone(),
            total: limits.total,
        })
    }

    /// The label of a reply: what was answered, roughly, or that nothing was.
    pub fn label(reply: &Reply) -> &'static str {
        match reply {
            Reply::Answered(answer) => match answer.status {
                200..=299 => "2xx",
                300..=399 => "3xx",
                401 => "401",
                403 => "403",
                429 => "429",
                400..=499 => "4xx",
                _ => "5xx",
            },
            Reply::Lost(_) => "none",
        }
    }

    /// Every label that [`Client::label`] can give.
    pub const LABELS: [&'static str; 8] = ["2xx", "3xx", "401", "403", "429", "4xx", "5xx", "none"];

    /// Makes the call with this key. `now` is used to read a `Retry-After` that is a date.
    pub async fn call(&self, call: &Call<'_>, key: &ApiKey, now: DateTime<Utc>) -> Reply {
        let deadline = Instant::now() + self.total;
        let Some(url) = self.address(&call.path) else {
            return Reply::Lost(Inconclusive::OurRequest);
        };
        let Some((name, value)) = self.credentials(key) else {
            return Reply::Lost(Inconclusive::OurRequest);
        };
        // One for the head and the body of the answer.
        let mut patience = pin!(sleep_until(deadline));
        let response = tokio::select! {
            biased;
            response = self.http.get(url).header(name, value).send() => response,
            () = &mut patience => return Reply::Lost(Inconclusive::TimedOut),
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => return Reply::Lost(lost(&error)),
        };
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| read_retry_after(text, now));
        let body = tokio::select! {
            biased;
            body = read_body(response) => body.map_err(|error| lost(&error)),
            () = patience => Err(Inconclusive::TimedOut),
        };
        let body = match body {
            Ok(body) => body,
            // The status has been said; only a 200 needs its body to mean anything.
            Err(_) if status != 200 => Body::Other,
            Err(why) => return Reply::Lost(why),
        };
        Reply::Answered(Answer { status, retry_after, body })
    }

    /// Makes one call to the base address without any key, to see whether the provider can be
    /// reached. Any answer is one; its status comes back.
    pub async fn reach(&self) -> Result<u16, Inconclusive> {
        match tokio::time::timeout(self.total, self.http.get(self.base.clone()).send()).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(Inconclusive::TimedOut),
        }
    }

    fn address(&self, path: &str) -> Option<Url> {
        let prefix = self.base.path().trim_end_matches('/');
        let mut url = self.base.clone();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(query);
        (url.host() == self.base.host() && url.scheme() == self.base.scheme()).then_some(url)
    }

    fn credentials(&self, key: &ApiKey) -> Option<(HeaderName, HeaderValue)> {
        let (name, text) = match &self.authentication {
            Authentication::Basic => {
                let pair = Zeroizing::new(format!("{}:", key.expose()));
                let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                (AUTHORIZATION, Zeroizing::new(format!("Basic {}", *encoded)))
            }
            Authentication::Bearer => {
                (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", key.expose())))
            }
            Authentication::Header { name } => (
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                Zeroizing::new(key.expose().to_owned()),
            ),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Body, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Ok(Body::Other);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(serde_json::from_slice(&bytes).map_or(Body::Other, Body::Json))
}

/// `Retry-After` as seconds or as an HTTP date; `None` for nonsense. Capped at one hour.
pub fn read_retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    let pause = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        let seconds = text.parse().unwrap_or(i64::MAX).min(MAX_RETRY_AFTER.num_seconds());
        TimeDelta::seconds(seconds)
    } else {
        DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?) - now
    };
    Some(pause.clamp(TimeDelta::zero(), MAX_RETRY_AFTER))
}

fn lost(error: &reqwest::Error) -> Inconclusive {
    if error.is_timeout() {
        Inconclusive::TimedOut
    } else if error.is_redirect() {
        Inconclusive::Redirected
    } else if is_tls(error) {
        Inconclusive::Tls
    } else if error.is_builder() {
        Inconclusive::OurRequest
    } else {
        Inconclusive::Disconnected
    }
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        // An I/O error hides the error that it carries from `source`, and may carry another.
        next = match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => cause.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_nonsense_is_ignored() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let date = httpdate::fmt_http_date((now + TimeDelta::seconds(90)).into());
        assert_eq!(read_retry_after("30", now), Some(TimeDelta::seconds(30)));
        assert_eq!(read_retry_after(&date, now), Some(TimeDelta::seconds(90)));
        assert_eq!(read_retry_after("soon", now), None);
        assert_eq!(read_retry_after("-5", now), None);
        assert_eq!(read_retry_after("", now), None);
    }

    #[test]
    fn no_retry_after_is_longer_than_an_hour_or_in_the_past() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let past = httpdate::fmt_http_date((now - TimeDelta::days(1)).into());
        let hour = Some(TimeDelta::hours(1));
        assert_eq!(read_retry_after("999999999999999999999999", now), hour);
        assert_eq!(read_retry_after("86400", now), hour);
        assert_eq!(read_retry_after(&past, now), Some(TimeDelta::zero()));
    }
}
