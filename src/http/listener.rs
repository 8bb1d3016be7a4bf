//! Opens a listener and serves on it: bounded in connections and in the patience with slow callers.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;
use tracing::{debug, warn};

use super::tls::Tls;

/// More callers than this at the same time wait to be accepted.
const CONNECTIONS: usize = 256;
/// A caller has so long to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Requests at the same time on one connection of HTTP/2, and the bytes of the head of each.
const STREAMS: u32 = 64;
const HEADERS: u32 = 32 * 1024;
/// Pause after a connection could not be accepted, mostly because files have run out.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Open to other machines without TLS.
    #[error(
        "`{key}` is {address}, which other machines can reach, and nothing says that TLS is spoken \
         there: name `{0}.tls_cert` and `{0}.tls_key`, or put a TLS proxy in front and say \
         `{0}.behind_tls_proxy = true`, or listen on 127.0.0.1",
        section(key)
    )]
    Exposed {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The address is in use or not ours.
    #[error("`{key}` is {address}, which cannot be opened")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// The section whose keys say how TLS is spoken there.
fn section(key: &str) -> &'static str {
    if key.starts_with("public.") { "public" } else { "private" }
}

/// How what is said on a listener is kept from others.
#[derive(Clone, Debug)]
pub enum Cover {
    /// Nothing does; for this machine only.
    None,
    /// We speak TLS.
    Tls(Tls),
    /// The operator says that a TLS proxy stands in front.
    Proxy,
}

/// Whoever is at the other end of the connection that a request came by: a visitor, or a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Refuses an address that other machines can reach without TLS.
pub fn check(key: &'static str, address: SocketAddr, cover: &Cover) -> Result<(), ListenError> {
    match cover {
        Cover::None if !address.ip().is_loopback() => Err(ListenError::Exposed { key, address }),
        Cover::None | Cover::Tls(_) | Cover::Proxy => Ok(()),
    }
}

/// Opens the listener that the configuration key names.
pub async fn bind(
    key: &'static str,
    address: SocketAddr,
    cover: &Cover,
) -> Result<TcpListener, ListenError> {
    check(key, address, cover)?;
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { key, address, source })
}

/// Serves for as long as it is awaited.
pub async fn serve(listener: TcpListener, router: Router, cover: Cover) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (router, cover) = (router.clone(), cover.clone());
                let peer = Peer(peer.ip());
                connections.spawn(async move {
                    match cover {
                        Cover::None | Cover::Proxy => converse(stream, router, peer).await,
                        Cover::Tls(tls) => {
                            // Whoever is slow to shake hands loses the place.
                            if let Ok(Ok(stream)) = timeout(HEAD, tls.accept(stream)).await {
                                converse(stream, router, peer).await;
                            }
                        }
                    }
                    drop(place);
                });
            }
            Err(error) => {
                warn!("a connection could not be accepted: {error}");
                sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(answer(&mut router, request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(HEAD);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        debug!("a connection ended early: {error}");
    }
}

async fn answer(router: &mut Router, request: Request<Incoming>) -> axum::response::Response {
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
