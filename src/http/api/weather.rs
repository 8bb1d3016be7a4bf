//! What is believed of the provider, and what a person says of it.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::given;
use crate::health::Author;
use crate::health::Class;
use crate::health::Sky;
use crate::store::WeatherRow;

use super::Api;
use super::body::Given;
use super::caller::Caller;
use super::desk::Said;
use super::problem::{Details, Problem};
use super::tenants::ahead;

/// What is believed of the provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Weather {
    /// For each class of failure.
    classes: Vec<ClassWeather>,
    /// The control, once it was asked.
    canary: Option<CanaryFound>,
}

/// What is believed for one class of failure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassWeather {
    /// `refused` or `silent`.
    class: &'static str,
    /// `clear`, `unknown`, `suspected` or `incident`.
    state: &'static str,
    /// Since when.
    since: DateTime<Utc>,
    /// How many tenants failed together, at the worst.
    failing: Option<u32>,
    /// Of how many that were asked.
    asked: Option<u32>,
    /// The failures of how many are held.
    held: u32,
    /// The id of the incident, as in the webhook.
    incident: Option<String>,
    /// Whether a person has declared it.
    declared: bool,
    /// When what was declared ends.
    until: Option<DateTime<Utc>>,
    /// Why it was declared.
    reason: Option<String>,
    /// When on-call is asked to decide.
    decide_at: Option<DateTime<Utc>>,
    /// How many of those held are judged again in each hour.
    release_per_hour: Option<u32>,
}

/// What the canary was last found to be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CanaryFound {
    /// `accepted`, `refused`, `silent` or `none`.
    finding: String,
    /// When it was asked.
    asked_at: Option<DateTime<Utc>>,
    /// Since when it fails.
    failing_since: Option<DateTime<Utc>>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Turned {
    /// Whether anything is different now.
    changed: bool,
    /// What is believed now.
    weather: Weather,
}

/// A class of failures.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Keys are refused.
    Refused,
    /// There is no usable answer.
    Silent,
}

/// A fault of the provider that somebody knows of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declare {
    /// What fails.
    class: Which,
    /// Why, in a few words.
    #[schema(max_length = 200)]
    reason: String,
    /// When it ends; until it is cleared, where it is not given.
    until: Option<DateTime<Utc>>,
}

/// The end of one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Clear {
    /// What fails no more.
    class: Which,
    /// Why, in a few words.
    #[schema(max_length = 200)]
    reason: String,
}

/// How long to go on holding.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// When on-call is asked to decide.
    until: DateTime<Utc>,
}

/// How fast those held are judged again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// How many in each hour.
    #[schema(minimum = 1)]
    #[schema(value_type = u32)]
    per_hour: std::num::NonZeroU32,
}

impl Which {
    fn class(self) -> Class {
        match self {
            Self::Refused => Class::Refused,
            Self::Silent => Class::Silent,
        }
    }
}

/// What is believed of the provider, and how many are held because of it.
#[utoipa::path(get, path = "/api/v1/weather", operation_id = "read_weather", tag = "weather",
    responses((status = OK, description = "What is believed", body = Weather)))]
pub async fn read(State(api): State<Api>, caller: Caller) -> Result<Json<Weather>, Problem> {
    Ok(Json(weather(&api, &caller).await?))
}

/// Say that the provider is at fault: failures of this class are held from now on.
#[utoipa::path(post, path = "/api/v1/weather/declare", operation_id = "declare_weather",
    tag = "weather", request_body = Declare,
    responses((status = OK, description = "Declared, now or before", body = Turned),
        (status = UNPROCESSABLE_ENTITY, description = "A field cannot be used", body = Details,
            content_type = "application/problem+json")))]
pub async fn declare(
    State(api): State<Api>,
    caller: Caller,
    Given(Declare { class, reason, until }): Given<Declare>,
) -> Result<Json<Turned>, Problem> {
    ahead("until", until, api.clock.now())?;
    let reason = remark(&reason)?;
    said(&api, &caller, Said::Declare { class: class.class(), reason: &reason, until }).await
}

