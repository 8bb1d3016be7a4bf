//! What must happen because of a decision: who is owed what, and what begins or ends.

use chrono::{DateTime, Utc};

/// One consequence of a decision, written in the transaction that stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A tenant's failure has become a story of its own.
    OpenEpisode {
        /// Its number among this tenant's episodes, from 1.
        number: u32,
        /// When the first failure of it began.
        began: DateTime<Utc>,
    },
    /// The open episode is over.
    CloseEpisode {
        /// Its number.
        number: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// Somebody is owed a message.
    Owe(Notice),
    /// Messages of the open episode that were not sent yet are not needed any more.
    CancelUnsent,
    /// Links of the open episode stop working.
    RevokeLinks,
    /// The sealed key is to be destroyed: it is not this tenant's, or may have leaked.
    DestroyKey,
    /// The key may have leaked: it is never to be accepted again, and somebody has to delete it at
    /// the provider.
    WithdrawKey,
}

/// Everything that an episode can be about: the causes of the states in which one is open.
pub const CAUSES: [&str; 7] = [
    "rejected",
    "expired",
    "never_accepted",
    "disconnected",
    "permission_lost",
    "wrong_company",
    "compromised",
];

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The key was accepted again.
    Recovered,
    /// The tenant was disabled.
    Disabled,
    /// Another key took the place of the one that it was about.
    Replaced,
    /// The integration uses another key than the one that it was about.
    OutOfStep,
    /// The tenant was bound to another company, for which its key is accepted.
    Rebound,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Recovered, Self::Disabled, Self::Replaced, Self::OutOfStep, Self::Rebound];

    /// The label of this outcome.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Disabled => "disabled",
            Self::Replaced => "replaced",
            Self::OutOfStep => "out_of_step",
            Self::Rebound => "rebound",
        }
    }

    /// Whether this is good news for an audience that was told the bad. That the integration has
    /// another key is news for engineers; whether it works, nobody knows yet.
    pub fn resolves(self, audience: Audience) -> bool {
        match self {
            Self::Recovered | Self::Replaced | Self::Rebound => true,
            Self::Disabled => false,
            Self::OutOfStep => audience != Audience::Customer,
        }
    }
}

/// A message that somebody is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Who.
    pub audience: Audience,
    /// Which one.
    pub stage: Stage,
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// The customer, by mail.
    Customer,
    /// Engineers on call.
    OnCall,
    /// Those who look after the list of tenants, with no hurry.
    Operator,
    /// The integration's own back end.
    Integration,
}

impl Audience {
    /// The label of this audience.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::OnCall => "on_call",
            Self::Operator => "operator",
            Self::Integration => "integration",
        }
    }
}

/// Which message of an episode. At most one of each is ever sent to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Something needs to be done.
    First,
    /// It was done; owed only to those who had been told.
    Resolved,
    /// The status of a tenant changed; one for every change.
    StatusChanged,
    /// The tenant was bound to another company; one for every time.
    CompanyChanged,
    /// Another key took the place of the tenant's; one for every time.
    KeyReplaced,
    /// The tenant's key is not to be used any more; one for every time.
    Disabled,
}

impl Stage {
    /// The label of this stage.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Resolved => "resolved",
            Self::StatusChanged => "status_changed",
            Self::CompanyChanged => "company_changed",
            Self::KeyReplaced => "key_replaced",
            Self::Disabled => "disabled",
        }
    }
}

impl Effect {
    /// The audience is owed this stage.
    pub fn owe(audience: Audience, stage: Stage) -> Self {
        Self::Owe(Notice { audience, stage })
    }
}
