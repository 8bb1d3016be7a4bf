//! What a letter is made from. Nothing here is looked up or counted: whoever owes the letter knows it.

use chrono::{DateTime, Utc};

/// Why a letter is written at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The customer hears of it for the first time.
    First,
    /// It was told before and is still so.
    Reminder {
        /// Which one, from 1.
        number: u32,
        /// Whether none follows.
        last: bool,
    },
    /// It was told, and is over.
    Resolved,
    /// The key still works, and will not for long.
    Expiring {
        /// How many days are left.
        days: u32,
        /// The day itself.
        on: DateTime<Utc>,
    },
    /// The reader asked for another link.
    NewLink,
}

impl Occasion {
    /// What it is called in ids of texts and in templates.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Reminder { last: false, .. } => "reminder",
            Self::Reminder { last: true, .. } => "last",
            Self::Resolved => "resolved",
            Self::Expiring { .. } => "expiring",
            Self::NewLink => "link",
        }
    }
}

/// What is amiss with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// The provider does not accept it any more.
    Rejected,
    /// Its day has passed.
    Expired,
    /// The product is switched off at the provider.
    Disconnected,
    /// It works, and may not do all that is needed: these scopes are missing. None: it no longer reaches
    /// the company.
    PermissionLost(Vec<String>),
    /// It opens another company.
    WrongCompany,
    /// It may be known to others and was withdrawn.
    Compromised,
}

impl Matter {
    /// What it is called in ids of texts and in templates.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Disconnected => "disconnected",
            Self::PermissionLost(scopes) if scopes.is_empty() => "permission-company",
            Self::PermissionLost(_) => "permission",
            Self::WrongCompany => "wrong-company",
            Self::Compromised => "leaked",
        }
    }
}

/// All that one letter says.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Why now.
    pub occasion: Occasion,
    /// What is amiss; nothing where a key is about to expire, or where somebody only asked for a link.
    pub matter: Option<Matter>,
    /// The customer, as people know it.
    pub customer: &'a str,
    /// The company at the provider, or nothing.
    pub company_id: &'a str,
    /// When it began; for a letter that it is over, too.
    pub since: Option<DateTime<Utc>>,
    /// The customer's time zone.
    pub zone: Option<&'a str>,
    /// The end of the present key. No more than four characters of it are ever shown.
    pub masked: Option<&'a str>,
    /// Whether the customer chooses what a key may do.
    pub standalone: bool,
    /// What a new key must be allowed to do.
    pub scopes: &'a [String],
    /// Where the button leads; nothing where no page is served.
    pub link: Option<&'a str>,
    /// Until when that works.
    pub link_until: Option<DateTime<Utc>>,
    /// What a person may tell the support.
    pub reference: &'a str,
}
