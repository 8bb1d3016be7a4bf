//! The hot row of a tenant and the belief it stands for, both ways.

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use crate::health::CompanyId;
use crate::health::DisabledCause;
use crate::health::Doubt;
use crate::health::Due;
use crate::health::Failure;
use crate::health::Frozen;
use crate::health::Generation;
use crate::health::Health;
use crate::health::Permission;
use crate::health::ReconnectCause;
use crate::health::Run;
use crate::health::Scopes;
use crate::health::Status;
use crate::health::Trouble;
use crate::health::Weather;
use crate::ids::TenantId;

use super::error::StoreError;

/// One row of `tenant_state`, without its lease. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromQueryResult)]
pub struct StateRow {
    pub tenant_id: i64,
    pub version: i64,
    pub generation: i64,
    pub status: String,
    pub cause: Option<String>,
    pub cause_detail: Option<String>,
    pub since: i64,
    pub doubt_kind: Option<String>,
    pub doubt_detail: Option<String>,
    pub doubt_count: Option<i64>,
    pub doubt_first: Option<i64>,
    pub doubt_last: Option<i64>,
    pub run_weather: Option<String>,
    pub run_count: Option<i64>,
    pub run_first: Option<i64>,
    pub returning_at: Option<i64>,
    pub paused_at: Option<i64>,
    pub paused_until: Option<i64>,
    pub expires_at: Option<i64>,
    pub accepted_at: Option<i64>,
    pub silent_since: Option<i64>,
    pub recovered_at: Option<i64>,
    pub destroyed_at: Option<i64>,
    pub episodes: i64,
    pub due_at: Option<i64>,
}

/// Every column of [`StateRow`] with its PostgreSQL type, in the same order: what the batch
/// statements are made from.
pub const COLUMNS: [(&str, &str); 25] = [
    ("tenant_id", "bigint"),
    ("version", "bigint"),
    ("generation", "bigint"),
    ("status", "text"),
    ("cause", "text"),
    ("cause_detail", "text"),
    ("since", "bigint"),
    ("doubt_kind", "text"),
    ("doubt_detail", "text"),
    ("doubt_count", "bigint"),
    ("doubt_first", "bigint"),
    ("doubt_last", "bigint"),
    ("run_weather", "text"),
    ("run_count", "bigint"),
    ("run_first", "bigint"),
    ("returning_at", "bigint"),
    ("paused_at", "bigint"),
    ("paused_until", "bigint"),
    ("expires_at", "bigint"),
    ("accepted_at", "bigint"),
    ("silent_since", "bigint"),
    ("recovered_at", "bigint"),
    ("destroyed_at", "bigint"),
    ("episodes", "bigint"),
    ("due_at", "bigint"),
];

/// The columns of a [`StateRow`] in the table `s`, each by its name: a later step of the schema may
/// add others.
pub fn select_state() -> String {
    COLUMNS.map(|(column, _)| format!("s.{column}")).join(", ")
}

impl StateRow {
    /// The row of a belief. `version` is the one that the row has now, before it is saved.
    pub fn from_health(tenant: TenantId, version: i64, health: &Health, due: Due) -> Self {
        let (paused, status, since) = match &health.status {
            Status::Paused { until, frozen } => {
                (Some((health.since, *until)), &frozen.status, frozen.since)
            }
            status => (None, status, health.since),
        };
        let (cause, cause_detail) = match status {
            Status::NeedsReconnection { cause, .. } => (Some(cause.name()), detail_of_cause(cause)),
            Status::Degraded(_) | Status::Disabled(_) => (status.cause(), None),
            Status::Pending { .. } | Status::Healthy { .. } | Status::Paused { .. } => (None, None),
        };
        let doubt = status.doubt();
        let run = doubt.and_then(|doubt| doubt.run);
        Self {
            tenant_id: tenant.raw(),
            version,
            generation: i64::from(health.generation.0),
            status: status.word().to_owned(),
            cause: cause.map(str::to_owned),
            cause_detail,
            since: micros(since),
            doubt_kind: doubt.map(|doubt| doubt.failure.name().to_owned()),
            doubt_detail: doubt.and_then(|doubt| detail_of_failure(&doubt.failure)),
            doubt_count: doubt.map(|doubt| i64::from(doubt.count.get())),
            doubt_first: doubt.map(|doubt| micros(doubt.first)),
            doubt_last: doubt.map(|doubt| micros(doubt.last)),
            run_weather: run.map(|run| run.weather.to_string()),
            run_count: run.map(|run| i64::from(run.count.get())),
            run_first: run.map(|run| micros(run.first)),
            returning_at: status.returning().map(micros),
            paused_at: paused.map(|(at, _)| micros(at)),
            paused_until: paused.and_then(|(_, until)| until).map(micros),
            expires_at: health.expires_at.map(micros),
            accepted_at: health.accepted_at.map(micros),
            silent_since: health.silent_since.map(micros),
            recovered_at: health.recovered_at.map(micros),
            destroyed_at: health.destroyed_at.map(micros),
            episodes: i64::from(health.episodes),
            due_at: match due {
                Due::At(at) => Some(micros(at)),
                Due::Never => None,
            },
        }
    }

