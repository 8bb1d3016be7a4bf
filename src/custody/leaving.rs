//! One line of the file with which an installation is left: JSON that `tenant import` reads back.

use std::collections::BTreeMap;
use std::io;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::redact::ApiKey;

/// A tenant and its key.
#[derive(Debug)]
pub struct Line<'a> {
    /// The integration's own name for it.
    pub reference: &'a str,
    /// The name that people know.
    pub name: &'a str,
    /// The company that the key belongs to.
    pub company: &'a str,
    /// The key.
    pub key: &'a ApiKey,
    /// Which kind of key.
    pub kind: Option<&'a str>,
    /// When the key expires, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who is written to: address and role.
    pub contact: Option<(&'a str, &'a str)>,
    /// The language to write in.
    pub locale: Option<&'a str>,
    /// The time zone.
    pub time_zone: Option<&'a str>,
    /// Labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// The same in the columns of the import.
#[derive(Serialize)]
struct Columns<'a> {
    r#ref: &'a str,
    name: &'a str,
    company_id: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    labels: String,
}

impl Line<'_> {
    /// Writes it with its end to what seals it. The key is in no buffer on the way.
    pub fn write(&self, to: &mut impl io::Write) -> io::Result<()> {
        let labels = self.labels.iter().map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        });
        let columns = Columns {
            r#ref: self.reference,
            name: self.name,
            company_id: self.company,
            key: self.key.expose(),
            kind: self.kind,
            expires_at: self.expires_at,
            contact: self.contact.map(|(address, _)| address),
            contact_role: self.contact.map(|(_, role)| role),
            locale: self.locale,
            time_zone: self.time_zone,
            labels: labels.collect::<Vec<_>>().join(";"),
        };
        serde_json::to_writer(&mut *to, &columns)?;
        to.write_all(b"\n")
    }
}
