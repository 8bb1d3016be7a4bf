//! What is answered when something is not done: RFC 9457 problem details, for everything. Each has a
//! `type` that stays the same for ever. None repeats anything of what was sent.
//!
//! Long because it is the list of all problems, each with its word, its status and its title.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::CompanyId;
use crate::provider::{Names, Refusal};
use crate::redact::chain;
use crate::store::StoreError;
use crate::words::Tongue;

use super::wish;

/// What every `type` begins with.
pub const TYPE: &str = "urn:keypulse:problem:";
/// Whoever asks too much, or finds the provider silent, is told to wait so many seconds.
const SOON: u32 = 1;
const LATER: u32 = 60;

/// A refusal or a failure.
#[derive(Clone, Debug)]
pub struct Problem(Box<Details>);

/// A refusal or a failure, as RFC 9457 describes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// What it is, for programs: `urn:keypulse:problem:` and a word that stays the same for ever.
    #[serde(rename = "type")]
    #[schema(example = "urn:keypulse:problem:no-such-tenant")]
    kind: String,
    /// What it is, for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong in this case, and what to do.
    detail: String,
    /// Of a key that was not taken: what is wrong and what has not changed, in words fit to be shown
    /// to a customer as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_message: Option<String>,
    /// Of a key that was not taken: the one thing for the customer to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
    /// Of a company that is to be confirmed: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    company_id: Option<String>,
    /// Of a company that is to be confirmed: the name that people know it by, where the key may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    company_name: Option<String>,
    /// Of an application that was not expected: how many tenants it touches now.
    #[serde(skip_serializing_if = "Option::is_none")]
    touched: Option<u64>,
    /// Of a list that was refused: how many of its lines cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_lines: Option<u64>,
    /// Of a list that was refused: the first of these lines, by their numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<RefusedLine>,
    #[serde(skip)]
    retry_after: Option<u32>,
    #[serde(skip)]
    allow: Option<&'static str>,
    /// Of the texts for a customer.
    #[serde(skip)]
    language: Option<HeaderValue>,
}

