//! Why a line is not taken. Nothing that stands in the file is ever repeated: whatever column it
//! stands in, it may be a key.

use crate::provider::format::Unusable;
use crate::store::Fate;

/// The reason, to be read after a line number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is longer than 64 KiB; it was passed over")]
    TooLong,
    #[error("it contains a NUL byte: is the file damaged, or UTF-16?")]
    Nul,
    #[error("it is not UTF-8: save the file as UTF-8")]
    NotUtf8,
    #[error("a quote is opened and not closed on this line: a field cannot hold a line break")]
    OpenQuote,
    #[error("it contains a carriage return in the middle")]
    CarriageReturn,
    #[error("it has {found} fields, and the header has {expected}")]
    FieldCount { found: usize, expected: usize },
    #[error("it is no JSON object (at byte {at})")]
    NotJson { at: usize },
    /// `nearest` is empty where nothing is near.
    #[error("field {at} is none that is known{}", meant(.nearest))]
    UnknownField { at: usize, nearest: &'static str },
    #[error("`{0}` stands there twice")]
    FieldTwice(&'static str),
    #[error("`{0}` must be a text")]
    NotText(&'static str),
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` {1}")]
    Bad(&'static str, &'static str),
    #[error("`{0}`: {1}")]
    Key(&'static str, Unusable),
    #[error("`{0}` looks like a key: is it in the right column?")]
    Misplaced(&'static str),
    #[error("`ref` stands in line {0} already")]
    RefTwice(u64),
    #[error("this key stands in line {0} already: every tenant needs a key of its own")]
    KeyTwice(u64),
    #[error("this key belongs to another tenant already: every tenant needs a key of its own")]
    KeyTaken,
    #[error(
        "this key was withdrawn because it may have leaked, and is never accepted again: have a \
         new one made"
    )]
    KeyWithdrawn,
    #[error("this tenant exists with another key: replacing a key is not what import does")]
    OtherKey,
    #[error("this tenant exists with another company: import does not move a tenant")]
    OtherCompany,
    #[error("this tenant exists with a key of the other kind: import does not change it")]
    OtherKind,
    #[error("this tenant exists with another expiry date: import does not change it")]
    OtherExpiry,
}

impl Refusal {
    /// Why the store did not take a tenant; `None` where it did.
    pub fn of(fate: Fate) -> Option<Self> {
        match fate {
            Fate::Added | Fate::Updated | Fate::Unchanged => None,
            Fate::OtherCompany => Some(Self::OtherCompany),
            Fate::OtherKey => Some(Self::OtherKey),
            Fate::OtherKind => Some(Self::OtherKind),
            Fate::OtherExpiry => Some(Self::OtherExpiry),
            Fate::KeyTaken => Some(Self::KeyTaken),
            Fate::KeyWithdrawn => Some(Self::KeyWithdrawn),
        }
    }
}

fn meant(nearest: &str) -> String {
    if nearest.is_empty() { String::new() } else { format!(": did you mean `{nearest}`?") }
}
