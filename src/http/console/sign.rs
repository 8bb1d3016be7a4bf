//! Signing in with a token, and out.

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use minijinja::context;
use tracing::info;

use crate::http::api::caller;
use crate::http::api::problem::{Kind, Problem};
use crate::http::api::role::Role;
use crate::store::SignedIn;

use super::fields::Fields;
use super::session::{self, Visitor};
use super::{Console, guard};

/// The longest path that somebody is led back to.
const LONGEST: usize = 512;

/// The form.
pub async fn form(State(console): State<Console>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let to = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
    page(&console, StatusCode::OK, &to.map(|(_, to)| to).unwrap_or_default(), None)
}

/// The form was sent.
pub async fn sign_in(State(console): State<Console>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if !guard::is_ours(&parts, &console.place) {
        return console.refusal(None, &foreign());
    }
    let fields = match Fields::read(&parts.headers, body).await {
        Ok(fields) => fields,
        Err(problem) => return console.refusal(None, &problem),
    };
    let to = fields.text("to");
    let (visitor, cookie) = match enter(&console, fields.text("token")).await {
        Ok(entered) => entered,
        Err(problem) => {
            let (_, why, status) = problem.shown();
            return page(&console, status, to, Some(why));
        }
    };
    info!(token.id = visitor.caller.token, "somebody has signed in to the console");
    let mut response = console.redirect(&back(&console, to));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

async fn enter(
    console: &Console,
    token: &str,
) -> Result<(Visitor, axum::http::HeaderValue), Problem> {
    let caller = caller::of_token(&console.api, token).await?;
    console.api.limits.count(&caller.token)?;
    if caller.role == Role::Integration {
        return Err(Kind::RoleNotAllowed.because(
            "this is the integration's token, and not for people: `keypulse token new --role support \
             --name NAME` makes another",
        ));
    }
    let holder = SignedIn::Token(caller.token.clone());
    session::begin(console, caller, holder).await
}

/// The session is over.
pub async fn sign_out(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    console.api.desk.store(&visitor.caller).end_session(&visitor.hash).await?;
    let mut response = console.redirect(&console.path("/sign-in"));
    if let Some(gone) = session::gone(console.place.secure) {
        response.headers_mut().insert(header::SET_COOKIE, gone);
    }
    Ok(response)
}

/// To where somebody was going when they had to sign in first.
pub fn first(console: &Console, path: &str, headers: &HeaderMap) -> Response {
    // What a script asks for again is no place to come back to.
    if headers.contains_key("x-refresh") || path == "/console" {
        return console.redirect(&console.path("/sign-in"));
    }
    let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    console.redirect(&console.path(&format!("/sign-in?to={to}")))
}

/// A form that no page of ours has sent.
pub fn foreign() -> Problem {
    Kind::RoleNotAllowed.because(
        "this form was not sent by a page of this console, so nothing was done: open the console and try \
         there; behind a proxy, `console.external_url` has to be the name that people reach it by",
    )
}

fn page(console: &Console, status: StatusCode, to: &str, why: Option<&str>) -> Response {
    console.answer(status, "sign-in.html", context! { to, why, title => "Sign in" })
}

/// A path of the console, and nothing else.
fn back(console: &Console, to: &str) -> String {
    let ours = to.len() <= LONGEST
        && (to.starts_with("/console/") || to.starts_with("/console?"))
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours { format!("{}{to}", console.place.base) } else { console.path("") }
}
