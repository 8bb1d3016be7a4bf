//! Tenants: add, read, list, change.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::given;
use crate::health::CompanyId;
use crate::health::Status;
use crate::ids::TenantRef;
use crate::store;
use crate::store::Care;
use crate::store::Changes;
use crate::store::Edit;
use crate::store::KeyKind;
use crate::store::TenantView;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::{self, Owner};
use super::key::{Customer, Taken, answer, refused};
use super::part::Of;
use super::problem::{Details, Kind, Problem, no_tenant};
use super::query::{Asked, Parameters};
use super::secret::Secret;
use super::view::{Tenant, Whole};
use super::wish::{self, Wish};

/// The farthest moment that is taken.
const FARTHEST: TimeDelta = TimeDelta::days(3_660);

/// The reference in a path. One that could not be any is one that is not there.
#[derive(Debug)]
pub struct Reference(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Reference {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|_| no_tenant())?;
        TenantRef::parse(&text).map(|_| Self(text)).map_err(|_| no_tenant())
    }
}

/// Somebody to write to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, try_from = "Map<String, Value>")]
pub struct ContactGiven {
    /// The mail address.
    #[schema(max_length = 254)]
    address: String,
    /// What this person is to the customer, in a word; `contact` where it is not given.
    #[schema(max_length = 63)]
    role: Option<String>,
}

/// Reads an object only; a derived reader would take a list for the fields in their order.
impl TryFrom<Map<String, Value>> for ContactGiven {
    type Error = &'static str;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, &'static str> {
        let Some(Value::String(address)) = fields.remove("address") else {
            return Err("no address");
        };
        let role = match fields.remove("role") {
            None | Some(Value::Null) => None,
            Some(Value::String(role)) => Some(role),
            Some(_) => return Err("a role that is no text"),
        };
        if fields.is_empty() { Ok(Self { address, role }) } else { Err("an unknown field") }
    }
}

impl ContactGiven {
    fn check(self) -> Result<store::Contact, Problem> {
        let role = self.role.as_deref().unwrap_or("contact");
        let address = given::address(&self.address);
        Ok(store::Contact {
            address: address.map_err(|must| Problem::of_field("contact.address", must))?,
            role: given::role(role).map_err(|must| Problem::of_field("contact.role", must))?,
        })
    }
}

/// A tenant to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// The integration's own name for it: 1 to 128 characters of ASCII without a space.
    #[serde(rename = "ref")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]{1,128}$")]
    reference: String,
    /// The provider's id of the company that the key must belong to. Where it is not given, nothing is
    /// stored: the answer names the key's company, to be confirmed by sending it.
    #[schema(min_length = 1, max_length = 128)]
    company_id: Option<String>,
    /// The key. It is tried before anything is stored, and never shown again.
    #[schema(value_type = String, format = Password, write_only)]
    key: Secret,
    /// The name that people know; the reference where it is not given.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// `integrated` (the usual one) or `standalone`.
    #[schema(pattern = "^(integrated|standalone)$")]
    kind: Option<String>,
    /// When the key expires; the provider never tells.
    expires_at: Option<DateTime<Utc>>,
    /// Whom to write to.
    contact: Option<ContactGiven>,
    /// The language to write in, such as `da-DK`.
    locale: Option<String>,
    /// The customer's time zone, such as `Europe/Copenhagen`.
    time_zone: Option<String>,
    /// Labels by their names, at most 64; one without a value has the empty one.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// What is to be different of a tenant. What is left out stays; null takes a thing away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChanges {
    /// The name that people know.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Whom to write to.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<ContactGiven>)]
    contact: Edit<ContactGiven>,
    /// The language to write in.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    locale: Edit<String>,
    /// The customer's time zone.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    time_zone: Edit<String>,
    /// Labels to set; null takes one away. Others stay.
    #[serde(default)]
    labels: BTreeMap<String, Option<String>>,
}

/// What was said, even if it was null.
fn edit<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Edit<T>, D::Error> {
    let said = Option::<T>::deserialize(deserializer)?;
    Ok(said.map_or(Edit::Clear, Edit::Set))
}

