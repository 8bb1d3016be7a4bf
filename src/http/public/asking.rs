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
