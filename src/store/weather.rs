//! What is believed of the provider: one versioned row for each class of failure. Whoever changes it
//! compares the version first, so an incident is opened once and closed once, and what is owed because
//! of it is written by the one who did. Nothing here judges.
//!
//! Long because a row, its counts and all that follows from changing it are read together.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use serde_json::json;

use crate::health::Author;
use crate::health::Class;
use crate::health::Incident;
use crate::health::Sky;
use crate::health::Weather;

use super::audit::Draft;
use super::row::{micros, time};
use super::tenants::json as json_of;
use super::{Store, StoreError, fresh_id};

/// The stage of the messages that tell of an incident.
pub const INCIDENT: &str = "incident";

/// What is believed for one class, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeatherRow {
    /// The class.
    pub class: Class,
    /// The version: it can be changed only while this is still the row's.
    pub version: i64,
    /// What is believed.
    pub sky: Sky,
    /// What was heard before then does not bear on what is believed now: it was held.
    pub judged_from: Option<DateTime<Utc>>,
    /// Why, in the words of the person who declared it.
    pub reason: Option<String>,
    /// When on-call is asked to decide.
    pub page_at: Option<DateTime<Utc>>,
    /// The id of the incident, the same in all that is told of it.
    pub incident: Option<String>,
    /// How many of those held are judged again in each hour.
    pub release_per_hour: Option<u32>,
    /// Up to when that was done.
    pub released_at: Option<DateTime<Utc>>,
}

/// A change of the weather.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// The row as it was read.
    pub row: &'a WeatherRow,
    /// What is believed now.
    pub next: Sky,
    /// Why.
    pub because: String,
    /// The same in the words of a person, if it was one.
    pub remark: Option<&'a str>,
    /// How long failures are held before on-call is asked to decide.
    pub max_hold: TimeDelta,
    /// How long each of those who were held has for itself when they are asked again.
    pub each: TimeDelta,
}

/// What a person changes of an incident that goes on.
#[derive(Clone, Copy, Debug)]
pub enum Longer {
    /// On-call is asked to decide then, and what was declared until some time ends then.
    Until(DateTime<Utc>),
    /// So many of those held are judged again in each hour.
    Release(u32),
}

impl Turn<'_> {
    /// Whether an incident begins.
    pub fn opens(&self) -> bool {
        self.row.sky.weather() != Weather::Incident && self.next.weather() == Weather::Incident
    }

    /// Whether an incident ends.
    pub fn closes(&self) -> bool {
        self.row.sky.weather() == Weather::Incident && self.next.weather() != Weather::Incident
    }
}

/// Whether a row of `tenant_state` is held in this class while the weather is bad.
pub(super) fn held(class: Class) -> &'static str {
    match class {
        Class::Refused => {
            "paused_at IS NULL AND due_at IS NOT NULL AND doubt_kind IS NOT NULL \
             AND status <> 'needs_reconnection'"
        }
        Class::Silent => {
            "paused_at IS NULL AND due_at IS NOT NULL AND silent_since IS NOT NULL \
             AND doubt_kind IS NULL"
        }
    }
}

