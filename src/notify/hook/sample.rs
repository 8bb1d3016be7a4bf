//! Made-up alerts, with which every template is tried before it is used. Nobody is told of them.

use chrono::DateTime;
use url::Url;

use crate::notify::alert::{Alert, Subject, Told, alert};

/// With and without a cause, a link and examples.
pub(super) fn alerts() -> [Alert; 2] {
    let at = DateTime::UNIX_EPOCH;
    let told = |subject, cause: &str, examples: &[&str]| Told {
        subject,
        cause: cause.to_owned(),
        count: 2,
        since: at,
        examples: examples.iter().map(|one| (*one).to_owned()).collect(),
    };
    let link = Url::parse("https://keypulse.example/").ok();
    [
        alert(&told(Subject::NeedsReconnection, "rejected", &["a", "b"]), at, at, link.as_ref()),
        alert(&told(Subject::MailHeld, "", &[]), at, at, None),
    ]
}
