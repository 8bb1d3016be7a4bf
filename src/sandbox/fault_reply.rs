//! What a fault does to a request.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode, Uri};

use super::api::{Reply, json, refusal};
use super::body::Body;
use super::fault::{Call, FaultKind, RetryAfter};
use super::faults::Active;
use super::gzip;

const LOGIN: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Log in</title></head>\
    <body><h1>Log in to continue</h1><form method=\"post\" action=\"/login\">\
    <input name=\"email\"><input name=\"password\" type=\"password\"><button>Log in</button>\
    </form></body></html>\n";
const NOBODY: &str = r#"{"data":{"authMethod":"NONE","clientId":"","scope":""}}"#;

/// The reply under a fault; `answer` gives the true one.
pub(super) fn reply(
    fault: &Active,
    call: Call,
    now: DateTime<Utc>,
    uri: &Uri,
    answer: impl FnOnce() -> Response<Body>,
) -> Reply {
    let reply = match &fault.fault.kind {
        FaultKind::Hang => return Reply::Hang,
        FaultKind::Reset => return Reply::Reset,
        FaultKind::Status(status) => {
            refusal(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        FaultKind::RateLimited { retry_after } => rate_limited(*retry_after, now),
        FaultKind::Slow => answer().map(Body::slowly),
        FaultKind::Html => {
            let page = Response::new(Body::Whole(Bytes::from_static(LOGIN.as_bytes())));
            with(page, CONTENT_TYPE, HeaderValue::from_static("text/html;charset=UTF-8"))
        }
        FaultKind::None if call == Call::Introspect => json(StatusCode::OK, NOBODY),
        FaultKind::None => answer(),
        FaultKind::Empty => json(StatusCode::OK, Bytes::new()),
        FaultKind::Endless => json(StatusCode::OK, Bytes::new()).map(|_| Body::Endless(true)),
        FaultKind::Compressed => with(
            json(StatusCode::OK, gzip::bomb()),
            CONTENT_ENCODING,
            HeaderValue::from_static("gzip"),
        ),
        FaultKind::Redirect { .. } => redirect(fault, uri),
    };
    Reply::Answer(reply)
}

fn rate_limited(retry_after: RetryAfter, now: DateTime<Utc>) -> Response<Body> {
    let answer = refusal(StatusCode::TOO_MANY_REQUESTS);
    let value = match retry_after {
        RetryAfter::None => return answer,
        RetryAfter::Seconds(seconds) => HeaderValue::from(seconds),
        RetryAfter::Nonsense => HeaderValue::from_static("a little later"),
        RetryAfter::Date => {
            let at = (now + TimeDelta::seconds(60)).timestamp();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at.max(0).cast_unsigned());
            match HeaderValue::try_from(httpdate::fmt_http_date(at)) {
                Ok(date) => date,
                Err(_) => return answer,
            }
        }
    };
    with(answer, RETRY_AFTER, value)
}

fn redirect(fault: &Active, uri: &Uri) -> Response<Body> {
    let target = fault.to.as_ref().and_then(|to| {
        let target = to.join(uri.path_and_query()?.as_str()).ok()?;
        HeaderValue::try_from(target.as_str()).ok()
    });
    match target {
        Some(target) => with(refusal(StatusCode::TEMPORARY_REDIRECT), LOCATION, target),
        None => refusal(StatusCode::TEMPORARY_REDIRECT),
    }
}

fn with(mut answer: Response<Body>, name: HeaderName, value: HeaderValue) -> Response<Body> {
    answer.headers_mut().insert(name, value);
    answer
}
