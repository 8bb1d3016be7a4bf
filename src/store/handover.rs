//! Copies of keys that are owed to the integration, until it says that it has them. They are sealed
//! to its public key: nothing here or elsewhere in keypulse opens one.
//!
//! Long because owing, fetching and acknowledging are one life of one row.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, QueryResult, Value};

use crate::ids::TenantId;

use super::audit::Draft;
use super::reseal::{Row, SealedRow, sealed_row};
use super::row::{micros, time};
use super::{Dialect, Store, StoreError};

/// Whether a new key has to be handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HandOver {
    /// The integration delivered it, so it has it.
    #[default]
    Delivered,
    /// It is owed; sealed, where there was a recipient.
    Owed(Option<SealedCopy>),
}

/// A copy of a key, sealed to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCopy {
    /// The public key that it is sealed to.
    pub recipient: String,
    /// What only the holder of the secret key can open.
    pub bytes: Vec<u8>,
}

/// What is known of a key that is or was owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverView {
    /// Which of the tenant's keys.
    pub generation: u32,
    /// Whether there is a sealed copy.
    pub sealed: bool,
    /// Since when it is owed.
    pub owed_at: DateTime<Utc>,
    /// When it was fetched first.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Since when the integration has it.
    pub acknowledged_at: Option<DateTime<Utc>>,
}

/// How far a hand-over has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pickup {
    /// There is nobody to seal it to.
    WithoutRecipient,
    /// Not fetched yet, and there is time.
    Owed,
    /// Not fetched in time.
    Late,
    /// Fetched, and not acknowledged yet.
    Fetched,
    /// The integration has it.
    Acknowledged,
}

impl Pickup {
    /// Those that are open, in the order in which they are shown.
    pub const OPEN: [Self; 4] = [Self::Owed, Self::Late, Self::Fetched, Self::WithoutRecipient];

    /// Its label.
    pub fn name(self) -> &'static str {
        match self {
            Self::WithoutRecipient => "without_recipient",
            Self::Owed => "owed",
            Self::Late => "late",
            Self::Fetched => "fetched",
            Self::Acknowledged => "acknowledged",
        }
    }
}

impl HandoverView {
    /// How far it has come; late is what was owed before that moment.
    pub fn pickup(&self, late_before: DateTime<Utc>) -> Pickup {
        match self {
            Self { acknowledged_at: Some(_), .. } => Pickup::Acknowledged,
            Self { sealed: false, .. } => Pickup::WithoutRecipient,
            Self { fetched_at: Some(_), .. } => Pickup::Fetched,
            Self { owed_at, .. } if *owed_at < late_before => Pickup::Late,
            Self { .. } => Pickup::Owed,
        }
    }
}

/// What there is to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A copy; the same again until it is acknowledged.
    Sealed {
        /// Which of the tenant's keys: to be named when it is acknowledged.
        generation: u32,
        /// What it is and whom it is sealed to.
        copy: SealedCopy,
        /// Since when it is owed.
        owed_at: DateTime<Utc>,
    },
    /// A key is owed, and not sealed to anybody.
    Unsealed,
    /// A key is owed, and the provider has not accepted it yet.
    NotAccepted,
    /// The integration has this one already.
    Acknowledged(HandoverView),
    /// No key is owed.
    Nothing,
}

/// What became of an acknowledgement. Only [`Acknowledged::Done`] has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The copy is destroyed.
    Done,
    /// It was acknowledged before.
    Already,
    /// It was never fetched: what is destroyed now, nobody would have.
    NotFetched,
    /// Another key of this tenant is the one that is owed, or was last.
    Other {
        /// That one.
        generation: u32,
    },
    /// No key is owed.
    Nothing,
}

/// How many hand-overs are open, by how far they have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoverCount {
    /// Not fetched yet, and there is time.
    pub owed: i64,
    /// Not fetched in time.
    pub late: i64,
    /// Fetched, and not acknowledged yet.
    pub fetched: i64,
    /// Nobody to seal them to.
    pub without_recipient: i64,
}

impl HandoverCount {
    /// How many have come so far.
    pub fn of(&self, pickup: Pickup) -> i64 {
        match pickup {
            Pickup::Owed => self.owed,
            Pickup::Late => self.late,
            Pickup::Fetched => self.fetched,
            Pickup::WithoutRecipient => self.without_recipient,
            Pickup::Acknowledged => 0,
        }
    }
}

/// The columns of a hand-over, of the table `h`, under names of their own.
pub(super) const COLUMNS: &str = "h.generation AS h_generation, \
     CASE WHEN h.sealed IS NULL THEN 0 ELSE 1 END AS h_sealed, h.owed_at AS h_owed_at, \
     h.fetched_at AS h_fetched_at, h.acknowledged_at AS h_acknowledged_at";

/// What [`COLUMNS`] gives; nothing where there is no row.
#[derive(FromQueryResult)]
#[expect(clippy::struct_field_names, reason = "they are read beside the columns of other tables")]
pub(super) struct HandoverRow {
    h_generation: Option<i64>,
    h_sealed: i32,
    h_owed_at: Option<i64>,
    h_fetched_at: Option<i64>,
    h_acknowledged_at: Option<i64>,
}

