//! Which text is said on which occasion, in the order in which a reader needs it.

use crate::words::{Arg, Tongue};

use super::facts::{Facts, Matter, Occasion};
use super::line::{NAME, SHORT, line};
use super::{House, subject};

/// All that a letter says, as plain texts in one language.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub subject: String,
    pub title: String,
    /// What a list of mails shows behind the subject.
    pub peek: String,
    pub reminder: Option<String>,
    /// What happened, and since when.
    pub happened: Vec<String>,
    /// What it means.
    pub means: String,
    /// The one thing to do.
    pub todo: Option<String>,
    pub scopes: Vec<String>,
    pub button: Option<Button>,
    pub until: Option<String>,
    /// What becomes of it if nothing is done.
    pub otherwise: Option<String>,
    pub decline: Option<String>,
    /// The same without the link.
    pub way: Option<String>,
    pub whom: String,
    /// Whether it matters which key is meant.
    pub names_key: bool,
}

/// The one button.
#[derive(Clone, Debug)]
pub(super) struct Button {
    pub text: String,
    pub href: String,
    /// A sentence that names the host.
    pub host: String,
}

/// What a letter is about, by the ends of its texts' ids.
struct About {
    /// The title, and what happened.
    title: &'static str,
    means: &'static str,
    todo: Option<&'static str>,
    button: &'static str,
    /// What to do where there is no link.
    bare: Option<&'static str>,
    way: Option<&'static str>,
    otherwise: Option<&'static str>,
}

/// What is said in one letter.
pub(super) fn said(house: &House, facts: &Facts<'_>, host: Option<&str>, tongue: &Tongue) -> Said {
    let about = about(facts);
    let args = Args::of(house, facts, host, tongue);
    let say = |id: &str| args.say(id, NAME, &[], tongue);
    let link = facts.link.filter(|_| about.todo.is_some());
    let button = link.map(|href| Button {
        text: say(&format!("mail-button-{}", about.button)),
        href: href.to_owned(),
        host: say("mail-host"),
    });
    let todo = match link {
        Some(_) => about.todo.map(|end| say(&format!("mail-do-{end}"))),
        None => about.bare.map(&say),
    };
    let means = say(&format!("mail-means-{}", about.means));
    let peek = todo.clone().unwrap_or_else(|| means.clone());
    let is_open = matches!(facts.occasion, Occasion::First | Occasion::Reminder { .. });
    Said {
        subject: args.subject(facts.occasion, about.title, tongue),
        title: say(&format!("mail-title-{}", about.title)),
        peek,
        reminder: match facts.occasion {
            Occasion::Reminder { last: false, .. } => Some(say("mail-reminder")),
            Occasion::Reminder { last: true, .. } => Some(say("mail-reminder-last")),
            _ => None,
        },
        happened: happened(facts, &about, &say),
        means,
        scopes: if todo.is_some() { scopes(facts) } else { Vec::new() },
        until: link.and(facts.link_until).map(|_| say("mail-until")),
        otherwise: about.otherwise.map(|end| say(&format!("mail-else-{end}"))),
        decline: (link.is_some() && is_open && house.own_pages).then(|| say("mail-decline")),
        way: link.and(about.way).map(&say),
        whom: say("mail-whom"),
        names_key: facts.occasion != Occasion::Resolved,
        button,
        todo,
    }
}

fn about(facts: &Facts<'_>) -> About {
    let key = About {
        title: "link",
        means: "waiting",
        todo: Some("key"),
        button: "key",
        bare: Some("mail-bare-key"),
        way: Some("mail-way-key"),
        otherwise: Some("waiting"),
    };
    let by_matter = match &facts.matter {
        None => About { means: "link", button: "link", otherwise: None, ..key },
        Some(matter) => {
            let title = matter.word();
            let test = |way: &'static str| About {
                title,
                means: "waiting",
                todo: Some(title),
                button: "test",
                bare: Some(way),
                way: Some(way),
                otherwise: Some("waiting"),
            };
            match matter {
                Matter::Rejected | Matter::Expired => About { title, ..key },
                Matter::WrongCompany => About { title, todo: Some(title), ..key },
                Matter::Disconnected => test("mail-way-disconnected"),
                Matter::PermissionLost(scopes) if scopes.is_empty() => {
                    test("mail-way-permission-company")
                }
                Matter::PermissionLost(_) => About {
                    means: "permission",
                    otherwise: Some("permission"),
                    ..test("mail-way-permission")
                },
                Matter::Compromised => About {
                    title,
                    means: "leaked",
                    todo: Some("leaked"),
                    bare: Some("mail-bare-leaked"),
                    way: Some("mail-way-leaked"),
                    otherwise: Some("leaked"),
                    ..key
                },
            }
        }
    };
    match facts.occasion {
        Occasion::First | Occasion::Reminder { .. } => by_matter,
        Occasion::Resolved => About {
            title: "resolved",
            means: "resolved",
            todo: None,
            bare: None,
            way: None,
            otherwise: None,
            ..by_matter
        },
        Occasion::Expiring { .. } => About {
            title: "expiring",
            means: "expiring",
            todo: Some("expiring"),
            button: "expiring",
            otherwise: Some("expiring"),
            ..key
        },
        Occasion::NewLink => About { title: "link", otherwise: Some("link"), ..by_matter },
    }
}

