//! What is done to one tenant: pause, resume, ask now, disable, confirm.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::CustodyMode;
use crate::given;
use crate::health::Action;
use crate::health::DisabledCause;
use crate::health::Finding;
use crate::health::Reason;
use crate::health::Status;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Checked;
use super::idempotent::Kept;
use super::links::{self, Link};
use super::problem::{Details, Kind, Problem};
use super::tenants::{Reference, ahead, disabled, found, whole};
use super::view::Whole;

/// A body that says nothing; it may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How long to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When to go on by itself; until it is resumed, where it is not given.
    pub until: Option<DateTime<Utc>>,
}

/// Why the key is withdrawn.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disable {
    /// What happened, in a few words. Never the key.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// What came of asking.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckAnswer {
    /// The word of what was found, such as `accepted`.
    finding: &'static str,
    /// The same in words.
    pub text: String,
    /// The tenant now.
    tenant: Whole,
}

/// What came of disabling or confirming.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Withdrawn {
    /// Whether anything is different now.
    changed: bool,
    /// What is still to be done, and by whom.
    pub notice: String,
    /// Of disabling, where pages are served: a fresh link by which the customer gives a new key. Those
    /// of before lead nowhere any more.
    pub link: Option<Link>,
    /// The tenant now.
    tenant: Whole,
}

/// What came of an acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Noted {
    /// Whether anything is different now: false where it was acknowledged before.
    changed: bool,
}

/// Stop asking about a tenant.
///
/// Until a time, or until it is resumed. Nobody is told of it meanwhile.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/pause", operation_id = "pause_tenant",
    tag = "tenants", request_body = Pause,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Paused", body = Whole),
        (status = CONFLICT, description = "It is disabled", body = Details,
            content_type = "application/problem+json")))]
pub async fn pause(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    body: Option<Given<Pause>>,
) -> Result<Json<Whole>, Problem> {
    let Pause { until } = body.map(|Given(pause)| pause).unwrap_or_default();
    ahead("until", until, api.clock.now())?;
    operate(&api, &caller, &reference, Action::Pause { until }).await
}

/// Go on asking about a tenant, at once.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/resume", operation_id = "resume_tenant",
    tag = "tenants", request_body = Nothing,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Not paused", body = Whole),
        (status = CONFLICT, description = "It is disabled", body = Details,
            content_type = "application/problem+json")))]
pub async fn resume(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    _: Option<Given<Nothing>>,
) -> Result<Json<Whole>, Problem> {
    operate(&api, &caller, &reference, Action::Resume).await
}

async fn operate(
    api: &Api,
    caller: &Caller,
    reference: &str,
    action: Action,
) -> Result<Json<Whole>, Problem> {
    let view = found(api, caller, reference).await?;
    let verdict = api.desk.operate(caller, view.id, action, None).await?;
    let verdict = verdict.ok_or_else(kept_changing)?;
    if verdict.decision.reason == Reason::NotWatched {
        disabled(&found(api, caller, reference).await?)?;
    }
    whole(api, caller, reference).await
}

/// Ask the provider about a tenant now.
///
/// It counts like any other check.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/check", operation_id = "check_tenant",
    tag = "tenants", request_body = Nothing,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Asked", body = CheckAnswer),
        (status = CONFLICT, description = "It is being asked, or there is no key", body = Details,
            content_type = "application/problem+json")))]
pub async fn check(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    _: Option<Given<Nothing>>,
) -> Result<Json<CheckAnswer>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let finding = match api.desk.check(&caller, view.id).await? {
        Checked::Asked(finding) => finding,
        Checked::UnderWay => {
            return Err(Kind::CheckUnderWay.because("read the tenant in a moment"));
        }
        Checked::NoKey => return Err(Kind::NoKey.because("it was destroyed: give a new one")),
        Checked::NoCall => {
            return Err(Kind::Unavailable
                .because("no call could be started: nothing was asked and nothing has changed"));
        }
    };
    let text = match &finding {
        Finding::Accepted => "the key is accepted".to_owned(),
        Finding::Failed(failure) => format!("{} {failure}", api.desk.profile().title),
        Finding::Inconclusive(why) => format!("{why}; this says nothing about the key"),
        Finding::Operator(_) | Finding::Replaced(_) | Finding::Rebound(_) | Finding::Compared => {
            "nothing was asked".to_owned()
        }
    };
    let Json(tenant) = whole(&api, &caller, &reference).await?;
    Ok(Json(CheckAnswer { finding: finding.name(), text, tenant }))
}