impl HandoverRow {
    pub(super) fn view(&self) -> Option<HandoverView> {
        Some(HandoverView {
            generation: u32::try_from(self.h_generation?).ok()?,
            sealed: self.h_sealed != 0,
            owed_at: time(self.h_owed_at?)?,
            fetched_at: self.h_fetched_at.and_then(time),
            acknowledged_at: self.h_acknowledged_at.and_then(time),
        })
    }
}

impl Store {
    /// To be called in every transaction that makes a key live: owes it, or notes that nothing is
    /// owed. Whatever was owed of an earlier key of the tenant is destroyed. A copy that is sealed
    /// to somebody who is the recipient no longer is not kept; it is owed without one.
    pub(super) async fn hand_over(
        &self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        generation: u32,
        hand_over: &HandOver,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let HandOver::Owed(copy) = hand_over else {
            let sql = "DELETE FROM handover WHERE tenant_id = $1";
            tx.execute_raw(self.statement(sql, [tenant.raw().into()])).await?;
            return Ok(());
        };
        let recipient = self.hold_recipient(tx).await?;
        let copy = copy.as_ref().filter(|copy| Some(&copy.recipient) == recipient.as_ref());
        let sql = "INSERT INTO handover (tenant_id, generation, recipient, sealed, owed_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id) DO UPDATE SET \
                   generation = excluded.generation, recipient = excluded.recipient, \
                   sealed = excluded.sealed, owed_at = excluded.owed_at, fetched_at = NULL, \
                   acknowledged_at = NULL";
        let values: [Value; 5] = [
            tenant.raw().into(),
            i64::from(generation).into(),
            copy.map(|copy| copy.recipient.clone()).into(),
            copy.map(|copy| copy.bytes.clone()).into(),
            micros(now).into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// The copy that is owed of a tenant's key. It may be fetched again until it is acknowledged.
    pub async fn fetch_handover(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<Fetched, StoreError> {
        let sql = "UPDATE handover SET fetched_at = COALESCE(fetched_at, $2) \
                   WHERE tenant_id = $1 AND sealed IS NOT NULL AND acknowledged_at IS NULL \
                   AND EXISTS (SELECT 1 FROM tenant_state s WHERE s.tenant_id = $1 \
                   AND s.accepted_at IS NOT NULL) RETURNING generation, recipient, sealed, owed_at";
        let values = [tenant.raw().into(), micros(now).into()];
        let tx = self.begin().await?;
        if let Some(row) = tx.query_one_raw(self.statement(sql, values)).await? {
            let answer = fetched(&row, tenant)?;
            if let Fetched::Sealed { generation, .. } = &answer {
                let draft = Draft::of("handover.fetched").about(tenant).generation(*generation);
                self.append(&tx, &[draft]).await?;
            }
            tx.commit().await?;
            return Ok(answer);
        }
        tx.rollback().await?;
        Ok(match self.handover(tenant).await? {
            None => Fetched::Nothing,
            Some(view) if view.acknowledged_at.is_some() => Fetched::Acknowledged(view),
            Some(view) if !view.sealed => Fetched::Unsealed,
            Some(_) => Fetched::NotAccepted,
        })
    }

    /// Notes that the integration has a key, and destroys the copy; on `SQLite` it is gone from the
    /// file and, as soon as nobody reads it any more, from the log.
    pub async fn acknowledge_handover(
        &self,
        tenant: TenantId,
        generation: u32,
        now: DateTime<Utc>,
    ) -> Result<Acknowledged, StoreError> {
        let sql = "UPDATE handover SET sealed = NULL, acknowledged_at = $3 WHERE tenant_id = $1 \
                   AND generation = $2 AND acknowledged_at IS NULL AND sealed IS NOT NULL \
                   AND fetched_at IS NOT NULL";
        let values = [tenant.raw().into(), i64::from(generation).into(), micros(now).into()];
        let tx = self.begin().await?;
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() > 0 {
            let draft = Draft::of("handover.acknowledged").about(tenant).generation(generation);
            self.append(&tx, &[draft]).await?;
            tx.commit().await?;
            if let Err(error) = self.empty_log().await {
                tracing::warn!(
                    "a copy that was handed over may stand in the write-ahead log until it is \
                     emptied: {error}"
                );
            }
            return Ok(Acknowledged::Done);
        }
        tx.rollback().await?;
        Ok(match self.handover(tenant).await? {
            None => Acknowledged::Nothing,
            Some(view) if view.generation != generation => {
                Acknowledged::Other { generation: view.generation }
            }
            Some(view) if view.acknowledged_at.is_some() => Acknowledged::Already,
            Some(_) => Acknowledged::NotFetched,
        })
    }

    /// What is known of the latest key of a tenant that was owed.
    pub async fn handover(&self, tenant: TenantId) -> Result<Option<HandoverView>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM handover h WHERE h.tenant_id = $1");
        let row = self.read.query_one_raw(self.statement(sql, [tenant.raw().into()])).await?;
        let row = row.map(|row| HandoverRow::from_query_result(&row, "")).transpose()?;
        Ok(row.and_then(|row| row.view()))
    }

    /// Up to `limit` open hand-overs of tenants whose references come after `after`, in their order.
    pub async fn open_handovers(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, HandoverView)>, StoreError> {
        let sql = format!(
            "SELECT t.ref, {COLUMNS} FROM handover h JOIN tenant t ON t.id = h.tenant_id \
             WHERE h.acknowledged_at IS NULL AND t.ref > $1 ORDER BY t.ref LIMIT $2"
        );
        let values = [after.into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let mut open = Vec::with_capacity(rows.len());
        for row in &rows {
            let view = HandoverRow::from_query_result(row, "")?.view();
            open.extend(view.map(|view| Ok::<_, StoreError>((row.try_get("", "ref")?, view))));
        }
        open.into_iter().collect()
    }

    /// How many hand-overs are open; late is what was owed before that moment.
    pub async fn count_handovers(
        &self,
        late_before: DateTime<Utc>,
    ) -> Result<HandoverCount, StoreError> {
        let sql = "SELECT \
                   COUNT(CASE WHEN sealed IS NULL THEN 1 END) AS unsealed, \
                   COUNT(CASE WHEN sealed IS NOT NULL AND fetched_at IS NOT NULL THEN 1 END) \
                   AS fetched, \
                   COUNT(CASE WHEN sealed IS NOT NULL AND fetched_at IS NULL \
                   AND owed_at < $1 THEN 1 END) AS late, COUNT(*) AS whole \
                   FROM handover WHERE acknowledged_at IS NULL";
        let statement = self.statement(sql, [micros(late_before).into()]);
        let Some(row) = self.read.query_one_raw(statement).await? else {
            return Ok(HandoverCount::default());
        };
        let number = |name: &str| row.try_get::<i64>("", name);
        let (without_recipient, fetched) = (number("unsealed")?, number("fetched")?);
        let (late, whole) = (number("late")?, number("whole")?);
        let owed = whole - without_recipient - fetched - late;
        Ok(HandoverCount { owed, late, fetched, without_recipient })
    }

    /// Up to `limit` live keys that are owed and not sealed to anybody, of tenants whose ids come
    /// after `after`, in the order of the ids.
    pub async fn keys_to_seal(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let sql = "SELECT k.tenant_id, k.generation, k.key_id, k.sealed FROM handover h \
                   JOIN tenant_key k ON k.tenant_id = h.tenant_id AND k.generation = h.generation \
                   WHERE h.sealed IS NULL AND h.acknowledged_at IS NULL AND h.tenant_id > $1 \
                   ORDER BY h.tenant_id LIMIT $2";
        // Ids are positive.
        let values = [after.map_or(0, TenantId::raw).into(), i64::from(limit).into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        rows.iter().map(|row| sealed_row(Row::from_query_result(row, "")?)).collect()
    }

    /// Keeps copies of keys that are owed and were not sealed, and says of how many. One of another
    /// generation, one that is not owed any more, and all of a recipient that is not the present one
    /// are left out.
    pub async fn seal_handovers(
        &self,
        copies: &[(TenantId, u32, SealedCopy)],
    ) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let recipient = self.hold_recipient(&tx).await?;
        let sql = "UPDATE handover SET sealed = $1, recipient = $2 WHERE tenant_id = $3 \
                   AND generation = $4 AND sealed IS NULL AND acknowledged_at IS NULL";
        let mut sealed = 0;
        for (tenant, generation, copy) in copies {
            if Some(&copy.recipient) != recipient.as_ref() {
                continue;
            }
            let values: [Value; 4] = [
                copy.bytes.clone().into(),
                copy.recipient.as_str().into(),
                tenant.raw().into(),
                i64::from(*generation).into(),
            ];
            sealed += tx.execute_raw(self.statement(sql, values)).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(sealed)
    }
}

fn fetched(row: &QueryResult, tenant: TenantId) -> Result<Fetched, StoreError> {
    let bad = |what| StoreError::BadRow { table: "handover", tenant: tenant.to_string(), what };
    let generation: i64 = row.try_get("", "generation")?;
    Ok(Fetched::Sealed {
        generation: u32::try_from(generation).map_err(|_| bad("generation"))?,
        copy: SealedCopy {
            recipient: row.try_get("", "recipient")?,
            bytes: row.try_get("", "sealed")?,
        },
        owed_at: time(row.try_get("", "owed_at")?).ok_or_else(|| bad("owed_at"))?,
    })
}

impl Dialect {
    /// Withdraws what is owed of keys that are destroyed: `[tenant, generation, …]` (`$1`).
    pub(super) fn withdraw_handovers(self) -> String {
        let rows = self.list(&[("tenant_id", "bigint"), ("generation", "bigint")]);
        format!(
            "DELETE FROM handover WHERE EXISTS (SELECT 1 FROM ({rows}) AS v \
             WHERE handover.tenant_id = v.tenant_id AND handover.generation <= v.generation)"
        )
    }
}
