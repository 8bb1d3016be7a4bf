//! One endpoint of the integration: a signed message goes there, and an answer comes back. Bounded in
//! time; the body of the answer is not read.

use std::fmt;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::time::timeout;
use url::Url;

use crate::edge::{self, Bounds, Guard};

use super::fate::Answer;

/// How long a try may take, from the connection to the head of the answer.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Idle connections kept.
const IDLE: usize = 2;

/// An endpoint.
#[derive(Clone)]
pub struct Endpoint {
    http: reqwest::Client,
    address: Url,
    guard: Guard,
}

/// No client could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no HTTP client could be made for it: are trusted certificates (ca-certificates) there?")]
pub struct NoClient;

/// A message as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Its id, the same at every try.
    pub id: &'a str,
    /// The second at which it is sent.
    pub second: i64,
    /// Its signatures, with a space between; empty where nothing signs.
    pub signature: &'a str,
    /// What it says.
    pub body: &'a str,
}

impl Endpoint {
    /// The endpoint at that address.
    pub fn at(address: &Url, guard: &Guard) -> Result<Self, NoClient> {
        let bounds = Bounds { connect: CONNECT, answer: PATIENCE, idle: IDLE };
        let http = edge::builder(address.scheme() == "https", bounds).dns_resolver(guard.clone());
        let http = http.build().map_err(|_| NoClient)?;
        Ok(Self { http, address: address.clone(), guard: guard.clone() })
    }

    /// Where it leads, for people: never the path, which may hold a token.
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Asks whether somebody is there, and says nothing: whatever is answered will do.
    pub async fn knock(&self) -> Answer {
        if self.guard.check(&self.address).is_err() {
            return Answer::NotPublic;
        }
        answered(timeout(PATIENCE, self.http.head(self.address.clone()).send()).await)
    }

    /// Sends it once.
    pub async fn send(&self, message: &Signed<'_>) -> Answer {
        if self.guard.check(&self.address).is_err() {
            return Answer::NotPublic;
        }
        let mut request = self
            .http
            .post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.second)
            .body(message.body.to_owned());
        if !message.signature.is_empty() {
            request = request.header("webhook-signature", message.signature);
        }
        answered(timeout(PATIENCE, request.send()).await)
    }
}

fn answered<E>(result: Result<reqwest::Result<reqwest::Response>, E>) -> Answer {
    match result {
        Ok(Ok(answer)) => {
            let wish = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let wish = wish.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
            Answer::Status(answer.status().as_u16(), wish)
        }
        Ok(Err(error)) if edge::is_not_public(&error) => Answer::NotPublic,
        Ok(Err(error)) if error.is_timeout() => Answer::Silence,
        Ok(Err(_)) => Answer::Broken,
        Err(_) => Answer::Silence,
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.host())
    }
}
