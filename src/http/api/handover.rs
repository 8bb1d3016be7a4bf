//! Keys that are owed to the integration: what is owed, the sealed copy, and that it was taken.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::Method;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::Acknowledged;
use crate::store::Fetched;
use crate::vault::Recipient;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::part::{self, Limit, Of, PartParameters};
use super::problem::{Details, Kind, Problem};
use super::query::reference;
use super::tenants::{Reference, found};
use super::view::Owed;

/// All that can be asked of the list.
const KNOWN: [&str; 2] = ["limit", "cursor"];

/// Part of the list of what is owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwedPage {
    /// What is owed, in the order of the references.
    handovers: Vec<Owed>,
    /// To be given as `cursor` for the next page; null at the end of the list.
    next_cursor: Option<String>,
}

/// The copy of a key, which only the holder of the secret key can open.
#[derive(Debug, Serialize, ToSchema)]
pub struct Copy {
    /// Which of the tenant's keys: to be named when it is acknowledged.
    generation: u32,
    /// The public key that it is sealed to.
    recipient: String,
    /// What `keypulse recipient list` shows of that public key.
    recipient_fingerprint: Option<String>,
    /// The age file, in base64. What is opened is the key and nothing else.
    #[schema(format = Byte)]
    sealed: String,
    /// Since when it is owed.
    owed_at: DateTime<Utc>,
}

/// Which key the integration has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The generation that was fetched.
    #[schema(minimum = 1)]
    generation: u32,
}

/// What came of an acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcknowledgedAnswer {
    /// The generation that the integration has.
    generation: u32,
    /// Whether anything is different now: false where it was acknowledged before.
    changed: bool,
}

/// What the list is asked for.
#[derive(Debug, Default)]
pub struct Asked {
    after: String,
    limit: Limit,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let query = parts.uri.query().unwrap_or_default();
        part::parameters(query, &KNOWN, None, |name, value| {
            match name {
                "limit" => asked.limit = Limit::parse(value)?,
                _ => asked.after = Of::Handovers.place(value, reference)?,
            }
            Ok(())
        })?;
        Ok(asked)
    }
}

/// List the keys that are owed.
///
/// In the order of the references, page by page. A key that is acknowledged is not listed any more. To be
/// asked every minute or so; the list is short.
#[utoipa::path(get, path = "/api/v1/handovers", operation_id = "list_handovers", tag = "hand-over",
    params(PartParameters),
    responses((status = OK, description = "A page", body = OwedPage)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<OwedPage>, Problem> {
    let late_before = api.late_before();
    let page = api.desk.store(&caller).open_handovers(&asked.after, asked.limit.0).await?;
    let full = page.len() >= usize::try_from(asked.limit.0).unwrap_or(usize::MAX);
    let last = page.last().filter(|_| full);
    Ok(Json(OwedPage {
        next_cursor: last.map(|(last, _)| Of::Handovers.cursor(last)),
        handovers: page.iter().map(|(who, view)| Owed::of(who, view, late_before)).collect(),
    }))
}

/// Fetch the key that is owed.
///
/// Sealed to the recipient's public key in the age format: keypulse cannot open it. That it was fetched is
/// in the audit chain before it is answered. It may be fetched again, and is the same, until it is
/// acknowledged.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}/handover", operation_id = "fetch_handover",
    tag = "hand-over",
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "The sealed copy", body = Copy),
        (status = NOT_FOUND, description = "There is no such tenant, or no key is owed",
            body = Details, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Not accepted yet, sealed to nobody, or acknowledged",
            body = Details, content_type = "application/problem+json")))]
pub async fn fetch(
    State(api): State<Api>,
    caller: Caller,
    method: Method,
    Reference(reference): Reference,
) -> Result<Json<Copy>, Problem> {
    if method == Method::HEAD {
        // It would count as fetched, and nobody would have it.
        return Err(Problem::only("GET", "only a GET fetches"));
    }
    let view = found(&api, &caller, &reference).await?;
    match api.desk.fetch(&caller, view.id).await? {
        Fetched::Sealed { generation, copy, owed_at } => Ok(Json(Copy {
            generation,
            recipient_fingerprint: Recipient::parse(&copy.recipient)
                .ok()
                .map(|recipient| recipient.fingerprint()),
            recipient: copy.recipient,
            sealed: STANDARD.encode(copy.bytes),
            owed_at,
        })),
        Fetched::Unsealed => Err(Kind::NoRecipient.because(
            "a key is owed and sealed to nobody: register the integration's public key with \
             `keypulse recipient add`",
        )),
        Fetched::NotAccepted => {
            Err(Kind::NotAcceptedYet.because("it is handed over once the provider has accepted it"))
        }
        Fetched::Acknowledged(before) => Err(Kind::AlreadyAcknowledged.because(format!(
            "key {} was acknowledged, and the copy is destroyed",
            before.generation
        ))),
        Fetched::Nothing => Err(nothing_owed()),
    }
}

/// Say that the integration has the key.
///
/// Once it is stored where it will be used, not when it arrives: the copy is destroyed. The same
/// acknowledgement twice is no error.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/handover/acknowledge",
    operation_id = "acknowledge_handover", tag = "hand-over", request_body = Acknowledgement,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "The integration has it", body = AcknowledgedAnswer),
        (status = NOT_FOUND, description = "There is no such tenant, or no key is owed",
            body = Details, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Another key is owed, or this one was not fetched",
            body = Details, content_type = "application/problem+json")))]
pub async fn acknowledge(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    Given(Acknowledgement { generation }): Given<Acknowledgement>,
) -> Result<Json<AcknowledgedAnswer>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let store = api.desk.store(&caller);
    let done = store.acknowledge_handover(view.id, generation, api.clock.now()).await?;
    let changed = match done {
        Acknowledged::Done => true,
        Acknowledged::Already => false,
        Acknowledged::NotFetched => {
            return Err(Kind::NotFetched.because(
                "it was not fetched since it was sealed: what is destroyed now nobody would have",
            ));
        }
        Acknowledged::Other { generation } => {
            return Err(Kind::OtherGeneration
                .because(format!("the key that is owed is key {generation}: fetch it first")));
        }
        Acknowledged::Nothing => return Err(nothing_owed()),
    };
    Ok(Json(AcknowledgedAnswer { generation, changed }))
}

fn nothing_owed() -> Problem {
    Kind::NothingOwed.because("the integration has brought the key itself, or it was withdrawn")
}