/// Say that it is over: whoever is held is asked again, spread over time.
#[utoipa::path(post, path = "/api/v1/weather/clear", operation_id = "clear_weather",
    tag = "weather", request_body = Clear,
    responses((status = OK, description = "Nothing of it is held any more", body = Turned),
        (status = UNPROCESSABLE_ENTITY, description = "A field cannot be used", body = Details,
            content_type = "application/problem+json")))]
pub async fn clear(
    State(api): State<Api>,
    caller: Caller,
    Given(Clear { class, reason }): Given<Clear>,
) -> Result<Json<Turned>, Problem> {
    let reason = remark(&reason)?;
    said(&api, &caller, Said::Clear { class: class.class(), reason: &reason }).await
}

/// Go on holding: on-call is asked to decide only then.
#[utoipa::path(post, path = "/api/v1/weather/extend", operation_id = "extend_weather",
    tag = "weather", request_body = Extend,
    responses((status = OK, description = "Of every incident there is", body = Turned),
        (status = UNPROCESSABLE_ENTITY, description = "A field cannot be used", body = Details,
            content_type = "application/problem+json")))]
pub async fn extend(
    State(api): State<Api>,
    caller: Caller,
    Given(Extend { until }): Given<Extend>,
) -> Result<Json<Turned>, Problem> {
    ahead("until", Some(until), api.clock.now())?;
    said(&api, &caller, Said::Extend(until)).await
}

/// Have those who are held judged again in shares, by the longer bound, although it is not over.
#[utoipa::path(post, path = "/api/v1/weather/release", operation_id = "release_weather",
    tag = "weather", request_body = Release,
    responses((status = OK, description = "Of every incident there is", body = Turned)))]
pub async fn release(
    State(api): State<Api>,
    caller: Caller,
    Given(Release { per_hour }): Given<Release>,
) -> Result<Json<Turned>, Problem> {
    said(&api, &caller, Said::Release(per_hour.get())).await
}

fn remark(reason: &str) -> Result<String, Problem> {
    given::remark(reason).map_err(|must| Problem::of_field("reason", must))
}

async fn said(api: &Api, caller: &Caller, said: Said<'_>) -> Result<Json<Turned>, Problem> {
    let changed = !api.desk.weather(caller, said).await?.is_empty();
    Ok(Json(Turned { changed, weather: weather(api, caller).await? }))
}

async fn weather(api: &Api, caller: &Caller) -> Result<Weather, Problem> {
    let store = api.desk.store(caller);
    let mut classes = Vec::new();
    for row in store.weather().await.map_err(|error| Problem::of_store(&error))? {
        let held = if row.sky.weather().holds() {
            store.count_held(row.class).await.map_err(|error| Problem::of_store(&error))?
        } else {
            0
        };
        classes.push(seen(row, held));
    }
    let canary = store.canary().await.map_err(|error| Problem::of_store(&error))?;
    let canary = canary.map(|one| CanaryFound {
        finding: one.finding,
        asked_at: one.asked_at,
        failing_since: one.failing_since,
    });
    Ok(Weather { classes, canary })
}

fn seen(row: WeatherRow, held: u32) -> ClassWeather {
    let (failing, asked, by, until) = match row.sky {
        Sky::Suspected { failing, asked, .. } => (Some(failing), Some(asked), None, None),
        Sky::Incident(one) => (Some(one.failing), Some(one.asked), Some(one.by), one.until),
        Sky::Clear { .. } | Sky::Unknown { .. } => (None, None, None, None),
    };
    ClassWeather {
        class: row.class.word(),
        state: row.sky.weather().word(),
        since: row.sky.since(),
        failing,
        asked,
        held,
        incident: row.incident,
        declared: by == Some(Author::Operator),
        until,
        reason: row.reason,
        decide_at: row.page_at,
        release_per_hour: row.release_per_hour,
    }
}
