//! Answer bodies: whole, dripping and endless.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Time between two bytes of a dripping body.
const DRIP: Duration = Duration::from_millis(500);
/// Begins like a true answer and never closes the quotation mark.
const OPENING: &[u8] = br#"{"data":{"authMethod":"API_KEY","applicationName":""#;
const MORE: &[u8] = &[b'a'; 16 * 1024];

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Body {
    /// All at once.
    Whole(Bytes),
    /// A byte at a time.
    Drip(Bytes, Pin<Box<Sleep>>),
    /// For ever; `true` before the opening.
    Endless(bool),
}

impl Body {
    /// The same bytes, slowly.
    pub(super) fn slowly(self) -> Self {
        match self {
            Self::Whole(bytes) => Self::Drip(bytes, Box::pin(sleep_until(Instant::now()))),
            other => other,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Drip(bytes, next) => {
                if !bytes.is_empty() {
                    ready!(next.as_mut().poll(context));
                    next.as_mut().reset(Instant::now() + DRIP);
                }
                bytes.split_to(bytes.len().min(1))
            }
            Self::Endless(opening) => {
                Bytes::from_static(if std::mem::take(opening) { OPENING } else { MORE })
            }
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) | Self::Drip(bytes, _) => bytes.is_empty(),
            Self::Endless(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Drip(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Self::Endless(_) => SizeHint::default(),
        }
    }
}
