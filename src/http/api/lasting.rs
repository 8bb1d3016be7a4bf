//! What cannot be taken back: binding a tenant to another company, and forgetting one. For admins, with
//! a reason, and with what it is about said again.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::given;
use crate::health::CompanyId;
use crate::health::Finding;
use crate::store::Erased;
use crate::store::TenantView;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Rebound;
use super::problem::{Details, Kind, Problem, no_tenant};
use super::tenants::{Reference, found, whole};
use super::view::Whole;

/// The company from now on, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebind {
    /// The provider's id of the company that the key must belong to from now on.
    #[schema(min_length = 1, max_length = 128)]
    company_id: String,
    /// The company that it is bound to now: where that is another one, nothing is done. It may be left
    /// out.
    #[schema(min_length = 1, max_length = 128)]
    company_before: Option<String>,
    /// Why, in a few words; kept in the audit chain. Never the key.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
    /// Do not try the present key: destroy it. The tenant waits for a new one.
    #[serde(default)]
    without_key: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RebindAnswer {
    /// Whether anything is different now.
    changed: bool,
    /// The company before.
    company_before: String,
    /// Whether it has a key, which the provider accepts for the company.
    with_key: bool,
    /// The tenant now.
    tenant: Whole,
}

/// Who is forgotten, said again, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The reference again, as it stands in the path.
    #[serde(rename = "ref")]
    #[schema(min_length = 1, max_length = 128)]
    pub reference: String,
    /// Why, in a few words; it stays in the audit chain, so it must not name the tenant. Never the key.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// What is left of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasedAnswer {
    /// Always true.
    erased: bool,
    /// keypulse's own id of it, under which the audit chain has what was done.
    tenant_id: String,
    /// Whether it had a key, which is destroyed.
    key_destroyed: bool,
    /// Of how many rows of the audit chain what is personal was erased.
    audit_details_erased: u64,
    /// What is out of keypulse's reach.
    pub notice: String,
}

/// Bind a tenant to another company.
///
/// Its key stays only if the provider accepts it for that company, here and now; else nothing changes,
/// unless `without_key` says that the key is to be destroyed.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/rebind", operation_id = "rebind_tenant",
    tag = "tenants", request_body = Rebind,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Bound to the company", body = RebindAnswer),
        (status = CONFLICT, description = "The key is not accepted for that company, or the tenant is \
            not as it was", body = Details, content_type = "application/problem+json")))]
pub async fn rebind(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    Given(wish): Given<Rebind>,
) -> Result<Json<RebindAnswer>, Problem> {
    let company = CompanyId::parse(&wish.company_id).ok_or_else(|| {
        Problem::of_field("company_id", "must be the provider's id: letters, digits and `-`")
    })?;
    let reason = reason(&wish.reason)?;
    let before = found(&api, &caller, &reference).await?;
    if wish.company_before.is_some_and(|expected| expected != before.company) {
        return Err(Kind::ChangedMeanwhile.because(
            "the tenant is bound to another company than `company_before`: read it and decide again",
        ));
    }
    let done = api.desk.rebind(&caller, before.id, &company, &reason, wish.without_key).await?;
    let (changed, with_key) = match done {
        Rebound::Done { with_key } => (true, with_key),
        Rebound::Already => (false, before.masked.is_some()),
        Rebound::NotAccepted(finding) => return Err(not_accepted(&api, &finding)),
        Rebound::NotAsked => {
            return Err(Kind::Unavailable.because(
                "no call could be made with the key, or it was taken out of use meanwhile: nothing \
                 has changed",
            ));
        }
        Rebound::Meanwhile => {
            return Err(Kind::ChangedMeanwhile.because(
                "the tenant was given another key or another company meanwhile: read it and decide \
                 again",
            ));
        }
    };
    let Json(tenant) = whole(&api, &caller, &reference).await?;
    Ok(Json(RebindAnswer { changed, company_before: before.company, with_key, tenant }))
}

fn not_accepted(api: &Api, finding: &Finding) -> Problem {
    let still = "Nothing has changed. Try again, or send `without_key`: then the key is destroyed, and \
                 the tenant is bound and waits for a new one";
    match finding {
        Finding::Inconclusive(why) => {
            Kind::Unavailable.because(format!("{why}, which says nothing about the key. {still}"))
        }
        Finding::Failed(failure) => Kind::NotAcceptedThere.because(format!(
            "the present key is not accepted for that company: {} {failure}. {still}",
            api.desk.profile().title
        )),
        Finding::Accepted
        | Finding::Operator(_)
        | Finding::Replaced(_)
        | Finding::Rebound(_)
        | Finding::Compared => Problem::ours("a key was accepted and its tenant not bound"),
    }
}

/// Forget a tenant.
///
/// All that is known of it is erased and its key destroyed: there is no way back. What stays names
/// nobody: the audit chain has the tenant's random id and what was done. A tenant with a withdrawn key
/// that nobody has confirmed to be deleted at the provider is not forgotten.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/erase", operation_id = "erase_tenant",
    tag = "tenants", request_body = Erase,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Forgotten", body = ErasedAnswer),
        (status = CONFLICT, description = "A withdrawn key is to be deleted first", body = Details,
            content_type = "application/problem+json")))]
pub async fn erase(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    Given(wish): Given<Erase>,
) -> Result<Json<ErasedAnswer>, Problem> {
    let reason = reason(&wish.reason)?;
    let view = found(&api, &caller, &reference).await?;
    if wish.reference != view.reference {
        return Err(Problem::of_field("ref", "is not the tenant of the path: nothing was erased"));
    }
    if names(&reason, &view) {
        return Err(Problem::of_field("reason", "must not name the tenant: it stays for ever"));
    }
    let store = api.desk.store(&caller);
    let title = &api.desk.profile().title;
    match store.erase_tenant_because(view.id, Some(&reason), api.clock.now()).await? {
        Erased::Done { key, details } => {
            api.desk.forget();
            let mut notice = "Backups, logs and what was handed over are not in reach of keypulse".to_owned();
            if key {
                let left = "The key still works for whoever has it, until it is deleted at";
                notice = format!("{notice}. {left} {title}");
            }
            Ok(Json(ErasedAnswer {
                erased: true,
                tenant_id: view.id.to_string(),
                key_destroyed: key,
                audit_details_erased: details,
                notice,
            }))
        }
        Erased::DeletionOpen => Err(Kind::DeletionOpen.because(format!(
            "a key of it that may have leaked is not confirmed to be deleted at {title}, and once it \
             is forgotten nobody knows whose it is: delete the key there, confirm it, and erase then"
        ))),
        Erased::Gone => Err(no_tenant()),
    }
}

fn reason(text: &str) -> Result<String, Problem> {
    given::remark(text).map_err(|must| Problem::of_field("reason", must))
}

/// Whether a text names this tenant.
fn names(text: &str, view: &TenantView) -> bool {
    let text = text.to_lowercase();
    [&view.reference, &view.name, &view.company]
        .into_iter()
        .any(|word| !word.is_empty() && text.contains(&word.to_lowercase()))
}
