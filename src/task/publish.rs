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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::store::{Auditor, Draft, Place};

    async fn publishing() -> (Publish, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("keypulse.db").display());
        let store = Store::open(&Place::parse(&url.as_str().into()).unwrap()).await.unwrap();
        store.migrate_up().await.unwrap();
        let clock = Arc::new(ManualClock::starting_at(DateTime::<Utc>::UNIX_EPOCH));
        let auditor = Auditor::new(mac, mac, clock as Arc<dyn Clock>);
        let metrics = Metrics::new().unwrap();
        (Publish::new(store.audited(auditor), metrics, Arc::default()), folder)
    }

    /// Another one for every message that differs in its length.
    fn mac(message: &[u8]) -> [u8; 32] {
        [u8::try_from(message.len() % 251).unwrap(); 32]
    }

    #[tokio::test]
    async fn the_metrics_follow_the_chain_and_count_what_this_process_appended() {
        let (mut publish, _folder) = publishing().await;
        assert_eq!(publish.look().await.map(|head| head.seq), Some(0));
        publish.store.chain(Draft::of("a")).await.unwrap();
        publish.store.chain(Draft::of("b")).await.unwrap();
        let head = publish.look().await.unwrap();
        publish.look().await;
        let metrics = &publish.metrics;
        assert_eq!((head.seq, metrics.audit_head.get(), metrics.audit_rows.get()), (3, 3, 3));
        assert_eq!((metrics.audit_failures.get(), &publish.trouble), (0, &None));
    }

    #[tokio::test]
    async fn a_chain_that_became_shorter_or_another_is_noticed_without_a_walk() {
        let (mut publish, _folder) = publishing().await;
        publish.store.chain(Draft::of("a")).await.unwrap();
        let noted = publish.look().await.unwrap();
        for head in [Head { seq: noted.seq - 1, ..noted }, Head { mac: [9; 32], ..noted }] {
            let said = publish.went_back(head).unwrap();
            assert!(said.contains(&format!("--expect {noted}")), "{said}");
        }
        assert_eq!(publish.went_back(noted), None);
        assert_eq!(publish.went_back(Head { seq: noted.seq + 1, mac: [9; 32] }), None);
    }
}