/// A line of a list that cannot be used. What stands on it is not repeated.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefusedLine {
    /// Which one, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Every kind of problem but refused keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The path, a header or the body is not what it must be, by its form.
    BadRequest,
    /// A parameter of the query is unknown or not allowed.
    BadQuery,
    /// The cursor is none that was given out.
    BadCursor,
    /// The name of the request is no `Idempotency-Key`.
    BadIdempotencyKey,
    /// No token, or none that is taken.
    Unauthorized,
    /// The token's role may not do this.
    RoleNotAllowed,
    /// Nothing is served there.
    NoSuchPage,
    /// There is no such tenant.
    NoSuchTenant,
    /// No key of this tenant is owed.
    NothingOwed,
    /// No key of this tenant was withdrawn.
    NothingToAcknowledge,
    /// The method is not for this path.
    MethodNotAllowed,
    /// The body did not come in time.
    BodyTooSlow,
    /// The reference is in use.
    RefTaken,
    /// No company was given: this is the key's, to be confirmed.
    CompanyToConfirm,
    /// The tenant is being asked at this moment.
    CheckUnderWay,
    /// There is no key to ask with.
    NoKey,
    /// A disabled tenant comes back by a new key only.
    TenantDisabled,
    /// A key is owed, and the provider has not accepted it yet.
    NotAcceptedYet,
    /// A key is owed, and there is nobody to seal it to.
    NoRecipient,
    /// The integration has the key; the copy is destroyed.
    AlreadyAcknowledged,
    /// Nobody has fetched what is to be acknowledged.
    NotFetched,
    /// Another key of the tenant is the one that is owed.
    OtherGeneration,
    /// The keys held here are not copies of an integration's.
    NotMirrored,
    /// A list that was pushed later counts already.
    ListOvertaken,
    /// The tenant is not as whoever asked has seen it.
    ChangedMeanwhile,
    /// The key is not accepted for the other company.
    NotAcceptedThere,
    /// A withdrawn key is not confirmed to be deleted.
    DeletionOpen,
    /// No scope is required.
    NothingRequired,
    /// Another number of tenants is touched than was expected.
    NotExpected,
    /// No page is served that a link could lead to.
    NoPages,
    /// Nothing is sent by this installation yet.
    NothingSent,
    /// A backup was restored, and not everybody was asked since.
    StillToAsk,
    /// A request of this name is under way.
    RequestUnderWay,
    /// The body is too long.
    BodyTooLarge,
    /// The body is not said to be JSON.
    NotJson,
    /// The body is not said to be a list.
    NotList,
    /// A value is not allowed.
    BadValue,
    /// Lines of the list cannot be used.
    ListRefused,
    /// Another request was made under this name.
    IdempotencyKeyReused,
    /// Too many requests.
    TooManyRequests,
    /// Our own fault.
    Internal,
    /// The database cannot be used now, or keypulse is ending.
    Unavailable,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 42] = [
        Self::BadRequest,
        Self::BadQuery,
        Self::BadCursor,
        Self::BadIdempotencyKey,
        Self::Unauthorized,
        Self::RoleNotAllowed,
        Self::NoSuchPage,
        Self::NoSuchTenant,
        Self::NothingOwed,
        Self::NothingToAcknowledge,
        Self::MethodNotAllowed,
        Self::BodyTooSlow,
        Self::RefTaken,
        Self::CompanyToConfirm,
        Self::CheckUnderWay,
        Self::NoKey,
        Self::TenantDisabled,
        Self::NotAcceptedYet,
        Self::NoRecipient,
        Self::AlreadyAcknowledged,
        Self::NotFetched,
        Self::OtherGeneration,
        Self::NotMirrored,
        Self::ListOvertaken,
        Self::ChangedMeanwhile,
        Self::NotAcceptedThere,
        Self::DeletionOpen,
        Self::NothingRequired,
        Self::NotExpected,
        Self::NoPages,
        Self::NothingSent,
        Self::StillToAsk,
        Self::RequestUnderWay,
        Self::BodyTooLarge,
        Self::NotJson,
        Self::NotList,
        Self::BadValue,
        Self::ListRefused,
        Self::IdempotencyKeyReused,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its word, status and title.
    pub fn told(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => ("bad-request", S::BAD_REQUEST, "The request cannot be read"),
            Self::BadQuery => ("bad-query", S::BAD_REQUEST, "The query is not allowed"),
            Self::BadCursor => ("bad-cursor", S::BAD_REQUEST, "The cursor is none of ours"),
            Self::BadIdempotencyKey => {
                ("bad-idempotency-key", S::BAD_REQUEST, "The Idempotency-Key is not allowed")
            }
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "A token is needed"),
            Self::RoleNotAllowed => {
                ("role-not-allowed", S::FORBIDDEN, "The role of this token may not do this")
            }
            Self::NoSuchPage => ("no-such-page", S::NOT_FOUND, "Nothing is served here"),
            Self::NoSuchTenant => ("no-such-tenant", S::NOT_FOUND, "There is no such tenant"),
            Self::NothingOwed => ("nothing-owed", S::NOT_FOUND, "No key is owed"),
            Self::NothingToAcknowledge => {
                ("nothing-to-acknowledge", S::NOT_FOUND, "No key was withdrawn")
            }
            Self::MethodNotAllowed => {
                ("method-not-allowed", S::METHOD_NOT_ALLOWED, "This cannot be done here")
            }
            Self::BodyTooSlow => ("body-too-slow", S::REQUEST_TIMEOUT, "The body came too slowly"),
            Self::RefTaken => ("ref-taken", S::CONFLICT, "The reference is in use"),
            Self::CompanyToConfirm => {
                ("company-to-confirm", S::CONFLICT, "The company is to be confirmed")
            }
            Self::CheckUnderWay => {
                ("check-under-way", S::CONFLICT, "The tenant is being checked at this moment")
            }
            Self::NoKey => ("no-key", S::CONFLICT, "There is no key to check with"),
            Self::TenantDisabled => ("tenant-disabled", S::CONFLICT, "The tenant is disabled"),
            Self::NotAcceptedYet => {
                ("not-accepted-yet", S::CONFLICT, "The key is not accepted yet")
            }
            Self::NoRecipient => ("no-recipient", S::CONFLICT, "There is no recipient"),
            Self::AlreadyAcknowledged => {
                ("already-acknowledged", S::CONFLICT, "The key was acknowledged")
            }
            Self::NotFetched => ("not-fetched", S::CONFLICT, "The key was not fetched"),
            Self::OtherGeneration => ("other-generation", S::CONFLICT, "Another key is owed"),
            Self::NotMirrored => ("not-mirrored", S::CONFLICT, "There is nothing to compare with"),
            Self::ListOvertaken => ("list-overtaken", S::CONFLICT, "A later list counts"),
            Self::ChangedMeanwhile => {
                ("changed-meanwhile", S::CONFLICT, "The tenant is not as it was")
            }
            Self::NotAcceptedThere => {
                ("not-accepted-there", S::CONFLICT, "The key is not accepted for that company")
            }
            Self::DeletionOpen => ("deletion-open", S::CONFLICT, "A key is to be deleted first"),
            Self::NothingRequired => ("nothing-required", S::CONFLICT, "Nothing is required"),
            Self::NoPages => ("no-pages", S::CONFLICT, "There is no page for a link"),
            Self::NothingSent => ("nothing-sent", S::CONFLICT, "Nothing is sent yet"),
            Self::StillToAsk => ("still-to-ask", S::CONFLICT, "Not everybody was asked yet"),
            Self::NotExpected => {
                ("not-expected", S::CONFLICT, "It does not touch as many as expected")
            }
            Self::RequestUnderWay => {
                ("request-under-way", S::CONFLICT, "The same request is under way")
            }
            Self::BodyTooLarge => ("body-too-large", S::PAYLOAD_TOO_LARGE, "The body is too long"),
            Self::NotJson => {
                ("not-json", S::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json")
            }
            Self::NotList => {
                ("not-a-list", S::UNSUPPORTED_MEDIA_TYPE, "The body must be a list of keys")
            }
            Self::ListRefused => ("list-refused", S::UNPROCESSABLE_ENTITY, "The list is refused"),
            Self::BadValue => ("bad-value", S::UNPROCESSABLE_ENTITY, "A value is not allowed"),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "Another request was made under this Idempotency-Key",
            ),
            Self::TooManyRequests => {
                ("too-many-requests", S::TOO_MANY_REQUESTS, "Too many requests")
            }
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "keypulse has failed"),
            Self::Unavailable => {
                ("unavailable", S::SERVICE_UNAVAILABLE, "keypulse cannot do this now")
            }
        }
    }

    /// The problem of this kind, with what is wrong in this case.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        let (word, status, title) = self.told();
        let retry_after = match self {
            Self::TooManyRequests | Self::CheckUnderWay | Self::RequestUnderWay => Some(SOON),
            Self::Unavailable => Some(LATER),
            _ => None,
        };
        Problem(Box::new(Details {
            kind: format!("{TYPE}{word}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            customer_message: None,
            next_step: None,
            company_id: None,
            company_name: None,
            touched: None,
            bad_lines: None,
            lines: Vec::new(),
            retry_after,
            allow: None,
            language: None,
        }))
    }
}

