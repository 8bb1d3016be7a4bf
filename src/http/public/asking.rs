//! What is said where a key is asked for, as plain texts: the page is made of it, and so is the guide for
//! an integration's own screen.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::KeyKind;
use crate::words::{Arg, Tongue};

use super::page::{Pages, Subject};
use super::screen::{Ask, Why};

/// The texts, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// What it is about.
    pub title: String,
    /// Why.
    pub why: String,
    /// Since which day; nothing where there is none to tell.
    pub since: Option<String>,
    /// What the key must be allowed to do, or what of it is missing.
    pub scopes: Vec<String>,
    /// What to do, at most five steps.
    pub steps: Vec<Step>,
    /// What the button says.
    pub button: String,
    /// Whether the present key is tried again instead of a new one.
    pub test_again: bool,
    /// Whether it is the first key.
    pub new: bool,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// What.
    pub text: String,
    /// Where; null where that is no address.
    pub link: Option<String>,
}

impl Pages {
    /// What is said to whoever is asked for a key.
    pub fn asking(&self, ask: &Ask, subject: &Subject, tongue: &Tongue) -> Asking {
        let since = ask.since.map(|at| tongue.day(at, subject.zone.as_deref()));
        let mut args = self.args(subject);
        args.push(("since", Arg::Text(since.as_deref().unwrap_or_default())));
        let say = |id: &str| tongue.say(id, &args);
        let title = say(match ask.why {
            Why::New | Why::NeverAccepted => "page-title-new",
            Why::Permission(_) => "page-title-permission",
            Why::Wish => "page-title-wish",
            Why::Rejected
            | Why::Expired
            | Why::Disconnected
            | Why::WrongCompany
            | Why::Leaked
            | Why::Declined => "page-title-reconnect",
        });
        let why = match &ask.why {
            Why::Permission(scopes) if scopes.is_empty() => say("page-why-permission-company"),
            other => say(&format!("page-why-{}", other.word())),
        };
        let scopes = match &ask.why {
            Why::Permission(missing) => missing.clone(),
            Why::Disconnected => Vec::new(),
            _ => subject.scopes.clone(),
        };
        Asking {
            title,
            why,
            scopes,
            steps: self.steps(ask, subject, tongue),
            button: button(&ask.why, tongue),
            test_again: test_again(&ask.why),
            new: matches!(ask.why, Why::New | Why::NeverAccepted),
            since,
        }
    }

    /// What to do, at most five steps.
    fn steps(&self, ask: &Ask, subject: &Subject, tongue: &Tongue) -> Vec<Step> {
        let ending = subject
            .masked
            .as_deref()
            .map(|masked| tongue.say("page-key-ending", &[("tail", Arg::Text(masked))]));
        let button = button(&ask.why, tongue);
        let mut args = self.args(subject);
        args.push(("button", Arg::Text(&button)));
        args.push(("ending", Arg::Text(ending.as_deref().unwrap_or_default())));
        let say = |id: &str| Step { text: tongue.say(id, &args), link: None };
        let open = Step {
            text: tongue.say("page-step-open", &args),
            link: self.places.keys.as_ref().map(ToString::to_string),
        };
        let place = say(match self.places.place {
            Some(_) => "page-step-place",
            None => "page-step-place-unknown",
        });
        match &ask.why {
            Why::Permission(scopes) => {
                let grant = match (scopes.is_empty(), ending.is_some()) {
                    (false, true) => "page-step-grant",
                    (false, false) => "page-step-grant-any",
                    (true, true) => "page-step-grant-company",
                    (true, false) => "page-step-grant-company-any",
                };
                vec![open, place, say(grant), say("page-step-test")]
            }
            Why::Disconnected => vec![open, say("page-step-switch-on"), say("page-step-test")],
            _ => {
                let make = match subject.kind {
                    KeyKind::Integrated => say("page-step-make-integrated"),
                    KeyKind::Standalone => say("page-step-make-standalone"),
                };
                let mut steps = vec![open, place];
                if ask.why == Why::Leaked && ending.is_some() {
                    steps.push(say("page-step-delete"));
                }
                steps.push(make);
                // A sixth step is one too many: the field says what belongs into it.
                if steps.len() < 4 {
                    steps.push(say("page-step-copy"));
                }
                steps.push(say("page-step-paste"));
                steps
            }
        }
    }
}

fn test_again(why: &Why) -> bool {
    matches!(why, Why::Permission(_) | Why::Disconnected)
}

fn button(why: &Why, tongue: &Tongue) -> String {
    tongue.say(if test_again(why) { "page-button-again" } else { "page-button-try" }, &[])
}

#[cfg(test)]
mod tests {
    use crate::http::public::look::Look;
    use crate::http::public::page::Places;
    use crate::words::Words;

    use super::*;

    #[test]
    fn where_the_end_of_a_key_is_not_known_no_step_names_it_by_dots() {
        let look =
            Look { product: "Acme ERP".to_owned(), support: None, accent: [0; 3], logo: None };
        let places = Places { provider: "Pleo".to_owned(), place: None, keys: None, back: None };
        let pages = Pages::new(look, places, None).unwrap();
        let words = Words::built_in();
        for (tag, missing) in words.languages().into_iter().flat_map(|tag| [(tag, 0), (tag, 1)]) {
            let scopes = vec!["users:read".to_owned(); missing];
            let why = Why::Permission(scopes.clone());
            let ask = Ask { why, since: None, said: None, wait_until: None };
            let tongue = words.choose(Some(tag), None);
            let steps = |masked: Option<&str>| {
                let subject = Subject {
                    customer: "Fjord A/S".to_owned(),
                    company: None,
                    masked: masked.map(str::to_owned),
                    kind: KeyKind::Integrated,
                    scopes: scopes.clone(),
                    zone: None,
                };
                let asking = pages.asking(&ask, &subject, &tongue);
                asking.steps.into_iter().map(|step| step.text).collect::<String>()
            };
            assert!(steps(Some("…f6c2")).contains("…f6c2"), "{tag}");
            let unknown = steps(None);
            assert!(!unknown.contains('…') && !unknown.contains(" ,"), "{tag}: {unknown}");
        }
    }
}
