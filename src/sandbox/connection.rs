//! Sockets: taking connections, serving them, and resetting one on purpose.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::api::{self, Reply};
use super::world::World;

/// A listener at work. Dropped, it and its connections end.
#[derive(Debug)]
pub(super) struct Listening {
    /// Where it was bound.
    pub(super) address: SocketAddr,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Listening {
    /// Serves each connection with `serve`.
    pub(super) fn start<F, S>(listener: TcpListener, serve: F) -> io::Result<Self>
    where
        F: Fn(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, serve, stop.clone()));
        Ok(Self { address, stop, task: AbortOnDropHandle::new(task) })
    }

    /// Closes the listener and its connections, and waits until they are.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ended = self.task.await;
    }
}

/// Serves one connection of the API.
pub(super) async fn api(stream: TcpStream, world: World) {
    let reset = Arc::new(AtomicBool::new(false));
    let ask_reset = Arc::new(Notify::new());
    let line = Line { stream, reset: Arc::clone(&reset) };
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (world, reset) = (world.clone(), Arc::clone(&reset));
        let ask_reset = Arc::clone(&ask_reset);
        async move {
            match api::reply(&world, request).await {
                Reply::Answer(answer) => return Ok::<_, std::convert::Infallible>(answer),
                Reply::Hang => {}
                Reply::Reset => {
                    // The line is dropped, and must know, before anything runs below.
                    reset.store(true, Ordering::Release);
                    ask_reset.notify_one();
                }
            }
            std::future::pending().await
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        _ended = builder.serve_connection(TokioIo::new(line), service) => {}
        () = ask_reset.notified() => {}
    }
}

/// Serves one connection of the control port.
pub(super) async fn control(stream: TcpStream, router: axum::Router) {
    let service = TowerToHyperService::new(router);
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn accept<F, S>(listener: TcpListener, serve: F, stop: CancellationToken)
where
    F: Fn(TcpStream) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_ended) = open.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Without it answers wait for acknowledgements; its failure costs only time.
                    let _set = stream.set_nodelay(true);
                    open.spawn(serve(stream));
                }
                // Out of descriptors, most likely: some connection will end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    drop(listener);
    open.shutdown().await;
}

/// A stream that is reset rather than closed when told so.
struct Line {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // Closing with nothing to linger for makes the system send RST.
            let _set = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
