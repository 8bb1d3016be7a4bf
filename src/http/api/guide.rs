//! What an integration's own screen says to a customer whose key is needed: the texts and steps of the
//! page, as plain texts, in the language that is asked for.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::given;
use crate::health::DisabledCause;
use crate::health::Status;
use crate::http::public::asking::{Asking, Step};
use crate::http::public::page::{Pages, Subject};
use crate::http::public::screen::{Ask, why};
use crate::store::KeyKind;
use crate::words::Words;

use super::Api;
use super::caller::Caller;
use super::part;
use super::problem::{Details, Kind, Problem};
use super::tenants::{Reference, found};

/// All that can be asked for.
const KNOWN: [&str; 1] = ["locale"];

/// What makes the texts.
#[derive(Clone, Debug)]
pub struct Guide {
    /// What the page says.
    pub pages: Pages,
    /// In which languages.
    pub words: Words,
}

/// In which language.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what read reads")]
pub struct Parameters {
    /// The language, such as `da-DK`; else what `Accept-Language` names, else the tenant's.
    locale: Option<String>,
}

/// The language that is asked for.
#[derive(Debug)]
pub struct Wish {
    locale: Option<String>,
    accepted: Option<String>,
}

/// The texts for a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReconnectGuide {
    /// The language of the texts.
    locale: String,
    /// The status of the tenant.
    status: &'static str,
    /// Why, where the status needs a reason.
    cause: Option<&'static str>,
    /// Whether the customer has to do something.
    needed: bool,
    /// One line for the top of a screen; null where the customer has nothing to do.
    banner: Option<String>,
    /// What it is about.
    title: String,
    /// Why, with the day since when.
    why: String,
    /// Since when; null where there is nothing to tell.
    since: Option<DateTime<Utc>>,
    /// What to do, at most five steps.
    steps: Vec<Step>,
    /// What the key must be allowed to do, or what of it is missing.
    scopes: Vec<String>,
    /// What the button says.
    button: String,
    /// Whether the present key is to be tried again (`check`) instead of a new one.
    test_again: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Wish {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut locale = None;
        part::parameters(parts.uri.query().unwrap_or_default(), &KNOWN, None, |_, value| {
            let bad = |must| Kind::BadQuery.because(format!("`locale` {must}"));
            locale = Some(given::locale(value).map_err(bad)?);
            Ok(())
        })?;
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { locale, accepted })
    }
}

/// Read what to tell a tenant's customer, for a screen of your own.
///
/// The texts and steps of the page to which links lead, without HTML. What is not certain is told to
/// nobody: `needed` is true only where the customer has to do something.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}/reconnect-guide", operation_id = "read_guide",
    tag = "links",
    params(("ref" = String, Path, description = "The integration's own name for the tenant"),
        Parameters),
    responses((status = OK, description = "The texts; `Content-Language` says in which language",
            body = ReconnectGuide),
        (status = CONFLICT, description = "`brand.product` is not set", body = Details,
            content_type = "application/problem+json")))]
pub async fn read(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    wish: Wish,
) -> Result<Response, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let Guide { pages, words } = api.desk.guide().ok_or_else(|| {
        Kind::NoPages
            .because("`brand.product` is not set: nobody knows what your product is called")
    })?;
    let care = api.desk.store(&caller).care(view.id).await?;
    let (asked, accepted) = (wish.locale.as_deref(), wish.accepted.as_deref());
    let tongue = words.choose_for_program(asked, accepted, care.locale.as_deref());
    let (why, since) = why(&view.health);
    let ask = Ask { why, since, said: None, wait_until: None };
    let subject = Subject {
        customer: view.name.clone(),
        company: Some(view.company.clone()),
        masked: view.masked.clone(),
        kind: view.kind.unwrap_or(KeyKind::Integrated),
        scopes: api.desk.required().iter().map(str::to_owned).collect(),
        zone: care.time_zone,
    };
    let needed = needs_customer(&view.health.status);
    let Asking { title, why, scopes, steps, button, test_again, .. } =
        pages.asking(&ask, &subject, &tongue);
    let banner = needed.then(|| format!("{title}. {why}"));
    let guide = ReconnectGuide {
        locale: tongue.tag().to_owned(),
        status: view.health.status.word(),
        cause: view.health.status.cause(),
        needed,
        banner,
        title,
        why,
        since,
        steps,
        scopes,
        button,
        test_again,
    };
    let mut response = Json(guide).into_response();
    if let Ok(language) = HeaderValue::from_str(tongue.tag()) {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
    }
    Ok(response)
}

/// Whether only the customer can do something about it; a pause keeps it from being told.
fn needs_customer(status: &Status) -> bool {
    match status {
        Status::NeedsReconnection { .. } | Status::Disabled(DisabledCause::Compromised) => true,
        // Whoever has declined is not asked again.
        Status::Disabled(DisabledCause::Declined)
        | Status::Paused { .. }
        | Status::Pending { .. }
        | Status::Healthy { .. }
        | Status::Degraded(_) => false,
    }
}
