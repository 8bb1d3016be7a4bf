//! What is answered at which address of the pages.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::error;

use crate::http::listener::Peer;
use crate::store::StoreError;
use crate::vault::LinkId;
use crate::vault::LinkToken;

use super::form::{BadForm, Form};
use super::page::Notice;
use super::visit::Visit;
use super::{Public, acts, cookie, guard};

/// The pages, below the path of their address.
pub fn router(public: Public) -> Router {
    let base = public.home.path().trim_end_matches('/').to_owned();
    let routes = Router::new()
        .route("/l/{token}", get(follow))
        .route("/connect/{id}", get(look).post(send))
        .route("/logo", get(logo))
        .route("/favicon.ico", get(no_icon))
        .fallback(missing)
        .method_not_allowed_fallback(missing);
    let routes = match base.as_str() {
        "" => routes,
        // A browser asks at the root for the picture of a page that names none.
        base => {
            Router::new().nest(base, routes).route("/favicon.ico", get(no_icon)).fallback(missing)
        }
    };
    let guarded = middleware::map_response_with_state(public.clone(), guarded);
    routes.layer(guarded).with_state(public)
}

/// Whatever is answered, also where there is no page, is kept nowhere and framed by nobody.
async fn guarded(State(public): State<Public>, mut response: Response) -> Response {
    if !response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        guard::cover(response.headers_mut(), None, public.secure());
    }
    response
}

/// A link is opened: it leaves the address bar, a cookie stands for it, and nothing else happens.
async fn follow(
    State(public): State<Public>,
    Path(text): Path<String>,
    request: Request<Body>,
) -> Response {
    let (headers, peer) = (request.headers(), peer(&request));
    if public.is_busy(headers, peer, false) {
        return public.notice(StatusCode::TOO_MANY_REQUESTS, Notice::Busy, headers);
    }
    let Some((id, token)) = LinkToken::parse(&text) else {
        return public.notice(StatusCode::NOT_FOUND, Notice::Missing, headers);
    };
    let mut response = public.redirect(&public.path(&format!("connect/{id}")));
    let headers = response.headers_mut();
    if let Some(cookie) = cookie::of(&id, &token, public.secure()) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A page is looked at.
async fn look(
    State(public): State<Public>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let (headers, peer) = (request.headers(), peer(&request));
    if public.is_busy(headers, peer, false) {
        return public.notice(StatusCode::TOO_MANY_REQUESTS, Notice::Busy, headers);
    }
    match found(&public, &id, headers).await {
        Ok(Some((visit, id, token))) => {
            if request.method() == Method::GET && !guard::is_ahead(headers) {
                public.seen(&visit).await;
            }
            let mut response = public.show(&visit, headers);
            // As long as somebody is at it, the cookie goes on.
            if let Some(cookie) = cookie::of(&id, &token, public.secure()) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => public.notice(StatusCode::NOT_FOUND, Notice::Missing, headers),
        Err(error) => ours(&public, &error, headers),
    }
}

/// A form is sent.
async fn send(
    State(public): State<Public>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let peer = peer(&request);
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    if !guard::is_ours(&headers, &public.home) {
        return public.notice(StatusCode::FORBIDDEN, Notice::Refused, &headers);
    }
    if public.is_busy(&headers, peer, true) {
        return public.notice(StatusCode::TOO_MANY_REQUESTS, Notice::Busy, &headers);
    }
    let visit = match found(&public, &id, &headers).await {
        Ok(Some((visit, ..))) => visit,
        Ok(None) => return public.notice(StatusCode::NOT_FOUND, Notice::Missing, &headers),
        Err(error) => return ours(&public, &error, &headers),
    };
    let form = match Form::read(&headers, body).await {
        Ok(form) => form,
        Err(bad) => {
            let status = match bad {
                BadForm::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
                BadForm::Form => StatusCode::UNPROCESSABLE_ENTITY,
            };
            return public.notice(status, Notice::Refused, &headers);
        }
    };
    let to = public.path(&format!("connect/{}#said", visit.link.id));
    // What was begun is brought to its end, also when the browser goes away meanwhile.
    let here = public.clone();
    let done = tokio::spawn(async move {
        if here.elsewhere.is_some() { Ok(()) } else { acts::act(&here, visit, form).await }
    });
    match done.await {
        Ok(Ok(())) => public.redirect(&to),
        Ok(Err(error)) => ours(&public, &error, &headers),
        Err(_) => public.notice(StatusCode::INTERNAL_SERVER_ERROR, Notice::Ours, &headers),
    }
}

async fn found(
    public: &Public,
    id: &str,
    headers: &HeaderMap,
) -> Result<Option<(Visit, LinkId, LinkToken)>, StoreError> {
    let Some(id) = LinkId::parse(id) else { return Ok(None) };
    let Some(token) = cookie::token(headers, &id, public.secure()) else { return Ok(None) };
    let visit = public.visit(&id, &token).await?;
    Ok(visit.map(|visit| (visit, id, token)))
}

async fn logo(State(public): State<Public>) -> Response {
    let Some(logo) = &public.pages.look().logo else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = logo.bytes.clone().into_response();
    let headers = response.headers_mut();
    guard::cover(headers, None, public.secure());
    headers.insert(header::CONTENT_TYPE, logo.kind.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}

async fn no_icon() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn missing(State(public): State<Public>, headers: HeaderMap) -> Response {
    public.notice(StatusCode::NOT_FOUND, Notice::Missing, &headers)
}

fn ours(public: &Public, error: &dyn std::error::Error, headers: &HeaderMap) -> Response {
    error!("a page could not be served: {error}");
    public.notice(StatusCode::SERVICE_UNAVAILABLE, Notice::Ours, headers)
}

fn peer(request: &Request<Body>) -> Peer {
    let known = request.extensions().get::<Peer>().copied();
    known.unwrap_or(Peer(std::net::Ipv4Addr::UNSPECIFIED.into()))
}
