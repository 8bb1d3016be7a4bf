//! Forgets what has been kept long enough.

use std::time::Duration;

use tokio::time::sleep;
use tracing::debug;

use crate::clock::Clock;
use crate::redact::chain;
use crate::store::Store;
use crate::store::bounded;

/// How often.
const EVERY: Duration = Duration::from_mins(10);

/// Forgets answers of the API that are a day old, and links of long ago, for as long as it is awaited. What fails is done the
/// next time.
pub async fn run(store: &Store, clock: &dyn Clock) {
    loop {
        match bounded(store.forget_answers(clock.now())).await {
            Ok(0) => {}
            Ok(answers) => debug!("{answers} answers of the API were forgotten"),
            Err(error) => debug!("answers of the API were not forgotten: {}", chain(&error)),
        }
        match bounded(store.forget_links(clock.now())).await {
            Ok(0) => {}
            Ok(links) => debug!("{links} links of long ago were forgotten"),
            Err(error) => debug!("links of long ago were not forgotten: {}", chain(&error)),
        }
        sleep(EVERY).await;
    }
}
