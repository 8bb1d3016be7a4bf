//! Why a tenant is as it is: what was seen, what is believed of the provider meanwhile, what was decided,
//! who was told of it, and who was not and why. In an order in which it can be read out; the API answers
//! so, and `keypulse explain` does.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::health::Class;
use crate::health::ReconnectCause;
use crate::health::Status;
use crate::health::Trouble;
use crate::store::AuditRow;
use crate::store::Fares;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;
use crate::store::ToldOf;

use super::Api;
use super::caller::Caller;
use super::problem::Problem;
use super::tenants::{Reference, found};
use super::view::Failing;

/// So many of the latest rows of the chain are looked through for decisions.
const ROWS: u32 = 200;
/// So many decisions are told, and so many messages.
pub const DECISIONS: usize = 20;
const MESSAGES: u32 = 200;

/// Why a tenant is as it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The integration's own name for it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The name that people know.
    pub name: String,
    /// All of it in two sentences, to be read out.
    pub say: String,
    /// Status and cause in words.
    pub status_text: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the provider last accepted the key.
    pub accepted_at: Option<DateTime<Utc>>,
    /// What is held against the key, and not yet or no more certain.
    pub failing: Option<Failing>,
    /// Since when no answer says anything about the key.
    pub silent_since: Option<DateTime<Utc>>,
    /// When it is asked next; null where nobody will ask.
    pub next_check_at: Option<DateTime<Utc>>,
    /// What is believed of the provider now, for each class of failure.
    pub weather: Vec<Sky>,
    /// What was decided, the latest last.
    pub decided: Vec<Decided>,
    /// What was to be told of it, the latest last.
    pub told: Vec<Told>,
}

/// What is believed of the provider for one class of failure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sky {
    /// `refused` or `silent`.
    pub class: &'static str,
    /// `clear`, `unknown`, `suspected` or `incident`.
    pub state: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether what is held against this key is held because of it.
    pub holds: bool,
}

/// A decision about the tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Decided {
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// The status before, where it is another one now.
    pub from: Option<String>,
    /// The status since.
    pub status: Option<String>,
    /// Its cause.
    pub cause: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Who decided: `daemon`, `command`, `token` or another kind.
    pub by: String,
}

/// A message about the tenant, on one channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Told {
    /// The message.
    pub id: String,
    /// Who is told: `customer`, `on_call`, `integration` or `operator`.
    pub audience: String,
    /// Which one it is.
    pub stage: String,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// The channel; null where it goes by none.
    pub channel: Option<String>,
    /// `sent`, `waits`, `sending`, `dead`, `unknown`, `cancelled`, `shadow` or `no_channel`.
    pub outcome: &'static str,
    /// When that came about, or when it is tried next.
    pub at: Option<DateTime<Utc>>,
    /// Why, in words.
    pub why: String,
}

/// Explain a tenant.
///
/// Why it is as it is: what was seen, what is believed of the provider, what was decided, who was told and
/// who was not.
#[utoipa::path(get, path = "/api/v1/tenants/{ref}/explain", operation_id = "explain_tenant",
    tag = "tenants",
    params(("ref" = String, Path, description = "The integration's own name for the tenant")),
    responses((status = OK, description = "Why it is as it is", body = Explanation)))]
pub async fn explain(
    State(api): State<Api>,
    caller: Caller,
    Reference(reference): Reference,
) -> Result<Json<Explanation>, Problem> {
    let view = found(&api, &caller, &reference).await?;
    Ok(Json(Explanation::of(&api.desk.store(&caller), &view).await?))
}

impl Explanation {
    /// Why that tenant is as it is.
    pub async fn of(store: &Store, view: &TenantView) -> Result<Self, StoreError> {
        let health = &view.health;
        let ours = waits_for(view);
        let weather = store.weather().await?.into_iter().map(|row| Sky {
            class: row.class.word(),
            state: row.sky.weather().word(),
            since: row.sky.since(),
            holds: ours == Some(row.class) && row.sky.weather().holds(),
        });
        let weather: Vec<Sky> = weather.collect();
        let rows = store.latest_audit_rows(Some(view.id), ROWS).await?;
        let mut decided: Vec<Decided> = rows.iter().filter_map(Decided::of).collect();
        decided.drain(..decided.len().saturating_sub(DECISIONS));
        let mut all = store.told_of(view.id, MESSAGES).await?;
        all.reverse();
        let mail = mail(&all, health.episodes);
        let held = weather.iter().any(|sky| sky.holds);
        let reason = decided.iter().rev().find_map(|one| one.reason.as_deref());
        let say = format!("{} {}", first(view, reason), second(view, held, mail.as_ref()));
        Ok(Self {
            reference: view.reference.clone(),
            name: view.name.clone(),
            say,
            status_text: health.status.to_string(),
            since: health.since,
            accepted_at: health.accepted_at,
            failing: health.status.doubt().map(Failing::of),
            silent_since: health.silent_since,
            next_check_at: view.due_at,
            weather,
            decided,
            told: all.iter().map(Told::of).collect(),
        })
    }
}

impl Decided {
    /// What a row of the chain says that was decided; nothing of a row about something else.
    fn of(row: &AuditRow) -> Option<Self> {
        let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
        let fact = |name| facts.get(name).and_then(Value::as_str).map(str::to_owned);
        let status = fact("status")?;
        Some(Self {
            at: row.at,
            from: fact("from"),
            status: Some(status),
            cause: fact("cause"),
            reason: fact("reason"),
            by: row.actor_kind.clone(),
        })
    }
}