impl Store {
    /// What is believed, for each class.
    pub async fn weather(&self) -> Result<Vec<WeatherRow>, StoreError> {
        let sql = "SELECT * FROM weather ORDER BY class";
        let rows = self.read.query_all_raw(self.statement(sql, [])).await?;
        Ok(rows.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// How many are held in this class, if its weather is bad.
    pub async fn count_held(&self, class: Class) -> Result<u32, StoreError> {
        self.held_now(&self.read, class).await
    }

    /// Believes something else, if nobody has changed the row since it was read; gives back whether it
    /// was done. An incident that begins or ends is owed to the integration and chained with it, and
    /// whoever was held is due again when it ends, spread over time.
    pub async fn turn_weather(
        &self,
        turn: &Turn<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (row, class) = (turn.row, turn.row.class.word());
        let incident = match turn.next {
            Sky::Incident(one) => Some(one),
            Sky::Clear { .. } | Sky::Unknown { .. } | Sky::Suspected { .. } => None,
        };
        let (failing, asked) = match turn.next {
            Sky::Suspected { failing, asked, .. }
            | Sky::Incident(Incident { failing, asked, .. }) => (Some(failing), Some(asked)),
            Sky::Clear { .. } | Sky::Unknown { .. } => (None, None),
        };
        let id = match (&row.incident, turn.opens()) {
            (_, true) => Some(fresh_id()?),
            (id, false) => id.clone().filter(|_| incident.is_some()),
        };
        let page_at = match incident {
            Some(one) if turn.opens() => one.since.checked_add_signed(turn.max_hold),
            Some(_) => row.page_at,
            None => None,
        };
        let by = incident.map(|one| match one.by {
            Author::Judge => "judge",
            Author::Operator => "operator",
        });
        let judged_from = if turn.closes() { Some(now) } else { row.judged_from };
        let remark = turn.remark.map(str::to_owned).or_else(|| row.reason.clone());
        let values = [
            class.into(),
            row.version.into(),
            turn.next.weather().word().into(),
            micros(turn.next.since()).into(),
            incident.map(|one| micros(one.confirmed)).into(),
            failing.map(i64::from).into(),
            asked.map(i64::from).into(),
            incident.and_then(|one| one.quiet).map(micros).into(),
            judged_from.map(micros).into(),
            by.into(),
            remark.filter(|_| incident.is_some()).into(),
            incident.and_then(|one| one.until).map(micros).into(),
            page_at.map(micros).into(),
            id.clone().into(),
        ];
        let released = if incident.is_some() && !turn.opens() {
            ""
        } else {
            ", release_per_hour = NULL, released_at = NULL"
        };
        let sql = format!(
            "UPDATE weather SET version = version + 1, state = $3, since = $4, confirmed_at = $5, \
             failing = $6, asked = $7, quiet_since = $8, judged_from = $9, declared_by = $10, \
             reason = $11, until = $12, page_at = $13, incident = $14{released} \
             WHERE class = $1 AND version = $2"
        );
        let tx = self.begin().await?;
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        let mut owed = false;
        if turn.opens() || turn.closes() || turn.remark.is_some() {
            let held = self.held_now(&tx, row.class).await?;
            let id = id.or_else(|| row.incident.clone()).unwrap_or_default();
            if turn.opens() || turn.closes() {
                owed = self.owe_incident(&tx, turn, &id, held, now).await?;
            }
            if turn.closes() {
                self.ask_again(&tx, row.class, turn.each, held, now).await?;
            }
            let action = match (incident.is_some(), turn.remark.is_some()) {
                (true, true) => "weather.declared",
                (true, false) => "weather.incident_opened",
                (false, true) => "weather.cleared",
                (false, false) => "weather.incident_closed",
            };
            let draft = Draft::of(action)
                .fact("class", class)
                .fact("incident", id)
                .fact("because", turn.because.as_str())
                .fact("held", held);
            let draft = match turn.remark {
                Some(remark) => draft.detail("remark", remark),
                None => draft,
            };
            self.append(&tx, &[draft]).await?;
        }
        tx.commit().await?;
        if owed {
            self.wake();
        }
        Ok(true)
    }

    /// Changes what holds of an incident, if nobody has changed the row since it was read, and chains
    /// it; gives back whether it was done.
    pub async fn lengthen_weather(
        &self,
        row: &WeatherRow,
        longer: Longer,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        // What is to be released counts from the wish for it, and from no earlier one for time.
        let (set, values, draft) = match longer {
            Longer::Until(at) => (
                "page_at = $3, until = CASE WHEN until IS NULL THEN NULL ELSE $3 END",
                vec![micros(at)],
                Draft::of("weather.extended").fact("until", at.to_rfc3339()),
            ),
            Longer::Release(rate) => (
                "release_per_hour = $3, released_at = COALESCE(released_at, $4)",
                vec![i64::from(rate), micros(now)],
                Draft::of("weather.released").fact("per_hour", rate),
            ),
        };
        let sql = format!(
            "UPDATE weather SET version = version + 1, {set} \
             WHERE class = $1 AND version = $2 AND state = 'incident'"
        );
        let which: [Value; 2] = [row.class.word().into(), row.version.into()];
        let values = which.into_iter().chain(values.into_iter().map(Value::from));
        let tx = self.begin().await?;
        if tx.execute_raw(self.statement(sql, values)).await?.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        self.append(&tx, &[draft.fact("class", row.class.word())]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn held_now(&self, on: &impl ConnectionTrait, class: Class) -> Result<u32, StoreError> {
        let sql = format!("SELECT COUNT(*) AS held FROM tenant_state WHERE {}", held(class));
        let row = on.query_one_raw(self.statement(sql, [])).await?;
        let held: i64 = row.map_or(Ok(0), |row| row.try_get("", "held"))?;
        Ok(u32::try_from(held).unwrap_or(u32::MAX))
    }

    /// Owes the integration the beginning or the end of an incident: the end only of one whose
    /// beginning it was owed. Gives back whether anything is to be sent.
    async fn owe_incident(
        &self,
        tx: &DatabaseTransaction,
        turn: &Turn<'_>,
        incident: &str,
        held: u32,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let id = fresh_id()?;
        let class = turn.row.class.word();
        let (state, told) =
            if turn.opens() { ("opened", turn.next) } else { ("closed", turn.row.sky) };
        let Sky::Incident(one) = told else { return Ok(false) };
        let body = json!({
            "incident": incident,
            "class": class,
            "state": state,
            "since": one.since,
            "failing": one.failing,
            "asked": one.asked,
            "held": held,
            "reason": turn.because,
        });
        let key = |state: &str| format!("weather/{class}/{incident}/{state}");
        let sql = "INSERT INTO message (id, tenant_id, episode, audience, stage, state, dedup_key, \
                   body, owed_at) SELECT $1, NULL, NULL, 'integration', $2, \
                   CASE WHEN EXISTS (SELECT 1 FROM notify n WHERE n.mode <> 'shadow') \
                   AND ($3 = $4 OR EXISTS (SELECT 1 FROM message m WHERE m.dedup_key = $4 \
                   AND m.state = 'owed')) THEN 'owed' ELSE 'shadow' END, $3, $5, $6 \
                   WHERE true ON CONFLICT (dedup_key) DO NOTHING";
        let values = [
            id.as_str().into(),
            INCIDENT.into(),
            key(state).into(),
            key("opened").into(),
            body.to_string().into(),
            micros(now).into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        self.owe_to_channels(tx, &json_of(&[[id.as_str()]])?).await?;
        Ok(true)
    }

    /// Has all that were held asked again from now on, each at its own place in as much time as all
    /// need together; nobody later than it is due already. What was silence begins anew.
    async fn ask_again(
        &self,
        tx: &DatabaseTransaction,
        class: Class,
        each: TimeDelta,
        held_count: u32,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let spread = each * i32::try_from(held_count).unwrap_or(i32::MAX);
        // The upper bits of an id are as random as an id: 20 of them, so that nothing overflows.
        let spread = spread.num_microseconds().unwrap_or(i64::MAX).clamp(0, 1 << 42);
        let anew = match class {
            Class::Refused => "",
            Class::Silent => ", version = version + 1, silent_since = NULL",
        };
        // In the order in which whoever saves locks them.
        let lock = self.dialect.for_update();
        if !lock.is_empty() {
            let sql = format!(
                "SELECT tenant_id FROM tenant_state WHERE {} ORDER BY tenant_id{lock}",
                held(class)
            );
            tx.query_all_raw(self.statement(sql, [])).await?;
        }
        let sql = format!(
            "UPDATE tenant_state SET due_at = $1 + (((tenant_id >> 43) * $2) >> 20){anew} \
             WHERE {}",
            held(class)
        );
        let values = [micros(now).into(), spread.into()];
        tx.execute_raw(self.statement(sql, values)).await?;
        let sql = "DELETE FROM weather_sample WHERE class = $1";
        tx.execute_raw(self.statement(sql, [class.word().into()])).await?;
        Ok(())
    }
}

/// A row; none of a class that this version does not know.
fn read(row: &QueryResult) -> Result<Option<WeatherRow>, StoreError> {
    let word: String = row.try_get("", "class")?;
    let Some(class) = Class::read(&word) else { return Ok(None) };
    let moment = |column| -> Result<Option<DateTime<Utc>>, StoreError> {
        let micros: Option<i64> = row.try_get("", column)?;
        Ok(micros.and_then(time))
    };
    let whole = |column| -> Result<Option<u32>, StoreError> {
        let number: Option<i64> = row.try_get("", column)?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    let since = moment("since")?.unwrap_or(DateTime::UNIX_EPOCH);
    let (failing, asked) =
        (whole("failing")?.unwrap_or_default(), whole("asked")?.unwrap_or_default());
    let state: String = row.try_get("", "state")?;
    let by: Option<String> = row.try_get("", "declared_by")?;
    let sky = match state.as_str() {
        "clear" => Sky::Clear { since },
        "suspected" => Sky::Suspected { since, failing, asked },
        "incident" => Sky::Incident(Incident {
            since,
            confirmed: moment("confirmed_at")?.unwrap_or(since),
            failing,
            asked,
            by: if by.as_deref() == Some("operator") { Author::Operator } else { Author::Judge },
            until: moment("until")?,
            quiet: moment("quiet_since")?,
        }),
        // Also what a newer version believes: then nothing is held to be comparable.
        _ => Sky::Unknown { since },
    };
    Ok(Some(WeatherRow {
        class,
        version: row.try_get("", "version")?,
        sky,
        judged_from: moment("judged_from")?,
        reason: row.try_get("", "reason")?,
        page_at: moment("page_at")?,
        incident: row.try_get("", "incident")?,
        release_per_hour: whole("release_per_hour")?,
        released_at: moment("released_at")?,
    }))
}
