//! The customers' pages: a link in, a key taken, the answer on the same page. Complete without scripts;
//! nothing comes from or goes to anybody else.
//!
//! A link is followed by mail scanners too, so nothing that is read with GET or HEAD changes anything,
//! but that a page was looked at, which is counted: a key is taken from a form that a page of ours has
//! sent, and from nothing else.

mod acts;
pub mod asking;
mod cookie;
mod form;
pub(super) mod guard;
pub mod invitation;
mod limits;
pub mod look;
pub mod outcome;
pub mod page;
pub mod preview;
mod routes;
pub mod screen;
pub mod templates;
mod turns;
mod visit;
pub mod window;

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::{error, warn};
use url::Url;

use crate::clock::Clock;
use crate::ids::random_name;
use crate::redact::chain;
use crate::store::KeptLink;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;
use crate::vault::LinkId;
use crate::vault::LinkToken;
use crate::vault::LinkUrl;
use crate::words::{Tongue, Words};

use super::listener::Peer;

use invitation::Invitation;
use limits::Limits;
use page::{Notice, Pages, Reader};
use turns::Turns;
use visit::Visit;
use window::Window;

pub use routes::router;

/// What the pages need.
#[derive(Clone, Debug)]
pub struct Public {
    window: Arc<dyn Window>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
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

impl Public {
    /// Pages at that address.
    pub fn new(
        window: Arc<dyn Window>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        pages: Pages,
        words: Words,
        home: Home,
    ) -> Self {
        Self {
            window,
            clock,
            metrics,
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
        let Some(link) = cookie::link(&store, id, token).await? else { return Ok(None) };
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

    /// Somebody looks at a page. Nothing goes by it, so a database that cannot note it spoils no page.
    async fn seen(&self, visit: &Visit) {
        match bounded(self.store(visit).note_opened(&visit.link, self.clock.now())).await {
            Ok(Some(after)) => self.metrics.repairs.looked_at(after),
            Ok(None) => {}
            Err(error) => warn!("that a page was looked at could not be noted: {}", chain(&error)),
        }
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
        let link = link.as_ref().map(LinkUrl::shown);
        let reader = Reader { reference, action: &action, link, ..Self::reader(&tongue) };
        self.answer(StatusCode::OK, &reader, |pages, reader| {
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
        self.answer(status, &Self::reader(&tongue), |pages, reader| pages.notice(notice, reader))
    }

    fn reader(tongue: &Tongue) -> Reader<'_> {
        Reader { tongue, nonce: "", reference: None, action: "", link: None, base: "" }
    }

    fn answer(
        &self,
        status: StatusCode,
        reader: &Reader<'_>,
        fill: impl FnOnce(&Pages, &Reader<'_>) -> Result<String, templates::TemplateError>,
    ) -> Response {
        let nonce = random_name().unwrap_or_default();
        let base = self.path("");
        let tongue = reader.tongue;
        let reader = Reader { nonce: &nonce, base: &base, ..reader.clone() };
        let made = fill(&self.pages, &reader);
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
        let address = cookie::address(headers, peer, self.behind_proxy);
        if sends { !self.limits.may_send(address) } else { !self.limits.may_look(address) }
    }
}
