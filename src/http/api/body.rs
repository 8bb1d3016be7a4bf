//! The body of a request: bounded in size and time, JSON, without a field that is not known. Whatever
//! is wrong with it, nothing of it is repeated, because it may hold a key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::problem::{Kind, Problem};

/// The longest body.
pub const MOST: usize = 16 * 1024;
/// It has to be here after so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest list of keys: room for 170,000 of the longest lines, and for more of the usual ones.
pub const MOST_OF_LIST: usize = 32 * 1024 * 1024;
/// A list has to be here after so long.
const PATIENCE_WITH_LIST: Duration = Duration::from_mins(1);

/// How much of a body is taken, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As every request has it.
    Usual,
    /// A list of keys, of which one at a time is taken.
    List,
}

impl Size {
    fn most(self) -> usize {
        match self {
            Self::Usual => MOST,
            Self::List => MOST_OF_LIST,
        }
    }

    fn too_large(self) -> Problem {
        Kind::BodyTooLarge.because(match self {
            Self::Usual => "a body has at most 16 KiB (16384 bytes)",
            Self::List => "a list has at most 32 MiB (33554432 bytes)",
        })
    }

    fn too_slow(self) -> Problem {
        Kind::BodyTooSlow.because(match self {
            Self::Usual => "the body was not here after 10 seconds",
            Self::List => "the list was not here after 60 seconds",
        })
    }
}

/// A body that was read, whole.
#[derive(Clone)]
pub struct Read(Arc<Zeroizing<Vec<u8>>>);

impl Read {
    /// Reads a body to its end.
    pub async fn from(body: Body, size: Size) -> Result<Self, Problem> {
        let patience = match size {
            Size::Usual => PATIENCE,
            Size::List => PATIENCE_WITH_LIST,
        };
        match timeout(patience, gather(body, size)).await {
            Ok(read) => read.map(|bytes| Self(Arc::new(bytes))),
            Err(_) => Err(size.too_slow()),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

async fn gather(mut body: Body, size: Size) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let most = size.most();
    if body.size_hint().lower() > most as u64 {
        return Err(size.too_large());
    }
    // Room for all of it from the start, so that no copy is left behind by growing.
    let room = body.size_hint().upper().and_then(|upper| usize::try_from(upper).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.unwrap_or(most).min(most)));
    loop {
        let frame =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context));
        let Some(frame) = frame.await else { return Ok(bytes) };
        let broken = |_| Kind::BadRequest.because("the body broke off");
        // Trailers mean nothing to us.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(size.too_large());
        }
        bytes.extend_from_slice(&data);
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read(hidden)")
    }
}

/// The body as what it means.
#[derive(Debug)]
pub struct Given<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = parts.extensions.get::<Read>();
        let read = read.ok_or_else(|| Problem::ours("a body was not read"))?;
        check_type(&parts.headers)?;
        parse(read.bytes()).map(Self)
    }
}

/// A body that may be left out.
impl<S: Send + Sync, T: DeserializeOwned + Send> OptionalFromRequestParts<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        let read = parts.extensions.get::<Read>();
        if read.is_some_and(|read| read.bytes().is_empty()) {
            return Ok(None);
        }
        let given = <Self as FromRequestParts<S>>::from_request_parts(parts, state);
        given.await.map(Some)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = text.is_some_and(|text| {
        let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
        let parameters = parameters.trim().to_ascii_lowercase();
        let utf8 = matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
        kind.trim().eq_ignore_ascii_case("application/json") && utf8
    });
    if is_json {
        Ok(())
    } else {
        Err(Kind::NotJson.because("send `Content-Type: application/json`, in UTF-8"))
    }
}

/// What the bytes mean; of an error only its kind and its place, since the rest quotes the body.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Kind::BadValue.because("the body is a list and must be an object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => Kind::BadValue.because(format!(
                "the body lacks a field, has one that is not known here or has one twice, or a \
                 value is of the wrong type, at about {place}; /api/docs shows what is taken"
            )),
            Category::Syntax | Category::Eof | Category::Io => {
                Kind::BadRequest.because(format!("the body is no JSON in UTF-8, at {place}"))
            }
        }
    })
}
