//! Requests with an `Idempotency-Key`: done once, answered again. Kept are a keyed hash of the request
//! and the answer, which holds no secret (a link is left out: [`Kept`]); never the request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use serde::Serialize;

use crate::ids::random_name;
use crate::store;
use crate::store::Claimed;

use super::Api;
use super::body::Read;
use super::caller::Caller;
use super::problem::{Kind, Problem};

/// The header that names a request.
pub const HEADER: &str = "idempotency-key";
/// Tells that an answer is one that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest name of a request, in bytes.
const LONGEST: usize = 255;
/// No answer of ours is longer.
const MOST: usize = 1024 * 1024;

/// What is kept of an answer for repetitions, where that is less than was answered.
#[derive(Clone, Debug)]
pub struct Kept(Arc<str>);

impl Kept {
    /// This is kept, as JSON.
    pub fn of(answer: &impl Serialize) -> Self {
        Self(serde_json::to_string(answer).unwrap_or_default().into())
    }
}

impl IntoResponseParts for Kept {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// A request that is to be done once.
#[derive(Debug)]
pub struct Once {
    name: [u8; 32],
    request: [u8; 32],
}

/// The name that the caller gave the request.
pub fn name_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(HEADER).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| {
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    });
    match (text, all.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Kind::BadIdempotencyKey.because(
            "`Idempotency-Key` must be given once, as 1 to 255 letters, digits and punctuation \
             without a space; a UUID is best",
        )),
    }
}

impl Once {
    /// The same for the same request of the same caller under the same name.
    pub fn of(api: &Api, caller: &Caller, name: &str, parts: &Parts, read: &Read) -> Self {
        let mac = |what: &str, said: &[&[u8]]| {
            let mut message = zeroize::Zeroizing::new(what.as_bytes().to_vec());
            for one in said {
                // Lengths first: no two lists of parts make the same message.
                message.extend_from_slice(&(one.len() as u64).to_be_bytes());
                message.extend_from_slice(one);
            }
            api.desk.request_mac(&message)
        };
        // With its query, where one may be given.
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str()).as_bytes();
        let method = parts.method.as_str().as_bytes();
        Self {
            name: mac("name", &[caller.token.as_bytes(), name.as_bytes()]),
            request: mac("request", &[method, path, read.bytes()]),
        }
    }

    /// Does the work, or gives the answer that was given before.
    pub async fn answer(self, api: &Api, request: Request, next: Next) -> Response {
        match self.claim(api, request, next).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    async fn claim(&self, api: &Api, request: Request, next: Next) -> Result<Response, Problem> {
        let claim = random_name().map_err(|error| Problem::ours(&error.to_string()))?;
        let asked = store::Request { name: &self.name, request: &self.request };
        match api.store.claim_request(&asked, &claim, api.clock.now()).await? {
            Claimed::New => {}
            Claimed::UnderWay => {
                return Err(Kind::RequestUnderWay
                    .because("the answer will be given to a repetition once it is there"));
            }
            Claimed::Other => {
                return Err(Kind::IdempotencyKeyReused.because(
                    "give each request a key of its own, and repeat one with the same body only",
                ));
            }
            Claimed::Answered { status, body } => return Ok(replayed(status, body)),
        }
        let response = next.run(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, MOST).await;
        let bytes = bytes.map_err(|_| Problem::ours("an answer was longer than any may be"))?;
        let text = match parts.extensions.get::<Kept>() {
            Some(Kept(text)) => text,
            None => std::str::from_utf8(&bytes).unwrap_or_default(),
        };
        let kept = if is_final(parts.status, &parts.headers) {
            api.store.answered(&self.name, &claim, parts.status.as_u16(), text).await
        } else {
            api.store.unclaim(&self.name, &claim).await
        };
        if let Err(error) = kept {
            // The work is done: a repetition finds the claim until it counts as abandoned.
            tracing::warn!("the answer to a request was not kept: {error}");
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

/// Whether asking the same again would be pointless. What says "try again" is not kept.
fn is_final(status: StatusCode, headers: &HeaderMap) -> bool {
    !status.is_server_error() && !headers.contains_key(header::RETRY_AFTER)
}

fn replayed(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let failed = status.is_client_error();
    let kind = if failed { "application/problem+json" } else { "application/json" };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
