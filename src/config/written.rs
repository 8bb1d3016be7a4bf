//! One value as the operator wrote it, before anybody has said what it must be.

use std::num::NonZeroU32;

use serde_json::Value;
use toml::de::DeValue;
use zeroize::Zeroizing;

use super::keys::Kind;

/// A value of one layer. Texts may be secrets, so they are overwritten when dropped.
pub(super) enum Written {
    Text(Zeroizing<String>),
    Whole(i64),
    Flag(bool),
    Texts(Vec<String>),
    /// Something that no key takes, by the name to call it in an error.
    Other(&'static str),
}

/// Why a value is refused.
pub(super) struct Refusal {
    /// What is allowed, to be read after "must".
    pub must: String,
    /// The value; none where it could give something away.
    pub found: Option<String>,
}

impl Written {
    /// A value of a TOML file.
    pub fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(Zeroizing::new(text.as_ref().to_owned())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number beyond 64 bits"), Self::Whole),
            DeValue::Array(items) => {
                let texts = items.iter().map(|item| item.get_ref().as_str());
                let texts: Option<Vec<_>> = texts.map(|text| text.map(str::to_owned)).collect();
                texts.map_or(Self::Other("a list of other things"), Self::Texts)
            }
            DeValue::Float(_) => Self::Other("a number with a fraction"),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a section"),
        }
    }

    /// A value of the environment, typed by its key. A text that is no number stays one, and is
    /// refused by the reader, who knows the range.
    pub fn from_variable(text: String, kind: Kind) -> Result<Self, Refusal> {
        match kind {
            Kind::Text => Ok(Self::Text(Zeroizing::new(text))),
            Kind::Whole => Ok(text
                .parse()
                .map_or_else(|_| Self::Text(Zeroizing::new(text.clone())), Self::Whole)),
            Kind::Flag => Ok(text
                .parse()
                .map_or_else(|_| Self::Text(Zeroizing::new(text.clone())), Self::Flag)),
            Kind::Texts => match serde_json::from_str(&text) {
                Ok(texts) => Ok(Self::Texts(texts)),
                Err(_) => Err(Refusal {
                    must: "be a JSON list of texts, such as `[\"one\",\"two\"]`".to_owned(),
                    found: Some(quoted(&text)),
                }),
            },
        }
    }

    /// For `config show`; the caller hides secrets.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Whole(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
            Self::Texts(texts) => Value::from(texts.as_slice()),
            Self::Other(_) => Value::Null,
        }
    }

    /// The text that `read` accepts.
    pub fn text<T>(&self, must: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Refusal> {
        let accepted = match self {
            Self::Text(text) => read(text),
            _ => None,
        };
        accepted.ok_or_else(|| self.refuse(must))
    }

    /// The list of texts of which `read` accepts every one.
    pub fn texts<T>(
        &self,
        must: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let accepted = match self {
            Self::Texts(texts) => texts.iter().map(|text| read(text)).collect(),
            _ => None,
        };
        accepted.ok_or_else(|| self.refuse(must))
    }

    /// Yes or no.
    pub fn flag(&self) -> Result<bool, Refusal> {
        match self {
            Self::Flag(flag) => Ok(*flag),
            _ => Err(self.refuse("be `true` or `false`")),
        }
    }

    /// A whole number from 1 to `most`.
    pub fn count(&self, most: u32) -> Result<NonZeroU32, Refusal> {
        let accepted = self.whole(most).and_then(NonZeroU32::new);
        accepted.ok_or_else(|| self.refuse(&format!("be a whole number from 1 to {most}")))
    }

    /// A whole number of at most `most`, where somebody else knows the lower bound.
    pub fn at_most(&self, most: u32) -> Result<u32, Refusal> {
        let accepted = self.whole(most);
        accepted.ok_or_else(|| self.refuse(&format!("be a whole number of at most {most}")))
    }

    fn whole(&self, most: u32) -> Option<u32> {
        let Self::Whole(number) = self else {
            return None;
        };
        u32::try_from(*number).ok().filter(|number| *number <= most)
    }

    /// Refuses this value and shows it.
    pub fn refuse(&self, must: &str) -> Refusal {
        let found = match self {
            Self::Text(text) => quoted(text),
            Self::Whole(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Texts(texts) => {
                let first: Vec<_> = texts.iter().take(8).map(|text| quoted(text)).collect();
                let more = if texts.len() > first.len() { ", …" } else { "" };
                format!("[{}{more}]", first.join(", "))
            }
            Self::Other(name) => (*name).to_owned(),
        };
        Refusal { must: must.to_owned(), found: Some(found) }
    }
}

/// A text as it may go to a terminal: without control characters, and not without end.
pub(super) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(80).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string()
}

/// The same in quotation marks, which tell a text from a number.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_typed_by_its_key_and_not_by_its_looks() {
        let typed = |text: &str, kind| Written::from_variable(text.to_owned(), kind);
        assert!(matches!(typed("12345", Kind::Text), Ok(Written::Text(_))));
        assert!(matches!(typed("12345", Kind::Whole), Ok(Written::Whole(12345))));
        assert!(matches!(typed("[\"1\"]", Kind::Texts), Ok(Written::Texts(_))));
        assert!(typed("[1]", Kind::Texts).is_err());
        assert!(typed("1m,4m", Kind::Texts).is_err());
    }

    #[test]
    fn a_count_is_neither_nothing_nor_too_much() {
        for number in [i64::MIN, -1, 0, 4097, i64::MAX] {
            let refusal = Written::Whole(number).count(4096).err();
            let refusal = refusal.unwrap_or_else(|| panic!("{number} was taken"));
            assert_eq!(refusal.must, "be a whole number from 1 to 4096");
            assert_eq!(refusal.found, Some(number.to_string()));
        }
    }

    #[test]
    fn what_is_shown_cannot_steer_a_terminal_or_fill_it() {
        assert_eq!(quoted("a\u{1b}[2J"), "\"a\\u{1b}[2J\"");
        assert_eq!(quoted(&"x".repeat(5000)).chars().count(), 83);
    }
}