/// The same with what was said checked.
fn check<T, U>(
    edit: Edit<T>,
    check: impl FnOnce(T) -> Result<U, Problem>,
) -> Result<Edit<U>, Problem> {
    Ok(match edit {
        Edit::Keep => Edit::Keep,
        Edit::Clear => Edit::Clear,
        Edit::Set(value) => Edit::Set(check(value)?),
    })
}

/// Part of the list of tenants.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// The tenants, in the order of their references.
    tenants: Vec<Tenant>,
    /// To be given as `cursor` for the next page; null at the end of the list.
    next_cursor: Option<String>,
}

/// Add a tenant.
///
/// The key is tried at the provider first. Unless it is accepted, for this company and with all that is
/// required, nothing is stored.
#[utoipa::path(post, path = "/api/v1/tenants", operation_id = "create_tenant", tag = "tenants",
    request_body = NewTenant, params(wish::Parameters),
    responses((status = CREATED, description = "Added, and the key is accepted", body = Taken,
            headers(("Content-Language" = String, description = "The language of the texts"))),
        (status = CONFLICT, description = "The reference or the key is in use", body = Details,
            content_type = "application/problem+json")))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    wish: Wish,
    Given(new): Given<NewTenant>,
) -> Result<(StatusCode, HeaderMap, Json<Taken>), Problem> {
    let NewTenant { reference, company_id, key, name, kind, expires_at, contact, .. } = new;
    let reference = TenantRef::parse(&reference).map_err(|_| {
        Problem::of_field("ref", "must have 1 to 128 characters of ASCII, no space")
    })?;
    let company = company_id.map(|id| {
        CompanyId::parse(&id).ok_or_else(|| {
            Problem::of_field("company_id", "must be the provider's id: letters, digits and `-`")
        })
    });
    let company = company.transpose()?;
    let name = match name {
        Some(name) => given::name(&name).map_err(|must| Problem::of_field("name", must))?,
        None => reference.to_string(),
    };
    let kind = match kind.as_deref() {
        None => KeyKind::Integrated,
        Some(word) => KeyKind::parse(word)
            .ok_or_else(|| Problem::of_field("kind", "must be `integrated` or `standalone`"))?,
    };
    ahead("expires_at", expires_at, api.clock.now())?;
    let labels = new.labels.into_iter().map(|(name, value)| (name, Some(value))).collect();
    let care = Care {
        contact: contact.map(ContactGiven::check).transpose()?,
        locale: new.locale.map(|text| locale(&text)).transpose()?,
        time_zone: new.time_zone.map(|text| time_zone(&text)).transpose()?,
        labels: checked(labels)?
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
    };
    let tongue = wish.tongue(&api.words, care.locale.as_deref());
    let Some(company) = company else {
        let customer = Customer { name: &name, company: "", tongue: &tongue };
        return Err(whose(&api, &caller, &reference, customer, &key).await);
    };
    let of_company = company.to_string();
    let customer = Customer { name: &name, company: &of_company, tongue: &tongue };
    let wanted =
        desk::Wanted { reference: reference.clone(), name: name.clone(), company, kind, care };
    let offered = api.desk.admit(&caller, wanted, &key, expires_at).await?;
    drop(key);
    let taken = answer(&api, &caller, offered, reference.as_str(), None, customer).await?;
    Ok((StatusCode::CREATED, wish::headers(&tongue), Json(taken)))
}

/// Says whose the key is, to be confirmed, or why it would not be taken.
async fn whose(
    api: &Api,
    caller: &Caller,
    reference: &TenantRef,
    customer: Customer<'_>,
    key: &Secret,
) -> Problem {
    match api.desk.store(caller).tenant(reference.as_str()).await {
        Ok(None) => {}
        Ok(Some(_)) => return store::StoreError::RefTaken(reference.to_string()).into(),
        Err(error) => return error.into(),
    }
    match api.desk.whose(key).await {
        Ok(Owner::Company(company, name)) => Problem::to_confirm(&company, name),
        Ok(Owner::Refused(refusal)) => refused(api, &refusal, customer),
        Err(error) => error.into(),
    }
}

