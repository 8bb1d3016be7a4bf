//! In which language the texts for a customer are asked for. A program says so; a person's page has
//! rules of its own ([`Words::choose`]).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use utoipa::IntoParams;

use crate::given;
use crate::words::{Tongue, Words};

use super::part;
use super::problem::{Kind, Problem};

/// The routes whose answers hold texts for a customer.
const ROUTES: [(Method, &str); 2] =
    [(Method::POST, "/api/v1/tenants"), (Method::PUT, "/api/v1/tenants/{ref}/key")];
/// The most that is read of all lines of the header together.
const HEADER: usize = 2_048;

/// The language of the texts for the customer.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what Wish reads")]
pub struct Parameters {
    /// The language of `customer_message` and `next_step`, such as `da`; stronger than
    /// `Accept-Language`, which is stronger than the tenant's own. One that is not there counts as not
    /// given.
    #[param(pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$")]
    locale: Option<String>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    locale: Option<String>,
    accept: Option<String>,
}

impl Wish {
    /// What is asked for there; none where no texts are given.
    pub fn of(parts: &Parts, path: &str) -> Result<Option<Self>, Problem> {
        if !ROUTES.iter().any(|(method, route)| parts.method == method && path == *route) {
            return Ok(None);
        }
        let mut wish = Self { locale: None, accept: accepted(&parts.headers) };
        if let Some(query) = parts.uri.query() {
            part::parameters(query, &["locale"], None, |_, value| {
                let locale = given::locale(value)
                    .map_err(|must| Kind::BadQuery.because(format!("`locale` {must}")))?;
                wish.locale = Some(locale);
                Ok(())
            })?;
        }
        Ok(Some(wish))
    }

    /// The language of the answer.
    pub fn tongue(&self, words: &Words, tenant_locale: Option<&str>) -> Tongue {
        words.choose_for_program(self.locale.as_deref(), self.accept.as_deref(), tenant_locale)
    }
}

fn accepted(headers: &HeaderMap) -> Option<String> {
    let mut all = String::new();
    for line in headers.get_all(header::ACCEPT_LANGUAGE) {
        let Ok(line) = line.to_str() else { continue };
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(line);
        if all.len() > HEADER {
            break;
        }
    }
    (!all.is_empty()).then_some(all)
}

impl<S: Send + Sync> FromRequestParts<S> for Wish {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wish = parts.extensions.get::<Self>().cloned();
        wish.ok_or_else(|| Problem::ours("a request has passed without its wish"))
    }
}

/// `Content-Language` of texts in that language.
pub fn header(tongue: &Tongue) -> Option<HeaderValue> {
    HeaderValue::from_str(tongue.tag()).ok()
}

/// The same as all headers that an answer adds.
pub fn headers(tongue: &Tongue) -> HeaderMap {
    header(tongue).map(|value| (header::CONTENT_LANGUAGE, value)).into_iter().collect()
}
