//! What a list is asked for: filters, and where it goes on. Parameters that are not known are refused:
//! a filter that is misspelt must not show everybody.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;

use crate::given;
use crate::health::Status;
use crate::ids::TenantRef;
use crate::redact::printable;
use crate::store::{LabelFilter, TenantFilter};

use super::part::{self, Limit, Of};
use super::problem::{Kind, Problem};

/// All that can be asked for.
const KNOWN: [&str; 6] = ["limit", "cursor", "status", "cause", "label", "search"];
/// The longest text to search for, in characters.
const LONGEST: usize = 200;
/// Labels to filter by, at most.
const LABELS: usize = 8;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Which tenants.
    pub filter: TenantFilter,
    /// The reference that they come after.
    pub after: String,
    /// How many.
    pub limit: Limit,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default())
    }
}

fn parse(query: &str) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    part::parameters(query, &KNOWN, Some("label"), |name, value| asked.take(name, value))?;
    Ok(asked)
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let filter = &mut self.filter;
        let bad = |must: &str| Err(Kind::BadQuery.because(format!("`{name}` {must}")));
        match name {
            "limit" => self.limit = Limit::parse(value)?,
            "cursor" => self.after = Of::Tenants.place(value, reference)?,
            "status" => {
                if !Status::WORDS.contains(&value) {
                    return bad("must be one of the words of docs/API.md");
                }
                filter.status = Some(value.to_owned());
            }
            "cause" => {
                let known = Status::CAUSES.iter().any(|(_, cause)| *cause == value);
                if !known || value.is_empty() {
                    return bad("must be one of the causes of docs/API.md");
                }
                filter.cause = Some(value.to_owned());
            }
            "label" if filter.labels.len() < LABELS => match given::label(value) {
                Ok((name, text)) => {
                    let text = value.contains('=').then_some(text);
                    filter.labels.push(LabelFilter { name, value: text });
                }
                Err(must) => return bad(must),
            },
            "label" => return bad("may be given 8 times"),
            _ => {
                if value.chars().count() > LONGEST || printable(value) != value {
                    return bad(
                        "must have at most 200 characters, none of them a control character",
                    );
                }
                filter.search = Some(value.to_owned());
            }
        }
        Ok(())
    }
}

/// A reference as a cursor holds it.
pub fn reference(text: &str) -> Option<String> {
    TenantRef::parse(text).ok().map(|reference| reference.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_by_what_is_known_and_by_nothing_else() {
        let asked = parse("limit=7&status=degraded&label=plan%3Dpro&label=beta&search=Fj%C3%B8rd");
        let asked = asked.unwrap();
        assert_eq!((asked.limit.0, asked.filter.status.as_deref()), (7, Some("degraded")));
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
        let cursor = Of::Tenants.cursor("erp-483");
        assert!(!cursor.contains("erp"), "{cursor}");
        assert_eq!(parse(&format!("cursor={cursor}")).unwrap().after, "erp-483");
        // One of another list leads nowhere.
        let other = Of::Handovers.cursor("erp-483");
        assert!(parse(&format!("cursor={other}")).is_err());
    }
}
