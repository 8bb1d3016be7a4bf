//! Where the keys of tenants lie, when it is not here: how a key that was tried stands to the one
//! that the integration uses.

use crate::health::Finding;
use crate::health::Standing;
use crate::health::Status;
use crate::health::Trouble;
use crate::store::Watched;

use super::keyring::KeyringSource;
use super::mirror::Mirror;

/// The sources of all tenants' keys.
#[derive(Debug, Default)]
pub struct Source {
    /// Where the integration's database is the master: what it is asked by.
    pub mirror: Option<Mirror>,
}

impl Source {
    /// How the key that was just tried stands to the one at its source, for what was found of it.
    /// The source is asked where that decides something: before a failure counts, and before a
    /// tenant that is out of step is taken for one that is not.
    pub async fn standing(
        &self,
        keyring: &KeyringSource,
        tenant: &Watched,
        finding: &Finding,
    ) -> Standing {
        let out = matches!(tenant.health.status, Status::Degraded(Trouble::OutOfStep));
        match finding {
            Finding::Failed(_) | Finding::Compared => self.compare(keyring, tenant).await,
            Finding::Accepted if out => self.compare(keyring, tenant).await,
            Finding::Accepted
            | Finding::Inconclusive(_)
            | Finding::Operator(_)
            | Finding::Replaced(_)
            | Finding::Rebound(_) => Standing::Current,
        }
    }

    async fn compare(&self, keyring: &KeyringSource, tenant: &Watched) -> Standing {
        match &self.mirror {
            // A large future, made only for those who failed.
            Some(mirror) => Box::pin(mirror.compare(keyring, tenant)).await,
            // keypulse is the source itself.
            None => Standing::Current,
        }
    }

    /// Whether there is another source than keypulse itself.
    pub fn is_elsewhere(&self) -> bool {
        self.mirror.is_some()
    }
}
