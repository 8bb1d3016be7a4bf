//! Finds tenants by what people know of them: the integration's name for it, its own name, its company, the
//! address of a contact, or the short reference that a customer reads out of a mail or a page.
//!
//! Whoever is meant exactly is the only one. Else by how it begins, which an index knows; only where that is
//! not enough is every name looked through for the text in its middle.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Value};

use crate::ids::TenantId;

use super::tenants::TenantView;
use super::{Dialect, Store, StoreError};

/// Characters of a short reference. Mails and pages show so many of a name of 32.
const SHORT: usize = 8;
/// Characters of a whole one.
const WHOLE: usize = 32;
/// The longest text that is looked for, in bytes: addresses have up to 254.
const LONGEST: usize = 512;
/// Behind every text that begins with a given one, however texts are compared byte by byte.
const LAST: char = char::MAX;

/// Who was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The tenants, in the order of their references.
    pub tenants: Vec<TenantView>,
    /// Whether there are more.
    pub more: bool,
}

impl Store {
    /// Up to `limit` tenants that people could mean by that text.
    pub async fn search_tenants(&self, text: &str, limit: u32) -> Result<Found, StoreError> {
        let text = text.trim();
        // Nobody is called so, and PostgreSQL takes no text with a zero in it.
        if text.is_empty() || text.len() > LONGEST || text.contains(char::is_control) {
            return Ok(Found::default());
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut ids = self.by_reference(text).await?;
        ids.extend(self.called(&text.to_ascii_lowercase(), limit).await?);
        let meant = !ids.is_empty();
        for spelling in spellings(text) {
            if !meant && ids.len() <= most {
                ids.extend(self.beginning_with(&spelling, limit).await?);
            }
        }
        for spelling in spellings(text) {
            if !meant && ids.len() <= most {
                ids.extend(self.containing(&spelling, limit).await?);
            }
        }
        let more = ids.len() > most;
        let mut tenants = Vec::new();
        // One by one by their keys: a page has few of them.
        for id in ids {
            tenants.extend(self.tenant_by_id(TenantId::from_raw(id)).await?);
        }
        tenants.sort_by(|one, other| one.reference.cmp(&other.reference));
        tenants.truncate(most);
        Ok(Found { tenants, more })
    }

    /// Whose mail or link it is whose name begins so.
    async fn by_reference(&self, text: &str) -> Result<BTreeSet<i64>, StoreError> {
        let digits = text.to_ascii_lowercase();
        let is_one = (SHORT..=WHOLE).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_one {
            return Ok(BTreeSet::new());
        }
        let sql = "SELECT tenant_id FROM message WHERE id >= $1 AND id < $2 \
                   AND tenant_id IS NOT NULL \
                   UNION SELECT tenant_id FROM link WHERE id >= $1 AND id < $2 \
                   AND tenant_id IS NOT NULL";
        // The first letter that is no digit.
        let end = format!("{digits}g");
        self.ids_of(sql, vec![digits.into(), end.into()]).await
    }

    /// Whose reference, company, name or address it is, from beginning to end.
    async fn called(&self, text: &str, limit: u32) -> Result<BTreeSet<i64>, StoreError> {
        let small = |column| self.dialect.small(column);
        let sql = format!(
            "SELECT id AS tenant_id FROM tenant WHERE {} = $1 \
             UNION SELECT id FROM tenant WHERE {} = $1 \
             UNION SELECT * FROM (SELECT id FROM tenant WHERE {} = $1 LIMIT $2) AS named \
             UNION SELECT * FROM (SELECT tenant_id FROM contact WHERE {} = $1 LIMIT $2) AS theirs",
            small("ref"),
            small("company_id"),
            small("name"),
            small("address"),
        );
        self.ids_of(&sql, vec![text.into(), (i64::from(limit) + 1).into()]).await
    }

    /// Whoever is called so from the beginning; one more than asked for, where there are more.
    async fn beginning_with(&self, text: &str, limit: u32) -> Result<BTreeSet<i64>, StoreError> {
        let part = |id: &str, table: &str, column: &str| {
            let small = self.dialect.small(column);
            format!(
                "SELECT * FROM (SELECT {id} AS tenant_id FROM {table} \
                 WHERE {small} >= $1 AND {small} < $2 ORDER BY {small} LIMIT $3) AS {column}s"
            )
        };
        let parts = [
            part("id", "tenant", "ref"),
            part("id", "tenant", "name"),
            part("id", "tenant", "company_id"),
            part("tenant_id", "contact", "address"),
        ];
        let end = format!("{text}{LAST}");
        let values = vec![text.into(), end.into(), (i64::from(limit) + 1).into()];
        self.ids_of(&parts.join(" UNION "), values).await
    }

    /// Whoever has it anywhere in a name or an address.
    async fn containing(&self, text: &str, limit: u32) -> Result<BTreeSet<i64>, StoreError> {
        let [reference, name, address] =
            ["ref", "name", "address"].map(|column| self.dialect.contains(column, 1));
        let sql = format!(
            "SELECT * FROM (SELECT id AS tenant_id FROM tenant WHERE {reference} OR {name} \
             LIMIT $2) AS named UNION SELECT * FROM (SELECT tenant_id FROM contact \
             WHERE {address} LIMIT $2) AS written_to"
        );
        self.ids_of(&sql, vec![text.into(), (i64::from(limit) + 1).into()]).await
    }

    async fn ids_of(&self, sql: &str, values: Vec<Value>) -> Result<BTreeSet<i64>, StoreError> {
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        Ok(rows.iter().map(|row| row.try_get("", "tenant_id")).collect::<Result<_, _>>()?)
    }
}

impl Dialect {
    /// A column in small letters of ASCII, compared byte by byte, as the indexes have it.
    fn small(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("lower({column})"),
            Self::Postgres => format!("lower({column} COLLATE \"C\")"),
        }
    }
}

/// As databases may have it, of which the letters of ASCII alone are small: SQLite knows no others. What
/// has further letters is looked for as it may have been written.
fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_ascii_lowercase()];
    if !text.is_ascii() {
        let small = text.to_lowercase();
        let mut first = true;
        let capitals = small.chars().flat_map(|letter| {
            let begins = std::mem::replace(&mut first, !letter.is_alphanumeric());
            let capital: Vec<char> =
                if begins { letter.to_uppercase().collect() } else { vec![letter] };
            capital
        });
        all.push(capitals.collect::<String>().to_ascii_lowercase());
        all.push(text.to_uppercase().to_ascii_lowercase());
        all.push(small);
    }
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_letters_beyond_ascii_is_looked_for_as_it_may_have_been_written() {
        assert_eq!(spellings("Acme"), ["acme"]);
        assert_eq!(spellings("ørsted øl"), ["ørsted øl", "Ørsted Øl"]);
        assert_eq!(spellings("ØRSTED Æ"), ["Ørsted Æ", "ørsted æ"]);
    }
}
