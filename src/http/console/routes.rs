//! What is answered at which address of the console, and who is let through to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use crate::http::api::problem::{Kind, Problem};
use crate::http::listener::Peer;

use super::fields::Fields;
use super::flash::{self, Said};
use super::session::{self, Visitor, Who};
use super::{Console, acts, fleet, guard, search, sign, tenant};

/// The console, and the way to it from `/`.
pub fn router(console: &Console) -> Router {
    let inside = Router::new()
        .route("/console", get(fleet::show))
        .route("/console/search", get(search::show))
        .route("/console/tenants/{ref}", get(tenant::show))
        .route("/console/tenants/{ref}/{act}", get(acts::confirm).post(acts::act))
        .route("/console/mail/{act}", post(acts::mail))
        .route("/console/sign-out", post(sign::sign_out))
        .route_layer(middleware::from_fn_with_state(console.clone(), enter));
    let outside = Router::new()
        .route("/console/sign-in", get(sign::form).post(sign::sign_in))
        .route_layer(middleware::from_fn_with_state(console.clone(), bounded));
    let router = Router::new()
        .route("/", get(home))
        .route("/console/", get(home))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .merge(inside.merge(outside));
    let router = match console.place.base.as_str() {
        "" => router,
        // A proxy may pass the path on as it is, or without what it is known by.
        base => router.clone().route(&format!("{base}/"), get(home)).nest(base, router),
    };
    let covered = middleware::map_response_with_state(console.clone(), covered);
    router.layer(covered).with_state(console.clone())
}

async fn home(State(console): State<Console>) -> Response {
    console.redirect(&console.path(""))
}

/// Whatever is answered is kept nowhere and framed by nobody.
async fn covered(State(console): State<Console>, mut response: Response) -> Response {
    if !response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        guard::cover(response.headers_mut(), None, console.place.secure);
    }
    response
}

/// A bounded number at a time, with the API.
async fn bounded(State(console): State<Console>, request: Request, next: Next) -> Response {
    match console.api.limits.enter() {
        Ok(_place) => next.run(request).await,
        Err(problem) => console.refusal(None, &problem),
    }
}

/// Lets through who is signed in; whatever changes anything only from a form of theirs.
async fn enter(State(console): State<Console>, request: Request, next: Next) -> Response {
    let place = match console.api.limits.enter() {
        Ok(place) => place,
        Err(problem) => return console.refusal(None, &problem),
    };
    let peer = request.extensions().get::<Peer>().copied();
    let (mut parts, body) = request.into_parts();
    let Some(peer) = peer else {
        return console.refusal(None, &Problem::ours("a request has no other end"));
    };
    let (mut visitor, cookie) = match session::of(&console, &parts, peer).await {
        Ok(Who::Here(visitor)) => (visitor, None),
        Ok(Who::New(visitor, cookie)) => (visitor, Some(cookie)),
        // What reads itself again is led to where it is opened.
        Ok(Who::Away) if reads(&parts.method) => return console.redirect(&console.path("")),
        Ok(Who::Away) => {
            let why =
                "your session had ended, so nothing was done: open the page again and try there";
            return console.refusal(None, &Kind::Unauthorized.because(why));
        }
        Ok(Who::Stranger(name)) => return console.refusal(None, &session::stranger(&name)),
        Ok(Who::Nobody) if reads(&parts.method) => {
            let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
            let inner = path.strip_prefix(&*console.place.base);
            let path = inner.filter(|inner| inner.starts_with('/')).unwrap_or(path);
            return sign::first(&console, path, &parts.headers);
        }
        Ok(Who::Nobody) => {
            let why = "you are not signed in any more, so nothing was done: sign in and try again";
            return console.refusal(None, &Kind::Unauthorized.because(why));
        }
        Err(problem) => return console.refusal(None, &problem),
    };
    let secure = console.place.secure;
    if reads(&parts.method) {
        visitor.said = Said::read(&parts.headers, secure);
    } else {
        match sent(&console, &visitor, &parts, body).await {
            Ok(fields) => drop(parts.extensions.insert(Arc::new(fields))),
            Err(problem) => return console.refusal(Some(&visitor), &problem),
        }
    }
    parts.extensions.insert(visitor.clone());
    let request = Request::from_parts(parts, Body::empty());
    // What was begun is brought to its end, also when the browser goes away meanwhile.
    let work = tokio::spawn(async move {
        let _place = place;
        next.run(request).await
    });
    let mut response = match work.await {
        Ok(response) => response,
        Err(_) => console.refusal(Some(&visitor), &Problem::ours("a handler has panicked")),
    };
    let gone = visitor.said.and_then(|_| flash::gone(secure));
    for cookie in cookie.into_iter().chain(gone) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What a form has sent that comes from a page of this visitor's.
async fn sent(
    console: &Console,
    visitor: &Visitor,
    parts: &Parts,
    body: Body,
) -> Result<Fields, Problem> {
    if !guard::is_ours(parts, &console.place) {
        return Err(sign::foreign());
    }
    let fields = Fields::read(&parts.headers, body).await?;
    if !visitor.has_sent(console, fields.text("form")) {
        return Err(sign::foreign());
    }
    Ok(fields)
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
