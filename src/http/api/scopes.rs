//! A requirement that has changed: how the fleet stands to it, and how it is applied, with the number
//! of tenants that it touches said by whoever does it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::given;
use crate::store::{LabelFilter, TenantFilter};

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Share;
use super::part;
use super::problem::{Details, Kind, Problem};

/// All that can be asked for.
const KNOWN: [&str; 1] = ["label"];
/// Labels to filter by, at most.
const LABELS: usize = 8;

/// Which tenants.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what diff reads")]
pub struct Parameters {
    /// Only those with this label (`name`), or with this value of it (`name=value`); up to 8 times.
    #[param(style = Form, explode = true, max_items = 8)]
    label: Option<Vec<String>>,
}

/// To whom what is required of new keys is applied.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Only tenants with these labels (`name`, or `name=value`), at most 8.
    #[serde(default)]
    #[schema(max_items = 8)]
    labels: Vec<String>,
    /// Only so many of a hundred of them, rounded up; a greater share has the same tenants and more.
    #[schema(minimum = 1, maximum = 100)]
    percent: Option<u8>,
    /// Only so many of them. Neither this nor `percent`: all.
    #[schema(minimum = 1)]
    tenants: Option<u64>,
    /// How many tenants this touches, as the answer without it said. Where it is another number now,
    /// nothing is done.
    expected: Option<u64>,
}

/// What a requirement means for tenants, by what they were last seen to be granted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Impact {
    /// How many they are.
    pub tenants: u64,
    /// Those that were seen to be granted all of it.
    pub suffice: u64,
    /// Those that were seen not to be: their customers would have to grant it.
    pub lack: u64,
    /// Each scope that is lacking, and for how many.
    pub lacking: BTreeMap<String, u64>,
    /// Those of whom it is not known.
    pub not_known: u64,
}

/// Tenants that are held to the same set, which is not the required one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Group {
    /// What they are held to.
    pub held_to: Vec<String>,
    /// What they would be held to beside.
    pub adds: Vec<String>,
    /// What they would not be held to any more.
    pub drops: Vec<String>,
    /// What would become of them.
    #[serde(flatten)]
    pub impact: Impact,
    /// How many of them cannot be changed now: a missing permission is being confirmed.
    pub being_confirmed: u64,
}

/// How the fleet stands to what is required of new keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Difference {
    /// What is required of new keys.
    pub required: Vec<String>,
    /// Tenants with a key that are held to it.
    pub held: u64,
    /// Tenants that are disabled or have no key.
    pub without_key: u64,
    /// Those held to something else, by what that is.
    pub groups: Vec<Group>,
}

/// What was applied.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Applied {
    /// What is required of new keys.
    pub required: Vec<String>,
    /// Tenants with a key there are.
    pub tenants_with_a_key: u64,
    /// How many of them are in the share.
    pub share: u64,
    /// How many of these were held to it already.
    pub held_already: u64,
    /// What it means for those that it touches.
    pub touched: Impact,
    /// How many of the share are left for later: a missing permission is being confirmed.
    pub being_confirmed: u64,
    /// Tenants that are held to it now and were not before.
    pub changed: u64,
    /// Those that were changed by somebody else meanwhile.
    pub left: u64,
    /// Whether keypulse ended before all was done; what was done holds, and the same can be sent again.
    pub interrupted: bool,
}

/// The tenants that are asked about.
#[derive(Debug)]
pub struct Asked(TenantFilter);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let mut labels = Vec::new();
        part::parameters(query, &KNOWN, Some("label"), |_, value| {
            labels.push(value.to_owned());
            Ok(())
        })?;
        let bad = |must: &str| Kind::BadQuery.because(format!("`label` {must}"));
        filter(&labels).map(Self).map_err(bad)
    }
}

fn filter(labels: &[String]) -> Result<TenantFilter, &'static str> {
    if labels.len() > LABELS {
        return Err("may be given 8 times");
    }
    let label = |text: &String| {
        let (name, value) = given::label(text)?;
        Ok(LabelFilter { name, value: text.contains('=').then_some(value) })
    };
    let labels = labels.iter().map(label).collect::<Result<_, &'static str>>()?;
    Ok(TenantFilter { labels, ..TenantFilter::default() })
}

/// Read how tenants stand to what is required of new keys.
///
/// Each tenant is held to the scopes that were required when its key was accepted; what is required now
/// binds new keys only, until it is applied. Nobody is asked and nothing is changed.
#[utoipa::path(get, path = "/api/v1/scopes/diff", operation_id = "diff_scopes", tag = "scopes",
    params(Parameters),
    responses((status = OK, description = "How they stand", body = Difference),
        (status = CONFLICT, description = "Nothing is required", body = Details,
            content_type = "application/problem+json")))]
pub async fn diff(
    State(api): State<Api>,
    caller: Caller,
    Asked(filter): Asked,
) -> Result<Json<Difference>, Problem> {
    required(&api)?;
    Ok(Json(api.desk.difference(&caller, filter).await?))
}

/// Hold tenants to what is required of new keys.
///
/// Sent without `expected` it changes nothing and answers 409 with the number of tenants that it touches,
/// as `touched`: send the same again with that number as `expected`. Nobody is asked by this; a tenant
/// whose key lacks a scope is found by its next checks.
#[utoipa::path(post, path = "/api/v1/scopes/apply", operation_id = "apply_scopes", tag = "scopes",
    request_body = Apply,
    responses((status = OK, description = "Applied", body = Applied),
        (status = CONFLICT, description = "`expected` is not the number of tenants that it touches",
            body = Details, content_type = "application/problem+json")))]
pub async fn apply(
    State(api): State<Api>,
    caller: Caller,
    Given(apply): Given<Apply>,
) -> Result<Json<Applied>, Problem> {
    required(&api)?;
    let filter = filter(&apply.labels).map_err(|must| Problem::of_field("labels", must))?;
    let share = match (apply.percent, apply.tenants) {
        (None, None) => Share::All,
        (Some(percent @ 1..=100), None) => Share::Percent(percent),
        (None, Some(tenants)) if tenants > 0 => Share::Tenants(tenants),
        (Some(_), Some(_)) => {
            return Err(Problem::of_field("percent", "and `tenants` exclude each other"));
        }
        (Some(_), None) => return Err(Problem::of_field("percent", "must be from 1 to 100")),
        (None, Some(_)) => return Err(Problem::of_field("tenants", "must be above 0")),
    };
    match api.desk.apply(&caller, filter, share, apply.expected).await? {
        Ok(applied) => Ok(Json(applied)),
        Err(touched) => Err(Problem::to_expect(touched)),
    }
}

fn required(api: &Api) -> Result<(), Problem> {
    if api.desk.required().is_empty() && !api.desk.requires_nothing() {
        return Err(Kind::NothingRequired.because(
            "neither the profile nor `provider.required_scopes` names a scope: a fleet is not held \
             to that",
        ));
    }
    Ok(())
}
