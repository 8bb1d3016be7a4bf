//! Whom to write to about a tenant, in their order, and which addresses do not work. Each is written
//! to only when those before it are known not to work.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use crate::ids::TenantId;

use super::audit::Draft;
use super::care::Contact;
use super::row::{micros, time};
use super::{Store, StoreError};

/// Contacts of one tenant at most.
pub const MOST_CONTACTS: usize = 10;

/// A contact as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// Its place among the tenant's, from 1.
    pub ordinal: i64,
    /// Who it is.
    pub contact: Contact,
    /// Since when the address is known not to work, and why.
    pub refused: Option<(DateTime<Utc>, String)>,
}

/// What became of a wish to add a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactAdded {
    /// It is there now, at this place.
    At(i64),
    /// The address is there already.
    Known,
    /// There are [`MOST_CONTACTS`].
    TooMany,
}

impl Store {
    /// The contacts of a tenant, in their order.
    pub async fn contacts(&self, tenant: TenantId) -> Result<Vec<ContactView>, StoreError> {
        let sql = "SELECT ordinal, address, role, refused_at, refused_why FROM contact \
                   WHERE tenant_id = $1 ORDER BY ordinal";
        let rows = self.read.query_all_raw(self.statement(sql, [tenant.raw().into()])).await?;
        rows.iter().map(view).collect()
    }

