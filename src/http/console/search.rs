//! Finding a tenant, and lists of those in one state.

use axum::extract::{Extension, Query, State};
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use crate::health::Status;
use crate::http::api::problem::Problem;
use crate::store::TenantFilter;

use super::fleet::{Refused, Row, in_path};
use super::session::Visitor;
use super::{Console, view};

/// Tenants on a page.
const PAGE: u32 = 50;
/// The longest text that is looked for, in bytes.
const LONGEST: usize = 256;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    q: String,
    status: String,
    cause: String,
    after: String,
}

/// Shows who was found. Of one, the page itself.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refused> {
    let shown = page(&console, &visitor, &wanted).await;
    shown.map_err(|problem| Refused(Box::new((console, visitor, problem))))
}

async fn page(console: &Console, visitor: &Visitor, wanted: &Wanted) -> Result<Response, Problem> {
    let store = &console.api.store;
    let text = wanted.q.trim();
    let (tenants, more, next) = if text.is_empty() {
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = TenantFilter {
            status: word(&wanted.status).filter(|word| Status::WORDS.contains(&&**word)),
            cause: word(&wanted.cause),
            ..TenantFilter::default()
        };
        let page = store.tenant_page(&filter, &wanted.after, PAGE).await?;
        (page.tenants, false, page.next)
    } else if text.len() > LONGEST {
        (Vec::new(), false, None)
    } else {
        let found = store.search_tenants(text, PAGE).await?;
        (found.tenants, found.more, None)
    };
    if let [one] = &*tenants
        && !text.is_empty()
    {
        let to = format!("/tenants/{}", in_path(&one.reference));
        return Ok(console.redirect(&console.path(&to)));
    }
    let now = console.api.clock.now();
    let rows: Vec<Row> = tenants.iter().map(|one| Row::of(one, now)).collect();
    let of = |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name}={value}"));
    let after = next.map(|last| {
        let last: String = url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
        let kept = [of("status", &wanted.status), of("cause", &wanted.cause)];
        let kept: Vec<String> =
            kept.into_iter().flatten().chain([format!("after={last}")]).collect();
        kept.join("&")
    });
    Ok(console.page(
        visitor,
        "search.html",
        context! {
            title => "Tenants",
            q => text,
            status => wanted.status.as_str(),
            cause => wanted.cause.as_str(),
            rows => view::value(&rows),
            more,
            after,
            page => PAGE,
        },
    ))
}
