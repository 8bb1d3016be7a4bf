//! The audit chain as programs read it, and the review that an incident needs: what is known of one
//! tenant and each of its keys. The API answers so, and so do the commands with `--json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::AuditRow;
use crate::store::Detail;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TenantView;

/// Rows that are read at a time.
const PAGE: u32 = 500;
/// Keys of one tenant that are told of one by one.
const MOST_KEYS: usize = 1_000;

/// A row of the audit chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Entry {
    /// Its place; there are no gaps.
    pub seq: i64,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// What was done, a word such as `key.replaced`.
    pub action: String,
    /// `done`, or how else it ended.
    pub outcome: String,
    /// keypulse's own id of the tenant.
    pub tenant_id: Option<String>,
    /// Which of the tenant's keys.
    pub generation: Option<i64>,
    /// Who did it.
    pub actor: By,
    /// What else is part of the chain.
    #[schema(value_type = Object)]
    pub facts: Value,
    /// What may be personal, and can be erased; null where there is nothing.
    #[schema(value_type = Option<Object>)]
    pub detail: Value,
    /// Whether that was erased.
    pub detail_erased: bool,
}

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct By {
    /// `command`, `token`, `daemon` or another kind.
    pub kind: String,
    /// Which one: the number of the user, the id of the token, the machine and process.
    pub id: String,
}

/// What is known of one of a tenant's keys.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct KeyLife {
    /// Which of the tenant's keys.
    pub generation: i64,
    /// Since when it was stored.
    pub stored_at: Option<DateTime<Utc>>,
    /// By whom.
    pub stored_by: Option<String>,
    /// keypulse did not use it before that.
    pub first_use_not_before: Option<DateTime<Utc>>,
    /// When it was accepted first, as far as that is known.
    pub first_known_accepted_at: Option<DateTime<Utc>>,
    /// When it was accepted last, as far as that is known.
    pub last_known_accepted_at: Option<DateTime<Utc>>,
    /// When it was disabled, destroyed or replaced; keypulse did not use it after that.
    pub ended_at: Option<DateTime<Utc>>,
    /// Which of them.
    pub ended_how: Option<String>,
}

/// What is known of a tenant and of each of its keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Review {
    /// Always `review`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The integration's own name for the tenant.
    pub tenant: String,
    /// keypulse's own id of it.
    pub tenant_id: String,
    /// The name that people know.
    pub name: String,
    /// The provider's id of the company that the key must belong to.
    pub company_id: String,
    /// The status now.
    pub status: &'static str,
    /// Why, where the status needs a reason.
    pub cause: Option<&'static str>,
    /// When it was added.
    pub added_at: Option<DateTime<Utc>>,
    /// Its keys, in their order.
    pub keys: Vec<KeyLife>,
    /// Keys that may have leaked and that nobody has confirmed to be deleted at the provider.
    pub deletions_wanted: usize,
    /// What only the provider can tell.
    pub not_known: String,
    /// Whether all rows about the tenant were read for this; false where there are too many.
    pub complete: bool,
    /// Always false: whether the rows are as they were written, `keypulse audit verify` tells.
    pub verified: bool,
}

impl From<&AuditRow> for Entry {
    fn from(row: &AuditRow) -> Self {
        let (detail, detail_erased) = match &row.detail {
            Detail::None => (Value::Null, false),
            Detail::Erased => (Value::Null, true),
            Detail::Known(text) => (parsed(text), false),
        };
        Self {
            seq: row.seq,
            at: row.at,
            action: row.action.clone(),
            outcome: row.outcome.clone(),
            tenant_id: row.tenant.map(|id| id.to_string()),
            generation: row.generation,
            actor: By { kind: row.actor_kind.clone(), id: row.actor_id.clone() },
            facts: parsed(&row.facts),
            detail,
            detail_erased,
        }
    }
}

/// JSON that somebody may have edited.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

impl Review {
    /// The review of a tenant of the provider with that title, by the first `most` rows about it.
    pub async fn of(
        store: &Store,
        view: &TenantView,
        title: &str,
        most: usize,
    ) -> Result<Self, StoreError> {
        let (mut lives, mut after, mut left) = (BTreeMap::new(), 0, most);
        let complete = loop {
            let page = store.audit_rows(Some(view.id), after, PAGE).await?;
            let Some(last) = page.last() else { break true };
            after = last.seq;
            for row in &page {
                live(&mut lives, row);
            }
            match left.checked_sub(page.len()) {
                Some(rest) => left = rest,
                None => break false,
            }
        };
        if view.masked.is_some() {
            of(&mut lives, view.health.generation.0.into()).accepted(view.health.accepted_at);
        }
        Ok(Self {
            kind: "review",
            tenant: view.reference.clone(),
            tenant_id: view.id.to_string(),
            name: view.name.clone(),
            company_id: view.company.clone(),
            status: view.health.status.word(),
            cause: view.health.status.cause(),
            added_at: view.created_at,
            keys: lives.into_values().collect(),
            deletions_wanted: store.deletions_wanted(view.id).await?.len(),
            not_known: format!(
                "keypulse knows its own calls only, and keeps no record of each routine check. What \
                 else was done with a key, from where, and when it was first and last used by \
                 anybody, only {title} can tell: ask for its log of this company's API keys"
            ),
            complete,
            verified: false,
        })
    }
}

impl KeyLife {
    fn stored(&mut self, row: &AuditRow) {
        self.stored_at = row.at;
        self.first_use_not_before = row.at;
        self.stored_by = Some(format!("{} {}", row.actor_kind, row.actor_id));
    }

    fn accepted(&mut self, at: Option<DateTime<Utc>>) {
        self.first_known_accepted_at = self.first_known_accepted_at.or(at);
        self.last_known_accepted_at = self.last_known_accepted_at.max(at);
    }

    fn ended(&mut self, row: &AuditRow, how: &str) {
        self.ended_at = row.at;
        self.ended_how = Some(how.to_owned());
    }
}

fn of(lives: &mut BTreeMap<i64, KeyLife>, generation: i64) -> &mut KeyLife {
    lives.entry(generation).or_insert_with(|| KeyLife { generation, ..KeyLife::default() })
}

/// What a row tells of the life of a key.
fn live(lives: &mut BTreeMap<i64, KeyLife>, row: &AuditRow) {
    let Some(generation) = row.generation else { return };
    if lives.len() >= MOST_KEYS && !lives.contains_key(&generation) {
        return;
    }
    let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
    match row.action.as_str() {
        "tenant.added" => of(lives, generation).stored(row),
        "key.replaced" => {
            let life = of(lives, generation);
            life.stored(row);
            life.accepted(row.at);
            if let Some(before) = lives.get_mut(&(generation - 1))
                && before.ended_how.is_none()
            {
                before.ended(row, "replaced");
            }
        }
        "key.disabled" => of(lives, generation).ended(row, "disabled"),
        _ if facts["destroyed"] == true => of(lives, generation).ended(row, "destroyed"),
        "status.changed" if facts["status"] == "healthy" => of(lives, generation).accepted(row.at),
        _ => {}
    }
}
