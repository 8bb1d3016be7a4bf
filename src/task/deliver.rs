//! One lane: claims what is owed to one endpoint, sends it, settles it. A lane waits for its own
//! endpoint only. It is woken by what this process owes and looks every second for what others do;
//! whatever it does, it may do twice.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::ids::random_bytes;
use crate::notify::Answer;
use crate::notify::Endpoint;
use crate::notify::Fate;
use crate::notify::event;
use crate::notify::fate;
use crate::notify::webhook::{PATIENCE, Signed};
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Draw;
use crate::store::Drawn;
use crate::store::Settled;
use crate::store::Settlement;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;
use crate::vault::WebhookSecret;

use super::lease::fresh_name;

/// Time between two looks though nobody pokes.
const POLL: Duration = Duration::from_secs(1);
/// Messages that are sent to one endpoint at the same time.
const AT_ONCE: u32 = 8;
/// Time to settle, beyond the longest try.
const SETTLING: Duration = Duration::from_secs(5);

/// What signs a message: the present secret, and the one before while it is exchanged.
#[derive(Debug)]
pub struct Signer(pub Vec<WebhookSecret>);

impl Signer {
    /// All signatures of a message.
    pub fn sign(&self, id: &str, second: i64, body: &str) -> String {
        let signed = self.0.iter().map(|secret| secret.sign(id, second, body));
        signed.collect::<Vec<_>>().join(" ")
    }
}

/// A lane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Where what is owed is kept.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// The name of the channel.
    pub channel: Arc<str>,
    /// Where it leads.
    pub endpoint: Endpoint,
    /// What signs.
    pub signer: Arc<Signer>,
}

/// What one turn of a lane has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Messages that were taken.
    pub delivered: u32,
    /// Messages that will be tried again.
    pub again: u32,
    /// Messages that will not.
    pub dead: u32,
}

impl Lane {
    /// Delivers until the soft stage of the shutdown; what is being sent then is sent to its end, or
    /// until the hard stage.
    pub async fn run(self, shutdown: Shutdown) {
        let mut owing = self.store.owing();
        let mut trouble = false;
        while !shutdown.has_begun() {
            owing.mark_unchanged();
            let turn = tokio::select! {
                turn = self.run_once() => turn,
                () = shutdown.ended() => return,
            };
            match &turn {
                Ok(_) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("what is owed to {} cannot be read: {}", self.channel, chain(error));
                }
                Err(_) => {}
            }
            // There may be more than one turn can take.
            if matches!(turn, Ok(Turn { delivered: AT_ONCE, .. })) {
                continue;
            }
            tokio::select! {
                _ = owing.changed() => {}
                () = sleep(POLL) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Claims what is due, sends each message once, and settles it.
    pub async fn run_once(&self) -> Result<Turn, StoreError> {
        let (now, lease) = (self.clock.now(), fresh_name()?);
        let held = TimeDelta::from_std(PATIENCE + SETTLING).unwrap_or(TimeDelta::MAX);
        let draw =
            Draw { channel: &self.channel, lease: &lease, now, until: now + held, limit: AT_ONCE };
        let mut sending = JoinSet::new();
        for message in bounded(self.store.draw(&draw)).await? {
            let (lane, lease) = (self.clone(), lease.clone());
            sending.spawn(async move { lane.deliver(&message, &lease).await });
        }
        let mut turn = Turn::default();
        while let Some(ended) = sending.join_next().await {
            match ended {
                Ok(Ok(Settlement::Sent)) => turn.delivered += 1,
                Ok(Ok(Settlement::Again(_))) => turn.again += 1,
                Ok(Ok(Settlement::Dead | Settlement::Gone)) => turn.dead += 1,
                // Its lease runs out, and it is sent again.
                Ok(Err(error)) => warn!("a try could not be settled: {}", chain(&error)),
                Err(error) => warn!("a try ended by itself: {error}"),
            }
        }
        Ok(turn)
    }

    async fn deliver(&self, message: &Drawn, lease: &str) -> Result<Settlement, StoreError> {
        let data: Value = serde_json::from_str(&message.body).unwrap_or(Value::Null);
        let body = event::body(&event::kind(&message.stage), message.owed_at, &data);
        let answer = self.send(&message.id, &body).await;
        let words = answer.words();
        let now = self.clock.now();
        let settlement = match fate(answer, message.attempts, jitter()) {
            Fate::Delivered => Settlement::Sent,
            Fate::TryAgainIn(pause) => {
                Settlement::Again(now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX))
            }
            Fate::Dead => Settlement::Dead,
            Fate::Gone => Settlement::Gone,
        };
        let settled =
            Settled { id: &message.id, channel: &self.channel, lease, settlement, fate: &words };
        let off = bounded(self.store.settle(&settled, now)).await?;
        self.tell(message, settlement, &words, off);
        Ok(settlement)
    }

    /// Sends a message once, signed at this moment.
    pub async fn send(&self, id: &str, body: &str) -> Answer {
        let second = self.clock.now().timestamp();
        let signature = self.signer.sign(id, second, body);
        self.endpoint.send(&Signed { id, second, signature: &signature, body }).await
    }

    fn tell(&self, message: &Drawn, settlement: Settlement, words: &str, off: bool) {
        let tries = message.attempts + 1;
        let (channel, id) = (&*self.channel, message.id.as_str());
        let result = match settlement {
            Settlement::Sent => {
                info!(message.id = id, channel, tries, "message {id} was taken by {channel}");
                "delivered"
            }
            Settlement::Again(at) => {
                let at = at.to_rfc3339();
                warn!(
                    message.id = id,
                    channel,
                    tries,
                    "message {id} was not taken by {channel}, {words}; next try at {at}"
                );
                "again"
            }
            Settlement::Dead | Settlement::Gone => {
                warn!(
                    message.id = id,
                    channel,
                    tries,
                    "message {id} is given up: {channel} did not take it in {tries} tries, {words}; \
                     `keypulse messages resend {id}` owes it again"
                );
                "dead"
            }
        };
        self.metrics.delivery_tries.with_label_values(&["webhook", result]).inc();
        if off {
            warn!(
                channel,
                "endpoint {channel} ({}) is switched off, {words}; `keypulse webhook enable \
                 {channel}` switches it on again",
                self.endpoint.host()
            );
        }
    }
}

/// Between 0 and 1.
fn jitter() -> f64 {
    random_bytes::<1>().map_or(0.5, |[byte]| f64::from(byte) / 255.0)
}
