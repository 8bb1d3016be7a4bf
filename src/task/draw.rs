//! A check of a tenant whose key lies elsewhere: reads it first, and takes another one that lies there
//! on the one road in. Nothing that was said of the key before is held against that one.

use tracing::{info, warn};

use crate::custody::Lying;
use crate::health::Evidence;
use crate::health::Finding;
use crate::health::Inconclusive;
use crate::health::Standing;
use crate::health::Status;
use crate::provider::Refusal;
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Watched;

use super::check::{Checker, Observed};
use super::enter::{Answer, EnterError, Offer};
use super::handover::Origin;
use super::source::{Drawn, complain};

/// What a check has to go on with.
#[expect(clippy::large_enum_variant, reason = "nearly always the large one, and short-lived")]
pub(super) enum Ready {
    /// The tenant, with its key.
    Ask(Watched),
    /// There is nothing to ask: this is what was found.
    Found(Box<Observed>),
    /// It is done already, or cannot be done now.
    Nothing,
}

impl Checker {
    /// Reads the key of a tenant that lies elsewhere; leaves any other as it is.
    pub(super) async fn ready(&self, tenant: Watched, shutdown: &Shutdown) -> Ready {
        let Some(key_ref) = tenant.key_ref.clone() else { return Ready::Ask(tenant) };
        // Of a tenant that is disabled nothing is read any more.
        if matches!(tenant.health.status, Status::Disabled(_)) {
            return Ready::Nothing;
        }
        match Box::pin(self.source.draw(&self.keyring, &tenant, &key_ref)).await {
            Ok(Drawn::Known(sealed)) => Ready::Ask(Watched { sealed: Some(sealed), ..tenant }),
            Ok(Drawn::Other(lying)) => self.take_over(tenant, &lying, shutdown).await,
            Err(why) => {
                complain(&tenant, &key_ref, &why);
                let why = Finding::Inconclusive(Inconclusive::KeyUnavailable);
                self.found(tenant, why, Standing::Current)
            }
        }
    }

    /// Takes another key that lies where the key of a tenant lay. One that is refused leaves the
    /// tenant out of step: whatever was said of the key before is void.
    async fn take_over(&self, tenant: Watched, lying: &Lying, shutdown: &Shutdown) -> Ready {
        let name = tenant.reference.clone();
        let offer = Offer {
            pasted: &lying.text,
            required: &tenant.required,
            expires_at: None,
            origin: Origin::Integration,
        };
        // A large future: it is made only for the few that need it.
        let answer = Box::pin(self.enter(tenant.id, &offer, shutdown)).await;
        match answer {
            Ok(Answer::Replaced { found, .. } | Answer::SameKey { found, .. }) => {
                info!(
                    tenant.id = %tenant.id,
                    "the integration has given {name} another key, {}, and it is accepted",
                    found.masked
                );
                Ready::Nothing
            }
            Ok(Answer::Refused(refusal)) => match refusal {
                Refusal::ProviderUnreachable(why) | Refusal::NotTestable(why) => {
                    self.found(tenant, Finding::Inconclusive(why), Standing::Current)
                }
                Refusal::TooBusy | Refusal::ReplacedMeanwhile | Refusal::DisabledMeanwhile => {
                    Ready::Nothing
                }
                refusal => {
                    warn!(
                        tenant.id = %tenant.id,
                        "the integration has given {name} another key, and it is not \
                         taken: {}", refusal.name()
                    );
                    self.found(tenant, Finding::Compared, Standing::OutOfStep)
                }
            },
            Err(EnterError::Stopped) => Ready::Nothing,
            Err(EnterError::Store(error)) => {
                self.count_store_error(&error);
                Ready::Nothing
            }
            Err(error) => {
                warn!(tenant.id = %tenant.id, "the key of {name} cannot be taken: {}", chain(&error));
                let why = Finding::Inconclusive(Inconclusive::KeyUnavailable);
                self.found(tenant, why, Standing::Current)
            }
        }
    }

    fn found(&self, tenant: Watched, finding: Finding, standing: Standing) -> Ready {
        self.metrics.checks.with_label_values(&[finding.name()]).inc();
        let (generation, began) = (tenant.health.generation, self.clock.now());
        let evidence = Evidence { generation, began, finding, standing, pause: None };
        Ready::Found(Box::new(Observed { tenant, evidence, client: None, granted: None, calls: 0 }))
    }
}