impl Told {
    fn of(one: &ToldOf) -> Self {
        let (outcome, at, why) = outcome(one);
        Self {
            id: one.id.clone(),
            audience: one.audience.clone(),
            stage: one.stage.clone(),
            decided_at: one.owed_at,
            channel: one.fares.as_ref().map(|fares| fares.channel.clone()),
            outcome,
            at,
            why,
        }
    }
}

/// What became of a message, since or until when, and why.
fn outcome(one: &ToldOf) -> (&'static str, Option<DateTime<Utc>>, String) {
    let fate =
        |fares: &Fares, otherwise: &str| fares.fate.clone().unwrap_or_else(|| otherwise.to_owned());
    match (one.state.as_str(), &one.fares) {
        ("shadow", _) => {
            let why = "it was decided while nobody was told this, and is never sent by itself";
            ("shadow", one.owed_at, why.to_owned())
        }
        (_, Some(fares)) => match fares.state.as_str() {
            "sent" => ("sent", fares.settled_at, fate(fares, "it was taken")),
            "sending" => ("sending", fares.due_at, "it is on its way".to_owned()),
            "dead" => ("dead", fares.settled_at, fate(fares, "it was given up")),
            "unknown" => ("unknown", fares.settled_at, fate(fares, "it may have arrived")),
            "cancelled" => ("cancelled", fares.settled_at, fate(fares, "it was not true any more")),
            _ => ("waits", fares.due_at, fate(fares, "its turn has not come yet")),
        },
        ("cancelled", None) => ("cancelled", None, "it was not true any more".to_owned()),
        (_, None) if one.audience == "operator" => {
            ("no_channel", one.owed_at, "it is for the lists of the operators".to_owned())
        }
        (_, None) => {
            let why = "no channel to them was configured when it was decided";
            ("no_channel", one.owed_at, why.to_owned())
        }
    }
}

/// Of which class of failure what is not certain yet would be held; none of what is certain.
fn waits_for(view: &TenantView) -> Option<Class> {
    match &view.health.status {
        Status::Degraded(Trouble::Unreachable { .. }) => Some(Class::Silent),
        Status::Degraded(Trouble::Key { .. }) | Status::Healthy { doubt: Some(_) } => {
            Some(Class::Refused)
        }
        Status::Healthy { doubt: None } => view.health.silent_since.map(|_| Class::Silent),
        Status::Degraded(Trouble::OutOfStep)
        | Status::Pending { .. }
        | Status::NeedsReconnection { .. }
        | Status::Paused { .. }
        | Status::Disabled(_) => None,
    }
}

/// What became of the last mail of this episode that the customer got, or may have got; of the last that
/// was to be sent, where they got none.
fn mail(all: &[ToldOf], episode: u32) -> Option<(&'static str, Option<DateTime<Utc>>, String)> {
    let ours = |one: &&ToldOf| one.audience == "customer" && one.episode == Some(episode);
    let mails = || all.iter().rev().filter(ours).map(outcome);
    mails().find(|(word, ..)| matches!(*word, "sent" | "unknown")).or_else(|| mails().next())
}

/// What it is, since when, and why.
fn first(view: &TenantView, reason: Option<&str>) -> String {
    let status = &view.health.status;
    let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let is = if matches!(status, Status::NeedsReconnection { .. }) { "" } else { "is " };
    format!("{} {is}{status} since {}{because}.", view.name, moment(view.health.since))
}

/// Who has to act, and what they know.
fn second(
    view: &TenantView,
    held: bool,
    mail: Option<&(&'static str, Option<DateTime<Utc>>, String)>,
) -> String {
    let next = view.due_at.map_or_else(
        || "it is not asked by itself".to_owned(),
        |at| format!("it is asked again at {}", moment(at)),
    );
    match &view.health.status {
        Status::Pending { .. } => format!("The provider has not accepted the key yet; {next}."),
        Status::Healthy { doubt: None } => format!("Nobody has to do anything; {next}."),
        Status::Healthy { doubt: Some(_) } => {
            format!("It failed and is being confirmed, so nobody has to do anything yet; {next}.")
        }
        Status::Degraded(_) if held => {
            format!("Many fail together, so this is held against nobody and nobody is told; {next}.")
        }
        Status::Degraded(_) => format!("It is not certain, so nobody has to do anything yet; {next}."),
        Status::NeedsReconnection { cause: ReconnectCause::NeverAccepted, .. } => {
            "The key was never accepted, so this is yours to mend, and the customer is not written to."
                .to_owned()
        }
        Status::NeedsReconnection { cause, .. } => {
            let must = match cause {
                ReconnectCause::PermissionLost(_) => "has to grant the permission again",
                _ => "has to give a new key",
            };
            format!("The customer {must}, and {}.", written(mail))
        }
        Status::Paused { until: Some(until), .. } => {
            format!("A person has paused it until {}.", moment(*until))
        }
        Status::Paused { until: None, .. } => {
            "A person has paused it, until somebody resumes it.".to_owned()
        }
        Status::Disabled(_) => {
            "No call is made with its key any more; it takes a new key to go on.".to_owned()
        }
    }
}

/// Whether the customer knows.
fn written(mail: Option<&(&'static str, Option<DateTime<Utc>>, String)>) -> String {
    match mail {
        Some(("sent", Some(at), _)) => format!("was written to last at {}", moment(*at)),
        Some(("unknown", Some(at), _)) => {
            format!("may have been written to at {}: the answer was lost", moment(*at))
        }
        Some((_, _, why)) => format!("was not written to: {why}"),
        None => "no mail about it is owed".to_owned(),
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