/// List tenants.
///
/// In the order of their references, page by page: each exactly once, however many are added meanwhile.
#[utoipa::path(get, path = "/api/v1/tenants", operation_id = "list_tenants", tag = "tenants",
    params(Parameters),
    responses((status = OK, description = "A page", body = Page)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Page>, Problem> {
    let (store, late_before) = (api.desk.store(&caller), api.late_before());
    let page = store.tenant_page(&asked.filter, &asked.after, asked.limit.0).await?;
    let tenants = page.tenants.iter().map(|one| Tenant::of(one, late_before)).collect();
    Ok(Json(Page { tenants, next_cursor: page.next.map(|last| Of::Tenants.cursor(&last)) }))
}

/// Read a tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}", operation_id = "read_tenant", tag = "tenants",
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "All that is known of it", body = Whole)))]
pub async fn read(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
) -> Result<Json<Whole>, Problem> {
    whole(&api, &caller, &reference).await
}

/// Change what is known of a tenant beside its key.
#[utoipa::path(patch, path = "/api/v1/tenants/{ref}", operation_id = "change_tenant",
    tag = "tenants", request_body = TenantChanges,
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "As it is now", body = Whole)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
    Given(changes): Given<TenantChanges>,
) -> Result<Json<Whole>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    let name = changes.name.map(|name| given::name(&name));
    let changes = Changes {
        name: name.transpose().map_err(|must| Problem::of_field("name", must))?,
        contact: check(changes.contact, ContactGiven::check)?,
        locale: check(changes.locale, |text| locale(&text))?,
        time_zone: check(changes.time_zone, |text| time_zone(&text))?,
        labels: checked(changes.labels)?,
    };
    api.desk.store(&caller).change_tenant(view.id, &changes).await?;
    whole(&api, &caller, &reference).await
}

/// The tenant of that reference.
pub async fn found(api: &Api, caller: &Caller, reference: &str) -> Result<TenantView, Problem> {
    api.desk.store(caller).tenant(reference).await?.ok_or_else(no_tenant)
}

/// The same with all that is known of it, as an answer.
pub async fn whole(api: &Api, caller: &Caller, reference: &str) -> Result<Json<Whole>, Problem> {
    let view = found(api, caller, reference).await?;
    Ok(Json(Whole::of(&api.desk.store(caller), &view, api.late_before()).await?))
}

/// Refuses a moment that is over, or farther away than anybody can mean.
pub fn ahead(field: &str, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Problem> {
    match at {
        Some(at) if at <= now => Err(Problem::of_field(field, "is over already")),
        Some(at) if at > now + FARTHEST => {
            Err(Problem::of_field(field, "must be within the next 10 years"))
        }
        _ => Ok(()),
    }
}

/// A disabled tenant comes back by a new key only.
pub fn disabled(view: &TenantView) -> Result<(), Problem> {
    match view.health.status {
        Status::Disabled(_) => {
            Err(Kind::TenantDisabled.because("only a new key changes that: give one"))
        }
        _ => Ok(()),
    }
}

fn locale(text: &str) -> Result<String, Problem> {
    given::locale(text).map_err(|must| Problem::of_field("locale", must))
}

fn time_zone(text: &str) -> Result<String, Problem> {
    given::time_zone(text).map_err(|must| Problem::of_field("time_zone", must))
}

fn checked(
    labels: BTreeMap<String, Option<String>>,
) -> Result<BTreeMap<String, Option<String>>, Problem> {
    let most = usize::try_from(store::MOST_LABELS).unwrap_or(usize::MAX);
    if labels.len() > 2 * most {
        return Err(Problem::of_field("labels", "are more than can be changed at once (128)"));
    }
    let set = labels.values().flatten().count();
    if set > most {
        return Err(Problem::of_field("labels", "are more than 64"));
    }
    let mut clean = BTreeMap::new();
    for (name, value) in labels {
        if name.contains('=') {
            return Err(Problem::of_field("labels", "have a name with `=`"));
        }
        let text = format!("{name}={}", value.as_deref().unwrap_or_default());
        let (name, text) = given::label(&text).map_err(|must| Problem::of_field("labels", must))?;
        clean.insert(name, value.map(|_| text));
    }
    Ok(clean)
}
