//! Publishes the head of the audit chain where whoever can change the database cannot reach it: in the
//! log and in the metrics. Somebody who cuts the chain later cannot cut those as well.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::{error, info};

use crate::redact::chain;
use crate::store::Appended;
use crate::store::Head;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;

/// Time between two looks, for the metrics.
const LOOK: Duration = Duration::from_secs(15);
/// Time between two log lines though nobody pokes.
const LONGEST: Duration = Duration::from_secs(75);

/// Publishes whenever it is poked.
#[derive(Debug)]
pub struct Publish {
    store: Store,
    metrics: Metrics,
    poked: Arc<Notify>,
    counted: Appended,
    last: Option<Head>,
    /// What was said to be wrong, so that it is said once.
    trouble: Option<String>,
}

impl Publish {
    /// A publishing that waits to be poked. `store` is the one through which this process appends.
    pub fn new(store: Store, metrics: Metrics, poked: Arc<Notify>) -> Self {
        let (counted, last, trouble) = (Appended::default(), None, None);
        Self { store, metrics, poked, counted, last, trouble }
    }

    /// Publishes at once, at every poke and at least every 75 seconds, for as long as it is awaited.
    pub async fn run(mut self) {
        let mut logged: Option<Instant> = None;
        loop {
            let due = logged.is_none_or(|at| at.elapsed() >= LONGEST);
            let head = self.look().await;
            if let Some(head) = head.filter(|_| due) {
                info!(audit.seq = head.seq, "audit head {head}");
                logged = Some(Instant::now());
            }
            // Whoever pokes goes by the machine's clock, which may have been set back.
            if timeout(LOOK, self.poked.notified()).await.is_ok() {
                logged = None;
            }
        }
    }

    /// Reads the head and sets the metrics; says when something is wrong that needs no walk to be
    /// seen.
    async fn look(&mut self) -> Option<Head> {
        let now = self.store.appended();
        self.metrics.audit_rows.inc_by(now.rows - self.counted.rows);
        self.metrics.audit_failures.inc_by(now.failed - self.counted.failed);
        self.counted = now;
        let (head, trouble) = match bounded(self.store.audit_head()).await {
            Ok(Some(head)) => (Some(head), self.went_back(head)),
            Ok(None) => (None, Some(GONE.to_owned())),
            Err(error) => (None, Some(unread(&error))),
        };
        if let Some(head) = head {
            self.metrics.audit_head.set(head.seq);
            self.last = Some(head);
        }
        if let Some(said) = &trouble
            && self.trouble != trouble
        {
            error!("{said}");
        }
        self.trouble = trouble;
        head
    }

    /// What is wrong if the chain became shorter, or its last row another, while this process runs.
    fn went_back(&self, head: Head) -> Option<String> {
        let last = self
            .last
            .filter(|last| head.seq < last.seq || (head.seq == last.seq && head.mac != last.mac))?;
        Some(format!(
            "the audit chain was cut or written anew: its head was {last} and is {head}; run \
             `keypulse audit verify --expect {last}`"
        ))
    }
}

const GONE: &str = "the audit chain has lost its head: nothing that must be written into it can be \
                    done; run `keypulse audit verify`";

fn unread(error: &StoreError) -> String {
    format!("the head of the audit chain cannot be read: {}", chain(error))
}
