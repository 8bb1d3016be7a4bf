//! An alert: a hand-over between colleagues. What, since when, how many and which, what keypulse has
//! done, what happens if nobody acts, one command, one link. Its labels are few and closed: many
//! tenants together are one alert, and none of them is a label.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use url::Url;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Keys were judged dead.
    NeedsReconnection,
    /// Keys may have leaked and still have power at the provider.
    KeyCompromised,
    /// The integration has not said that it stopped using withdrawn keys.
    DisableUnacknowledged,
    /// Keys were not fetched by the integration in time.
    HandoverLate,
    /// Endpoints of the integration were switched off.
    EndpointOff,
    /// Customers who must be told and cannot be reached by any address.
    CustomerUnreachable,
    /// Mail that nobody could send for a while.
    MailFailing,
    /// Mail that waits because as much as is allowed was sent.
    MailCapped,
    /// All mail is held by a person, for a while now.
    MailHeld,
    /// Customers who were reminded for the last time and did nothing.
    GivenUp,
    /// Many keys fail together, and their failures are held.
    ProviderIncident,
    /// They were held for so long that a person has to decide.
    HoldTooLong,
    /// The canary is refused while all others are well.
    CanaryRefused,
    /// Nothing: somebody tries whether on-call is told.
    Test,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub subject: Subject,
    /// Its cause; empty where it has none.
    pub cause: String,
    /// Of how many it is true.
    pub count: u32,
    /// Since when it is true of one of them.
    pub since: DateTime<Utc>,
    /// A few of them.
    pub examples: Vec<String>,
}

/// An alert as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is the same alert by.
    pub labels: BTreeMap<&'static str, String>,
    /// What people read.
    pub annotations: BTreeMap<&'static str, String>,
    /// When it began.
    pub starts_at: DateTime<Utc>,
    /// When it is over, unless it is told again before.
    pub ends_at: DateTime<Utc>,
    /// Where to look.
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
    /// What it is about, without how many: for whoever is told that it is over.
    #[serde(skip)]
    pub title: String,
}

/// The fixed words of a subject.
struct Words {
    name: &'static str,
    severity: &'static str,
    /// After the number.
    what: [&'static str; 2],
    done: &'static str,
    otherwise: &'static str,
    command: &'static str,
}

impl Subject {
    /// Every one, in the order of the manual.
    pub const ALL: [Self; 13] = [
        Self::NeedsReconnection,
        Self::KeyCompromised,
        Self::DisableUnacknowledged,
        Self::HandoverLate,
        Self::EndpointOff,
        Self::CustomerUnreachable,
        Self::MailFailing,
        Self::MailCapped,
        Self::MailHeld,
        Self::GivenUp,
        Self::ProviderIncident,
        Self::HoldTooLong,
        Self::CanaryRefused,
    ];

    /// The name of its alert.
    pub fn alertname(self) -> &'static str {
        self.words().name
    }