/// What happened, and since when.
fn happened(facts: &Facts<'_>, about: &About, say: &impl Fn(&str) -> String) -> Vec<String> {
    let mut all = vec![say(&format!("mail-what-{}", about.title))];
    let asked = facts.occasion == Occasion::NewLink;
    if let Some(matter) = facts.matter.as_ref().filter(|_| asked) {
        all.push(say(&format!("mail-what-{}", matter.word())));
    }
    let is_told = facts.matter.is_some() || facts.occasion == Occasion::Resolved;
    if is_told && facts.since.is_some() {
        all.push(say(match (facts.occasion, &facts.matter) {
            (Occasion::Resolved, _) => "mail-since-resolved",
            (_, Some(Matter::Compromised)) => "mail-since-leaked",
            _ => "mail-since",
        }));
    }
    all
}

/// What the key that is to be made or opened must be allowed to do.
fn scopes(facts: &Facts<'_>) -> Vec<String> {
    match &facts.matter {
        Some(Matter::PermissionLost(missing)) => missing.clone(),
        Some(Matter::Disconnected) => Vec::new(),
        _ if facts.standalone => facts.scopes.to_vec(),
        _ => Vec::new(),
    }
}

/// What the texts are filled in with.
struct Args<'a> {
    house: &'a House,
    customer: &'a str,
    site: String,
    place: String,
    host: &'a str,
    since: String,
    until: String,
    on: String,
    days: i64,
}

impl<'a> Args<'a> {
    fn of(house: &'a House, facts: &Facts<'a>, host: Option<&'a str>, tongue: &Tongue) -> Self {
        let provider = &house.provider;
        let day = |at| tongue.day(at, facts.zone);
        let unknown = || tongue.say_texts("mail-place-unknown", &[("provider", provider.as_str())]);
        let (days, on) = match facts.occasion {
            Occasion::Expiring { days, on } => (i64::from(days), day(on)),
            _ => (0, String::new()),
        };
        Self {
            house,
            customer: facts.customer,
            site: match house.keys_url.as_ref().and_then(url::Url::host_str) {
                Some(host) => format!("{provider} ({host})"),
                None => provider.clone(),
            },
            place: house.place.clone().unwrap_or_else(unknown),
            host: host.unwrap_or_default(),
            since: facts.since.map(|at| tongue.moment(at, facts.zone)).unwrap_or_default(),
            until: facts.link_until.map(day).unwrap_or_default(),
            on,
            days,
        }
    }

    fn say(&self, id: &str, most: usize, more: &[(&str, &str)], tongue: &Tongue) -> String {
        let customer = line(self.customer, most);
        let product = line(&self.house.product, most);
        let mut args = vec![
            ("product", Arg::Text(&product)),
            ("provider", Arg::Text(&self.house.provider)),
            ("customer", Arg::Text(&customer)),
            ("site", Arg::Text(&self.site)),
            ("place", Arg::Text(&self.place)),
            ("host", Arg::Text(self.host)),
            ("since", Arg::Text(&self.since)),
            ("until", Arg::Text(&self.until)),
            ("on", Arg::Text(&self.on)),
            ("days", Arg::Number(self.days)),
        ];
        args.extend(more.iter().map(|(name, text)| (*name, Arg::Text(text))));
        tongue.say(id, &args)
    }

    fn subject(&self, occasion: Occasion, title: &str, tongue: &Tongue) -> String {
        let title = self.say(&format!("mail-title-{title}"), SHORT, &[], tongue);
        let id = match occasion {
            Occasion::Reminder { last: false, .. } => "mail-subject-reminder",
            Occasion::Reminder { last: true, .. } => "mail-subject-last",
            _ => "mail-subject",
        };
        subject(&self.say(id, SHORT, &[("title", &title)], tongue))
    }
}