    /// The belief that the row stands for; names the column that cannot be understood.
    pub fn health(&self) -> Result<Health, StoreError> {
        let bad = |what| StoreError::BadRow {
            table: "tenant_state",
            tenant: TenantId::from_raw(self.tenant_id).to_string(),
            what,
        };
        let since = time(self.since).ok_or_else(|| bad("since"))?;
        let optional = |value: Option<i64>, what: &'static str| match value {
            Some(value) => time(value).map(Some).ok_or_else(|| bad(what)),
            None => Ok(None),
        };
        let doubt = self.doubt().map_err(bad)?;
        let returning = optional(self.returning_at, "returning_at")?;
        let status = self.status(doubt, returning).map_err(bad)?;
        let (status, since) = match optional(self.paused_at, "paused_at")? {
            Some(paused_at) => {
                let until = optional(self.paused_until, "paused_until")?;
                (Status::Paused { until, frozen: Box::new(Frozen { status, since }) }, paused_at)
            }
            None => (status, since),
        };
        Ok(Health {
            status,
            since,
            generation: Generation(u32::try_from(self.generation).map_err(|_| bad("generation"))?),
            expires_at: optional(self.expires_at, "expires_at")?,
            accepted_at: optional(self.accepted_at, "accepted_at")?,
            silent_since: optional(self.silent_since, "silent_since")?,
            recovered_at: optional(self.recovered_at, "recovered_at")?,
            destroyed_at: optional(self.destroyed_at, "destroyed_at")?,
            episodes: u32::try_from(self.episodes).map_err(|_| bad("episodes"))?,
        })
    }

    fn status(
        &self,
        doubt: Option<Doubt>,
        returning: Option<DateTime<Utc>>,
    ) -> Result<Status, &'static str> {
        Ok(match (self.status.as_str(), self.cause.as_deref()) {
            ("pending", None) => Status::Pending { doubt },
            ("healthy", None) => Status::Healthy { doubt },
            ("degraded", Some("unreachable")) => Status::Degraded(Trouble::Unreachable { doubt }),
            ("degraded", Some("out_of_step")) => Status::Degraded(Trouble::OutOfStep),
            ("degraded", Some(_)) => {
                Status::Degraded(Trouble::Key { doubt: doubt.ok_or("doubt_kind")?, returning })
            }
            ("needs_reconnection", Some(cause)) => Status::NeedsReconnection {
                cause: self.cause(cause)?,
                doubt: doubt.ok_or("doubt_kind")?,
                returning,
            },
            ("disabled", Some("compromised")) => Status::Disabled(DisabledCause::Compromised),
            ("disabled", Some("declined")) => Status::Disabled(DisabledCause::Declined),
            _ => return Err("status"),
        })
    }

    fn cause(&self, name: &str) -> Result<ReconnectCause, &'static str> {
        let detail = self.cause_detail.as_deref();
        Ok(match name {
            "rejected" => ReconnectCause::Rejected,
            "expired" => ReconnectCause::Expired,
            "never_accepted" => ReconnectCause::NeverAccepted,
            "disconnected" => ReconnectCause::Disconnected,
            "permission_lost" => ReconnectCause::PermissionLost(permission(detail)),
            "wrong_company" => ReconnectCause::WrongCompany(
                detail.and_then(CompanyId::parse).ok_or("cause_detail")?,
            ),
            _ => return Err("cause"),
        })
    }

    fn doubt(&self) -> Result<Option<Doubt>, &'static str> {
        let Some(kind) = self.doubt_kind.as_deref() else {
            return Ok(None);
        };
        let detail = self.doubt_detail.as_deref();
        let failure = match kind {
            "rejected" => Failure::Rejected,
            "disconnected" => Failure::Disconnected,
            "permission_lost" => Failure::PermissionLost(permission(detail)),
            "wrong_company" => {
                Failure::WrongCompany(detail.and_then(CompanyId::parse).ok_or("doubt_detail")?)
            }
            _ => return Err("doubt_kind"),
        };
        let count = self.doubt_count.and_then(|count| u32::try_from(count).ok());
        Ok(Some(Doubt {
            failure,
            count: count.and_then(NonZeroU32::new).ok_or("doubt_count")?,
            first: self.doubt_first.and_then(time).ok_or("doubt_first")?,
            last: self.doubt_last.and_then(time).ok_or("doubt_last")?,
            run: self.run()?,
        }))
    }

    fn run(&self) -> Result<Option<Run>, &'static str> {
        let weather = match self.run_weather.as_deref() {
            None => return Ok(None),
            Some("clear") => Weather::Clear,
            Some("unknown") => Weather::Unknown,
            Some(_) => return Err("run_weather"),
        };
        let count = self.run_count.and_then(|count| u32::try_from(count).ok());
        Ok(Some(Run {
            weather,
            count: count.and_then(NonZeroU32::new).ok_or("run_count")?,
            first: self.run_first.and_then(time).ok_or("run_first")?,
        }))
    }
}

/// A moment as the store keeps it.
pub fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// A moment as the store kept it.
pub fn time(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// Scopes as a text; nothing at all means the company.
fn detail_of_permission(permission: &Permission) -> Option<String> {
    match permission {
        Permission::Scopes(scopes) => Some(scopes.joined()),
        Permission::Company => None,
    }
}

fn permission(detail: Option<&str>) -> Permission {
    detail.map_or(Permission::Company, |text| Permission::Scopes(Scopes::parse(text)))
}

fn detail_of_failure(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Rejected | Failure::Disconnected => None,
        Failure::PermissionLost(permission) => detail_of_permission(permission),
        Failure::WrongCompany(company) => Some(company.as_str().to_owned()),
    }
}

fn detail_of_cause(cause: &ReconnectCause) -> Option<String> {
    match cause {
        ReconnectCause::Rejected
        | ReconnectCause::Expired
        | ReconnectCause::NeverAccepted
        | ReconnectCause::Disconnected => None,
        ReconnectCause::PermissionLost(permission) => detail_of_permission(permission),
        ReconnectCause::WrongCompany(company) => Some(company.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests;
