//! The columns of an import file, and the texts of one line in them.

use std::borrow::Cow;

/// One column, or one field of a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Ref,
    Name,
    CompanyId,
    Key,
    KeyRef,
    Kind,
    ExpiresAt,
    Contact,
    ContactRole,
    Locale,
    TimeZone,
    Labels,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ref,
        Self::Name,
        Self::CompanyId,
        Self::Key,
        Self::KeyRef,
        Self::Kind,
        Self::ExpiresAt,
        Self::Contact,
        Self::ContactRole,
        Self::Locale,
        Self::TimeZone,
        Self::Labels,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ref => "ref",
            Self::Name => "name",
            Self::CompanyId => "company_id",
            Self::Key => "key",
            Self::KeyRef => "key_ref",
            Self::Kind => "kind",
            Self::ExpiresAt => "expires_at",
            Self::Contact => "contact",
            Self::ContactRole => "contact_role",
            Self::Locale => "locale",
            Self::TimeZone => "time_zone",
            Self::Labels => "labels",
        }
    }

    /// The column of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// The name that was probably meant.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let name = name.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .map(|column| (strsim::jaro_winkler(&name, column.name()), column.name()))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
    }
}

/// What stands in each column of one line; nothing where it is empty.
#[derive(Default)]
pub struct Texts<'a>([Option<Cow<'a, str>>; 12]);

impl<'a> Texts<'a> {
    /// The text of that column, without white space round it.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.0[column as usize].as_deref().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Puts a text into a column; says whether there was none yet.
    pub fn set(&mut self, column: Column, text: Cow<'a, str>) -> bool {
        self.0[column as usize].replace(text).is_none()
    }
}

/// Owned texts were decoded from JSON escapes; a key may be among them.
impl Drop for Texts<'_> {
    fn drop(&mut self) {
        for text in self.0.iter_mut().flatten() {
            if let Cow::Owned(text) = text {
                zeroize::Zeroize::zeroize(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_column_is_led_to_the_right_one_and_nonsense_to_none() {
        for (written, meant) in [
            ("company", Some("company_id")),
            ("Ref", Some("ref")),
            ("timezone", Some("time_zone")),
            ("label", Some("labels")),
            ("expires", Some("expires_at")),
            ("qqqq", None),
        ] {
            assert_eq!(Column::nearest(written), meant, "{written}");
        }
    }

    #[test]
    fn every_column_has_its_own_place() {
        for (at, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, at);
            assert_eq!(Column::parse(column.name()), Some(column));
        }
    }
}
