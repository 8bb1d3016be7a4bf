//! Tenants with a part of their own while many are held: sentinels, which are asked for all, and those
//! that an operator has released, which are judged again. And the counts that the weather is judged
//! from.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;

use crate::health::Canary;
use crate::health::Class;
use crate::health::Counts;
use crate::health::Sample;
use crate::health::Terms;
use crate::ids::TenantId;

use super::row::micros;
use super::weather::{WeatherRow, held};
use super::{Store, StoreError, ids, list_of};

impl Store {
    /// What the fleet has seen, for the judge of each class that has a row.
    pub async fn fleet(
        &self,
        rows: &[WeatherRow],
        terms: &Terms,
        now: DateTime<Utc>,
    ) -> Result<Vec<(Class, Counts)>, StoreError> {
        let from = |class| {
            let row = rows.iter().find(|row| row.class == class);
            micros(row.and_then(|row| row.judged_from).unwrap_or(DateTime::UNIX_EPOCH))
        };
        // Keys that were never accepted tell nothing about a change at the provider. What was held
        // and was not asked since tells nothing about now.
        let sql = format!(
            "SELECT COUNT(*) AS watched, \
             COUNT(CASE WHEN accepted_at >= $1 AND doubt_kind IS NULL AND silent_since IS NULL \
                   THEN 1 END) AS accepted, \
             COUNT(CASE WHEN accepted_at >= $2 AND doubt_kind IS NULL AND silent_since IS NULL \
                   THEN 1 END) AS lately, \
             COUNT(CASE WHEN doubt_kind IS NOT NULL AND accepted_at IS NOT NULL \
                   AND doubt_last >= $3 \
                   AND (status <> 'needs_reconnection' OR since >= $2) THEN 1 END) AS refused, \
             COUNT(CASE WHEN silent_since IS NOT NULL AND doubt_kind IS NULL THEN 1 END) AS silent, \
             COUNT(CASE WHEN {} THEN 1 END) AS held_refused, \
             COUNT(CASE WHEN {} THEN 1 END) AS held_silent \
             FROM tenant_state WHERE paused_at IS NULL AND due_at IS NOT NULL",
            held(Class::Refused),
            held(Class::Silent)
        );
        let values = [
            micros(now - terms.window).into(),
            micros(now - terms.span).into(),
            from(Class::Refused).into(),
        ];
        let Some(row) = self.read.query_one_raw(self.statement(sql, values)).await? else {
            return Ok(Vec::new());
        };
        let count = |column| -> Result<u32, StoreError> {
            let count: i64 = row.try_get("", column)?;
            Ok(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let (watched, accepted, lately) = (count("watched")?, count("accepted")?, count("lately")?);
        let (refused, silent) = (count("refused")?, count("silent")?);
        let canary = self.canary_heard(now - terms.fresh()).await?;
        let mut all = Vec::with_capacity(rows.len());
        for class in rows.iter().map(|row| row.class) {
            let answered = lately.saturating_add(refused);
            let (failing, asked, held) = match class {
                Class::Refused => (refused, answered, count("held_refused")?),
                Class::Silent => (silent, answered.saturating_add(silent), count("held_silent")?),
            };
            let sample = self.sample_heard(class, now - terms.fresh()).await?;
            // A control that is silent says nothing of what is said against keys.
            let canary = match canary {
                Canary::Fails(other) if other != class => Canary::Unheard,
                heard => heard,
            };
            all.push((class, Counts { watched, accepted, failing, asked, held, canary, sample }));
        }
        Ok(all)
    }

    /// What the sample of a class gave for answers since then, and since it was chosen.
    async fn sample_heard(&self, class: Class, since: DateTime<Utc>) -> Result<Sample, StoreError> {
        let fails = match class {
            Class::Refused => "s.doubt_kind IS NOT NULL AND s.doubt_last >= w.chosen_at",
            Class::Silent => "s.silent_since IS NOT NULL AND s.doubt_kind IS NULL",
        };
        let sql = format!(
            "SELECT COUNT(CASE WHEN s.accepted_at >= w.chosen_at AND s.accepted_at >= $2 \
             AND s.doubt_kind IS NULL AND s.silent_since IS NULL THEN 1 END) AS accepted, \
             COUNT(CASE WHEN {fails} THEN 1 END) AS failing FROM weather_sample w \
             JOIN tenant_state s ON s.tenant_id = w.tenant_id \
             WHERE w.class = $1 AND w.part = 'sentinel' AND w.next_at > w.chosen_at"
        );
        let values = [class.word().into(), micros(since).into()];
        let Some(row) = self.read.query_one_raw(self.statement(sql, values)).await? else {
            return Ok(Sample::default());
        };
        let (accepted, failing): (i64, i64) =
            (row.try_get("", "accepted")?, row.try_get("", "failing")?);
        let whole = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Sample { heard: whole(accepted + failing), accepted: whole(accepted) })
    }

    /// Fills the sample of a class up to `size`, from those held whose key was accepted last: of them it
    /// is known best that they were good. Whoever is not watched any more, or was judged since, has no
    /// part in it.
    pub async fn fill_sample(
        &self,
        class: Class,
        size: u32,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM weather_sample WHERE class = $1 AND part = 'sentinel' \
                   AND tenant_id IN (SELECT tenant_id FROM tenant_state WHERE due_at IS NULL \
                   OR paused_at IS NOT NULL OR status = 'needs_reconnection')";
        let sample = "SELECT COUNT(*) AS size FROM weather_sample WHERE class = $1 \
                      AND part = 'sentinel'";
        let class_of = || [class.word().into()];
        self.write.execute_raw(self.statement(sql, class_of())).await?;
        let row = self.read.query_one_raw(self.statement(sample, class_of())).await?;
        let there: i64 = row.map_or(Ok(0), |row| row.try_get("", "size"))?;
        let room = i64::from(size) - there;
        if room <= 0 {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO weather_sample (class, tenant_id, part, chosen_at, next_at) \
             SELECT $1, tenant_id, 'sentinel', $2, $2 FROM tenant_state WHERE {} \
             AND accepted_at IS NOT NULL AND tenant_id NOT IN \
             (SELECT tenant_id FROM weather_sample WHERE class = $1) \
             ORDER BY accepted_at DESC LIMIT $3 ON CONFLICT (class, tenant_id) DO NOTHING",
            held(class)
        );
        let values = [class.word().into(), micros(now).into(), room.into()];
        self.write.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Has those of the sample asked now whose turn it is, each once in a `step`; gives back how many.
    pub async fn ask_sample(
        &self,
        class: Class,
        step: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE weather_sample SET next_at = $3 WHERE class = $1 AND part = 'sentinel' \
                   AND next_at <= $2 RETURNING tenant_id";
        let values = [class.word().into(), micros(now).into(), micros(now + step).into()];
        let whose = ids(&self.write.query_all_raw(self.statement(sql, values)).await?)?;
        self.bring_forward(&whose, now).await
    }

    /// Has so many of those held judged again although the weather is bad, those first that were held
    /// first.
    pub async fn release_held(
        &self,
        row: &WeatherRow,
        number: u32,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        // Whoever counts it first does it.
        let sql = "UPDATE weather SET released_at = $3 WHERE class = $1 AND version = $2 \
                   AND released_at < $3";
        let class = row.class.word();
        let values = [class.into(), row.version.into(), micros(now).into()];
        if self.write.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            return Ok(0);
        }
        let since = match row.class {
            Class::Refused => "doubt_first",
            Class::Silent => "silent_since",
        };
        let sql = format!(
            "INSERT INTO weather_sample (class, tenant_id, part, chosen_at, next_at) \
             SELECT $1, tenant_id, 'released', $2, $2 FROM tenant_state WHERE {} \
             AND tenant_id NOT IN (SELECT tenant_id FROM weather_sample WHERE class = $1) \
             ORDER BY {since}, tenant_id LIMIT $3 \
             ON CONFLICT (class, tenant_id) DO NOTHING RETURNING tenant_id",
            held(row.class)
        );
        let values = [class.into(), micros(now).into(), i64::from(number).into()];
        let whose = ids(&self.write.query_all_raw(self.statement(sql, values)).await?)?;
        self.bring_forward(&whose, now).await
    }

    /// Which of these were released from the hold of a class.
    pub async fn released(
        &self,
        class: Class,
        tenants: &[TenantId],
    ) -> Result<BTreeSet<TenantId>, StoreError> {
        let sql = format!(
            "SELECT tenant_id FROM weather_sample WHERE class = $2 AND part = 'released' \
             AND tenant_id IN ({})",
            self.dialect.numbers(1)
        );
        let values = [list_of(tenants)?.into(), class.word().into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        Ok(ids(&rows)?.into_iter().collect())
    }
}
