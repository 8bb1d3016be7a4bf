//! The whole chain, all of it real: a provider that fails, a daemon that judges, a Prometheus with the
//! rules, an Alertmanager that hears from both. What is raised is what must be, and all of it ends.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use keypulse::sandbox::{Change, Fault, FaultKind};
use serde_json::json;
use tokio::time::Instant;

use crate::alertmanager::Alertmanager;
use crate::daemon::Daemon;
use crate::rig::Rig;
use crate::scraper::Prometheus;
use crate::wait;

/// What on-call sees, and all that it has seen since somebody began to count.
struct OnCall {
    alertmanager: Alertmanager,
    seen: BTreeSet<(String, String)>,
}

impl OnCall {
    fn start() -> Self {
        Self { alertmanager: Alertmanager::start(), seen: BTreeSet::new() }
    }

    fn look(&mut self) -> BTreeSet<(String, String)> {
        let told = self.alertmanager.told().into_iter();
        let now: BTreeSet<_> = told.map(|(name, cause, _)| (name, cause)).collect();
        self.seen.extend(now.iter().cloned());
        now
    }

    /// Waits until exactly these alerts stand beside the watchdog.
    fn until(&mut self, daemon: &Daemon, alerts: &[(&str, &str)]) {
        let watchdog = [("KeypulseWatchdog", "")];
        let wanted = pairs(alerts.iter().chain(&watchdog));
        let last = std::cell::RefCell::default();
        let stand = || {
            *last.borrow_mut() = self.look();
            *last.borrow() == wanted
        };
        let otherwise = || format!("{:?} stand\n{}", last.borrow(), daemon.tail());
        wait::until_true(&format!("exactly {wanted:?}"), stand, otherwise);
    }

    /// Looks on for a while.
    fn watch(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.look();
            sleep(Duration::from_millis(100));
        }
    }

    /// Everything that was seen beside the watchdog since the last time, and that comes within a while.
    fn seen(&mut self) -> BTreeSet<(String, String)> {
        self.watch(Duration::from_secs(2));
        let mut seen = std::mem::take(&mut self.seen);
        assert!(seen.remove(&("KeypulseWatchdog".to_owned(), String::new())));
        seen
    }
}

fn pairs<'a>(
    alerts: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
) -> BTreeSet<(String, String)> {
    alerts.into_iter().map(|(name, cause)| ((*name).to_owned(), (*cause).to_owned())).collect()
}

#[test]
fn a_dead_key_an_outage_and_a_dead_daemon_raise_and_end_the_alerts_that_are_theirs_and_no_other() {
    let mut on_call = OnCall::start();
    let rig = Rig::fleet()
        .set("notify.mode", "on_call")
        .set("alertmanager.urls", &json!([on_call.alertmanager.url()]).to_string());
    let mut daemon = rig.healthy_daemon();
    let _prometheus = Prometheus::start(&daemon.address(), &on_call.alertmanager.url());
    on_call.until(&daemon, &[]);
    // Until the first scrape there is no keypulse, for all that Prometheus knows.
    on_call.seen();
    on_call.watch(Duration::from_secs(12));
    assert_eq!(on_call.seen(), pairs(&[]), "nothing is wrong");

    let dead = [("KeypulseNeedsReconnection", "rejected")];
    rig.apply(Change::Revoke { tenant: 3 });
    on_call.until(&daemon, &dead);
    rig.apply(Change::Restore { tenant: 3 });
    on_call.until(&daemon, &[]);
    assert_eq!(on_call.seen(), pairs(&dead));

    let outage = [("KeypulseProviderIncident", "silent")];
    rig.fault(Fault::new(FaultKind::Status(503)));
    on_call.until(&daemon, &outage);
    on_call.watch(Duration::from_secs(3));
    rig.clear_faults();
    on_call.until(&daemon, &[]);
    assert_eq!(on_call.seen(), pairs(&outage), "nobody is blamed");

    let stopped = [("KeypulseStopped", "")];
    daemon.kill();
    on_call.until(&daemon, &stopped);
    assert_eq!(on_call.seen(), pairs(&stopped));
}