    /// How bad it is: `critical` pages somebody, `warning` is for working hours, `info` for a list.
    pub fn severity(self) -> &'static str {
        self.words().severity
    }

    #[expect(clippy::too_many_lines, reason = "one list, read as a whole")]
    fn words(self) -> Words {
        match self {
            Self::NeedsReconnection => Words {
                name: "KeypulseNeedsReconnection",
                severity: "warning",
                what: ["tenant needs a new key", "tenants need a new key"],
                done: "Each was asked again until the bound was reached, and is asked every few \
                       hours from now on; the integration was told.",
                otherwise: "Their integrations do nothing until each customer gives a new key.",
                command: "keypulse tenant list --status needs_reconnection",
            },
            Self::KeyCompromised => Words {
                name: "KeypulseKeyCompromised",
                severity: "critical",
                what: [
                    "key that may have leaked still has power at the provider",
                    "keys that may have leaked still have power at the provider",
                ],
                done: "keypulse uses it no more and has destroyed its copy; the integration was told.",
                otherwise: "Whoever has the key can go on using it: only its deletion at the \
                            provider ends that.",
                command: "keypulse tenant list --status disabled --cause compromised",
            },
            Self::DisableUnacknowledged => Words {
                name: "KeypulseDisableUnacknowledged",
                severity: "critical",
                what: [
                    "withdrawn key may still be used by the integration",
                    "withdrawn keys may still be used by the integration",
                ],
                done: "keypulse has told the integration, by each endpoint that is configured, and \
                       waits for its acknowledgement.",
                otherwise: "The integration may go on calling with a key that may have leaked.",
                command: "keypulse messages list --stage disabled",
            },
            Self::HandoverLate => Words {
                name: "KeypulseHandoverLate",
                severity: "warning",
                what: [
                    "new key was not fetched by the integration in time",
                    "new keys were not fetched by the integration in time",
                ],
                done: "keypulse keeps each sealed until it is fetched and acknowledged.",
                otherwise: "The integration goes on with a key that is dead, while keypulse shows \
                            the tenant as healthy.",
                command: "keypulse handover list",
            },
            Self::EndpointOff => Words {
                name: "KeypulseWebhookEndpointOff",
                severity: "warning",
                what: ["webhook endpoint was switched off", "webhook endpoints were switched off"],
                done: "keypulse has stopped sending there; what was not taken is kept.",
                otherwise: "The integration hears of nothing that happens by that way.",
                command: "keypulse webhook list",
            },
            Self::CustomerUnreachable => Words {
                name: "KeypulseCustomerUnreachable",
                severity: "warning",
                what: [
                    "customer cannot be told by mail that a new key is needed",
                    "customers cannot be told by mail that a new key is needed",
                ],
                done: "keypulse has tried each address that it has, and marked those that were \
                       refused.",
                otherwise: "Nobody there knows: the connection stays down until somebody of yours \
                            calls.",
                command: "keypulse messages list --state dead",
            },
            Self::MailFailing => Words {
                name: "KeypulseMailFailing",
                severity: "critical",
                what: ["mail to a customer cannot be sent", "mails to customers cannot be sent"],
                done: "keypulse goes on trying, in growing steps, for about a day.",
                otherwise: "Customers do not hear that their key is dead; after a day the mails are \
                            given up.",
                command: "keypulse mail doctor",
            },
            Self::MailCapped => Words {
                name: "KeypulseMailCapped",
                severity: "critical",
                what: [
                    "mail to a customer waits: `mail.most_per_hour` was reached",
                    "mails to customers wait: `mail.most_per_hour` was reached",
                ],
                done: "keypulse sends no more than that in any hour, and the rest as the hours pass.",
                otherwise: "They are sent hour by hour. If they are a mistake, each hour sends more \
                            of it: `keypulse mail hold --reason TEXT` stops all.",
                command: "keypulse messages list --state owed",
            },
            Self::MailHeld => Words {
                name: "KeypulseMailHeld",
                severity: "warning",
                what: ["hold on all mail to customers", "holds on all mail to customers"],
                done: "keypulse writes down what is owed and sends none of it.",
                otherwise: "Customers do not hear of dead keys until somebody releases it.",
                command: "keypulse mail release",
            },
            Self::GivenUp => Words {
                name: "KeypulseGivenUp",
                severity: "info",
                what: [
                    "customer was reminded for the last time and has done nothing",
                    "customers were reminded for the last time and have done nothing",
                ],
                done: "keypulse writes to them no more; the keys are still asked every few hours.",
                otherwise: "Their connections stay down until somebody of yours calls.",
                command: "keypulse messages given-up",
            },
            Self::ProviderIncident => Words {
                name: "KeypulseProviderIncident",
                severity: "warning",
                what: [
                    "fault for which many keys fail together",
                    "faults for which many keys fail together",
                ],
                done: "keypulse holds these failures against nobody, writes to no customer about them, \
                       asks a sample of those held once a minute, and asks all of them again, spread \
                       over time, once the sample is accepted; the integration was told.",
                otherwise: "It ends by itself when the provider is well again; a key that really died \
                            meanwhile is told after it, and `policy.max_hold` later you are asked to \
                            decide.",
                command: "keypulse weather show",
            },
            Self::HoldTooLong => Words {
                name: "KeypulseHoldTooLong",
                severity: "critical",
                what: [
                    "fault for which failures are held for too long",
                    "faults for which failures are held for too long",
                ],
                done: "keypulse goes on holding these failures, and decides nothing by itself.",
                otherwise: "Customers whose keys really died are told nothing.",
                command: "keypulse weather show",
            },
            Self::CanaryRefused => Words {
                name: "KeypulseCanaryRefused",
                severity: "warning",
                what: [
                    "canary is refused while others are accepted: replace it",
                    "canaries are refused while others are accepted: replace them",
                ],
                done: "keypulse takes it for no sign of the weather as long as it fails alone.",
                otherwise: "There is no control: a small fleet is judged by the longer bound.",
                command: "keypulse weather show",
            },
            Self::Test => Words {
                name: "KeypulseTest",
                severity: "info",
                what: ["test of `keypulse notify test`", "tests of `keypulse notify test`"],
                done: "Nothing is wrong: somebody tries whether on-call is told.",
                otherwise: "Nothing happens.",
                command: "keypulse notify test",
            },
        }
    }
}

