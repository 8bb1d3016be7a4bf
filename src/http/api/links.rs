//! Links that lead customers to a page. A link is shown in the one answer that made it, and kept nowhere:
//! a repetition of the request gets that answer without it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::CustodyMode;
use crate::given;
use crate::health::CompanyId;
use crate::http::public::invitation::Invitation;
use crate::ids::TenantRef;
use crate::store::{Care, KeptLink, KeyKind, StoreError};

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Made;
use super::idempotent::Kept;
use super::problem::{Details, Kind, Problem};
use super::tenants::{ContactGiven, Reference, found, locale, time_zone};

/// Who is given a link where nobody says.
pub const SUPPORT: &str = "support";
/// What stands where a link was.
const SHOWN: &str = "the link was shown in the first answer and is kept nowhere: make another one, or \
                     take it back";

/// Who is given the link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// Who is given it, in a word; `support` where it is not given.
    #[schema(max_length = 63)]
    recipient: Option<String>,
}

/// Who is invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The integration's own name for the tenant that is to be.
    #[serde(rename = "ref")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]{1,128}$")]
    reference: String,
    /// The name that people know; the reference where it is not given.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The provider's id of the company that the key must belong to. Where it is not given, the customer
    /// is shown the company of the key and has to confirm it.
    #[schema(min_length = 1, max_length = 128)]
    company_id: Option<String>,
    /// `integrated` (the usual one) or `standalone`.
    #[schema(pattern = "^(integrated|standalone)$")]
    kind: Option<String>,
    /// Whom to write to about this tenant later.
    contact: Option<ContactGiven>,
    /// The language of the page, such as `da-DK`; the browser's where it is not given.
    locale: Option<String>,
    /// The customer's time zone, such as `Europe/Copenhagen`.
    time_zone: Option<String>,
    /// Who is given the link, in a word; `support` where it is not given.
    #[schema(max_length = 63)]
    recipient: Option<String>,
}

/// A link that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Link {
    /// Its name, which opens nothing.
    id: String,
    /// The link. Whoever has it may give a key. Null in the answer to a repetition.
    pub url: Option<String>,
    /// Until when it leads to the page; a key that is given by it ends it sooner.
    pub expires_at: DateTime<Utc>,
    /// Why there is no link; null where there is one.
    notice: Option<&'static str>,
}

/// A tenant's links.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    /// The newest 100, the newest first.
    links: Vec<Standing>,
}

/// How a link stands. The link itself is kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    /// Its name, which opens nothing.
    id: String,
    /// `open`, `spent`, `revoked` or `expired`.
    state: &'static str,
    /// Who was given it.
    recipient: String,
    /// When it was made.
    created_at: Option<DateTime<Utc>>,
    /// Until when it leads to the page.
    expires_at: DateTime<Utc>,
    /// How often a key was tried by it in vain.
    tries: u32,
}

/// How many links lead nowhere any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// How many were taken back.
    revoked: u64,
}

impl Link {
    /// The link as it is shown once.
    pub fn of(made: Made) -> Self {
        Self { id: made.id, url: Some(made.url), expires_at: made.expires_at, notice: None }
    }

    /// The same as it may be kept.
    #[must_use]
    pub fn without_url(&self) -> Self {
        Self { url: None, notice: Some(SHOWN), ..self.clone() }
    }
}

fn shown_once(link: &Link) -> Response {
    let kept = Kept::of(&link.without_url());
    (StatusCode::CREATED, kept, Json(link)).into_response()
}

/// Make a link by which a tenant's customer gives a new key.
///
/// The link is in this answer only: a repetition under the same `Idempotency-Key` makes none and answers
/// without it.
#[utoipa::path(post, path = "/api/v1/tenants/{ref}/links", operation_id = "make_link", tag = "links",
    request_body = NewLink,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = CREATED, description = "Made", body = Link),
        (status = CONFLICT, description = "No pages are served, or not for keys", body = Details,
            content_type = "application/problem+json")))]
pub async fn make(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    body: Option<Given<NewLink>>,
) -> Result<Response, Problem> {
    let NewLink { recipient } = body.map(|Given(new)| new).unwrap_or_default();
    let recipient = word(recipient.as_deref())?;
    served(&api)?;
    let view = found(&api, &caller, &reference).await?;
    let made = api.desk.link(&caller, &view, &recipient).await?;
    Ok(shown_once(&Link::of(made)))
}

