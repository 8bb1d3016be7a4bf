//! The customers' pages: a link in, a key taken, the answer on the same page. Complete without scripts;
//! nothing comes from or goes to anybody else.
//!
//! A link is followed by mail scanners too, so nothing that is read with GET or HEAD changes anything:
//! a key is taken from a form that a page of ours has sent, and from nothing else.

mod acts;
pub mod asking;
mod form;
mod guard;
pub mod invitation;
mod limits;
pub mod look;
pub mod outcome;
pub mod page;
pub mod preview;
pub mod screen;
pub mod templates;
mod turns;
mod visit;
pub mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::ExposeSecret;
use tracing::error;
use url::Url;

use crate::clock::Clock;
use crate::ids::random_name;
use crate::provider::Profile;
use crate::provider::Refusal;
use crate::redact::chain;
use crate::redact::printable;
use crate::store::KeptLink;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::vault::LinkId;
use crate::vault::LinkToken;
use crate::words::{Tongue, Words};

use super::listener::Peer;

use form::Form;
use invitation::Invitation;
use limits::Limits;
use outcome::Outcome;
use page::{Notice, Pages, Reader, Subject};
use turns::Turns;
use window::Window;

/// What the pages need.
#[derive(Clone, Debug)]
pub struct Public {
    window: Arc<dyn Window>,
    clock: Arc<dyn Clock>,
    pages: Arc<Pages>,
    words: Words,
    home: Arc<Url>,
    behind_proxy: bool,
    /// Where keys are given instead of here, with `{ref}` for the tenant.
    elsewhere: Option<Arc<str>>,
    limits: Arc<Limits>,
    turns: Arc<Turns>,
}

/// Where the pages are, and who stands in front of them.
#[derive(Clone, Debug)]
pub struct Home {
    /// The address by which customers reach them.
    pub url: Url,
    /// Whether a proxy stands in front, whose word on a visitor's address counts.
    pub behind_proxy: bool,
    /// Where keys are given instead of here: the integration is the master of them.
    pub elsewhere: Option<String>,
}

/// Somebody who came by a link that there is.
#[derive(Clone, Debug)]
pub struct Visit {
    link: KeptLink,
    tenant: Option<TenantView>,
    locale: Option<String>,
    zone: Option<String>,
}

impl Visit {
    fn said(&self) -> Option<Outcome> {
        self.link.outcome.as_ref().and_then(|(written, _)| Outcome::read(written))
    }

    /// Whom the page is about.
    fn subject(&self, window: &Arc<dyn Window>) -> Subject {
        let scopes = window.required().iter().map(str::to_owned).collect();
        let zone = self.zone.clone();
        if let Some(tenant) = &self.tenant {
            return Subject {
                customer: tenant.name.clone(),
                company: Some(tenant.company.clone()),
                masked: tenant.masked.clone(),
                kind: tenant.kind.unwrap_or(crate::store::KeyKind::Integrated),
                scopes,
                zone,
            };
        }
        let invited = self.link.wanted.as_deref().and_then(Invitation::read);
        let (customer, company, kind) = match invited {
            Some(invited) => (invited.name, invited.company, invited.kind),
            None => (String::new(), None, crate::store::KeyKind::Integrated),
        };
        let company = company.map(|company| company.as_str().to_owned());
        Subject { customer, company, masked: None, kind, scopes, zone }
    }
}

impl Public {
    /// Pages at that address.
    pub fn new(
        window: Arc<dyn Window>,
        clock: Arc<dyn Clock>,
        pages: Pages,
        words: Words,
        home: Home,
    ) -> Self {
        Self {
            window,
            clock,
            pages: Arc::new(pages),
            words,
            home: Arc::new(home.url),
            behind_proxy: home.behind_proxy,
            elsewhere: home.elsewhere.map(Arc::from),
            limits: Arc::default(),
            turns: Arc::default(),
        }
    }

    fn secure(&self) -> bool {
        self.home.scheme() == "https"
    }

    fn store(&self, visit: &Visit) -> Store {
        self.window.store(&visit.link.id)
    }

