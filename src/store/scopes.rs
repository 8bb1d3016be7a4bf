//! What tenants are held to and what they were last seen to be granted; and the one way to hold
//! tenants that are there to another set.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};

use crate::health::Scopes;
use crate::ids::TenantId;

use super::audit::Draft;
use super::filter::TenantFilter;
use super::{Dialect, Store, StoreError, ids, list_of};

/// Whether a tenant can be held to another set of scopes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It can.
    Open,
    /// That a permission is missing is being confirmed: what was found so far was found of the set
    /// that it is held to.
    Confirming,
    /// It is disabled or has no key. Its next key is held to what is required then.
    Keyless,
}

/// Tenants that are alike in all that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeGroup {
    /// What they are held to.
    pub required: Scopes,
    /// What their keys were last seen to be granted; nothing where that is not known.
    pub granted: Option<Scopes>,
    /// Whether that can be changed now.
    pub reach: Reach,
    /// How many they are.
    pub tenants: u64,
}

/// One tenant with a live key, and what it is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its id.
    pub tenant: TenantId,
    /// What it is held to.
    pub required: Scopes,
    /// What its key was last seen to be granted; nothing where that is not known.
    pub granted: Option<Scopes>,
    /// Whether something is being confirmed that stands in the way.
    pub reach: Reach,
}

/// Of the tables `t` and `s`: a permission that is missing is being confirmed.
const CONFIRMING: &str = "s.doubt_kind = 'permission_lost' AND s.status <> 'needs_reconnection'";

/// Of the same: there is a key that checks are made with.
const LIVE: &str = "s.status <> 'disabled' AND EXISTS (SELECT 1 FROM tenant_key k \
                    WHERE k.tenant_id = s.tenant_id AND k.generation = s.generation)";

/// The [`Reach`] as a number.
fn reach() -> String {
    format!("CASE WHEN NOT ({LIVE}) THEN 2 WHEN {CONFIRMING} THEN 1 ELSE 0 END AS reach")
}

