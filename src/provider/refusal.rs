//! Why an offered key is not taken. Each refusal has a word that stays the same for ever; what people
//! read is in `telling`. None of them carries anything of the key.

use crate::health::CompanyId;
use crate::health::Failure;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Permission;
use crate::health::Scopes;

use super::format::Unusable;

/// Why an offered key is not taken. Whatever it is, nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There was nothing in what was given.
    KeyEmpty,
    /// What was given cannot be a key; nobody was asked.
    KeyUnusable(Unusable),
    /// The provider does not accept it.
    KeyRejected,
    /// It is the key that is there already, and the provider does not accept it.
    SameDeadKey,
    /// It opens this company instead of the expected one.
    OtherCompany(CompanyId),
    /// It is an organisation's key, which may reach several companies, and nobody has said which one is
    /// meant.
    CompanyNotSaid,
    /// It is an organisation's key that does not reach the expected company.
    CompanyOutOfReach,
    /// It may not do this, which is required.
    MissingScopes(Scopes),
    /// It was made for another integration.
    OtherClient,
    /// The provider accepts it, and not as an API key.
    NotAnApiKey,
    /// The provider calls the installation disconnected.
    InstallationDisconnected,
    /// Another tenant has it; which one is not said.
    KeyOfAnotherTenant,
    /// The integration's database is the master of the keys, and did not bring this one.
    KeptElsewhere,
    /// It was withdrawn, because it may have leaked.
    WithdrawnKey,
    /// The provider gave no answer that says anything about the key.
    ProviderUnreachable(Inconclusive),
    /// Our own request or configuration kept it from being tested.
    NotTestable(Inconclusive),
    /// The budget had no call for it in time.
    TooBusy,
    /// Another key was taken while this one was being tested.
    ReplacedMeanwhile,
    /// The tenant was disabled while the key was being tested.
    DisabledMeanwhile,
    /// The place where it has to lie could not be read or written.
    SourceUnreachable,
    /// Nothing can be written where it has to lie.
    SourceReadOnly,
}

impl Refusal {
    /// Every word that [`Refusal::name`] can give.
    pub const NAMES: [&'static str; 21] = [
        "key-empty",
        "key-unusable",
        "key-rejected",
        "same-dead-key",
        "other-company",
        "company-not-said",
        "company-out-of-reach",
        "missing-scopes",
        "other-client",
        "not-an-api-key",
        "installation-disconnected",
        "key-of-another-tenant",
        "key-kept-elsewhere",
        "withdrawn-key",
        "provider-unreachable",
        "not-testable",
        "too-busy",
        "replaced-meanwhile",
        "disabled-meanwhile",
        "source-unreachable",
        "source-read-only",
    ];

    /// The word of this refusal: the `type` that programs go by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyEmpty => "key-empty",
            Self::KeyUnusable(_) => "key-unusable",
            Self::KeyRejected => "key-rejected",
            Self::SameDeadKey => "same-dead-key",
            Self::OtherCompany(_) => "other-company",
            Self::CompanyNotSaid => "company-not-said",
            Self::CompanyOutOfReach => "company-out-of-reach",
            Self::MissingScopes(_) => "missing-scopes",
            Self::OtherClient => "other-client",
            Self::NotAnApiKey => "not-an-api-key",
            Self::InstallationDisconnected => "installation-disconnected",
            Self::KeyOfAnotherTenant => "key-of-another-tenant",
            Self::KeptElsewhere => "key-kept-elsewhere",
            Self::WithdrawnKey => "withdrawn-key",
            Self::ProviderUnreachable(_) => "provider-unreachable",
            Self::NotTestable(_) => "not-testable",
            Self::TooBusy => "too-busy",
            Self::ReplacedMeanwhile => "replaced-meanwhile",
            Self::DisabledMeanwhile => "disabled-meanwhile",
            Self::SourceUnreachable => "source-unreachable",
            Self::SourceReadOnly => "source-read-only",
        }
    }

    /// Whether the same key may be taken a little later, without anybody doing anything: it was not
    /// refused, but could not be tested.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::ProviderUnreachable(_) | Self::TooBusy | Self::SourceUnreachable => true,
            Self::KeyEmpty
            | Self::KeyUnusable(_)
            | Self::KeyRejected
            | Self::SameDeadKey
            | Self::OtherCompany(_)
            | Self::CompanyNotSaid
            | Self::KeptElsewhere
            | Self::CompanyOutOfReach
            | Self::MissingScopes(_)
            | Self::OtherClient
            | Self::NotAnApiKey
            | Self::InstallationDisconnected
            | Self::KeyOfAnotherTenant
            | Self::WithdrawnKey
            | Self::NotTestable(_)
            | Self::ReplacedMeanwhile
            | Self::DisabledMeanwhile
            | Self::SourceReadOnly => false,
        }
    }

    /// What a finding of the quarantine means for the key that was offered; `None` where it was
    /// accepted. `same` says whether it is the tenant's present key.
    pub fn of_finding(finding: &Finding, same: bool) -> Option<Self> {
        Some(match finding {
            Finding::Accepted
            | Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_)
            | Finding::Compared => {
                return None;
            }
            Finding::Failed(Failure::Rejected) if same => Self::SameDeadKey,
            Finding::Failed(Failure::Rejected) => Self::KeyRejected,
            Finding::Failed(Failure::Disconnected) => Self::InstallationDisconnected,
            Finding::Failed(Failure::WrongCompany(found)) => Self::OtherCompany(found.clone()),
            Finding::Failed(Failure::PermissionLost(Permission::Company)) => {
                Self::CompanyOutOfReach
            }
            Finding::Failed(Failure::PermissionLost(Permission::Scopes(missing))) => {
                Self::MissingScopes(missing.clone())
            }
            Finding::Inconclusive(why) => match why {
                Inconclusive::OtherClient => Self::OtherClient,
                Inconclusive::OtherMethod => Self::NotAnApiKey,
                Inconclusive::OurRequest
                | Inconclusive::UnknownResource
                | Inconclusive::KeyUnavailable => Self::NotTestable(*why),
                Inconclusive::RateLimited
                | Inconclusive::ServerError
                | Inconclusive::Forbidden
                | Inconclusive::Redirected
                | Inconclusive::Nonsense
                | Inconclusive::UnexpectedStatus
                | Inconclusive::Contradiction
                | Inconclusive::TimedOut
                | Inconclusive::Disconnected
                | Inconclusive::Tls => Self::ProviderUnreachable(*why),
            },
        })
    }
}

impl From<Unusable> for Refusal {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Empty => Self::KeyEmpty,
            other => Self::KeyUnusable(other),
        }
    }
}
