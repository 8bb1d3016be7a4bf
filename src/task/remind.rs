//! Reminds customers of what is still to be done, and announces keys that will expire. It owes mails
//! when their time has come, by the clock on the customer's wall, and may run twice and in several
//! processes: a mail is owed once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::sleep;
use tracing::warn;

use crate::clock::Clock;
use crate::health::{MailStage, expiry_due, reminder_due};
use crate::redact::chain;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TimelyMail;
use crate::store::bounded;
use crate::words::Hours;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(20);

/// Who reminds.
#[derive(Clone, Debug)]
pub struct Remind {
    /// Where stories are kept.
    pub store: Store,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How long after the first mail each reminder comes, rising.
    pub reminders: Vec<TimeDelta>,
    /// How many days before its end a key is announced to expire.
    pub expiring: Vec<u32>,
    /// When.
    pub hours: Hours,
}

impl Remind {
    /// Reminds until the soft stage of the shutdown.
    pub async fn run(self, shutdown: Shutdown) {
        let mut trouble = false;
        // Under a short policy the look is as short.
        let soonest = self.reminders.first().and_then(|first| first.to_std().ok());
        let look = soonest.map_or(LOOK, |first| LOOK.min(first / 4)).max(Duration::from_millis(50));
        while !shutdown.has_begun() {
            match self.run_once().await {
                Ok(_) => trouble = false,
                Err(error) if !trouble => {
                    trouble = true;
                    warn!("whom to remind cannot be read: {}", chain(&error));
                }
                Err(_) => {}
            }
            tokio::select! {
                () = sleep(look) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Owes what is due by now; gives back how many mails that are.
    pub async fn run_once(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut mails = Vec::new();
        let until = bounded(self.store.lost_until()).await?;
        let lost = |due| until.is_some_and(|until| due <= until);
        if !self.reminders.is_empty() {
            for told in bounded(self.store.told()).await? {
                let due = reminder_due(told.told_at, told.reminded, &self.reminders, now);
                let Some(number) = due else { continue };
                if !self.hours.contain(now, told.time_zone.as_deref()) {
                    continue;
                }
                let stage = MailStage::Reminder(number);
                let (tenant, episode) = (told.tenant, told.episode);
                let after = usize::try_from(number)
                    .ok()
                    .and_then(|n| self.reminders.get(n.checked_sub(1)?));
                mails.push(TimelyMail {
                    lost: after.is_some_and(|after| lost(told.told_at + *after)),
                    dedup: format!("{tenant}/episode-{episode}/customer/{}", stage.word()),
                    tenant,
                    reference: told.reference,
                    episode: Some(episode),
                    stage,
                });
            }
        }
        for days in &self.expiring {
            for one in bounded(self.store.expiring(*days, now)).await? {
                // Whoever has a day left is not told of the month before.
                let due = expiry_due(one.expires_at, &self.expiring, now);
                if due != Some(*days) || !self.hours.contain(now, one.time_zone.as_deref()) {
                    continue;
                }
                let stage = MailStage::Expiring(*days);
                let at = one.expires_at.timestamp();
                let (tenant, generation) = (one.tenant, one.generation);
                mails.push(TimelyMail {
                    lost: lost(one.expires_at - TimeDelta::days(i64::from(*days))),
                    dedup: format!("{tenant}/key-{generation}/ends-{at}/customer/{}", stage.word()),
                    tenant,
                    reference: one.reference,
                    episode: None,
                    stage,
                });
            }
        }
        bounded(self.store.owe_mails(&mails, now)).await
    }
}