impl Problem {
    /// What it is, what is wrong in this case, and the HTTP status: for whoever shows it to a person.
    pub fn shown(&self) -> (&str, &str, StatusCode) {
        let status = StatusCode::from_u16(self.0.status);
        (&self.0.title, &self.0.detail, status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// A method that is not for this path, though another is that it is usually taken for.
    pub fn only(allowed: &'static str, why: &str) -> Self {
        let mut problem = Kind::MethodNotAllowed.because(why);
        problem.0.allow = Some(allowed);
        problem
    }

    /// A value that is not allowed, by the name of its field; `must` reads after it.
    pub fn of_field(field: &str, must: &str) -> Self {
        Kind::BadValue.because(format!("`{field}` {must}"))
    }

    /// A key that was not taken.
    pub fn of_refusal(refusal: &Refusal, names: &Names<'_>, tongue: &Tongue) -> Self {
        let told = refusal.tell(names, &|id, args| tongue.say_texts(id, args));
        Self(Box::new(Details {
            kind: format!("{TYPE}{}", refusal.name()),
            title: "The key was not taken".to_owned(),
            status: status_of(refusal).as_u16(),
            detail: "nothing was stored and nothing has changed; show `customer_message` and \
                     `next_step` to whoever gave the key"
                .to_owned(),
            customer_message: Some(told.customer_message),
            next_step: Some(told.next_step),
            company_id: None,
            company_name: None,
            touched: None,
            bad_lines: None,
            lines: Vec::new(),
            retry_after: refusal.is_passing().then_some(LATER),
            allow: None,
            language: wish::header(tongue),
        }))
    }

    /// The key is this company's, which nobody has named.
    pub fn to_confirm(company: &CompanyId, name: Option<String>) -> Self {
        let mut problem = Kind::CompanyToConfirm.because(
            "nothing was stored: show the company to whoever gave the key, and send the same again \
             with this `company_id` once they have confirmed it",
        );
        problem.0.company_id = Some(company.to_string());
        problem.0.company_name = name;
        problem
    }

    /// It touches so many tenants, and something else was expected.
    pub fn to_expect(touched: u64) -> Self {
        let mut problem = Kind::NotExpected.because(
            "nothing was changed: `touched` is how many tenants it touches now; send the same again \
             with this number as `expected` if that is meant",
        );
        problem.0.touched = Some(touched);
        problem
    }

    /// A list of which so many lines cannot be used, and the first of these.
    pub fn of_list(bad_lines: u64, lines: Vec<RefusedLine>) -> Self {
        let mut problem = Kind::ListRefused.because(
            "nothing was changed: a list counts as a whole or not at all; `lines` says what is wrong",
        );
        problem.0.bad_lines = Some(bad_lines);
        problem.0.lines = lines;
        problem
    }

    /// What the store could not do. Logged here, because whoever asked learns less.
    pub fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::NoTenant(_) => no_tenant(),
            StoreError::RefTaken(_) => Kind::RefTaken
                .because("there is already a tenant of this reference: read it, or choose another"),
            StoreError::StillToAsk { .. } => Kind::StillToAsk.because(chain(error)),
            StoreError::TooManyLabels => Self::of_field("labels", "would be more than 64"),
            error if error.is_passing() => {
                tracing::warn!("a request was not answered: {}", chain(error));
                Kind::Unavailable.because("the database cannot be used at this moment: try again")
            }
            error => Self::ours(&chain(error)),
        }
    }

