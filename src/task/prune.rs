//! Forgets what has been kept long enough.

use std::time::Duration;

use tokio::time::sleep;
use tracing::debug;

use crate::clock::Clock;
use crate::redact::chain;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::bounded;

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// Between two parts of much.
const BETWEEN: Duration = Duration::from_millis(200);

/// Forgets answers of the API that are a day old, links of long ago, sessions that have expired, and messages of stories that were over
/// long ago, for as long as it is awaited. What fails is done the next time.
pub async fn run(store: &Store, clock: &dyn Clock) {
    loop {
        note("answers of the API", bounded(store.forget_answers(clock.now())).await);
        note("links of long ago", bounded(store.forget_links(clock.now())).await);
        note("sessions of the console", bounded(store.forget_sessions(clock.now())).await);
        // What has gathered before this was done goes in parts, between which others write.
        loop {
            let forgotten = bounded(store.forget_messages(clock.now())).await;
            let more = matches!(forgotten, Ok(messages) if messages > 0);
            note("messages of long ago", forgotten);
            if !more {
                break;
            }
            sleep(BETWEEN).await;
        }
        sleep(EVERY).await;
    }
}

fn note(what: &str, forgotten: Result<u64, StoreError>) {
    match forgotten {
        Ok(0) => {}
        Ok(number) => debug!("{number} {what} were forgotten"),
        Err(error) => debug!("{what} were not forgotten: {}", chain(&error)),
    }
}