    /// Adds a contact behind those that there are, and chains it.
    pub async fn add_contact(
        &self,
        tenant: TenantId,
        contact: &Contact,
    ) -> Result<ContactAdded, StoreError> {
        let tx = self.begin().await?;
        let sql = "SELECT COUNT(*) AS contacts, COALESCE(MAX(ordinal), 0) AS last, \
                   COUNT(CASE WHEN lower(address) = lower($2) THEN 1 END) AS same \
                   FROM contact WHERE tenant_id = $1";
        let values = [tenant.raw().into(), contact.address.as_str().into()];
        let Some(row) = tx.query_one_raw(self.statement(sql, values)).await? else {
            return Ok(ContactAdded::TooMany);
        };
        let (contacts, last, same): (i64, i64, i64) =
            (row.try_get("", "contacts")?, row.try_get("", "last")?, row.try_get("", "same")?);
        if same > 0 {
            return Ok(ContactAdded::Known);
        }
        if usize::try_from(contacts).is_ok_and(|contacts| contacts >= MOST_CONTACTS) {
            return Ok(ContactAdded::TooMany);
        }
        let sql = "INSERT INTO contact (tenant_id, ordinal, address, role) \
                   VALUES ($1, $2, $3, $4)";
        let values = [
            tenant.raw().into(),
            (last + 1).into(),
            contact.address.as_str().into(),
            contact.role.as_str().into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        self.revive_mail(&tx, tenant).await?;
        let draft = Draft::of("contact.added").about(tenant).fact("place", last + 1);
        let draft = draft.detail("address", contact.address.as_str());
        self.append(&tx, &[draft.detail("role", contact.role.as_str())]).await?;
        tx.commit().await?;
        self.wake();
        Ok(ContactAdded::At(last + 1))
    }

    /// Removes the contact with that address, and chains it. Gives back whether there was one.
    pub async fn remove_contact(
        &self,
        tenant: TenantId,
        address: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        let sql = "DELETE FROM contact WHERE tenant_id = $1 AND lower(address) = lower($2) \
                   RETURNING ordinal";
        let values = [tenant.raw().into(), address.into()];
        let Some(row) = tx.query_one_raw(self.statement(sql, values)).await? else {
            return Ok(false);
        };
        // Whoever comes in this place gets a link of their own, and is not passed over.
        let place: i64 = row.try_get("", "ordinal")?;
        self.end_links_of(&tx, tenant, &recipient(place), now).await?;
        let sql = "UPDATE delivery SET contact = NULL WHERE channel = $2 AND state = 'owed' \
                   AND message_id IN (SELECT id FROM message WHERE tenant_id = $1)";
        let values = [tenant.raw().into(), super::mail::CHANNEL.into()];
        tx.execute_raw(self.statement(sql, values)).await?;
        let draft = Draft::of("contact.removed").about(tenant).detail("address", address);
        self.append(&tx, &[draft]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the address of a contact for one that works again, and chains it: it may have been put
    /// right at the customer. Gives back whether it was marked.
    pub async fn trust_contact(&self, tenant: TenantId, address: &str) -> Result<bool, StoreError> {
        let tx = self.begin().await?;
        let sql = "UPDATE contact SET refused_at = NULL, refused_why = NULL \
                   WHERE tenant_id = $1 AND lower(address) = lower($2) AND refused_at IS NOT NULL";
        let values = [tenant.raw().into(), address.into()];
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.revive_mail(&tx, tenant).await?;
        let draft = Draft::of("contact.trusted").about(tenant).detail("address", address);
        self.append(&tx, &[draft]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Marks an address as one that does not work, for every tenant that has it, and chains it. Gives
    /// back how many contacts that are.
    pub async fn refuse_address(
        &self,
        address: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let marked = self.mark(&tx, address, why, now).await?;
        self.chain_refusals(&tx, &marked, address, why).await?;
        tx.commit().await?;
        Ok(whole(marked.len()))
    }

    /// The same of an address from which a mail came back. What was sent there last of a story that is
    /// still open reached nobody: it is owed again to the next contact, where there is one. Gives back how
    /// many contacts were marked, and how many mails are owed again.
    pub async fn bounce_address(
        &self,
        address: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<(u64, u64), StoreError> {
        let tx = self.begin().await?;
        let marked = self.mark(&tx, address, why, now).await?;
        let mut again = 0;
        for (tenant, place) in &marked {
            again += self.repeat_mail(&tx, *tenant, *place, now).await?;
        }
        self.chain_refusals(&tx, &marked, address, why).await?;
        tx.commit().await?;
        if again > 0 {
            self.wake();
        }
        Ok((whole(marked.len()), again))
    }

    /// Marks the contacts with that address; gives back whose, and in which place.
    async fn mark(
        &self,
        tx: &DatabaseTransaction,
        address: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<(TenantId, i64)>, StoreError> {
        let sql = "UPDATE contact SET refused_at = $2, refused_why = $3 \
                   WHERE lower(address) = lower($1) AND refused_at IS NULL \
                   RETURNING tenant_id, ordinal";
        let values = [address.into(), micros(now).into(), why.into()];
        let rows = tx.query_all_raw(self.statement(sql, values)).await?;
        let places = rows.iter().map(|row| row.try_get("", "ordinal"));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        Ok(super::ids(&rows)?.into_iter().zip(places).collect())
    }

    /// Chains that these were marked; nothing is locked after it.
    async fn chain_refusals(
        &self,
        tx: &DatabaseTransaction,
        marked: &[(TenantId, i64)],
        address: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let draft = |(tenant, _): &(TenantId, i64)| {
            let draft = Draft::of("contact.refused").about(*tenant).fact("why", why);
            draft.detail("address", address)
        };
        let drafts: Vec<Draft> = marked.iter().map(draft).collect();
        if drafts.is_empty() {
            return Ok(());
        }
        self.append(tx, &drafts).await
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Whose link it is that a mail carries to the contact in that place. Not the address: links are listed.
pub fn recipient(place: i64) -> String {
    format!("contact {place}")
}

fn view(row: &QueryResult) -> Result<ContactView, StoreError> {
    let (at, why): (Option<i64>, Option<String>) =
        (row.try_get("", "refused_at")?, row.try_get("", "refused_why")?);
    Ok(ContactView {
        ordinal: row.try_get("", "ordinal")?,
        contact: Contact { address: row.try_get("", "address")?, role: row.try_get("", "role")? },
        refused: at.and_then(time).zip(Some(why.unwrap_or_default())),
    })
}
