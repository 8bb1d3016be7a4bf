//! Which tenants a list shows.

use std::fmt;

use sea_orm::Value;

use super::Dialect;

/// What must be true of a tenant to be listed; everything that is given must hold at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFilter {
    /// The word of its status.
    pub status: Option<String>,
    /// The word of its cause.
    pub cause: Option<String>,
    /// Labels that it has.
    pub labels: Vec<LabelFilter>,
    /// A text within its reference or its name.
    pub search: Option<String>,
}

/// A label that a tenant must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// Its name.
    pub name: String,
    /// Its value; any, where none is given.
    pub value: Option<String>,
}

impl LabelFilter {
    /// `name` (with any value), or `name=value`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, value)) => Self { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Self { name: text.to_owned(), value: None },
        }
    }
}

impl fmt::Display for LabelFilter {
    /// `name`, or `name=value`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

impl TenantFilter {
    /// The conditions, each begun with ` AND `, on the tables `t` (tenant) and `s` (its state).
    /// Whatever they compare with is added to `values`.
    pub(super) fn clause(&self, dialect: Dialect, values: &mut Vec<Value>) -> String {
        let mut place = |value: &str| {
            values.push(value.into());
            values.len()
        };
        let mut conditions = Vec::new();
        match self.status.as_deref() {
            // What lies behind a pause is not shown as the status.
            Some("paused") => conditions.push("s.paused_at IS NOT NULL".to_owned()),
            Some(word) => {
                let n = place(word);
                conditions.push(format!("s.paused_at IS NULL AND s.status = ${n}"));
            }
            None => {}
        }
        if let Some(cause) = &self.cause {
            let n = place(cause);
            conditions.push(format!("s.paused_at IS NULL AND s.cause = ${n}"));
        }
        for label in &self.labels {
            let name = place(&label.name);
            let value = label.value.as_deref().map(&mut place);
            let value = value.map(|n| format!(" AND l.value = ${n}")).unwrap_or_default();
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM label l WHERE l.tenant_id = t.id AND l.name = ${name}{value})"
            ));
        }
        if let Some(text) = &self.search {
            let n = place(&text.to_ascii_lowercase());
            let [reference, name] = ["t.ref", "t.name"].map(|column| dialect.contains(column, n));
            conditions.push(format!("({reference} OR {name})"));
        }
        conditions.iter().fold(String::new(), |all, one| all + " AND " + one)
    }
}
