//! What people change of a tenant that is no belief and no key: its name, its contact, language,
//! time zone and labels. Unlike [`Care`](super::Care) it can also take things away.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::ids::TenantId;

use super::care::{Care, Contact};
use super::{Store, StoreError};

/// A tenant has at most so many labels.
pub const MOST_LABELS: u32 = 64;

/// What is to become of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T> Edit<T> {
    fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// What is to be different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The name that people know.
    pub name: Option<String>,
    /// Whom to write to.
    pub contact: Edit<Contact>,
    /// The language to write in.
    pub locale: Edit<String>,
    /// The customer's time zone.
    pub time_zone: Edit<String>,
    /// Labels to set, or to take away.
    pub labels: BTreeMap<String, Option<String>>,
}

impl Store {
    /// Changes what is given, all or nothing. Gives back whether anything is different now.
    pub async fn change_tenant(
        &self,
        tenant: TenantId,
        changes: &Changes,
    ) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        // Others who change this tenant wait, so that the labels are counted as they will be.
        let sql = format!("SELECT id FROM tenant WHERE id = $1{}", self.dialect.for_update());
        let row = tx.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?;
        if row.is_none() {
            return Err(StoreError::NoTenant(tenant.to_string()));
        }
        let mut differs = self.take_away(&tx, tenant, changes).await?;
        if let Some(name) = &changes.name {
            let sql = "UPDATE tenant SET name = $1 WHERE id = $2 AND name <> $1";
            let values = [name.as_str().into(), tenant.raw().into()];
            differs |= tx.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0;
        }
        let labels = changes.labels.iter();
        let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        let given = Care {
            contact: changes.contact.set().cloned(),
            locale: changes.locale.set().cloned(),
            time_zone: changes.time_zone.set().cloned(),
            labels: labels.collect(),
        };
        differs |= self.set_care(&tx, tenant, &given).await?;
        let sql = "SELECT COUNT(*) AS labels FROM label WHERE tenant_id = $1";
        let row = tx.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?;
        let labels: i64 = row.map_or(Ok(0), |row| row.try_get("", "labels"))?;
        if labels > i64::from(MOST_LABELS) {
            return Err(StoreError::TooManyLabels);
        }
        tx.commit().await?;
        Ok(differs)
    }

    async fn take_away(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        changes: &Changes,
    ) -> Result<bool, StoreError> {
        let mut gone = 0;
        for (column, value) in [("locale", &changes.locale), ("time_zone", &changes.time_zone)] {
            if *value == Edit::Clear {
                let sql = format!(
                    "UPDATE tenant SET {column} = NULL WHERE id = $1 AND {column} IS NOT NULL"
                );
                let statement = self.statement(sql, [tenant.raw().into()]);
                gone += tx.execute_raw(statement).await?.rows_affected();
            }
        }
        if changes.contact == Edit::Clear {
            let sql = "DELETE FROM contact WHERE tenant_id = $1";
            let statement = self.statement(sql, [tenant.raw().into()]);
            gone += tx.execute_raw(statement).await?.rows_affected();
        }
        for (name, value) in &changes.labels {
            if value.is_none() {
                let sql = "DELETE FROM label WHERE tenant_id = $1 AND name = $2";
                let values = [tenant.raw().into(), name.as_str().into()];
                gone += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
            }
        }
        Ok(gone > 0)
    }
}