impl Alert {
    /// The order in which alerts are told, the gravest first.
    pub fn rank(&self) -> u8 {
        match self.labels.get("severity").map(String::as_str) {
            Some("critical") => 0,
            Some("warning") => 1,
            _ => 2,
        }
    }
}

/// The alert that tells this; `started_at` is when it was told first, `ends_at` when it is over.
pub fn alert(
    told: &Told,
    started_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    console: Option<&Url>,
) -> Alert {
    let words = told.subject.words();
    let Told { cause, count, since, examples, .. } = told;
    let mut labels = BTreeMap::from([
        ("alertname", words.name.to_owned()),
        ("severity", words.severity.to_owned()),
        ("service", "keypulse".to_owned()),
    ]);
    if !cause.is_empty() {
        labels.insert("cause", cause.clone());
    }
    let what = words.what[usize::from(*count != 1)];
    let because = if cause.is_empty() { String::new() } else { format!(" ({})", spoken(cause)) };
    let which = match (examples.len(), usize::try_from(*count)) {
        (0, _) => String::new(),
        (shown, Ok(all)) if shown < all => format!(": {}, …", examples.join(", ")),
        _ => format!(": {}", examples.join(", ")),
    };
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut annotations = BTreeMap::from([
        ("summary", format!("{count} {what}{because}")),
        (
            "description",
            format!(
                "{count} {what}{because}{which}. The first since {since}. {} If nobody acts: {} \
                 Next: `{}`.",
                words.done, words.otherwise, words.command
            ),
        ),
        ("count", count.to_string()),
        ("since", since),
        ("examples", examples.join(", ")),
        ("done", words.done.to_owned()),
        ("if_nobody_acts", words.otherwise.to_owned()),
        ("command", words.command.to_owned()),
        ("runbook_url", format!("docs/RUNBOOK.md#{}", words.name.to_lowercase())),
    ]);
    let link = console.map(Url::to_string);
    if let Some(link) = &link {
        annotations.insert("link", link.clone());
    }
    let title = format!("{}{because}", words.what[1]);
    Alert { labels, annotations, starts_at: started_at, ends_at, generator_url: link, title }
}

fn spoken(cause: &str) -> String {
    cause.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: u32, examples: &[&str]) -> Told {
        Told {
            subject: Subject::NeedsReconnection,
            cause: "permission_lost".to_owned(),
            count,
            since: DateTime::UNIX_EPOCH,
            examples: examples.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    #[test]
    fn many_tenants_are_one_alert_with_a_count_and_a_few_of_them() {
        let at = DateTime::UNIX_EPOCH;
        let many = alert(&told(300, &["erp-1", "erp-2"]), at, at, None);
        let few = alert(&told(2, &["erp-1", "erp-2"]), at, at, None);
        assert_eq!(many.labels, few.labels, "it is the same alert, whoever it is about");
        assert!(many.labels.values().all(|label| !label.contains("erp-")), "{:?}", many.labels);
        let said = &many.annotations["description"];
        assert!(said.starts_with("300 tenants need a new key (permission lost): erp-1, erp-2, …."));
        assert!(few.annotations["description"].contains(": erp-1, erp-2. The first since 1970-"));
    }

    #[test]
    fn an_alert_is_written_as_alertmanager_reads_it() {
        let at = DateTime::UNIX_EPOCH;
        let console = Url::parse("https://keys.example/console").unwrap();
        let one = alert(&told(1, &["erp-1"]), at, at, Some(&console));
        let json = serde_json::to_value(&one).unwrap();
        assert_eq!(json["generatorURL"], "https://keys.example/console");
        assert_eq!(json["startsAt"], "1970-01-01T00:00:00Z");
        assert_eq!(json["labels"]["alertname"], "KeypulseNeedsReconnection");
        assert_eq!(json["annotations"]["link"], "https://keys.example/console");
    }
}