/// List the links of a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}/links", operation_id = "list_links", tag = "links",
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "How they stand", body = Links)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
) -> Result<Json<Links>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let (links, now) = (api.desk.store(&caller).links_of(view.id).await?, api.clock.now());
    let standing = |link: KeptLink| Standing {
        state: link.state(now).name(),
        id: link.id,
        recipient: link.recipient,
        created_at: link.created_at,
        expires_at: link.expires_at,
        tries: link.tries,
    };
    Ok(Json(Links { links: links.into_iter().map(standing).collect() }))
}

/// Take back all links of a tenant.
#[utoipa::path(delete, path = "/api/v1/tenants/{ref}/links", operation_id = "revoke_links",
    tag = "links",
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "None leads to the page any more", body = Revoked)))]
pub async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
) -> Result<Json<Revoked>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let revoked = api.desk.store(&caller).revoke_links(view.id, api.clock.now()).await?;
    Ok(Json(Revoked { revoked }))
}

/// Invite somebody who becomes a tenant by giving a key.
///
/// The link is in this answer only, as with any other.
#[utoipa::path(post, path = "/api/v1/invitations", operation_id = "invite", tag = "links",
    request_body = NewInvitation,
    responses((status = CREATED, description = "Made", body = Link),
        (status = CONFLICT, description = "The reference is in use, or no pages are served for this",
            body = Details, content_type = "application/problem+json")))]
pub async fn invite(
    State(api): State<Api>,
    caller: Caller,
    Given(new): Given<NewInvitation>,
) -> Result<Response, Problem> {
    let reference = TenantRef::parse(&new.reference).map_err(|_| {
        Problem::of_field("ref", "must have 1 to 128 characters of ASCII, no space")
    })?;
    let company = new.company_id.map(|id| {
        CompanyId::parse(&id).ok_or_else(|| {
            Problem::of_field("company_id", "must be the provider's id: letters, digits and `-`")
        })
    });
    let name = new.name.unwrap_or_else(|| reference.to_string());
    let kind = match new.kind.as_deref() {
        None => KeyKind::Integrated,
        Some(word) => KeyKind::parse(word)
            .ok_or_else(|| Problem::of_field("kind", "must be `integrated` or `standalone`"))?,
    };
    let recipient = word(new.recipient.as_deref())?;
    let invitation = Invitation {
        name: given::name(&name).map_err(|must| Problem::of_field("name", must))?,
        company: company.transpose()?,
        kind,
        care: Care {
            contact: new.contact.map(ContactGiven::check).transpose()?,
            locale: new.locale.map(|text| locale(&text)).transpose()?,
            time_zone: new.time_zone.map(|text| time_zone(&text)).transpose()?,
            ..Care::default()
        },
        reference,
    };
    served(&api)?;
    if api.desk.custody() == CustodyMode::Reference {
        return Err(Kind::NoPages.because(
            "with custody `reference` a new tenant needs a place for its key first: add it with its \
             `key_ref`",
        ));
    }
    let reference = invitation.reference.as_str();
    if api.desk.store(&caller).tenant(reference).await?.is_some() {
        return Err(StoreError::RefTaken(reference.to_owned()).into());
    }
    let made = api.desk.invite(&caller, &invitation, &recipient).await?;
    Ok(shown_once(&Link::of(made)))
}

fn word(recipient: Option<&str>) -> Result<String, Problem> {
    given::role(recipient.unwrap_or(SUPPORT)).map_err(|must| Problem::of_field("recipient", must))
}

/// Whether there is a page that a link can lead to.
pub fn served(api: &Api) -> Result<(), Problem> {
    if api.desk.custody() == CustodyMode::Mirror {
        return Err(Kind::NoPages.because(
            "with custody `mirror` customers give their keys on the integration's own page: see \
             `reconnect_url` of the tenant",
        ));
    }
    if !api.desk.serves_pages() {
        return Err(Kind::NoPages.because("no pages are served: `public.url` is not set"));
    }
    Ok(())
}