impl Store {
    /// How many tenants are held to what, with what they were last seen to be granted.
    pub async fn scope_groups(&self, filter: &TenantFilter) -> Result<Vec<ScopeGroup>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let also = filter.clause(self.dialect, &mut values);
        let sql = format!(
            "SELECT required_scopes, granted_scopes, reach, COUNT(*) AS tenants FROM \
             (SELECT t.required_scopes, t.granted_scopes, {} FROM tenant t \
             JOIN tenant_state s ON s.tenant_id = t.id WHERE TRUE{also}) AS g \
             GROUP BY required_scopes, granted_scopes, reach \
             ORDER BY required_scopes, granted_scopes, reach",
            reach()
        );
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter()
            .map(|row| {
                let tenants: i64 = row.try_get("", "tenants")?;
                let (required, granted, reach) = scopes_of(row)?;
                Ok(ScopeGroup { required, granted, reach, tenants: tenants.unsigned_abs() })
            })
            .collect()
    }

    /// Up to `limit` tenants with a live key whose ids come after `after`, in the order of the ids:
    /// they are drawn at random and stay, so it is an order that favours nobody and is always the
    /// same.
    pub async fn bindings(
        &self,
        filter: &TenantFilter,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Binding>, StoreError> {
        // Ids are positive.
        let mut values: Vec<Value> =
            vec![after.map_or(0, TenantId::raw).into(), i64::from(limit).into()];
        let also = filter.clause(self.dialect, &mut values);
        let sql = format!(
            "SELECT t.id AS tenant_id, t.required_scopes, t.granted_scopes, {} FROM tenant t \
             JOIN tenant_state s ON s.tenant_id = t.id WHERE t.id > $1 AND {LIVE}{also} \
             ORDER BY t.id LIMIT $2",
            reach()
        );
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter()
            .map(|row| {
                let (required, granted, reach) = scopes_of(row)?;
                let tenant = TenantId::from_raw(row.try_get("", "tenant_id")?);
                Ok(Binding { tenant, required, granted, reach })
            })
            .collect()
    }

    /// Holds these tenants to another set of scopes from now on, all or nothing, and gives back those
    /// that were held to something else. Left out is whoever has no live key, and whoever a missing
    /// permission is being confirmed of. What a check under way finds was found of the set before,
    /// and does not count any more.
    pub async fn hold_to(
        &self,
        tenants: &[TenantId],
        required: &Scopes,
    ) -> Result<BTreeSet<TenantId>, StoreError> {
        if tenants.is_empty() {
            return Ok(BTreeSet::new());
        }
        let (list, joined) = (list_of(tenants)?, required.joined());
        let tx = self.begin().await?;
        if let Some(lock) = self.dialect.lock_states() {
            tx.execute_raw(self.statement(lock, [list.clone().into()])).await?;
        }
        let sql = format!(
            "UPDATE tenant_state AS s SET version = s.version + 1 WHERE s.tenant_id IN ({}) \
             AND {LIVE} AND NOT COALESCE({CONFIRMING}, FALSE) AND EXISTS (SELECT 1 FROM tenant t \
             WHERE t.id = s.tenant_id AND t.required_scopes <> $2) RETURNING tenant_id",
            self.dialect.numbers(1)
        );
        let values = [list.into(), joined.as_str().into()];
        let held = ids(&tx.query_all_raw(self.statement(sql, values)).await?)?;
        let chained = self.held_before(&tx, &held, required).await?;
        let sql = format!(
            "UPDATE tenant SET required_scopes = $2 WHERE id IN ({})",
            self.dialect.numbers(1)
        );
        let values = [list_of(&held)?.into(), joined.into()];
        tx.execute_raw(self.statement(sql, values)).await?;
        self.append(&tx, &chained).await?;
        tx.commit().await?;
        Ok(held.into_iter().collect())
    }

    /// What the audit chain says of tenants that are about to be held to another set.
    async fn held_before(
        &self,
        tx: &DatabaseTransaction,
        tenants: &[TenantId],
        required: &Scopes,
    ) -> Result<Vec<Draft>, StoreError> {
        let sql = format!(
            "SELECT id, required_scopes FROM tenant WHERE id IN ({}) ORDER BY id",
            self.dialect.numbers(1)
        );
        let rows = tx.query_all_raw(self.statement(sql, [list_of(tenants)?.into()])).await?;
        rows.iter()
            .map(|row| {
                let before: String = row.try_get("", "required_scopes")?;
                let draft = Draft::of("tenant.scopes_applied");
                let draft = draft.about(TenantId::from_raw(row.try_get("", "id")?));
                Ok(draft.fact("from", before).fact("to", required.joined()))
            })
            .collect()
    }
}

fn scopes_of(row: &QueryResult) -> Result<(Scopes, Option<Scopes>, Reach), StoreError> {
    let required: String = row.try_get("", "required_scopes")?;
    let granted: Option<String> = row.try_get("", "granted_scopes")?;
    let reach = match row.try_get::<i32>("", "reach")? {
        0 => Reach::Open,
        1 => Reach::Confirming,
        _ => Reach::Keyless,
    };
    Ok((Scopes::parse(&required), granted.as_deref().map(Scopes::parse), reach))
}

impl Dialect {
    /// Notes what keys were seen to be allowed to do: `[tenant, scopes]` (`$1`).
    pub(super) fn note_granted(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("scopes", "text")]);
        format!(
            "UPDATE tenant SET granted_scopes = v.scopes FROM ({rows}) AS v \
             WHERE tenant.id = v.tenant_id"
        )
    }

    /// Locks the states of a JSON list of tenants (`$1`) in the order of their ids, as whoever saves
    /// does; SQLite has one writer at a time anyway.
    pub(super) fn lock_states(self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(format!(
                "SELECT tenant_id FROM tenant_state WHERE tenant_id IN ({}) \
                 ORDER BY tenant_id FOR UPDATE",
                self.numbers(1)
            )),
        }
    }
}
