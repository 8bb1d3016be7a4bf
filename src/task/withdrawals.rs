//! Keeps the file beside the database in which it is noted what must never come back: completes it
//! when the daemon starts, and follows what any process does. It stops nobody.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::redact::chain;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;
use crate::telemetry::Metrics;

/// How often it is looked whether there is something new.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps it for as long as it is awaited.
pub async fn run(store: &Store, metrics: &Metrics) {
    let Some(path) = store.withdrawn_file() else {
        metrics.withdrawals_unnoted.set(1);
        warn!(
            "what is taken out of use is noted nowhere but in the database: a backup that is restored \
             would bring it back; name a file in `store.withdrawn_file`"
        );
        return std::future::pending().await;
    };
    let (mut complete, mut failing) = (false, false);
    loop {
        let written = if complete {
            bounded(store.write_withdrawals()).await
        } else {
            bounded(store.complete_withdrawals()).await
        };
        match written {
            Ok(lines) => {
                if !complete && lines > 0 {
                    info!("{lines} lines were missing in {}, and are there now", path.display());
                }
                if std::mem::take(&mut failing) {
                    info!("{} can be written again, and is complete", path.display());
                }
                complete = true;
                metrics.withdrawals_unnoted.set(0);
            }
            // The database is somebody else's to complain of.
            Err(problem) => {
                let file = matches!(problem, StoreError::NotNoted { .. });
                if file && !std::mem::replace(&mut failing, true) {
                    error!("{}", chain(&problem));
                }
                if file {
                    metrics.withdrawals_unnoted.set(1);
                }
            }
        }
        sleep(EVERY).await;
    }
}
