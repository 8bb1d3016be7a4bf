//! The console, on the private listener: for support, and for whoever has no Grafana. Is anything wrong,
//! whose fault is it, what needs a person now, then everything else. Complete without scripts.
//!
//! Who may do what is the API's table, and what is done here is done by the API's own code.

mod acts;
mod cookie;
mod fields;
mod flash;
mod fleet;
mod guard;
mod picture;
mod place;
mod routes;
mod search;
mod session;
mod sign;
mod tenant;
mod view;
mod when;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{Environment, Value, context};
use tracing::error;

use crate::ids::random_name;
use crate::redact::chain;
use crate::templates::TemplateError;

use super::api::Api;
use super::api::problem::Problem;

pub use place::{Place, Proxy};
pub use routes::router;

use session::Visitor;

/// What the console needs.
#[derive(Clone, Debug)]
pub struct Console {
    api: Api,
    place: Arc<Place>,
    templates: Arc<Environment<'static>>,
}

impl Console {
    /// A console for that API.
    ///
    /// # Errors
    ///
    /// A template of ours that does not work.
    pub fn new(api: Api, place: Place) -> Result<Self, TemplateError> {
        Ok(Self { api, place: Arc::new(place), templates: Arc::new(view::load()?) })
    }

    /// A path of the console.
    fn path(&self, rest: &str) -> String {
        format!("{}/console{rest}", self.place.base)
    }

    /// A page for somebody who is signed in.
    fn page(&self, visitor: &Visitor, template: &str, more: Value) -> Response {
        let who = context! {
            name => visitor.caller.name.as_str(),
            role => visitor.caller.role.word(),
            form => visitor.form_token(self),
            leaves => !visitor.proxied,
        };
        let said = view::value(&visitor.said);
        self.answer(StatusCode::OK, template, context! { who, said, ..more })
    }

    /// A page for anybody.
    fn answer(&self, status: StatusCode, template: &str, more: Value) -> Response {
        let nonce = random_name().unwrap_or_default();
        let nobody = context! { who => Value::from(()), said => Value::from(()) };
        let own = context! {
            nonce => nonce.as_str(), base => self.path(""), provider => self.api.desk.profile().title.as_str(),
        };
        let all = context! { ..own, ..more, ..nobody };
        let mut response = match view::render(&self.templates, template, &all) {
            Ok(text) => (status, text).into_response(),
            Err(error) => {
                error!("a page of the console could not be made: {}", chain(&error));
                let why = "This page could not be made. Nothing has changed.\n";
                let mut response = (StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
                guard::cover(response.headers_mut(), None, self.place.secure);
                return response;
            }
        };
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        guard::cover(response.headers_mut(), Some(&nonce), self.place.secure);
        response
    }

    /// What was not done, and why.
    fn refusal(&self, visitor: Option<&Visitor>, problem: &Problem) -> Response {
        let (title, detail, status) = problem.shown();
        let more = context! { title, detail };
        let mut response = match visitor {
            Some(visitor) => self.page(visitor, "refusal.html", more),
            None => self.answer(status, "refusal.html", more),
        };
        *response.status_mut() = status;
        response
    }

    fn redirect(&self, to: &str) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        if let Ok(to) = HeaderValue::from_str(to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
        guard::cover(response.headers_mut(), None, self.place.secure);
        response
    }
}
