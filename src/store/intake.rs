//! Takes in many tenants in one transaction, each of them wholly or not at all.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use crate::health::Due;
use crate::ids::TenantId;

use super::audit::Draft;
use super::care::{Care, values_of};
use super::handover::HandOver;
use super::row::{StateRow, micros};
use super::tenants::{NewTenant, json};
use super::{Store, StoreError};

/// A tenant as somebody wants it to be, whether it exists or not.
#[derive(Clone, Debug)]
pub struct Entry {
    /// All that a new one needs.
    pub new: NewTenant,
    /// When a new one is asked for the first time.
    pub due: DateTime<Utc>,
    /// Whether its name was given, rather than taken from its reference.
    pub named: bool,
    /// Whether the kind of its key was given.
    pub kind_given: bool,
    /// What is known of it beside its key.
    pub care: Care,
}

/// What became of an [`Entry`]. Only the first two have changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Added,
    /// It existed with this key; its name, contact, locale, time zone or labels are new.
    Updated,
    /// It existed just so.
    Unchanged,
    /// It exists and belongs to another company.
    OtherCompany,
    /// It exists and has another key, or had one that was destroyed.
    OtherKey,
    /// It exists, and its key is of the other kind.
    OtherKind,
    /// It exists, and its key has another expiry date.
    OtherExpiry,
    /// Another tenant has this key; which one is not said.
    KeyTaken,
    /// This key was withdrawn because it may have leaked.
    KeyWithdrawn,
}

#[derive(FromQueryResult)]
struct Known {
    id: i64,
    r#ref: String,
    name: String,
    company_id: String,
    key_kind: String,
    fingerprint: Option<Vec<u8>>,
    expires_at: Option<i64>,
}

impl Known {
    /// Why this entry may not be taken for the tenant that is there.
    fn against(&self, entry: &Entry) -> Option<Fate> {
        let new = &entry.new;
        let expiry = new.health.expires_at.map(micros);
        if self.company_id != new.company.as_str() {
            Some(Fate::OtherCompany)
        } else if self.fingerprint.as_ref() != Some(&new.fingerprint) {
            Some(Fate::OtherKey)
        } else if entry.kind_given && self.key_kind != new.kind.name() {
            Some(Fate::OtherKind)
        } else if expiry.is_some() && expiry != self.expires_at {
            Some(Fate::OtherExpiry)
        } else {
            None
        }
    }
}

