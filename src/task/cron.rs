//! When housekeeping runs. A job only pokes: the task it pokes owns its work, runs it once at a
//! time, and may be poked twice or not at all without harm.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Wakes the sweep should it ever oversleep: every ten seconds.
const SWEEP: &str = "*/10 * * * * *";
/// Measures the fleet: every quarter of a minute.
const MEASURE: &str = "*/15 * * * * *";

/// Publishes the head of the audit chain: every minute.
const AUDIT: &str = "0 * * * * *";

/// What is poked.
#[derive(Clone, Debug, Default)]
pub struct Pokes {
    /// The sweep.
    pub sweep: Arc<Notify>,
    /// The measuring of the fleet.
    pub measure: Arc<Notify>,
    /// The publishing of the audit chain's head.
    pub audit: Arc<Notify>,
}

/// Starts to poke; ends when what is given back is dropped or shut down.
pub async fn start(pokes: &Pokes) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let jobs = [(SWEEP, &pokes.sweep), (MEASURE, &pokes.measure), (AUDIT, &pokes.audit)];
    for (schedule, whom) in jobs {
        let whom = Arc::clone(whom);
        let job = Job::new_async(schedule, move |_, _| {
            let whom = Arc::clone(&whom);
            Box::pin(async move { whom.notify_one() })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_measuring_and_the_sweep_are_poked_without_being_asked() {
        let pokes = Pokes::default();
        let mut scheduler = start(&pokes).await.unwrap();
        let both = async { tokio::join!(pokes.sweep.notified(), pokes.measure.notified()) };
        timeout(Duration::from_secs(40), both).await.unwrap();
        scheduler.shutdown().await.unwrap();
    }
}
