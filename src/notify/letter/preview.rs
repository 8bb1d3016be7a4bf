//! Every letter there can be, with made-up people: for whoever changes a template or a text, and to find
//! at the start what would otherwise be found with a customer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::words::Tongue;

use super::facts::{Facts, Matter, Occasion};
use super::{HTML, Letter, LetterError, Letters, TEXT, TemplateError, inline};

/// A letter, and what it is about.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it is about, in a few words with `-` between them: a file may be called so.
    pub name: String,
    /// The letter.
    pub letter: Letter,
}

const LINK: &str = "https://connect.example/l/AbCdEf0123456789";
const REFERENCE: &str = "1a2b3c4d";

/// Writes every letter in one language.
///
/// # Errors
///
/// A template that does not work, that would load something, or that lacks the link or the reference.
pub fn all(letters: &Letters, tongue: &Tongue) -> Result<Vec<Preview>, LetterError> {
    let needed = ["export-jobs:read".to_owned(), "users:read".to_owned()];
    let mut made = Vec::new();
    for sample in samples() {
        let facts = sample.facts(&needed);
        let letter = letters.write(&facts, tongue)?;
        check(&facts, &letter)?;
        made.push(Preview { name: sample.name, letter });
    }
    Ok(made)
}

/// A letter must have what a reader goes by.
fn check(facts: &Facts<'_>, letter: &Letter) -> Result<(), TemplateError> {
    let lacks = |name: &str, what| TemplateError::Lacks { name: name.to_owned(), what };
    let Letter { subject, text, html } = letter;
    if let Some(what) = inline::loads(html) {
        return Err(TemplateError::Loads { name: HTML.to_owned(), what });
    }
    if !html.contains(REFERENCE) {
        return Err(lacks(HTML, "the reference"));
    }
    if !text.contains(REFERENCE) {
        return Err(lacks(TEXT, "the reference"));
    }
    // Where nothing is to be done, there is nothing to lead to.
    if facts.link.is_some() && facts.occasion != Occasion::Resolved {
        if !html.contains(&format!("href=\"{LINK}\"")) {
            return Err(lacks(HTML, "the link"));
        }
        if !text.contains(LINK) {
            return Err(lacks(TEXT, "the link"));
        }
    }
    if subject.is_empty() {
        return Err(lacks(TEXT, "a subject"));
    }
    Ok(())
}

/// One letter to be looked at.
struct Sample {
    name: String,
    occasion: Occasion,
    matter: Option<Matter>,
    linked: bool,
    standalone: bool,
}

impl Sample {
    fn facts<'a>(&self, needed: &'a [String]) -> Facts<'a> {
        let since = began();
        Facts {
            occasion: self.occasion,
            matter: self.matter.clone(),
            customer: "Fjord A/S",
            company_id: "bd97c2b1-18e9-4df7-9ea7-034642645342",
            since: Some(since),
            zone: Some("Europe/Copenhagen"),
            masked: Some("…f6c2"),
            standalone: self.standalone,
            scopes: needed,
            link: self.linked.then_some(LINK),
            link_until: self.linked.then_some(since + TimeDelta::days(14)),
            reference: REFERENCE,
        }
    }
}

/// A Tuesday morning.
fn began() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_774) + TimeDelta::minutes(8 * 60 + 12)
}

fn samples() -> Vec<Sample> {
    let missing = vec!["users:read".to_owned()];
    let matters = [
        Matter::Rejected,
        Matter::Expired,
        Matter::Disconnected,
        Matter::PermissionLost(missing),
        Matter::PermissionLost(Vec::new()),
        Matter::WrongCompany,
        Matter::Compromised,
    ];
    let sample = |name: String, occasion, matter: Option<&Matter>| Sample {
        name,
        occasion,
        matter: matter.cloned(),
        linked: true,
        standalone: false,
    };
    let mut all = Vec::new();
    for matter in &matters {
        let word = matter.word();
        all.push(sample(format!("first-{word}"), Occasion::First, Some(matter)));
        let bare = sample(format!("first-{word}-no-link"), Occasion::First, Some(matter));
        all.push(Sample { linked: false, ..bare });
    }
    let [rejected, expired, _, permission, ..] = &matters;
    let one = sample("first-expired-standalone".into(), Occasion::First, Some(expired));
    all.push(Sample { standalone: true, ..one });
    for matter in [rejected, permission] {
        for (number, last) in [(1, false), (4, true)] {
            let occasion = Occasion::Reminder { number, last };
            let name = format!("{}-{}", occasion.word(), matter.word());
            all.push(sample(name, occasion, Some(matter)));
        }
    }
    for days in [30, 7, 1] {
        let on = began() + TimeDelta::days(i64::from(days));
        let occasion = Occasion::Expiring { days, on };
        all.push(sample(format!("expiring-{days}"), occasion, None));
    }
    let one = sample(
        "expiring-7-standalone".into(),
        Occasion::Expiring { days: 7, on: began() + TimeDelta::days(7) },
        None,
    );
    all.push(Sample { standalone: true, ..one });
    all.push(sample("link".into(), Occasion::NewLink, None));
    all.push(sample("link-rejected".into(), Occasion::NewLink, Some(rejected)));
    all.push(sample("resolved".into(), Occasion::Resolved, Some(rejected)));
    all
}
