//! Whom to write to about a tenant, in which language and at which hours, and its labels.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::ids::TenantId;

use super::audit::Draft;
use super::{Store, StoreError};

/// What is known of a tenant beside its key. What is not given is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// Whom to write to.
    pub contact: Option<Contact>,
    /// The language to write in, such as `da-DK`.
    pub locale: Option<String>,
    /// The customer's time zone, such as `Europe/Copenhagen`.
    pub time_zone: Option<String>,
    /// Labels by their names; one without a value has the empty one.
    pub labels: BTreeMap<String, String>,
}

/// Somebody to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The mail address.
    pub address: String,
    /// What this person is to the customer, in a word.
    pub role: String,
}

/// The first contact of a tenant; others are added one by one (`contact.rs`).
const FIRST: i64 = 1;

impl Store {
    /// What is known of a tenant beside its key.
    pub async fn care(&self, tenant: TenantId) -> Result<Care, StoreError> {
        let ask = |sql: &str| self.statement(sql, [tenant.raw().into()]);
        let mut care = Care::default();
        let sql = "SELECT locale, time_zone FROM tenant WHERE id = $1";
        if let Some(row) = self.read.query_one_raw(ask(sql)).await? {
            care.locale = row.try_get("", "locale")?;
            care.time_zone = row.try_get("", "time_zone")?;
        }
        let sql = "SELECT address, role FROM contact WHERE tenant_id = $1 ORDER BY ordinal LIMIT 1";
        if let Some(row) = self.read.query_one_raw(ask(sql)).await? {
            let (address, role) = (row.try_get("", "address")?, row.try_get("", "role")?);
            care.contact = Some(Contact { address, role });
        }
        let sql = "SELECT name, value FROM label WHERE tenant_id = $1";
        for row in self.read.query_all_raw(ask(sql)).await? {
            care.labels.insert(row.try_get("", "name")?, row.try_get("", "value")?);
        }
        Ok(care)
    }

    /// Sets and removes labels of a tenant, all or nothing. Gives back whether anything changed.
    pub async fn label(
        &self,
        tenant: TenantId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        let mut changed = 0;
        for name in remove {
            let sql = "DELETE FROM label WHERE tenant_id = $1 AND name = $2";
            let values = [tenant.raw().into(), name.as_str().into()];
            changed += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        }
        for (name, value) in set {
            changed += self.set_label(&tx, tenant, name, value).await?;
        }
        if changed > 0 {
            let names: Vec<&str> = set.keys().map(String::as_str).collect();
            let draft = Draft::of("tenant.labelled").about(tenant);
            let draft = draft.fact("set", names).fact("removed", remove.to_vec());
            self.append(&tx, &[draft.detail("labels", values_of(set))]).await?;
        }
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Writes down what is given and differs, in a transaction of the caller's. Gives back whether
    /// anything did.
    pub(super) async fn set_care(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        given: &Care,
    ) -> Result<bool, StoreError> {
        let id = tenant.raw();
        let mut changed = 0;
        for (column, value) in [("locale", &given.locale), ("time_zone", &given.time_zone)] {
            if let Some(value) = value {
                let sql = format!(
                    "UPDATE tenant SET {column} = $1 \
                     WHERE id = $2 AND ({column} IS NULL OR {column} <> $1)"
                );
                let values = [value.as_str().into(), id.into()];
                changed += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
            }
        }
        if let Some(contact) = &given.contact {
            let sql = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, ordinal) \
                       DO UPDATE SET address = excluded.address, role = excluded.role, \
                       refused_at = CASE WHEN lower(contact.address) = lower(excluded.address) \
                       THEN contact.refused_at END, \
                       refused_why = CASE WHEN lower(contact.address) = lower(excluded.address) \
                       THEN contact.refused_why END WHERE contact.address <> excluded.address OR contact.role <> excluded.role";
            let values = [
                id.into(),
                FIRST.into(),
                contact.address.as_str().into(),
                contact.role.as_str().into(),
            ];
            let contacts = tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
            if contacts > 0 {
                self.revive_mail(tx, tenant).await?;
            }
            changed += contacts;
        }
        for (name, value) in &given.labels {
            changed += self.set_label(tx, tenant, name, value).await?;
        }
        Ok(changed > 0)
    }

    async fn set_label(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        name: &str,
        value: &str,
    ) -> Result<u64, StoreError> {
        let sql = "INSERT INTO label (tenant_id, name, value) VALUES ($1, $2, $3) \
                   ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value \
                   WHERE label.value <> excluded.value";
        let values = [tenant.raw().into(), name.into(), value.into()];
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}

impl Care {
    /// The names of what is given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let given = [
            ("contact", self.contact.is_some()),
            ("locale", self.locale.is_some()),
            ("time_zone", self.time_zone.is_some()),
            ("labels", !self.labels.is_empty()),
        ];
        given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
    }
}

/// Labels as `name=value`, for the part of an audit row that can be erased.
pub(super) fn values_of(labels: &BTreeMap<String, String>) -> Vec<String> {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
}
