//! A key comes in; none ever goes out.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::health::Status;
use crate::provider;
use crate::provider::Names;
use crate::provider::Refusal;
use crate::redact::printable;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Offered;
use super::problem::{Details, Problem};
use super::secret::Secret;
use super::tenants::{Reference, ahead, found};
use super::view::Whole;

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
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "The key is accepted", body = Taken),
        (status = CONFLICT, description = "The key is in use, or somebody was faster",
            body = Details, content_type = "application/problem+json")))]
pub async fn put(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    Given(NewKey { key, expires_at }): Given<NewKey>,
) -> Result<Json<Taken>, Problem> {
    let before = found(&api, &caller, &reference).await?;
    ahead("expires_at", expires_at, api.clock.now())?;
    let offered = api.desk.enter(&caller, before.id, &key, expires_at).await?;
    drop(key);
    let status = before.health.status.word();
    let customer = (before.name.as_str(), before.company.as_str());
    answer(&api, &caller, offered, &reference, Some(status), customer).await.map(Json)
}

/// What is said of an offered key. `customer` is the name and the company to be named.
pub async fn answer(
    api: &Api,
    caller: &Caller,
    offered: Offered,
    reference: &str,
    before: Option<&'static str>,
    customer: (&str, &str),
) -> Result<Taken, Problem> {
    let name = printable(customer.0);
    let names = names(api, &name, customer.1);
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
    let told = taken.tell(&names, matches!(status, Status::Paused { .. }));
    Ok(Taken {
        kind: taken.name(),
        customer_message: told.customer_message,
        next_step: told.next_step,
        status_before: before,
        excess_scopes: excess.iter().map(str::to_owned).collect(),
        tenant: Whole::of(&api.desk.store(caller), &view, &api.setting()).await?,
    })
}

/// What is said of a key that was not taken.
pub fn refused(api: &Api, refusal: &Refusal, (name, company): (&str, &str)) -> Problem {
    Problem::of_refusal(refusal, &names(api, &printable(name), company))
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
