//! The way out: the one place that builds HTTP clients, so that none of them can be led elsewhere
//! or kept waiting. No proxy, no redirect, no cookie, no retry; bounded in time. It knows neither
//! what is asked nor what the answers mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use url::{Host, Url};

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

/// Lets nobody be led into the network that keypulse stands in: a name is connected to only at
/// addresses that are public, unless it is one of those that were allowed. What is asked is the very
/// address that is connected to, so a name that means another machine a moment later helps nobody.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Arc<[String]>,
}

/// The name leads into a private network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its address is not a public one, and its name is not allowed")]
pub struct NotPublic;

impl Guard {
    /// Lets these names lead anywhere.
    pub fn allowing(names: &[String]) -> Self {
        Self { allowed: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Whether a client with this guard may be sent there at all. Of a name nothing can be said
    /// before it is resolved; an address is never resolved, and neither is `localhost`.
    pub fn check(&self, url: &Url) -> Result<(), NotPublic> {
        let (name, public) = match url.host().ok_or(NotPublic)? {
            Host::Ipv4(address) => (address.to_string(), is_public(address.into())),
            Host::Ipv6(address) => (address.to_string(), is_public(address.into())),
            Host::Domain(name) => (name.to_ascii_lowercase(), name != "localhost"),
        };
        if public || self.allowed.contains(&name) { Ok(()) } else { Err(NotPublic) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.contains(&name.as_str().to_ascii_lowercase());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> =
                found.filter(|address| allowed || is_public(address.ip())).collect();
            if found.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an error of a client comes from its [`Guard`].
pub fn is_not_public(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Whether an address belongs to no machine's own, no private and no special network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                // Carriers' own, protocol assignments, benchmarks, reserved.
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
                || a >= 240)
        }
        IpAddr::V6(v6) => match (v6.to_ipv4_mapped(), v6.segments()) {
            (Some(v4), _) => is_public(v4.into()),
            // An IPv4 address within: NAT64 and 6to4.
            (None, [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) => {
                is_public(embedded(high, low))
            }
            // Only what is given out to networks, and no documentation or tunnels of it.
            (None, [first, second, ..]) => {
                first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second == 0))
            }
        },
    }
}

fn embedded(high: u16, low: u16) -> IpAddr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_private_address_counts_as_public_however_it_is_written() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "2a00:1450::1", "64:ff9b::808:808"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_in_the_place_of_a_name_is_refused_unless_it_is_allowed() {
        let check = |guard: &Guard, url: &str| guard.check(&Url::parse(url).unwrap());
        let (strict, open) = (
            Guard::default(),
            Guard::allowing(&["127.0.0.1".to_owned(), "Inside.test".to_owned()]),
        );
        for url in
            ["http://127.0.0.1:9", "https://localhost/x", "https://[::1]/", "https://0x7f.1/"]
        {
            assert_eq!(check(&strict, url), Err(NotPublic), "{url}");
        }
        assert_eq!(check(&open, "http://127.0.0.1:9"), Ok(()));
        assert_eq!(check(&strict, "https://erp.example/hooks"), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_not_connected_to() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = Guard::default().resolve(name()).await.err().unwrap();
        assert!(refused.is::<NotPublic>());
        assert!(Guard::allowing(&["LOCALHOST".to_owned()]).resolve(name()).await.is_ok());
    }
}
