//! The way out: the one place that builds HTTP clients, so that none of them can be led elsewhere
//! or kept waiting. No proxy, no redirect, no cookie, no retry; bounded in time. It knows neither
//! what is asked nor what the answers mean.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use url::Url;

/// How long things may take, and how many connections are kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// To connect, with TLS.
    pub connect: Duration,
    /// For an answer, on a connection that stands.
    pub answer: Duration,
    /// Idle connections kept.
    pub idle: usize,
}

/// A client to be finished: over TLS only, or without any for this machine.
pub fn builder(tls: bool, bounds: Bounds) -> ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "the one place that builds a client")]
    let builder = reqwest::Client::builder()
        .user_agent(concat!("keypulse/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(bounds.connect)
        .pool_max_idle_per_host(bounds.idle)
        .tcp_nodelay(true)
        // A connection that stands but does not answer must not be used for ever.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(bounds.answer)
        // The name may be made to mean another machine; what goes in clear stays on this one.
        .resolve_to_addrs(
            "localhost",
            &[
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            ],
        );
    if tls {
        builder.https_only(true)
    } else {
        // Loopback without TLS: needs no trusted certificates to be installed.
        builder.tls_certs_only([])
    }
}

/// How long a signal may take, from the connection to the head of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Signals to one secret address, and only wants to know whether it was heard.
#[derive(Clone)]
pub struct Signal {
    http: reqwest::Client,
    address: Url,
}

/// Why a signal was not heard. The address is never part of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unheard {
    /// Mostly: no trusted certificates on this machine, or no URL.
    #[error(
        "no HTTP client could be made for it: are trusted certificates (ca-certificates) there?"
    )]
    NoClient,
    /// Nobody answered in time, or the connection broke.
    #[error("nobody answered within 10 seconds")]
    Silence,
    /// The connection could not be made or broke.
    #[error("the connection could not be made, or broke")]
    Broken,
    /// An answer that is no success.
    #[error("it was answered {0}")]
    Answered(u16),
}

impl Signal {
    /// A signal to that address.
    pub fn to(address: &SecretString) -> Result<Self, Unheard> {
        let address = Url::parse(address.expose_secret()).map_err(|_| Unheard::NoClient)?;
        let bounds = Bounds { connect: PATIENCE, answer: PATIENCE, idle: 1 };
        let http = builder(address.scheme() == "https", bounds).build();
        Ok(Self { http: http.map_err(|_| Unheard::NoClient)?, address })
    }

    /// Gives it once. The body of the answer is not read.
    pub async fn give(&self) -> Result<(), Unheard> {
        match timeout(PATIENCE, self.http.get(self.address.clone()).send()).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(Unheard::Answered(answer.status().as_u16())),
            Ok(Err(_)) => Err(Unheard::Broken),
            Err(_) => Err(Unheard::Silence),
        }
    }
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signal(address hidden)")
    }
}
