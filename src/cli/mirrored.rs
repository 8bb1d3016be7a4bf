//! What a glance says of a mirror: whether its keys are compared with those that the integration uses.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::app::App;
use crate::config::CustodyMode;
use crate::custody::list::COUNTS;
use crate::store::Reconciled;

use super::output;

/// What is known of the integration's side.
#[derive(Clone, Copy, Debug)]
pub struct Mirrored {
    now: DateTime<Utc>,
    asked: bool,
    not_compared: u32,
    list: Option<Reconciled>,
}

impl Mirrored {
    /// Reads it; nothing in any other custody.
    pub async fn of(app: &App) -> anyhow::Result<Option<Self>> {
        if app.config.custody.mode != CustodyMode::Mirror {
            return Ok(None);
        }
        Ok(Some(Self {
            now: app.clock.now(),
            asked: app.config.custody.fingerprint_url.is_some(),
            not_compared: app.store.count_not_compared().await?,
            list: app.store.reconciled().await?,
        }))
    }

    /// What is wrong with it.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.asked && self.young().is_none() {
            wrong.push("not compared with the integration: asked nowhere, no list of today".into());
        }
        if self.not_compared > 0 {
            let tenants = output::many(self.not_compared.into(), "failing tenant");
            wrong.push(format!("{tenants} not compared with the integration"));
        }
        if let Some(found) = self.young().and_then(|list| list.outcomes)
            && found.only_there > 0
        {
            wrong.push(format!("{} keys of the integration watched by nobody", found.only_there));
        }
        wrong
    }

    /// How keys are compared, in one line.
    pub fn fact(&self) -> String {
        let asked = if self.asked { "asked; " } else { "not asked; " };
        let Some(list) = self.list else { return format!("{asked}no list pushed") };
        let age = output::span(self.now - list.pushed_at);
        let found = match list.outcomes {
            Some(found) => format!(
                ": {} same, {} differed, {} only here, {} only there",
                found.same, found.differs, found.only_here, found.only_there
            ),
            None => ", not compared to the end".to_owned(),
        };
        format!("{asked}list {age} old{found}")
    }

    /// The same as programs read it.
    pub fn json(&self) -> Value {
        let outcomes = self.list.and_then(|list| list.outcomes);
        let outcomes = outcomes.map(|found| found.named());
        json!({
            "asked": self.asked,
            "not_compared": self.not_compared,
            "list_pushed_at": self.list.map(|list| list.pushed_at),
            "list_keys": self.list.map(|list| list.entries),
            "list": outcomes.map(|named| {
                named.iter().map(|(word, keys)| ((*word).to_owned(), (*keys).into())).collect::<serde_json::Map<_, _>>()
            }),
        })
    }

    fn young(&self) -> Option<Reconciled> {
        self.list.filter(|list| self.now - list.pushed_at < COUNTS)
    }
}
