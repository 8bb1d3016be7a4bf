//! Adding, finding and listing tenants.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QueryResult, Statement, Value,
};
use serde::Serialize;

use crate::health::CompanyId;
use crate::health::Due;
use crate::health::Health;
use crate::health::Scopes;
use crate::ids::TenantId;
use crate::ids::TenantRef;

use super::audit::Draft;
use super::care::Care;
use super::entity::{tenant, tenant_key};
use super::error::is_unique_violation;
use super::filter::TenantFilter;
use super::handover::{self, HandOver, HandoverRow, HandoverView};
use super::row::{StateRow, micros, select_state, time};
use super::{Store, StoreError};

/// Which kind of key a tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Made by the provider for one installation; no expiry date.
    Integrated,
    /// Made by the customer, with an expiry date.
    Standalone,
}

impl KeyKind {
    /// The label of this kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integrated => "integrated",
            Self::Standalone => "standalone",
        }
    }

    /// The kind of that label.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Integrated, Self::Standalone].into_iter().find(|kind| kind.name() == name)
    }
}

/// A tenant to be added, its key already sealed.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Drawn before, because the sealed key is bound to it.
    pub id: TenantId,
    /// The integration's own name for it.
    pub reference: TenantRef,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to.
    pub company: CompanyId,
    /// What the key must be allowed to do. Kept with the tenant: a later change of the
    /// configuration is no evidence against it.
    pub required: Scopes,
    /// Which kind of key.
    pub kind: KeyKind,
    /// The belief to begin with.
    pub health: Health,
    /// Where the key lies, if not here; then nothing of it is sealed.
    pub key_ref: Option<String>,
    /// The number of the keyring's key that sealed it, or [`ELSEWHERE`](super::ELSEWHERE).
    pub key_id: u32,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// The keyed fingerprint; no two tenants have the same.
    pub fingerprint: Vec<u8>,
    /// What people may see of the key.
    pub masked: String,
    /// Whether a copy of it is owed to the integration, as soon as it is accepted.
    pub hand_over: HandOver,
}

/// A tenant as people see it.
#[derive(Clone, Debug)]
pub struct TenantView {
    /// Its id.
    pub id: TenantId,
    /// The integration's own name for it.
    pub reference: String,
    /// The name that people know.
    pub name: String,
    /// The company that the key must belong to.
    pub company: String,
    /// The client that the key was accepted for.
    pub client: Option<String>,
    /// What the key must be allowed to do.
    pub required: Scopes,
    /// Which kind of key.
    pub kind: Option<KeyKind>,
    /// What people may see of the key; `None` once it was destroyed.
    pub masked: Option<String>,
    /// Where the key lies, if not here.
    pub key_ref: Option<String>,
    /// What is believed.
    pub health: Health,
    /// When it is asked next.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: Option<DateTime<Utc>>,
    /// The latest key of it that was owed to the integration.
    pub handover: Option<HandoverView>,
}

/// Part of a list of tenants.
#[derive(Clone, Debug)]
pub struct TenantPage {
    /// The tenants, in the order of their references.
    pub tenants: Vec<TenantView>,
    /// The reference that the next page comes after; `None` at the end of the list.
    pub next: Option<String>,
}

#[derive(FromQueryResult)]
struct ViewRow {
    r#ref: String,
    name: String,
    company_id: String,
    client_id: Option<String>,
    required_scopes: String,
    key_kind: String,
    created_at: i64,
    masked: Option<String>,
    key_ref: Option<String>,
    #[sea_orm(nested)]
    state: StateRow,
    #[sea_orm(nested)]
    handover: HandoverRow,
}

/// What a [`ViewRow`] is read from.
fn select_view() -> String {
    format!(
        "SELECT t.ref, t.name, t.company_id, t.client_id, t.required_scopes, t.key_kind, \
         t.created_at, k.masked, x.reference AS key_ref, {}, {} FROM tenant t JOIN tenant_state s ON s.tenant_id = t.id \
         LEFT JOIN tenant_key k ON k.tenant_id = t.id \
         LEFT JOIN handover h ON h.tenant_id = t.id \
         LEFT JOIN key_reference x ON x.tenant_id = t.id",
        select_state(),
        handover::COLUMNS
    )
}

impl Store {
    /// Adds a tenant, all or nothing. It is due at `due`. Refused when the data key that sealed its
    /// key seals no longer.
    pub async fn add_tenant(
        &self,
        new: &NewTenant,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.add_tenant_with(new, &Care::default(), due, now).await
    }

