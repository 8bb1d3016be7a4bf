//! What people read when a key is not taken: which text, and what it is told. The texts themselves
//! are in `config/locales/*/refusals.ftl`; each says what is wrong and that nothing has changed, then
//! the one thing to do.

use super::format::Unusable;
use super::refusal::Refusal;

/// What the texts call things by.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The provider.
    pub provider: &'a str,
    /// Where a customer finds keys, in the words of the provider's menu.
    pub place: Option<&'a str>,
    /// What the provider's keys usually begin with.
    pub prefixes: &'a [String],
    /// The customer, as people know it.
    pub customer: &'a str,
    /// The id of the company that the key must belong to.
    pub company: &'a str,
}

/// A refusal as it may be shown to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is wrong, and what has not changed.
    pub customer_message: String,
    /// The one thing to do.
    pub next_step: String,
}

/// How one text is rendered, in whichever language: its name, and what it is told.
pub type Say<'a> = &'a dyn Fn(&str, &[(&str, &str)]) -> String;

impl Refusal {
    /// The texts of this refusal.
    pub fn tell(&self, names: &Names<'_>, say: Say<'_>) -> Told {
        let (found, missing) = match self {
            Self::OtherCompany(found) => (found.to_string(), String::new()),
            Self::MissingScopes(missing) => (String::new(), missing.to_string()),
            _ => (String::new(), String::new()),
        };
        let id = self.message();
        told(id, &format!("{id}-next"), names, &[("found", &found), ("missing", &missing)], say)
    }

    /// The name of the text that says what is wrong; with `-next` behind it, what to do.
    fn message(&self) -> &'static str {
        match self {
            Self::KeyEmpty | Self::KeyUnusable(Unusable::Empty) => "refusal-key-empty",
            Self::KeyUnusable(Unusable::TooLong) => "refusal-key-too-long",
            Self::KeyUnusable(Unusable::WhiteSpace) => "refusal-key-white-space",
            Self::KeyUnusable(Unusable::Control) => "refusal-key-control",
            Self::KeyUnusable(Unusable::NotAscii) => "refusal-key-not-ascii",
            Self::KeyUnusable(Unusable::Colon) => "refusal-key-colon",
            Self::KeyUnusable(Unusable::Scheme) => "refusal-key-scheme",
            Self::KeyUnusable(Unusable::Token) => "refusal-key-token",
            Self::KeyUnusable(Unusable::Address) => "refusal-key-address",
            Self::KeyRejected => "refusal-key-rejected",
            Self::SameDeadKey => "refusal-same-dead-key",
            Self::OtherCompany(_) => "refusal-other-company",
            Self::CompanyNotSaid => "refusal-company-not-said",
            Self::CompanyOutOfReach => "refusal-company-out-of-reach",
            Self::MissingScopes(_) => "refusal-missing-scopes",
            Self::OtherClient => "refusal-other-client",
            Self::NotAnApiKey => "refusal-not-an-api-key",
            Self::InstallationDisconnected => "refusal-installation-disconnected",
            Self::KeyOfAnotherTenant => "refusal-key-of-another-tenant",
            Self::KeptElsewhere => "refusal-key-kept-elsewhere",
            Self::WithdrawnKey => "refusal-withdrawn-key",
            Self::ProviderUnreachable(_) => "refusal-provider-unreachable",
            Self::NotTestable(_) => "refusal-not-testable",
            Self::TooBusy => "refusal-too-busy",
            Self::ReplacedMeanwhile => "refusal-replaced-meanwhile",
            Self::DisabledMeanwhile => "refusal-disabled-meanwhile",
            Self::SourceUnreachable => "refusal-source-unreachable",
            Self::SourceReadOnly => "refusal-source-read-only",
        }
    }
}

/// What became of a key that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has taken the place of the one before.
    Replaced,
    /// It was there already, and the connection works.
    Same,
    /// It was there already and works, but comes and goes.
    SameWhileUnsteady,
}

impl Taken {
    /// The word of this outcome: the `type` that programs go by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Same | Self::SameWhileUnsteady => "same-key",
        }
    }

    /// The texts of this outcome. `paused` says whether nobody watches the connection meanwhile.
    pub fn tell(self, names: &Names<'_>, paused: bool, say: Say<'_>) -> Told {
        let (id, next) = match self {
            Self::Replaced => ("taken-replaced", "taken-replaced-next"),
            Self::Same => ("taken-same", "taken-same-next"),
            Self::SameWhileUnsteady => ("taken-unsteady", "taken-unsteady-next"),
        };
        told(id, if paused { "taken-paused-next" } else { next }, names, &[], say)
    }
}

/// Both texts, told everything that any of them may need.
fn told(
    message: &str,
    next_step: &str,
    names: &Names<'_>,
    more: &[(&str, &str)],
    say: Say<'_>,
) -> Told {
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    let prefixes = names.prefixes.join(", ");
    let mut args = vec![
        ("provider", names.provider),
        ("named", yes_or_no(names.place.is_some())),
        ("place", names.place.unwrap_or_default()),
        ("prefixed", yes_or_no(!prefixes.is_empty())),
        ("prefixes", &prefixes),
        ("customer", names.customer),
        ("company", names.company),
    ];
    args.extend(more);
    Told { customer_message: say(message, &args), next_step: say(next_step, &args) }
}

#[cfg(test)]
impl Refusal {
    /// One of each.
    pub fn samples() -> Vec<Self> {
        use crate::health::Inconclusive;

        let mut all = vec![Self::KeyEmpty];
        all.extend(
            [
                Unusable::TooLong,
                Unusable::WhiteSpace,
                Unusable::Control,
                Unusable::NotAscii,
                Unusable::Colon,
                Unusable::Scheme,
                Unusable::Token,
                Unusable::Address,
            ]
            .map(Self::KeyUnusable),
        );
        all.extend(
            crate::health::CompanyId::parse("0b7c1a2e-3d4f-4a6b-8c9d-0e1f2a3b4c5d")
                .map(Self::OtherCompany),
        );
        all.extend([
            Self::KeyRejected,
            Self::SameDeadKey,
            Self::CompanyNotSaid,
            Self::CompanyOutOfReach,
            Self::MissingScopes(crate::health::Scopes::parse("export-jobs:read users:read")),
            Self::OtherClient,
            Self::NotAnApiKey,
            Self::InstallationDisconnected,
            Self::KeyOfAnotherTenant,
            Self::KeptElsewhere,
            Self::WithdrawnKey,
            Self::ProviderUnreachable(Inconclusive::ServerError),
            Self::NotTestable(Inconclusive::OurRequest),
            Self::TooBusy,
            Self::ReplacedMeanwhile,
            Self::DisabledMeanwhile,
            Self::SourceUnreachable,
            Self::SourceReadOnly,
        ]);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_is_listed_and_every_refusal_is_among_the_samples() {
        let told: BTreeSet<_> = Refusal::samples().iter().map(Refusal::name).collect();
        let listed: BTreeSet<_> = Refusal::NAMES.into_iter().collect();
        assert_eq!(told, listed);
        assert_eq!(listed.len(), Refusal::NAMES.len());
    }

    #[test]
    fn each_refusal_has_a_text_of_its_own() {
        let samples = Refusal::samples();
        let ids: BTreeSet<_> = samples.iter().map(Refusal::message).collect();
        assert_eq!(ids.len(), samples.len());
    }
}