impl Store {
    /// Takes in these entries in one transaction and says what became of each, in their order. A
    /// tenant that cannot be taken in leaves nothing behind and hinders no other. With `rehearse`
    /// everything is tried and nothing kept.
    pub async fn take_in(
        &self,
        entries: &[Entry],
        now: DateTime<Utc>,
        rehearse: bool,
    ) -> Result<Vec<Fate>, StoreError> {
        let tx = self.begin().await?;
        // What is only rehearsed may be sealed with a key that nobody keeps.
        if !rehearse {
            let sealed_with: BTreeSet<u32> = entries.iter().map(|one| one.new.key_id).collect();
            for key_id in sealed_with {
                self.hold_sealing_key(&tx, key_id).await?;
            }
        }
        let known = self.known(&tx, entries).await?;
        // One order for all: two who take in the same tenants do not wait for each other.
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].new.reference.cmp(&entries[*b].new.reference));
        let mut fates = vec![Fate::Unchanged; entries.len()];
        let (mut states, mut chained) = (Vec::new(), Vec::new());
        for at in order {
            let entry = &entries[at];
            let (fate, id) = match known.get(entry.new.reference.as_str()) {
                Some(known) => (self.update(&tx, known, entry).await?, known.id),
                None => self.insert(&tx, entry, now).await?,
            };
            fates[at] = fate;
            if fate == Fate::Added {
                let new = &entry.new;
                states.push(StateRow::from_health(new.id, 1, &new.health, Due::At(entry.due)));
                chained.push(with_care(self.added(new), &entry.care));
            } else if fate == Fate::Updated {
                let draft = Draft::of("tenant.updated").about(TenantId::from_raw(id));
                chained.push(with_care(draft.fact("named", entry.named), &entry.care));
            }
        }
        let insert = self.statement(self.dialect.insert(), [json(&states)?.into()]);
        tx.execute_raw(insert).await?;
        if rehearse {
            tx.rollback().await?;
        } else {
            self.append(&tx, &chained).await?;
            tx.commit().await?;
            // What was sealed of a key that lies elsewhere now is gone from the log as well.
            if entries.iter().any(|one| one.new.key_ref.is_some()) {
                self.empty_log().await?;
            }
        }
        Ok(fates)
    }

    async fn known(
        &self,
        tx: &DatabaseTransaction,
        entries: &[Entry],
    ) -> Result<HashMap<String, Known>, StoreError> {
        let sql = format!(
            "SELECT t.id, t.ref, t.name, t.company_id, t.key_kind, k.fingerprint, s.expires_at \
             FROM tenant t JOIN tenant_state s ON s.tenant_id = t.id \
             LEFT JOIN tenant_key k ON k.tenant_id = t.id WHERE t.ref IN ({})",
            self.dialect.texts(1)
        );
        let refs: Vec<&str> = entries.iter().map(|entry| entry.new.reference.as_str()).collect();
        let list = serde_json::to_string(&refs)
            .map_err(|_| StoreError::Refused { code: "JSON".to_owned() })?;
        let rows = tx.query_all_raw(self.statement(sql, [list.into()])).await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in &rows {
            let row = Known::from_query_result(row, "")?;
            known.insert(row.r#ref.clone(), row);
        }
        Ok(known)
    }

    async fn update(
        &self,
        tx: &DatabaseTransaction,
        known: &Known,
        entry: &Entry,
    ) -> Result<Fate, StoreError> {
        if let Some(refused) = known.against(entry) {
            let withdrawn =
                refused == Fate::OtherKey && self.is_withdrawn(tx, &entry.new.fingerprint).await?;
            return Ok(if withdrawn { Fate::KeyWithdrawn } else { refused });
        }
        let id = TenantId::from_raw(known.id);
        let mut changed = self.set_care(tx, id, &entry.care).await?;
        if let Some(key_ref) = &entry.new.key_ref {
            changed |= self.refer(tx, known.id, key_ref).await?;
        }
        if entry.named && known.name != entry.new.name {
            let sql = "UPDATE tenant SET name = $1 WHERE id = $2";
            let values = [entry.new.name.as_str().into(), known.id.into()];
            tx.execute_raw(self.statement(sql, values)).await?;
            changed = true;
        }
        Ok(if changed { Fate::Updated } else { Fate::Unchanged })
    }

    /// Everything of a new tenant but its state; with the id that the tenant has. Where another process has just added the same
    /// tenant, it is one that exists; where it has just added the same key, or the key was withdrawn,
    /// this tenant is refused, and what was written of it is taken back.
    async fn insert(
        &self,
        tx: &DatabaseTransaction,
        entry: &Entry,
        now: DateTime<Utc>,
    ) -> Result<(Fate, i64), StoreError> {
        let new = &entry.new;
        let id = new.id.raw();
        let sql = "INSERT INTO tenant (id, ref, name, company_id, required_scopes, key_kind, \
                   created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (ref) DO NOTHING";
        let values = [
            new.id.raw().into(),
            new.reference.as_str().into(),
            new.name.as_str().into(),
            new.company.as_str().into(),
            new.required.joined().into(),
            new.kind.name().into(),
            micros(now).into(),
        ];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            let known = self.known(tx, std::slice::from_ref(entry)).await?;
            return match known.get(new.reference.as_str()) {
                Some(known) => Ok((self.update(tx, known, entry).await?, known.id)),
                None => Ok((Fate::OtherKey, id)),
            };
        }
        let sql = "INSERT INTO tenant_key (tenant_id, generation, key_id, sealed, fingerprint, \
                   masked, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                   ON CONFLICT (fingerprint) DO NOTHING";
        let values = [
            new.id.raw().into(),
            i64::from(new.health.generation.0).into(),
            i64::from(new.key_id).into(),
            new.sealed.clone().into(),
            new.fingerprint.clone().into(),
            new.masked.as_str().into(),
            micros(now).into(),
        ];
        let refused = if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            Some(Fate::KeyTaken)
        } else if self.is_withdrawn(tx, &new.fingerprint).await? {
            Some(Fate::KeyWithdrawn)
        } else {
            None
        };
        if let Some(refused) = refused {
            let sql = "DELETE FROM tenant WHERE id = $1";
            tx.execute_raw(self.statement(sql, [new.id.raw().into()])).await?;
            return Ok((refused, id));
        }
        if new.hand_over != HandOver::Delivered {
            let generation = new.health.generation.0;
            self.hand_over(tx, new.id, generation, &new.hand_over, now).await?;
        }
        if let Some(key_ref) = &new.key_ref {
            self.refer(tx, new.id.raw(), key_ref).await?;
        }
        self.set_care(tx, new.id, &entry.care).await?;
        Ok((Fate::Added, id))
    }
}

/// What was given beside the key: its names for ever, the rest where it can be erased.
fn with_care(draft: Draft, care: &Care) -> Draft {
    let mut draft = draft.fact("given", care.given());
    if let Some(contact) = &care.contact {
        draft = draft.detail("contact", contact.address.as_str());
    }
    if !care.labels.is_empty() {
        draft = draft.detail("labels", values_of(&care.labels));
    }
    draft
}
