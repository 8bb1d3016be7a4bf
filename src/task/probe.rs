//! Asks the provider about one tenant, call by call.

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error};

use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::cadence;
use crate::provider::Client;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Reply;
use crate::provider::Step;
use crate::redact::ApiKey;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Watched;
use crate::vault::Purpose;
use crate::vault::SealContext;

use super::check::{Checker, Observed};

impl Checker {
    /// Asks the provider about one tenant, without beginning a call after `latest`. `None` when one
    /// that was needed could not be started: the budget could not be asked or had none in time, or
    /// nothing new is to be begun.
    #[tracing::instrument(name = "check.probe", skip_all, fields(tenant.id = %tenant.id))]
    pub async fn probe(
        &self,
        tenant: Watched,
        latest: Instant,
        shutdown: &Shutdown,
    ) -> Option<Observed> {
        let expected = Expected {
            company: &tenant.company,
            client: tenant.client.as_deref().or(self.client_id.as_deref()),
            required: &tenant.required,
        };
        let doubted = tenant.health.status.doubt().map(|doubt| &doubt.failure);
        let turn = cadence::turn(self.clock.now(), self.policy.interval, self.phase(tenant.id));
        let mut examination = Examination::new(&self.profile, expected, doubted, turn);
        let mut step = examination.step();
        let mut calls = 0_u32;
        let mut started: Option<(DateTime<Utc>, Instant)> = None;
        let finding = loop {
            let call = match step {
                Step::Ask(call) => call,
                Step::Conclude(finding) => break finding,
            };
            // A key that is not there costs nobody a call.
            if let Some(sealed) = &tenant.sealed {
                self.may_call(latest, shutdown).await?;
                // Before the key is opened, so that nothing is awaited while it is.
                self.keyring.prepare(sealed).await;
            }
            let now = self.clock.now();
            started.get_or_insert_with(|| (now, Instant::now()));
            let key = match self.open(&tenant) {
                Ok(key) => key,
                Err(why) => {
                    error!("the key of {} could not be opened: {why}", tenant.reference);
                    break Finding::Inconclusive(Inconclusive::KeyUnavailable);
                }
            };
            calls += 1;
            let reply = self.client.call(&call, &key, now).await;
            drop(key);
            let labels = [call.kind.name(), Client::label(&reply)];
            self.metrics.calls.with_label_values(&labels).inc();
            self.heed(&reply).await;
            step = examination.answer(&reply);
        };
        let client = match (&finding, examination.seen()) {
            (Finding::Accepted, Some(seen)) if tenant.client.is_none() => seen.client.clone(),
            _ => None,
        };
        let pause = examination.pause();
        let (began, clock) = started?;
        self.metrics.checks.with_label_values(&[finding.name()]).inc();
        self.metrics.check_seconds.observe(clock.elapsed().as_secs_f64());
        if let Some(due) = tenant.due_at {
            let late = (began - due).to_std().unwrap_or_default();
            self.metrics.lateness_seconds.observe(late.as_secs_f64());
        }
        debug!(finding = finding.name(), "{} was asked: {}", tenant.reference, finding.name());
        let evidence = Evidence { generation: tenant.health.generation, began, finding, pause };
        Some(Observed { tenant, evidence, client, calls })
    }

    /// A 429 to one slows all: it is the integration that is asked for fewer calls.
    async fn heed(&self, reply: &Reply) {
        let Reply::Answered(answer) = reply else { return };
        if answer.status != 429 {
            self.budget.go_on();
        } else if let Err(error) = self.budget.push_back(answer.retry_after).await {
            self.count_store_error(&error);
        }
    }

    /// Waits for the budget, but not beyond `latest`; `None` when no call may be started.
    async fn may_call(&self, latest: Instant, shutdown: &Shutdown) -> Option<()> {
        // A timer rounds up.
        if Instant::now() >= latest {
            return None;
        }
        let taken = tokio::select! {
            biased;
            () = shutdown.begun() => return None,
            () = sleep_until(latest) => return None,
            taken = self.budget.take() => taken,
        };
        taken.map_err(|error| self.count_store_error(&error)).ok()
    }

    fn open(&self, tenant: &Watched) -> Result<ApiKey, String> {
        let sealed = tenant.sealed.as_deref().ok_or("it was destroyed")?;
        let context = SealContext {
            provider: &self.profile.name,
            tenant: tenant.id,
            generation: tenant.health.generation.0,
            purpose: Purpose::LiveKey,
        };
        self.keyring.held().open_sealed(&context, sealed).map_err(|error| chain(&error))
    }
}
