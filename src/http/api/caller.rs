//! Who asks: the bearer token, and what its role may do. The one gate that every request with a token
//! passes, before anything of its body is looked at.
//!
//! Only a token in the `Authorization` header counts. No cookie does, and a browser adds no such
//! header by itself, so a page of somebody else cannot act with a person's rights: there is nothing
//! for it to forge.

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{debug, info, warn};

use crate::store::Draft;
use crate::store::KeptToken;
use crate::vault::TokenHash;

use super::Api;
use super::body::{self, Size};
use super::idempotent;
use super::problem::{Kind, Problem};
use super::role::{Deed, Role, deed_of};
use super::tenants::Reference;
use super::wish::Wish;

/// Who asks, by a token that was taken; or, in the console, by the word of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// How it is known who that is.
    pub by: By,
    /// The public name of the token; of a person, an id that names nobody.
    pub token: String,
    /// What people call the token; of a person, the name.
    pub name: String,
    /// The role.
    pub role: Role,
}

/// How it is known who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By a token.
    Token,
    /// By the word of a proxy that signs people in.
    Proxy,
}

impl By {
    /// The kind of actor that the audit chain names.
    pub fn actor(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Proxy => "person",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::ours("a request has passed without its caller"))
    }
}

/// Lets through who may do what is asked, a bounded number at a time.
pub async fn gate(
    State(api): State<Api>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    match pass(&api, &path, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn pass(
    api: &Api,
    path: &MatchedPath,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let place = api.limits.enter()?;
    let (mut parts, body) = request.into_parts();
    let caller = authenticate(api, &parts.headers).await?;
    api.limits.count(&caller.token)?;
    let deed = deed_of(&parts.method, path.as_str());
    let deed = deed.ok_or_else(|| Problem::ours("a route is not in the table of roles"))?;
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if !caller.role.may(deed) {
        if !reads || deed == Deed::TakeKey {
            let reference = Reference::from_request_parts(&mut parts, &()).await.ok();
            chain_refusal(api, &caller, path.as_str(), &parts.method, reference).await;
        }
        return Err(Kind::RoleNotAllowed.because(format!(
            "a token of role {} may not {}; docs/API.md says which role may",
            caller.role.word(),
            deed.words()
        )));
    }
    // Nothing that is asked for in the address: what stands there ends up in logs.
    let wish = Wish::of(&parts, path.as_str())?;
    let list = deed == Deed::Reconcile;
    if !reads && !list && wish.is_none() && parts.uri.query().is_some() {
        return Err(Kind::BadQuery.because("this takes no query: everything goes into the body"));
    }
    let (size, alone) =
        if list { (Size::List, Some(api.limits.enter_list()?)) } else { (Size::Usual, None) };
    let read = body::Read::from(body, size).await?;
    let name = idempotent::name_of(&parts.headers)?;
    parts.extensions.insert(wish.unwrap_or_default());
    parts.extensions.insert(read.clone());
    parts.extensions.insert(caller.clone());
    let (method, token) = (parts.method.clone(), caller.token.clone());
    let once = match name {
        Some(name) if !reads => Some(idempotent::Once::of(api, &caller, &name, &parts, &read)),
        _ => None,
    };
    let request = Request::from_parts(parts, axum::body::Body::empty());
    let api = api.clone();
    // What was begun is brought to its end, also when whoever asked hangs up.
    let work = tokio::spawn(async move {
        let _places = (place, alone);
        match once {
            Some(once) => once.answer(&api, request, next).await,
            None => next.run(request).await,
        }
    });
    let response = work.await.map_err(|_| Problem::ours("a handler has panicked"))?;
    if !reads {
        let status = response.status().as_u16();
        info!(
            token.id = token,
            status,
            "the API answered {method} {} of token {token} with {status}",
            path.as_str()
        );
    }
    Ok(response)
}

/// Writes down that somebody asked for what their role may not do; bounded, so that nobody fills the
/// database with it. It is brought to its end also when whoever asked hangs up. Nothing was done, so
/// where it cannot be written the answer is the same.
pub async fn chain_refusal(
    api: &Api,
    caller: &Caller,
    route: &str,
    method: &Method,
    reference: Option<Reference>,
) {
    let Some(unchained) = api.limits.refused() else { return };
    // Never the path as it was sent: it may hold anything.
    let mut draft = Draft::of("api.refused")
        .outcome("refused")
        .fact("method", method.as_str())
        .fact("route", route)
        .fact("role", caller.role.word());
    if unchained > 0 {
        draft = draft.fact("not_chained_before", unchained);
    }
    let store = api.desk.store(caller);
    let chaining = tokio::spawn(async move {
        if let Some(Reference(reference)) = reference
            && let Some(view) = store.tenant(&reference).await?
        {
            draft = draft.about(view.id);
        }
        store.chain(draft).await
    });
    if let Ok(Err(error)) = chaining.await {
        warn!("a refusal could not be chained: {error}");
    }
}

async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Caller, Problem> {
    let refused = |why: &str| Kind::Unauthorized.because(why);
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return Err(refused("send one header `Authorization: Bearer kp_…`"));
    };
    let text = given.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
    });
    let text = text.ok_or_else(|| refused("send one header `Authorization: Bearer kp_…`"))?;
    of_token(api, text).await
}

/// Whoever has that token, if it is taken.
pub async fn of_token(api: &Api, text: &str) -> Result<Caller, Problem> {
    let refused = |why: &str| Kind::Unauthorized.because(why);
    let hash = TokenHash::parse(text).map_err(|bad| refused(&bad.to_string()))?;
    let kept = api.store.token(&hash.id()).await?;
    let known =
        kept.filter(|kept| TokenHash::from_bytes(&kept.hash).is_some_and(|known| known.is(&hash)));
    let Some(kept) = known else {
        api.limits.count_unknown()?;
        debug!(token.id = hash.id(), "a token that is not known was refused");
        return Err(refused("this token is not known here: was it made for another keypulse?"));
    };
    of_kept(api, kept).await
}

/// Whoever has a token that is kept, if it is still taken.
pub async fn of_kept(api: &Api, kept: KeptToken) -> Result<Caller, Problem> {
    let refused = |why: &str| Kind::Unauthorized.because(why);
    let now = api.clock.now();
    if !kept.is_good(now) {
        let why = if kept.revoked_at.is_some() { "was revoked" } else { "has expired" };
        return Err(refused(&format!("this token {why}: have a new one made")));
    }
    let role = Role::parse(&kept.role);
    let role = role.ok_or_else(|| refused("this token has a role that is not known here"))?;
    // That it was used is worth knowing, and nobody's request fails for it.
    if let Err(error) = api.store.note_token(&kept, now).await {
        debug!("the use of a token was not noted: {error}");
    }
    Ok(Caller { by: By::Token, token: kept.id, name: kept.name, role })
}
