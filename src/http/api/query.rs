//! What a list is asked for: filters, and where it goes on. Parameters that are not known are refused:
//! a filter that is misspelt must not show everybody.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use utoipa::IntoParams;

use crate::given;
use crate::health::Status;
use crate::ids::TenantRef;
use crate::redact::printable;
use crate::store::{LabelFilter, TenantFilter};

use super::problem::{Kind, Problem};

/// Tenants on a page: at most, and where nobody says.
const MOST: u32 = 200;
const USUAL: u32 = 50;
/// The longest text to search for, in characters.
const LONGEST: usize = 200;
/// Labels to filter by, at most.
const LABELS: usize = 8;
/// What a cursor of this form begins with.
const FORM: &str = "1 ";

/// Which tenants, and how many of them at a time.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what Asked reads")]
pub struct Parameters {
    /// Tenants on a page: 1 to 200, 50 where it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the list goes on: `next_cursor` of the page before, as it is.
    cursor: Option<String>,
    /// Only those in this state: `pending`, `healthy`, `degraded`, `needs_reconnection`, `paused` or
    /// `disabled`.
    status: Option<String>,
    /// Only those with this cause, such as `rejected`.
    cause: Option<String>,
    /// Only those with this label (`name`), or with this value of it (`name=value`); up to 8 times.
    #[param(style = Form, explode = true, max_items = 8)]
    label: Option<Vec<String>>,
    /// Only those with this text in their reference or name.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// A list as somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which tenants.
    pub filter: TenantFilter,
    /// The reference that they come after.
    pub after: String,
    /// How many.
    pub limit: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default())
    }
}

/// The cursor behind this reference.
pub fn cursor(reference: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{FORM}{reference}"))
}

fn parse(query: &str) -> Result<Asked, Problem> {
    let mut asked = Asked { filter: TenantFilter::default(), after: String::new(), limit: USUAL };
    let mut seen = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let bad = |must: &str| Err(Kind::BadQuery.because(format!("`{name}` {must}")));
        if name != "label" && seen.contains(&name) {
            return Err(Kind::BadQuery.because("a parameter is given twice"));
        }
        match &*name {
            "limit" => match value.parse() {
                Ok(limit @ 1..=MOST) => asked.limit = limit,
                _ => return bad("must be a whole number from 1 to 200"),
            },
            "cursor" => asked.after = after(&value)?,
            "status" if Status::WORDS.contains(&&*value) => {
                asked.filter.status = Some(value.into_owned());
            }
            "status" => return bad("must be one of the words of docs/API.md"),
            "cause" => {
                let known = Status::CAUSES.iter().any(|(_, cause)| *cause == value);
                if !known || value.is_empty() {
                    return bad("must be one of the causes of docs/API.md");
                }
                asked.filter.cause = Some(value.into_owned());
            }
            "label" if asked.filter.labels.len() < LABELS => match given::label(&value) {
                Ok((name, text)) => {
                    let text = value.contains('=').then_some(text);
                    asked.filter.labels.push(LabelFilter { name, value: text });
                    continue;
                }
                Err(must) => return bad(must),
            },
            "label" => return bad("may be given 8 times"),
            "search" => {
                if value.chars().count() > LONGEST || printable(&value) != value {
                    return bad(
                        "must have at most 200 characters, none of them a control character",
                    );
                }
                asked.filter.search = Some(value.into_owned());
            }
            _ => {
                return Err(Kind::BadQuery.because(
                    "a parameter is not known here: there are limit, cursor, status, cause, label \
                     and search",
                ));
            }
        }
        seen.push(name);
    }
    Ok(asked)
}

fn after(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let reference = text.as_deref().and_then(|text| text.strip_prefix(FORM));
    match reference.map(TenantRef::parse) {
        Some(Ok(reference)) => Ok(reference.to_string()),
        _ => Err(Kind::BadCursor.because("give `next_cursor` of the page before as it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_by_what_is_known_and_by_nothing_else() {
        let asked = parse("limit=7&status=degraded&label=plan%3Dpro&label=beta&search=Fj%C3%B8rd");
        let asked = asked.unwrap();
        assert_eq!((asked.limit, asked.filter.status.as_deref()), (7, Some("degraded")));
        assert_eq!(asked.filter.search.as_deref(), Some("Fjørd"));
        let labels: Vec<_> =
            asked.filter.labels.iter().map(|one| (&*one.name, one.value.as_deref())).collect();
        assert_eq!(labels, [("plan", Some("pro")), ("beta", None)]);
        for bad in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=x",
            "limit=1&limit=2",
            "status=dead",
            "cause=",
            "cause=x",
            "label=a b",
            "search=%00",
            "statsu=healthy",
            "key=pls_1",
            "x",
            "cursor=",
            "cursor=%2e",
            "cursor=erp-1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_leads_back_to_where_it_was_made() {
        let cursor = cursor("erp-483");
        assert!(!cursor.contains("erp"), "{cursor}");
        assert_eq!(parse(&format!("cursor={cursor}")).unwrap().after, "erp-483");
    }
}
