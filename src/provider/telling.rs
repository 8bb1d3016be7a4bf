//! What people read when a key is not taken: every text of a refusal, in one place, to be translated
//! here. Each says what is wrong and that nothing has changed, then the one thing to do.

use std::fmt::Write;

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

const UNCHANGED: &str = "Nothing has changed.";

impl Refusal {
    /// The texts of this refusal.
    pub fn tell(&self, names: &Names<'_>) -> Told {
        let (what, next_step) = self.texts(names);
        let customer_message = match self {
            // Something did change, and not by this key.
            Self::ReplacedMeanwhile | Self::DisabledMeanwhile => what,
            _ => format!("{what} {UNCHANGED}"),
        };
        Told { customer_message, next_step }
    }

    #[expect(clippy::too_many_lines, reason = "one table: what is said and what to do, by refusal")]
    fn texts(&self, names: &Names<'_>) -> (String, String) {
        let Names { provider, customer, company, .. } = names;
        let open = opening(names);
        let once_more = format!("{open}, copy the key again, and paste it here alone.");
        let another = format!("{open}, make a key for {customer} and paste that one here.");
        match self {
            Self::KeyEmpty => (
                "No key was given.".to_owned(),
                format!("{open}, copy the key, and paste it here."),
            ),
            Self::KeyUnusable(why) => (said_of(*why).to_owned(), once_more),
            Self::KeyRejected => (
                format!(
                    "{provider} did not accept this key. It may have been copied in part: {}.",
                    look(names)
                ),
                format!("{open}, copy the whole key again; if it is no longer shown, make a new one."),
            ),
            Self::SameDeadKey => (
                format!(
                    "This is the key that was entered before, and {provider} does not accept it."
                ),
                format!("{open}, make a new key and paste that one here."),
            ),
            Self::OtherCompany(found) => (
                format!(
                    "This key belongs to another company, {found}. The connection is for \
                     {customer} ({company})."
                ),
                format!("{open} while {customer} is selected, and copy the key there."),
            ),
            Self::CompanyNotSaid => (
                format!(
                    "This key belongs to an organisation in {provider}, which may have several \
                     companies. It is not known which one is meant."
                ),
                "Say for which company the connection is, then enter the key again.".to_owned(),
            ),
            Self::CompanyOutOfReach => (
                format!("This key works, but does not reach {customer} ({company})."),
                format!("{open} and allow the key to use {customer}, or make one for {customer}."),
            ),
            Self::MissingScopes(missing) => (
                format!("This key works, but lacks permissions that are needed: {missing}."),
                format!(
                    "{open}, allow {missing} for this key, and enter it again. Where that cannot \
                     be changed, make a key that has them."
                ),
            ),
            Self::OtherClient => (
                "This key works, but was made for another integration.".to_owned(),
                format!("{open} and copy the key that was made for this integration."),
            ),
            Self::NotAnApiKey => (
                format!("{provider} does not take this for an API key, but for a sign-in."),
                format!("{open}, make an API key and paste that one here."),
            ),
            Self::InstallationDisconnected => (
                format!("This key works, but in {provider} the integration is switched off."),
                format!("Switch the integration on in {provider}, then enter the key again."),
            ),
            Self::KeyOfAnotherTenant => (
                "This key is in use for another connection already; each needs its own."
                    .to_owned(),
                another,
            ),
            Self::KeptElsewhere => (
                "Keys for this connection are entered in the integration itself, not here."
                    .to_owned(),
                "Sign in to the integration and enter the key there.".to_owned(),
            ),
            Self::WithdrawnKey => (
                "This key was withdrawn because others may know it, and is never taken again."
                    .to_owned(),
                format!("{open}, delete this key, make a new one and paste that one here."),
            ),
            Self::ProviderUnreachable(_) => (
                format!(
                    "The key could not be tested, because {provider} gave no clear answer just \
                     now. That says nothing about the key."
                ),
                "Keep the key and try again in a few minutes.".to_owned(),
            ),
            Self::NotTestable(_) => (
                "The key could not be tested, because of a mistake on our side. That says nothing \
                 about the key."
                    .to_owned(),
                "Keep the key and write to our support; they can see what is wrong.".to_owned(),
            ),
            Self::TooBusy => (
                "The key could not be tested, because there is too much else to do at this moment. \
                 That says nothing about the key."
                    .to_owned(),
                "Keep the key and try again in a few minutes.".to_owned(),
            ),
            Self::ReplacedMeanwhile => (
                "Somebody else has just entered a key for this connection, and theirs is in use. \
                 Yours was not taken, and has changed nothing."
                    .to_owned(),
                "Ask your colleagues who it was; enter yours again only if it should be used \
                 instead."
                    .to_owned(),
            ),
            Self::DisabledMeanwhile => (
                "This connection was switched off while the key was being tested. The key was not \
                 taken, and has changed nothing."
                    .to_owned(),
                "Write to our support before you enter a key again.".to_owned(),
            ),
            Self::SourceUnreachable => (
                "The key could not be taken, because the place where keys are kept could not be \
                 used just now. That says nothing about the key."
                    .to_owned(),
                "Keep the key and try again in a few minutes.".to_owned(),
            ),
            Self::SourceReadOnly => (
                "The key of this connection is kept in a place where it cannot be changed from \
                 here."
                    .to_owned(),
                "Keep the key and write to our support; they can change it there.".to_owned(),
            ),
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
    pub fn tell(self, names: &Names<'_>, paused: bool) -> Told {
        let Names { provider, customer, company, .. } = names;
        let told = match self {
            Self::Replaced => format!(
                "{provider} accepts this key for {customer} ({company}). It is in use from now on; \
                 the key before was destroyed here."
            ),
            Self::Same => format!(
                "This is the key that was entered before, and {provider} accepts it for \
                 {customer} ({company})."
            ),
            Self::SameWhileUnsteady => format!(
                "This is the key that was entered before. {provider} accepts it at this moment, \
                 but did not a while ago."
            ),
        };
        let next = match (self, paused) {
            (_, true) => "The connection is paused; it is watched again once that ends.".to_owned(),
            (Self::Replaced, false) => format!(
                "{}, delete the key that was used before, if it is still there.",
                opening(names)
            ),
            (Self::Same, false) => "There is nothing more to do.".to_owned(),
            (Self::SameWhileUnsteady, false) => {
                "Wait a few minutes; it is tested again by itself.".to_owned()
            }
        };
        Told { customer_message: told, next_step: next }
    }
}

/// The beginning of most next steps: the way to the keys.
fn opening(names: &Names<'_>) -> String {
    match names.place {
        Some(place) => format!("In {}, open {place}", names.provider),
        None => format!("Open the API keys in {}", names.provider),
    }
}

/// How a whole key looks.
fn look(names: &Names<'_>) -> String {
    let mut text = String::from("a key is one long word");
    if !names.prefixes.is_empty() {
        // Writing to a text does not fail.
        let _ = write!(text, ", which often begins with {}", names.prefixes.join(" or "));
    }
    text
}

/// What is wrong with a text that cannot be a key.
fn said_of(why: Unusable) -> &'static str {
    match why {
        Unusable::Empty => "No key was given.",
        Unusable::TooLong => {
            "This is longer than any key. Something else may have been copied with it."
        }
        Unusable::WhiteSpace => {
            "A key is one word, and this has a space or a line break inside. Something else may \
             have been copied with it."
        }
        Unusable::Control => "This contains a character that no key has.",
        Unusable::NotAscii => {
            "This contains letters that no key has. Something else may have been copied with it."
        }
        Unusable::Colon => {
            "This contains a colon, which no key has. Its name or an address may have been copied \
             with it."
        }
        Unusable::Scheme => "There is a word before the key that does not belong to it.",
        Unusable::Token => "This is a sign-in token and not an API key.",
        Unusable::Address => "This is the address of a page and not a key.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::health::CompanyId;
    use crate::health::Inconclusive;
    use crate::health::Scopes;

    fn all() -> Vec<Refusal> {
        let company = CompanyId::parse("0b7c1a2e-3d4f-4a6b-8c9d-0e1f2a3b4c5d").unwrap();
        let mut all = vec![Refusal::KeyEmpty];
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
            .map(Refusal::KeyUnusable),
        );
        all.extend([
            Refusal::KeyRejected,
            Refusal::SameDeadKey,
            Refusal::OtherCompany(company),
            Refusal::CompanyNotSaid,
            Refusal::CompanyOutOfReach,
            Refusal::MissingScopes(Scopes::parse("export-jobs:read users:read")),
            Refusal::OtherClient,
            Refusal::NotAnApiKey,
            Refusal::InstallationDisconnected,
            Refusal::KeyOfAnotherTenant,
            Refusal::KeptElsewhere,
            Refusal::WithdrawnKey,
            Refusal::ProviderUnreachable(Inconclusive::ServerError),
            Refusal::NotTestable(Inconclusive::OurRequest),
            Refusal::TooBusy,
            Refusal::ReplacedMeanwhile,
            Refusal::DisabledMeanwhile,
            Refusal::SourceUnreachable,
            Refusal::SourceReadOnly,
        ]);
        all
    }

    const PREFIXES: &[String] = &[];

    fn names() -> Names<'static> {
        Names {
            provider: "Pleo",
            place: Some("Settings → API Keys"),
            prefixes: PREFIXES,
            customer: "Fjord A/S",
            company: "5d1c0f9e-8a7b-4c6d-9e0f-1a2b3c4d5e6f",
        }
    }

