//! What a conversation runs over: a connection in clear or in TLS that notes how far things have come
//! and does not let the other side talk without end.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The most that is read in one conversation, in bytes; a usual one takes one or two thousand. lettre
/// reads a line to its end, wherever that is, and at each line the whole answer once more.
const MOST_HEARD: usize = 16 * 1024;

/// What lettre is to take for a greeting on a connection on which there was one before TLS.
const GREETED: &[u8] = b"220 already greeted\r\n";

/// A connection.
pub struct Wire {
    stream: Stream,
    /// Heard before what the connection says.
    first: &'static [u8],
    heard: usize,
    seen: Arc<Seen>,
}

/// How far things have come on a connection.
#[derive(Debug, Default)]
pub struct Seen {
    spoken: AtomicBool,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// In clear.
    pub fn plain(stream: TcpStream) -> Self {
        Self::new(Stream::Plain(stream), b"")
    }

    /// In TLS; `greeted` where the relay has greeted before.
    pub fn tls(stream: TlsStream<TcpStream>, greeted: bool) -> Self {
        Self::new(Stream::Tls(Box::new(stream)), if greeted { GREETED } else { b"" })
    }

    fn new(stream: Stream, first: &'static [u8]) -> Self {
        Self { stream, first, heard: 0, seen: Arc::default() }
    }

    /// How far things have come, for as long as one cares.
    pub fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }
}

impl Seen {
    /// Whether anything of ours was written.
    pub fn spoken(&self) -> bool {
        self.spoken.load(Ordering::Acquire)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            let (now, later) = this.first.split_at(this.first.len().min(buf.remaining()));
            buf.put_slice(now);
            this.first = later;
            return Poll::Ready(Ok(()));
        }
        if this.heard >= MOST_HEARD {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        let polled = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        this.heard += buf.filled().len() - before;
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.seen.spoken.store(true, Ordering::Release);
        match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Plain(stream) => stream.peer_addr(),
            Stream::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire(hidden)")
    }
}
