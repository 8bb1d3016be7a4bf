//! A key comes in; none ever goes out.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::health::Status;
use crate::provider;
use crate::provider::Names;
use crate::provider::Refusal;
use crate::redact::printable;
use crate::words::Tongue;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Offered;
use super::problem::{Details, Problem};
use super::secret::Secret;
use super::tenants::{Reference, ahead, found};
use super::view::Whole;
use super::wish::{self, Wish};

/// A new key for a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The key. It is tried before it takes the place of the one before, and never shown again.
    #[schema(value_type = String, format = Password, write_only)]
    key: Secret,
    /// When it expires; the provider never tells.
    expires_at: Option<DateTime<Utc>>,
}

/// A key that is accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    /// `replaced`, or `same-key`: it was there already.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What happened, in words fit to be shown to a customer as they are.
    customer_message: String,
    /// What the customer does next.
    next_step: String,
    /// The status before; null of a tenant that was added.
    status_before: Option<&'static str>,
    /// What the key may do beyond what is required: one that may do less is safer.
    excess_scopes: Vec<String>,
    /// The tenant now.
    tenant: Whole,
}

/// Give a tenant a new key.
///
/// The one road in: it is cleaned, judged, compared with all others and tried at the provider. Only then
/// does it take the place of the key before, which is destroyed. A refusal changes nothing.
#[utoipa::path(put, path = "/api/v1/tenants/{ref}/key", operation_id = "put_key", tag = "key",
    request_body = NewKey,
    params(("ref" = String, Path, description = "The integration's own name for the tenant"),
        wish::Parameters),
    responses((status = OK, description = "The key is accepted", body = Taken,
            headers(("Content-Language" = String, description = "The language of the texts"))),
        (status = CONFLICT, description = "The key is in use, or somebody was faster",
            body = Details, content_type = "application/problem+json")))]
pub async fn put(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    wish: Wish,
    Given(NewKey { key, expires_at }): Given<NewKey>,
) -> Result<(HeaderMap, Json<Taken>), Problem> {
    let before = found(&api, &caller, &reference).await?;
    ahead("expires_at", expires_at, api.clock.now())?;
    let care = api.desk.store(&caller).care(before.id).await?;
    let tongue = wish.tongue(&api.words, care.locale.as_deref());
    let offered = api.desk.enter(&caller, before.id, &key, expires_at).await?;
    drop(key);
    let status = before.health.status.word();
    let customer = Customer { name: &before.name, company: &before.company, tongue: &tongue };
    let taken = answer(&api, &caller, offered, &reference, Some(status), customer).await?;
    Ok((wish::headers(&tongue), Json(taken)))
}

/// Whom a text is for: the name and the company to be named, and the language.
#[derive(Clone, Copy)]
pub struct Customer<'a> {
    /// As people know them.
    pub name: &'a str,
    /// The id of their company; empty where it is not known.
    pub company: &'a str,
    /// What they read.
    pub tongue: &'a Tongue,
}

/// What is said of an offered key.
pub async fn answer(
    api: &Api,
    caller: &Caller,
    offered: Offered,
    reference: &str,
    before: Option<&'static str>,
    customer: Customer<'_>,
) -> Result<Taken, Problem> {
    let name = printable(customer.name);
    let names = names(api, &name, customer.company);
    let (same, excess) = match offered {
        Offered::Refused(refusal) => return Err(refused(api, &refusal, customer)),
        Offered::Live { excess } => (false, excess),
        Offered::Same { excess } => (true, excess),
    };
    let view = found(api, caller, reference).await?;
    let status = &view.health.status;
    let taken = match status {
        _ if !same => provider::Taken::Replaced,
        Status::Degraded(_) | Status::NeedsReconnection { .. } => {
            provider::Taken::SameWhileUnsteady
        }
        Status::Pending { .. }
        | Status::Healthy { .. }
        | Status::Paused { .. }
        | Status::Disabled(_) => provider::Taken::Same,
    };
    let paused = matches!(status, Status::Paused { .. });
    let told = taken.tell(&names, paused, &|id, args| customer.tongue.say_texts(id, args));
    Ok(Taken {
        kind: taken.name(),
        customer_message: told.customer_message,
        next_step: told.next_step,
        status_before: before,
        excess_scopes: excess.iter().map(str::to_owned).collect(),
        tenant: Whole::of(&api.desk.store(caller), &view, api.late_before()).await?,
    })
}

/// What is said of a key that was not taken.
pub fn refused(api: &Api, refusal: &Refusal, customer: Customer<'_>) -> Problem {
    let name = printable(customer.name);
    Problem::of_refusal(refusal, &names(api, &name, customer.company), customer.tongue)
}

fn names<'a>(api: &'a Api, customer: &'a str, company: &'a str) -> Names<'a> {
    let profile = api.desk.profile();
    Names {
        provider: &profile.title,
        place: profile.key.place.as_deref(),
        prefixes: &profile.key.prefixes,
        customer,
        company,
    }
}
