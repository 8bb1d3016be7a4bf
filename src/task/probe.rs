//! Asks the provider about one tenant, call by call.

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error};

use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Standing;
use crate::health::cadence;
use crate::provider::Call;
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

use super::budget::Caller;
use super::check::{Checker, Observed, is_urgent};
use super::draw::Ready;

impl Checker {
    /// Asks the provider about one tenant, without beginning a call after `latest`. `None` when one
    /// that was needed could not be started: the budget could not be asked or had none in time, the
    /// key was revoked or it is not known whether it was, or nothing new is to be begun. `None` also
    /// when the key was revoked in the middle of a call, which is dropped then.
    pub async fn probe(
        &self,
        tenant: Watched,
        latest: Instant,
        shutdown: &Shutdown,
    ) -> Option<Observed> {
        let caller = if is_urgent(&tenant) { Caller::Pressing } else { Caller::Routine };
        self.examine(tenant, caller, latest, shutdown).await
    }

    /// The same for whoever asks: for a person who waits for the answer, every call is made, as of a
    /// key that is offered.
    pub(super) async fn examine(
        &self,
        tenant: Watched,
        caller: Caller,
        latest: Instant,
        shutdown: &Shutdown,
    ) -> Option<Observed> {
        let tenant = match self.ready(tenant, shutdown).await {
            Ready::Ask(tenant) => tenant,
            Ready::Found(observed) => return Some(*observed),
            Ready::Nothing => return None,
        };
        let expected = Expected {
            company: Some(&tenant.company),
            client: tenant.client.as_deref().or(self.client_id.as_deref()),
            required: &tenant.required,
        };
        let generation = tenant.health.generation.0;
        let doubted = tenant.health.status.doubt().map(|doubt| &doubt.failure);
        let turn = cadence::turn(self.clock.now(), self.policy.interval, self.phase(tenant.id));
        // What is done once in n intervals is not done by everybody in the same one.
        let turn = turn.wrapping_add(tenant.id.raw());
        let mut examination = if caller == Caller::Entry {
            Examination::of_offered(&self.profile, expected)
        } else {
            Examination::new(&self.profile, expected, doubted, turn)
        };
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
                // A check that has begun is brought to its end: half of one would tell nothing.
                self.gate.look().await?;
                let unless = (calls == 0).then_some(shutdown);
                let begun = calls > 0 && caller == Caller::Routine;
                let caller = if begun { Caller::Pressing } else { caller };
                self.may_call(caller, latest, unless).await?;
                // Before the key is opened, so that nothing is awaited while it is.
                self.keyring.prepare(sealed).await;
            }
            let now = self.clock.now();
            started.get_or_insert_with(|| (now, Instant::now()));
            // From here to the call nothing is awaited.
            let pass = self.gate.admit(tenant.id, generation, tenant.sealed.is_some())?;
            let key = match self.open(&tenant) {
                Ok(key) => key,
                Err(why) => {
                    error!(tenant.id = %tenant.id, "the key of {} could not be opened: {why}", tenant.reference);
                    break Finding::Inconclusive(Inconclusive::KeyUnavailable);
                }
            };
            calls += 1;
            let reply = tokio::select! {
                biased;
                () = pass.revoked() => return None,
                reply = self.call(&call, &key, now) => reply,
            };
            drop(key);
            self.heed(&reply).await;
            step = examination.answer(&reply);
        };
        let client = match (&finding, examination.seen()) {
            (Finding::Accepted, Some(seen)) if tenant.client.is_none() => seen.client.clone(),
            _ => None,
        };
        let granted = examination.seen().and_then(|seen| seen.scopes.as_ref()?.kept());
        let pause = examination.pause();
        let (began, clock) = started?;
        self.metrics.checks.with_label_values(&[finding.name()]).inc();
        self.metrics.check_seconds.observe(clock.elapsed().as_secs_f64());
        if let Some(due) = tenant.due_at {
            let late = (began - due).to_std().unwrap_or_default();
            self.metrics.lateness_seconds.observe(late.as_secs_f64());
        }
        debug!(tenant.id = %tenant.id, finding = finding.name(), "{} was asked: {}", tenant.reference, finding.name());
        let standing = self.source.standing(&self.keyring, &tenant, &finding).await;
        // Whoever has a new key has it tried now, and not when the old one would have been.
        if standing == Standing::OutOfStep && tenant.key_ref.is_some() {
            match self.ready(tenant, shutdown).await {
                Ready::Found(observed) => return Some(*observed),
                // The known key lies there again, or the new one was taken.
                Ready::Ask(_) | Ready::Nothing => return None,
            }
        }
        let generation = tenant.health.generation;
        let evidence = Evidence { generation, began, finding, standing, pause };
        Some(Observed { tenant, evidence, client, granted, calls })
    }

    /// Makes one call, counted; whoever makes it has charged it to the budget.
    pub(super) async fn call(&self, call: &Call<'_>, key: &ApiKey, now: DateTime<Utc>) -> Reply {
        let asked = Instant::now();
        let reply = self.client.call(call, key, now).await;
        self.metrics.call_seconds.observe(asked.elapsed().as_secs_f64());
        let labels = [call.kind.name(), Client::label(&reply)];
        self.metrics.calls.with_label_values(&labels).inc();
        reply
    }

    /// A 429 to one slows all: it is the integration that is asked for fewer calls.
    pub(super) async fn heed(&self, reply: &Reply) {
        let Reply::Answered(answer) = reply else { return };
        if answer.status != 429 {
            self.budget.go_on();
            return;
        }
        match self.budget.push_back(answer.retry_after).await {
            Ok(new) => self.metrics.budget_holds.inc_by(new.into()),
            Err(error) => self.count_store_error(&error),
        }
    }

    /// Waits for the budget, but not beyond `latest`; `None` when no call may be started, or not any
    /// more because of `unless`.
    pub(super) async fn may_call(
        &self,
        caller: Caller,
        latest: Instant,
        unless: Option<&Shutdown>,
    ) -> Option<()> {
        let asked = Instant::now();
        // A timer rounds up.
        if asked >= latest || unless.is_some_and(Shutdown::has_begun) {
            return None;
        }
        let stopped = async {
            match unless {
                Some(shutdown) => shutdown.begun().await,
                None => std::future::pending().await,
            }
        };
        let taken = tokio::select! {
            // Mostly there is nothing to wait for, and no need to be told of anything.
            biased;
            taken = self.budget.take(caller) => taken,
            () = stopped => return None,
            () = sleep_until(latest) => return None,
        };
        taken.map_err(|error| self.count_store_error(&error)).ok()?;
        self.metrics.budget_used.inc();
        self.metrics.budget_wait_seconds.observe(asked.elapsed().as_secs_f64());
        Some(())
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