    /// The same, with what is known of the tenant beside its key.
    pub async fn add_tenant_with(
        &self,
        new: &NewTenant,
        care: &Care,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        self.hold_sealing_key(&tx, new.key_id).await?;
        let taken = tenant::Entity::find()
            .filter(tenant::Column::Ref.eq(new.reference.as_str()))
            .one(&tx)
            .await?;
        if taken.is_some() {
            return Err(StoreError::RefTaken(new.reference.to_string()));
        }
        let model = tenant::ActiveModel {
            id: Set(new.id.raw()),
            r#ref: Set(new.reference.as_str().to_owned()),
            name: Set(new.name.clone()),
            company_id: Set(new.company.as_str().to_owned()),
            client_id: Set(None),
            required_scopes: Set(new.required.joined()),
            key_kind: Set(new.kind.name().to_owned()),
            created_at: Set(micros(now)),
            locale: Set(None),
            time_zone: Set(None),
        };
        let inserted = tenant::Entity::insert(model).exec_without_returning(&tx).await;
        if let Err(error) = inserted {
            return Err(if is_unique_violation(&error) {
                StoreError::RefTaken(new.reference.to_string())
            } else {
                error.into()
            });
        }
        let model = tenant_key::ActiveModel {
            tenant_id: Set(new.id.raw()),
            generation: Set(i64::from(new.health.generation.0)),
            key_id: Set(i64::from(new.key_id)),
            sealed: Set(new.sealed.clone()),
            fingerprint: Set(new.fingerprint.clone()),
            masked: Set(new.masked.clone()),
            created_at: Set(micros(now)),
        };
        let inserted = tenant_key::Entity::insert(model).exec_without_returning(&tx).await;
        if let Err(error) = inserted {
            return Err(if is_unique_violation(&error) {
                StoreError::KeyTaken
            } else {
                error.into()
            });
        }
        self.refuse_withdrawn(&tx, &new.fingerprint).await?;
        if let Some(key_ref) = &new.key_ref {
            self.refer(&tx, new.id.raw(), key_ref).await?;
        }
        if new.hand_over != HandOver::Delivered {
            let generation = new.health.generation.0;
            self.hand_over(&tx, new.id, generation, &new.hand_over, now).await?;
        }
        self.set_care(&tx, new.id, care).await?;
        self.spend_link(&tx, new.id, Some(new.reference.as_str()), now).await?;
        let row = StateRow::from_health(new.id, 1, &new.health, Due::At(due));
        let insert = self.statement(self.dialect.insert(), [json(&[row])?.into()]);
        tx.execute_raw(insert).await?;
        self.append(&tx, &[self.added(new)]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the audit chain says of a new tenant.
    pub(super) fn added(&self, new: &NewTenant) -> Draft {
        Draft::of("tenant.added")
            .about(new.id)
            .generation(new.health.generation.0)
            .fact("kind", new.kind.name())
            .fact("key", self.trace(&new.fingerprint))
    }

    /// The tenant of that reference.
    pub async fn tenant(&self, reference: &str) -> Result<Option<TenantView>, StoreError> {
        let sql = format!("{} WHERE t.ref = $1", select_view());
        let statement = self.statement(sql, [reference.into()]);
        let row = self.read.query_one_raw(statement).await?;
        row.map(|row| view(ViewRow::from_query_result(&row, "")?)).transpose()
    }

    /// The tenant of that id.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<TenantView>, StoreError> {
        let sql = format!("{} WHERE t.id = $1", select_view());
        let row = self.read.query_one_raw(self.statement(sql, [id.raw().into()])).await?;
        row.map(|row| view(ViewRow::from_query_result(&row, "")?)).transpose()
    }

    /// Up to `limit` tenants whose references come after `after`, in their order. One whose row
    /// cannot be understood is logged and left out.
    pub async fn tenants(&self, after: &str, limit: u32) -> Result<Vec<TenantView>, StoreError> {
        self.tenants_like(&TenantFilter::default(), after, limit).await
    }

    /// Like [`Store::tenants`], of those that the filter lets through.
    pub async fn tenants_like(
        &self,
        filter: &TenantFilter,
        after: &str,
        limit: u32,
    ) -> Result<Vec<TenantView>, StoreError> {
        Ok(self.tenant_page(filter, after, limit).await?.tenants)
    }

    /// The same as a page, which also says where the next one begins.
    pub async fn tenant_page(
        &self,
        filter: &TenantFilter,
        after: &str,
        limit: u32,
    ) -> Result<TenantPage, StoreError> {
        let mut values: Vec<Value> = vec![after.into(), i64::from(limit).into()];
        let also = filter.clause(self.dialect, &mut values);
        let sql = format!("{} WHERE t.ref > $1{also} ORDER BY t.ref LIMIT $2", select_view());
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = match rows.last() {
            // Also behind a row that cannot be understood the list goes on.
            Some(last) if full => Some(last.try_get("", "ref")?),
            _ => None,
        };
        Ok(TenantPage { tenants: views(&rows)?, next })
    }

    /// Up to `limit` tenants that need a person, those first that have waited longest.
    pub async fn tenants_in_need(&self, limit: u32) -> Result<Vec<TenantView>, StoreError> {
        let sql = format!(
            "{} WHERE s.status = 'needs_reconnection' AND s.paused_at IS NULL \
             ORDER BY s.since, t.ref LIMIT $1",
            select_view()
        );
        self.views(self.statement(sql, [i64::from(limit).into()])).await
    }

    async fn views(&self, statement: Statement) -> Result<Vec<TenantView>, StoreError> {
        views(&self.read.query_all_raw(statement).await?)
    }
}

/// One whose row cannot be understood is logged and left out.
fn views(rows: &[QueryResult]) -> Result<Vec<TenantView>, StoreError> {
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        match view(ViewRow::from_query_result(row, "")?) {
            Ok(tenant) => views.push(tenant),
            Err(error) => tracing::error!("{error}"),
        }
    }
    Ok(views)
}

fn view(row: ViewRow) -> Result<TenantView, StoreError> {
    Ok(TenantView {
        id: TenantId::from_raw(row.state.tenant_id),
        health: row.state.health()?,
        due_at: row.state.due_at.and_then(time),
        reference: row.r#ref,
        name: row.name,
        company: row.company_id,
        client: row.client_id,
        required: Scopes::parse(&row.required_scopes),
        kind: KeyKind::parse(&row.key_kind),
        masked: row.masked,
        key_ref: row.key_ref,
        created_at: time(row.created_at),
        handover: row.handover.view(),
    })
}

/// Rows as the JSON list that the batch statements take.
pub(super) fn json(rows: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|_| StoreError::Refused { code: "JSON".into() })
}
