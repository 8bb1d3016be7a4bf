//! How a tenant's key stands to the one that the integration uses, where that is the master.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::output;
use crate::config::CustodyMode;
use crate::custody::inquiry::filled;
use crate::health::Standing;
use crate::health::Status;
use crate::health::Trouble;
use crate::store::TenantView;
use crate::task::mirror::LIST_COUNTS;

/// What is known of it.
pub struct Comparison {
    word: &'static str,
    at: Option<DateTime<Utc>>,
}

/// What is known of a tenant of a mirror; nothing in any other custody, and of a key that was
/// destroyed.
pub async fn comparison(app: &App, view: &TenantView) -> anyhow::Result<Option<Comparison>> {
    if app.config.custody.mode != CustodyMode::Mirror || view.masked.is_none() {
        return Ok(None);
    }
    if is_out(view) {
        return Ok(Some(Comparison { word: "differs", at: Some(view.health.since) }));
    }
    let asked = app.store.compared(view.id).await?;
    let same = |at| Comparison { word: "same", at: Some(at) };
    // Whoever differed on a list that was compared is out of step: whoever is on it and is not, was
    // the same.
    let done = app.store.reconciled().await?.is_some_and(|list| list.outcomes.is_some());
    let listed = app.store.listed(view.id).await?.filter(|listed| {
        done && listed.fingerprint.is_some()
            && app.clock.now() - listed.pushed_at < LIST_COUNTS
            && listed.taken_at.is_some_and(|at| at <= listed.pushed_at)
            && asked.is_none_or(|asked| asked.at < listed.pushed_at)
    });
    Ok(Some(match (asked, listed) {
        (_, Some(listed)) => same(listed.pushed_at),
        (Some(asked), None) if asked.standing == Standing::Current => same(asked.at),
        (asked, None) => Comparison { word: "not_compared", at: asked.map(|asked| asked.at) },
    }))
}

fn is_out(view: &TenantView) -> bool {
    matches!(view.health.status, Status::Degraded(Trouble::OutOfStep))
}

impl Comparison {
    /// As people read it, with what is to be done.
    pub fn line(&self, view: &TenantView) -> String {
        let at = output::moment(self.at);
        match self.word {
            "same" => format!("uses the same key, as compared {at}"),
            "differs" => format!(
                "uses another key, known since {at}; have it push that key, or give it with \
                 `keypulse tenant replace {} --from-integration`",
                output::printable(&view.reference)
            ),
            _ if self.at.is_some() => format!("not compared with the integration, tried {at}"),
            _ => "not compared with the integration".to_owned(),
        }
    }

    /// As programs read it.
    pub fn json(&self) -> Value {
        json!({"outcome": self.word, "at": self.at})
    }
}

/// The integration's own page on which a customer gives a new key.
pub fn reconnect_url(app: &App, reference: &str) -> Option<String> {
    let mirror = app.config.custody.mode == CustodyMode::Mirror;
    let template = app.config.connect.reconnect_url.as_ref().filter(|_| mirror)?;
    Some(filled(template, reference))
}