    #[test]
    fn the_table_of_all_refusals_is_as_committed() {
        let prefixes = ["pls_".to_owned()];
        let names = Names { prefixes: &prefixes, ..names() };
        let mut table = String::new();
        for refusal in all() {
            let Told { customer_message, next_step } = refusal.tell(&names);
            let passing = if refusal.is_passing() { " (try again)" } else { "" };
            writeln!(table, "{}{passing}\n  {customer_message}\n  {next_step}", refusal.name())
                .unwrap();
        }
        for taken in [Taken::Replaced, Taken::Same, Taken::SameWhileUnsteady] {
            let Told { customer_message, next_step } = taken.tell(&names, false);
            writeln!(table, "{}\n  {customer_message}\n  {next_step}", taken.name()).unwrap();
        }
        insta::assert_snapshot!("refusals", table);
    }

    #[test]
    fn every_word_is_listed_and_every_refusal_is_in_the_table() {
        let told: BTreeSet<_> = all().iter().map(Refusal::name).collect();
        let listed: BTreeSet<_> = Refusal::NAMES.into_iter().collect();
        assert_eq!(told, listed);
        assert_eq!(listed.len(), Refusal::NAMES.len());
    }

    #[test]
    fn every_text_says_that_nothing_has_changed_and_speaks_to_people() {
        for refusal in all() {
            let Told { customer_message, next_step } = refusal.tell(&names());
            let said = customer_message.ends_with(UNCHANGED)
                || customer_message.ends_with("and has changed nothing.");
            assert!(said, "{customer_message}");
            for word in ["tenant", "401", "403", "invalid", "scope ", "!", "Oops", "please"] {
                let text = format!("{customer_message} {next_step}");
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
    }
}
