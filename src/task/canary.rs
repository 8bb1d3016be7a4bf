//! Asks with a key of the integrator's own company that is known to be good: the control of the
//! experiment. One of all processes asks, within the same budget as everybody, and what it finds is
//! kept for all of them. It is no tenant, and nothing is decided about it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::health::CompanyId;
use crate::health::Finding;
use crate::health::Scopes;
use crate::health::Terms;
use crate::ids::NoRandomness;
use crate::ids::random_name;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Step;
use crate::redact::ApiKey;
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::bounded;

use super::budget::Caller;
use super::check::Checker;

/// Time between two looks whether it is to be asked, under a policy in minutes.
const LOOK: Duration = Duration::from_secs(5);
/// An examination takes no longer, or another process has the turn.
const TURN: Duration = Duration::from_mins(1);

/// Who asks with it.
#[derive(Debug)]
pub struct Canary {
    checker: Arc<Checker>,
    key: ApiKey,
    company: CompanyId,
    lease: String,
}

impl Canary {
    /// Asks with this key of this company.
    pub fn new(
        checker: Arc<Checker>,
        key: ApiKey,
        company: CompanyId,
    ) -> Result<Self, NoRandomness> {
        Ok(Self { checker, key, company, lease: random_name()? })
    }

    /// Asks once in the first step of the policy, until it is dropped.
    pub async fn run(&self, shutdown: &Shutdown) {
        let step = Terms::of(&self.checker.policy).step.to_std().unwrap_or(LOOK);
        loop {
            if let Err(error) = self.run_once(shutdown).await {
                self.checker.count_store_error(&error);
            }
            sleep((step / 4).clamp(Duration::from_millis(50), LOOK)).await;
        }
    }

    /// Asks, if it is time and nobody else does.
    pub async fn run_once(&self, shutdown: &Shutdown) -> Result<(), StoreError> {
        let checker = &self.checker;
        let (now, step) = (checker.clock.now(), Terms::of(&checker.policy).step);
        let until = now + TURN;
        if !bounded(checker.store.claim_canary(&self.lease, now - step, now, until)).await? {
            return Ok(());
        }
        let finding = tokio::time::timeout(TURN, self.ask(shutdown)).await.ok().flatten();
        let word = match finding.as_ref().map(|finding| (finding, finding.class())) {
            Some((Finding::Accepted, _)) => "accepted",
            Some((_, Some(class))) => class.word(),
            _ => "none",
        };
        debug!(finding = word, "the canary was asked");
        bounded(checker.store.note_canary(&self.lease, word, checker.clock.now())).await
    }

    async fn ask(&self, shutdown: &Shutdown) -> Option<Finding> {
        let checker = &self.checker;
        let nothing = Scopes::parse("");
        let expected = Expected {
            company: Some(&self.company),
            client: checker.client_id.as_deref(),
            required: &nothing,
        };
        let mut examination = Examination::new(&checker.profile, expected, None, 0);
        let latest = Instant::now() + TURN;
        let mut step = examination.step();
        loop {
            let call = match step {
                Step::Ask(call) => call,
                Step::Conclude(finding) => return Some(finding),
            };
            checker.may_call(Caller::Pressing, latest, Some(shutdown)).await?;
            let reply = checker.call(&call, &self.key, checker.clock.now()).await;
            checker.heed(&reply).await;
            step = examination.answer(&reply);
        }
    }
}
