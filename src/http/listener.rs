//! Opens a listener and serves on it: bounded in connections and in the patience with slow callers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower_service::Service;
use tracing::{debug, warn};

/// More callers than this at the same time wait to be accepted.
const CONNECTIONS: usize = 256;
/// A caller has so long to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted, mostly because files have run out.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Open to other machines without TLS.
    #[error(
        "`{key}` is {address}, which other machines can reach, and this version cannot speak TLS \
         there: listen on 127.0.0.1 and put a TLS proxy in front"
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

/// Refuses an address that other machines can reach.
pub fn check(key: &'static str, address: SocketAddr) -> Result<(), ListenError> {
    if address.ip().is_loopback() { Ok(()) } else { Err(ListenError::Exposed { key, address }) }
}

/// Opens the listener that the configuration key names; only loopback.
pub async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    check(key, address)?;
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { key, address, source })
}

/// Serves for as long as it is awaited.
pub async fn serve(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    converse(stream, router).await;
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

async fn converse(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(answer(&mut router, request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(true);
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
