//! Looks where the keys of dead tenants lie: a customer who has reconnected at the integration is not
//! to wait until the dead key would have been asked again. It asks no provider.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::debug;

use crate::ids::TenantId;
use crate::store::StoreError;
use crate::store::bounded;

use super::check::Checker;
use super::source::Drawn;

/// So many tenants are read from the store at a time.
const PAGE: u32 = 200;

/// Looks once in each interval, until it is dropped.
pub async fn run(checker: Arc<Checker>, every: Duration) {
    loop {
        sleep(every).await;
        match look(&checker).await {
            Ok(brought) => debug!("{brought} dead tenants have another key where it lies"),
            Err(error) => checker.count_store_error(&error),
        }
    }
}

/// Brings forward the checks of all dead tenants that have another key now; says how many.
pub async fn look(checker: &Checker) -> Result<u64, StoreError> {
    let (mut brought, mut after): (u64, Option<TenantId>) = (0, None);
    loop {
        let page = bounded(checker.store.referred_dead(after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(brought) };
        after = Some(*last);
        let mut others = Vec::new();
        for tenant in bounded(checker.store.watched(&page)).await? {
            let Some(key_ref) = tenant.key_ref.clone() else { continue };
            // Of a key that was destroyed nothing is known to compare with.
            if tenant.fingerprint.is_none() {
                continue;
            }
            checker.source.forget(tenant.id);
            let drawn = checker.source.draw(&checker.keyring, &tenant, &key_ref).await;
            if let Ok(Drawn::Other(_)) = drawn {
                others.push(tenant.id);
            }
        }
        brought += bounded(checker.store.bring_forward(&others, checker.clock.now())).await?;
    }
}