/// Withdraw the key of a tenant at once, because it may have leaked.
///
/// Within 5 seconds no keypulse on this database starts a call with it. The stored key is destroyed and
/// never accepted again, for no tenant. Only deleting the key at the provider ends its power: that stays
/// an open point until it is confirmed. There is no way back but a new key.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/disable", operation_id = "disable_tenant",
    tag = "key", request_body = Disable,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Disabled", body = Withdrawn)))]
pub async fn disable(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    body: Option<Given<Disable>>,
) -> Result<Response, Problem> {
    let Disable { reason } = body.map(|Given(disable)| disable).unwrap_or_default();
    let answer = withdraw(&api, &caller, &reference, reason.as_deref()).await?;
    // The link is shown once.
    let link = answer.link.as_ref().map(Link::without_url);
    let kept = Kept::of(&Withdrawn { link, ..answer.clone() });
    Ok((kept, Json(answer)).into_response())
}

/// The same for whoever shows it otherwise.
pub async fn withdraw(
    api: &Api,
    caller: &Caller,
    reference: &str,
    reason: Option<&str>,
) -> Result<Withdrawn, Problem> {
    let reason = reason.map(given::remark);
    let reason = reason.transpose().map_err(|must| Problem::of_field("reason", must))?;
    let view = found(api, caller, reference).await?;
    let changed = view.health.status != Status::Disabled(DisabledCause::Compromised);
    if changed {
        let action = Action::Compromise;
        let done = api.desk.operate(caller, view.id, action, reason.as_deref()).await?;
        done.ok_or_else(kept_changing)?;
        api.desk.forget();
    }
    let mut answer = withdrawn(api, caller, reference, changed).await?;
    if changed {
        answer.link = fresh_link(api, caller, reference).await;
    }
    Ok(answer)
}

/// Say that the integration has stopped using the withdrawn key of a tenant.
///
/// Once no process of it holds the key any more, not when the message arrives: an answer 2xx to
/// `tenant.disabled` says only that it was received. Until this is said, on-call is alerted. The same
/// twice is no error.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/disabled/acknowledge",
    operation_id = "acknowledge_disabled", tag = "key", request_body = Nothing,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Noted", body = Noted),
        (status = NOT_FOUND, description = "There is no such tenant, or no key of it was withdrawn",
            body = Details, content_type = "application/problem+json")))]
pub async fn acknowledge_disabled(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    _: Option<Given<Nothing>>,
) -> Result<Json<Noted>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let store = api.desk.store(&caller);
    match store.acknowledge_disabled(view.id, api.clock.now()).await? {
        Some(changed) => Ok(Json(Noted { changed })),
        None => Err(Kind::NothingToAcknowledge.because("no key of this tenant was ever withdrawn")),
    }
}

/// Confirm that the withdrawn keys of a tenant were deleted at the provider.
///
/// keypulse cannot see that by itself: somebody has to have looked.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/confirm-deleted",
    operation_id = "confirm_deleted", tag = "key", request_body = Nothing,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Noted", body = Withdrawn)))]
pub async fn confirm_deleted(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    _: Option<Given<Nothing>>,
) -> Result<Json<Withdrawn>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let store = api.desk.store(&caller);
    let confirmed = store.confirm_deleted(view.id, api.clock.now()).await?;
    withdrawn(&api, &caller, &reference, confirmed > 0).await.map(Json)
}

/// A link by which the customer gives a new key, where there is a page for it. The key is withdrawn also
/// where none can be made.
async fn fresh_link(api: &Api, caller: &Caller, reference: &str) -> Option<Link> {
    if !api.desk.serves_pages() || api.desk.custody() == CustodyMode::Mirror {
        return None;
    }
    let view = found(api, caller, reference).await.ok()?;
    match api.desk.link(caller, &view, links::SUPPORT).await {
        Ok(made) => Some(Link::of(made)),
        Err(error) => {
            tracing::warn!("no fresh link was made for a disabled tenant: {error}");
            None
        }
    }
}

async fn withdrawn(
    api: &Api,
    caller: &Caller,
    reference: &str,
    changed: bool,
) -> Result<Withdrawn, Problem> {
    let Json(tenant) = whole(api, caller, reference).await?;
    let profile = api.desk.profile();
    let notice = if tenant.deletions_wanted.is_empty() {
        format!("no key of this tenant waits to be deleted at {}", profile.title)
    } else {
        let how = match &profile.key.deletion {
            Some(deletion) => format!("There: {deletion}"),
            None => format!("Ask {} how", profile.title),
        };
        format!(
            "keypulse has no power over the key itself: whoever has it can use it until it is \
             deleted at {}. {how}. This point stays open until it is confirmed",
            profile.title
        )
    };
    Ok(Withdrawn { changed, notice, link: None, tenant })
}

fn kept_changing() -> Problem {
    Kind::Unavailable.because("the tenant kept changing, and nothing was done: try again")
}