    /// The path of something below the address of the pages.
    fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.home.path().trim_end_matches('/'))
    }

    /// The visit of whoever has that link, as it stands now.
    async fn visit(&self, id: &LinkId, token: &LinkToken) -> Result<Option<Visit>, StoreError> {
        let store = self.window.store(id.as_str());
        let Some(link) = visit::link(&store, id, token).await? else { return Ok(None) };
        self.of_link(&store, link).await.map(Some)
    }

    async fn of_link(&self, store: &Store, link: KeptLink) -> Result<Visit, StoreError> {
        let tenant = match link.tenant {
            Some(id) => store.tenant_by_id(id).await?,
            None => None,
        };
        let care = match (&tenant, link.wanted.as_deref().and_then(Invitation::read)) {
            (Some(tenant), _) => store.care(tenant.id).await?,
            (None, Some(invitation)) => invitation.care,
            (None, None) => crate::store::Care::default(),
        };
        Ok(Visit { link, tenant, locale: care.locale, zone: care.time_zone })
    }

    /// The same visit, read again.
    async fn again(&self, visit: &Visit) -> Result<Option<Visit>, StoreError> {
        let store = self.store(visit);
        let Some(link) = store.link(&visit.link.id).await? else { return Ok(None) };
        self.of_link(&store, link).await.map(Some)
    }

    fn tongue(&self, visit: Option<&Visit>, headers: &HeaderMap) -> Tongue {
        let browser = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        self.words.choose(visit.and_then(|visit| visit.locale.as_deref()), browser)
    }

    fn show(&self, visit: &Visit, headers: &HeaderMap) -> Response {
        let tongue = self.tongue(Some(visit), headers);
        let health = visit.tenant.as_ref().map(|tenant| &tenant.health);
        let screen = screen::screen(&visit.link, health, self.clock.now());
        let subject = visit.subject(&self.window);
        let link = self.window.again(&visit.link);
        let action = self.path(&format!("connect/{}", visit.link.id));
        let reference = visit.link.id.get(..8);
        let link = link.as_ref().map(ExposeSecret::expose_secret);
        let reader = Reader { reference, action: &action, link, ..Self::reader(&tongue) };
        self.answer(StatusCode::OK, reader, |pages, reader| {
            match (&self.elsewhere, &visit.tenant) {
                (Some(template), Some(tenant)) => {
                    let address = crate::custody::inquiry::filled(template, &tenant.reference);
                    pages.elsewhere(&address, &subject, reader)
                }
                _ => pages.screen(&screen, &subject, reader),
            }
        })
    }

    fn notice(&self, status: StatusCode, notice: Notice, headers: &HeaderMap) -> Response {
        let tongue = self.tongue(None, headers);
        self.answer(status, Self::reader(&tongue), |pages, reader| pages.notice(notice, reader))
    }

    fn reader<'a>(tongue: &'a Tongue) -> Reader<'a> {
        Reader { tongue, nonce: "", reference: None, action: "", link: None, base: "" }
    }

    fn answer(
        &self,
        status: StatusCode,
        reader: Reader<'_>,
        make: impl FnOnce(&Pages, &Reader<'_>) -> Result<String, templates::TemplateError>,
    ) -> Response {
        let nonce = random_name().unwrap_or_default();
        let base = self.path("");
        let tongue = reader.tongue;
        let reader = Reader { nonce: &nonce, base: &base, ..reader };
        let made = make(&self.pages, &reader);
        let mut response = match made {
            Ok(text) => (status, text).into_response(),
            Err(error) => {
                error!("a page could not be made: {}", chain(&error));
                let why = "This page could not be made. Nothing has changed.\n";
                let mut response = (StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
                guard::cover(response.headers_mut(), None, self.secure());
                return response;
            }
        };
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        if let Ok(tag) = HeaderValue::from_str(tongue.tag()) {
            headers.insert(header::CONTENT_LANGUAGE, tag);
        }
        guard::cover(headers, Some(&nonce), self.secure());
        response
    }

    fn redirect(&self, to: &str) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        if let Ok(to) = HeaderValue::from_str(to) {
            headers.insert(header::LOCATION, to);
        }
        guard::cover(headers, None, self.secure());
        response
    }

    fn is_busy(&self, headers: &HeaderMap, peer: Peer, sends: bool) -> bool {
        let address = visit::address(headers, peer, self.behind_proxy);
        if sends { !self.limits.may_send(address) } else { !self.limits.may_look(address) }
    }
}

/// The pages, below the path of their address.
pub fn router(public: Public) -> Router {
    let base = public.home.path().trim_end_matches('/').to_owned();
    let routes = Router::new()
        .route("/l/{token}", get(follow))
        .route("/connect/{id}", get(look).post(send))
        .route("/logo", get(logo))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(missing)
        .method_not_allowed_fallback(missing);
    let routes = if base.is_empty() { routes } else { Router::new().nest(&base, routes) };
    routes.with_state(public)
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
    if let Some(cookie) = visit::cookie(&id, &token, public.secure()) {
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
            let mut response = public.show(&visit, headers);
            // As long as somebody is at it, the cookie goes on.
            if let Some(cookie) = visit::cookie(&id, &token, public.secure()) {
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
                form::BadForm::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
                form::BadForm::Form => StatusCode::UNPROCESSABLE_ENTITY,
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
    let Some(token) = visit::token(headers, &id, public.secure()) else { return Ok(None) };
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

/// The id of the text of a refusal, and what it is filled in with.
fn said_of(
    profile: &Profile,
    subject: &Subject,
    refusal: &Refusal,
) -> (String, BTreeMap<String, String>) {
    let _ = (profile, subject, printable(""));
    (format!("refusal-{}", refusal.name()), BTreeMap::new())
}
