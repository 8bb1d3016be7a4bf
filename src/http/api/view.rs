//! A tenant as programs read it: the API answers so, and so do the commands with `--json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::Doubt;
use crate::health::Status;
use crate::store::Care;
use crate::store::Deletion;
use crate::store::HandoverView;
use crate::store::KeyKind;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;

use super::compared::{Compared, Setting};

/// A tenant in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tenant {
    /// The integration's own name for it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The name that people know.
    pub name: String,
    /// The provider's id of the company that the key must belong to.
    pub company_id: String,
    /// The client that the key was accepted for.
    pub client_id: Option<String>,
    /// What the key must be allowed to do.
    pub required_scopes: Vec<String>,
    /// The last four characters of the key; null once it was destroyed.
    pub key: Option<String>,
    /// Where the key lies, if not in keypulse.
    pub key_ref: Option<String>,
    /// `integrated` or `standalone`.
    pub kind: Option<&'static str>,
    /// When the key expires, as far as anybody said.
    pub expires_at: Option<DateTime<Utc>>,
    /// `pending`, `healthy`, `degraded`, `needs_reconnection`, `paused` or `disabled`.
    pub status: &'static str,
    /// Why, where the status needs a reason.
    pub cause: Option<&'static str>,
    /// Status and cause in words.
    pub status_text: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the provider last accepted the key.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Since when no answer says anything about the key.
    pub silent_since: Option<DateTime<Utc>>,
    /// What is being confirmed.
    pub failing: Option<Failing>,
    /// How often a failure was believed so far.
    pub episodes: u32,
    /// When it is asked next; null where nobody will ask.
    pub next_check_at: Option<DateTime<Utc>>,
    /// When a pause ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: Option<DateTime<Utc>>,
    /// The latest key that was owed to the integration, and how far it has come; null where none
    /// was.
    pub handover: Option<Handover>,
}

/// A key that is or was owed to the integration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Handover {
    /// Which of the tenant's keys.
    pub generation: u32,
    /// `owed` (to be fetched), `late` (not fetched in time), `fetched` (not acknowledged yet),
    /// `without_recipient` (sealed to nobody) or `acknowledged`.
    pub state: &'static str,
    /// Since when it is owed.
    pub owed_at: DateTime<Utc>,
    /// When it was fetched first.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Since when the integration has it.
    pub acknowledged_at: Option<DateTime<Utc>>,
}

/// Failures of one kind in a row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Failing {
    /// Their kind, for programs.
    pub what: &'static str,
    /// The same in words.
    pub text: String,
    /// How many.
    pub in_a_row: u32,
    /// When the first began.
    pub first_at: DateTime<Utc>,
    /// When the last began.
    pub last_at: DateTime<Utc>,
}

/// A tenant with all that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Whole {
    /// What a list shows.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// Whom to write to.
    pub contact: Option<Contact>,
    /// The language to write in.
    pub locale: Option<String>,
    /// The customer's time zone.
    pub time_zone: Option<String>,
    /// Labels by their names; one without a value has the empty one.
    pub labels: BTreeMap<String, String>,
    /// Keys that may have leaked and that nobody has confirmed to be deleted at the provider.
    pub deletions_wanted: Vec<Wanted>,
    /// How the key stands to the integration's; null where keypulse is the master of the keys.
    pub comparison: Option<Compared>,
    /// The integration's own page on which the customer gives a new key; null where there is none.
    pub reconnect_url: Option<String>,
}

/// Somebody to write to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Contact {
    /// The mail address.
    pub address: String,
    /// What this person is to the customer, in a word.
    pub role: String,
}

/// A key that has to be deleted at the provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Wanted {
    /// Which of the tenant's keys.
    pub generation: u32,
    /// Since when.
    pub wanted_at: DateTime<Utc>,
    /// Whether keypulse knows the key and refuses it if it is given again.
    pub refused_if_given_again: bool,
}

/// A key that is owed, in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Owed {
    /// Always `tenant.key_replaced`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The integration's own name for the tenant.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Which key, since when, and how far it has come.
    #[serde(flatten)]
    pub handover: Handover,
}

impl Handover {
    /// A hand-over as programs read it; late is what was owed before that moment.
    pub fn of(view: &HandoverView, late_before: DateTime<Utc>) -> Self {
        Self {
            generation: view.generation,
            state: view.pickup(late_before).name(),
            owed_at: view.owed_at,
            fetched_at: view.fetched_at,
            acknowledged_at: view.acknowledged_at,
        }
    }
}

impl Owed {
    /// What is owed of the tenant of that reference; late is what was owed before that moment.
    pub fn of(reference: &str, view: &HandoverView, late_before: DateTime<Utc>) -> Self {
        Self {
            kind: "tenant.key_replaced",
            reference: reference.to_owned(),
            handover: Handover::of(view, late_before),
        }
    }
}

impl Failing {
    /// What is held against a key.
    pub fn of(doubt: &Doubt) -> Self {
        Self {
            what: doubt.failure.name(),
            text: doubt.failure.to_string(),
            in_a_row: doubt.count.get(),
            first_at: doubt.first,
            last_at: doubt.last,
        }
    }
}

impl Tenant {
    /// A tenant as programs read it; late is what was owed before that moment.
    pub fn of(view: &TenantView, late_before: DateTime<Utc>) -> Self {
        let health = &view.health;
        Self {
            reference: view.reference.clone(),
            name: view.name.clone(),
            company_id: view.company.clone(),
            client_id: view.client.clone(),
            required_scopes: view.required.iter().map(str::to_owned).collect(),
            key: view.masked.clone(),
            key_ref: view.key_ref.clone(),
            kind: view.kind.map(KeyKind::name),
            expires_at: health.expires_at,
            status: health.status.word(),
            cause: health.status.cause(),
            status_text: health.status.to_string(),
            since: health.since,
            accepted_at: health.accepted_at,
            silent_since: health.silent_since,
            failing: health.status.doubt().map(Failing::of),
            episodes: health.episodes,
            next_check_at: view.due_at,
            paused_until: match health.status {
                Status::Paused { until, .. } => until,
                _ => None,
            },
            created_at: view.created_at,
            handover: view.handover.as_ref().map(|one| Handover::of(one, late_before)),
        }
    }
}

impl From<&Deletion> for Wanted {
    fn from(one: &Deletion) -> Self {
        Self {
            generation: one.generation,
            wanted_at: one.wanted_at,
            refused_if_given_again: one.known,
        }
    }
}

impl Whole {
    /// All that is known of this tenant.
    pub async fn of(
        store: &Store,
        view: &TenantView,
        setting: &Setting,
    ) -> Result<Self, StoreError> {
        let Care { contact, locale, time_zone, labels } = store.care(view.id).await?;
        let wanted = store.deletions_wanted(view.id).await?;
        Ok(Self {
            tenant: Tenant::of(view, setting.late_before),
            contact: contact.map(|one| Contact { address: one.address, role: one.role }),
            locale,
            time_zone,
            labels,
            deletions_wanted: wanted.iter().map(Wanted::from).collect(),
            comparison: Compared::of(store, view, setting).await?,
            reconnect_url: setting.reconnect_url(&view.reference),
        })
    }
}
