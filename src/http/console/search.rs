//! Finding a tenant, and lists of those in one state.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use minijinja::context;
use url::form_urlencoded;

use crate::health::Status;
use crate::http::api::problem::{Kind, Problem};
use crate::ids::TenantRef;
use crate::store::TenantFilter;

use super::fleet::{Refused, Row, in_path};
use super::session::Visitor;
use super::{Console, view};

/// Tenants on a page.
const PAGE: u32 = 50;
/// The longest text that is looked for, in bytes.
const LONGEST: usize = 256;

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    q: String,
    status: Option<&'static str>,
    cause: Option<String>,
    after: String,
}

impl Wanted {
    /// Reads the query of an address. Of what comes twice the first counts; what is not known means nothing.
    fn read(query: &str) -> Result<Self, Problem> {
        let text = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(name, value)| name == wanted && !value.is_empty());
            found.map(|(_, value)| value.into_owned())
        };
        let bad = |what: &str| Kind::BadQuery.because(format!("there is no such {what}"));
        let status = text("status").map(|word| {
            let known = Status::WORDS.into_iter().find(|known| *known == word);
            known.ok_or_else(|| bad("status"))
        });
        let cause = text("cause").map(|word| {
            let plain =
                word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if plain { Ok(word) } else { Err(bad("cause")) }
        });
        let after = text("after").map(|last| TenantRef::parse(&last).map_err(|_| bad("place")));
        Ok(Self {
            q: text("q").unwrap_or_default().trim().to_owned(),
            status: status.transpose()?,
            cause: cause.transpose()?,
            after: after.transpose()?.map(|last| last.to_string()).unwrap_or_default(),
        })
    }
}

/// Shows who was found. Of one, the page itself.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let shown = match Wanted::read(query.as_deref().unwrap_or_default()) {
        Ok(wanted) => page(&console, &visitor, &wanted).await,
        Err(problem) => Err(problem),
    };
    shown.map_err(|problem| Refused(Box::new((console, visitor, problem))))
}

async fn page(console: &Console, visitor: &Visitor, wanted: &Wanted) -> Result<Response, Problem> {
    let store = &console.api.store;
    let text = wanted.q.as_str();
    let (tenants, more, next) = if text.is_empty() {
        let filter = TenantFilter {
            status: wanted.status.map(str::to_owned),
            cause: wanted.cause.clone(),
            ..TenantFilter::default()
        };
        let page = store.tenant_page(&filter, &wanted.after, PAGE).await?;
        (page.tenants, false, page.next)
    } else if text.len() > LONGEST {
        return Err(
            Kind::BadQuery.because("nobody is called by so long a text: 256 letters at most")
        );
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
    let after = next.map(|last| {
        let last: String = form_urlencoded::byte_serialize(last.as_bytes()).collect();
        let kept = [
            wanted.status.map(|word| format!("status={word}")),
            wanted.cause.as_ref().map(|word| format!("cause={word}")),
        ];
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
            status => wanted.status,
            cause => wanted.cause.as_deref(),
            rows => view::value(&rows),
            more,
            after,
            page => PAGE,
        },
    ))
}