    /// Our own fault: told to the log, not to the caller.
    pub fn ours(what: &str) -> Self {
        tracing::error!("a request failed: {what}");
        Kind::Internal
            .because("the log of keypulse says what went wrong; nothing more is told here")
    }
}

/// The tenant is not there, or its reference could not be one.
pub fn no_tenant() -> Problem {
    Kind::NoSuchTenant.because("no tenant has this reference")
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::KeyOfAnotherTenant
        | Refusal::KeptElsewhere
        | Refusal::ReplacedMeanwhile
        | Refusal::DisabledMeanwhile
        | Refusal::SourceReadOnly => StatusCode::CONFLICT,
        Refusal::ProviderUnreachable(_)
        | Refusal::NotTestable(_)
        | Refusal::TooBusy
        | Refusal::SourceUnreachable => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::KeyEmpty
        | Refusal::KeyUnusable(_)
        | Refusal::KeyRejected
        | Refusal::SameDeadKey
        | Refusal::OtherCompany(_)
        | Refusal::CompanyNotSaid
        | Refusal::CompanyOutOfReach
        | Refusal::MissingScopes(_)
        | Refusal::OtherClient
        | Refusal::NotAnApiKey
        | Refusal::InstallationDisconnected
        | Refusal::WithdrawnKey => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::of_store(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(details) = self;
        let status =
            StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&details).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer realm=\"keypulse\"");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(allowed) = details.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        if let Some(seconds) = details.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(language) = details.language {
            headers.insert(header::CONTENT_LANGUAGE, language);
        }
        response
    }
}
