//! Gives the service manager signs of life, but only while the watch loop really turns. It runs
//! beside the loop and shares nothing with it but the [`Pulse`].

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use crate::telemetry::Supervisor;

use super::pulse::{LONGEST_TURN, Pulse};

/// Gives signs for as long as it is awaited; rests where none are wanted.
pub async fn run(supervisor: Supervisor, pulse: Arc<Pulse>) {
    let Some(period) = supervisor.beat() else { return pending().await };
    let mut beat = interval(period.max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = false;
    loop {
        beat.tick().await;
        if pulse.turned_within(LONGEST_TURN) {
            told = false;
            supervisor.alive();
        } else if !std::mem::replace(&mut told, true) {
            error!(
                "the watch loop has not turned for 2 minutes: the service manager gets no more \
                 signs of life, and will start keypulse again if it is told to"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// Signs of life that lie in the socket.
    fn signs(manager: &UnixDatagram) -> usize {
        let mut buffer = [0; 64];
        let heard = std::iter::from_fn(|| manager.recv(&mut buffer).ok());
        heard.filter(|length| *length == "WATCHDOG=1".len()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_stops_the_signs_of_life_and_one_that_goes_on_brings_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let find = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into_os_string()),
            "WATCHDOG_USEC" => Some(OsString::from("120000000")),
            _ => None,
        };
        let supervisor = Supervisor::from_environment(find, 1).unwrap();
        let pulse = Arc::new(Pulse::default());
        let watchdog = tokio::spawn(run(supervisor, Arc::clone(&pulse)));
        tokio::time::sleep(Duration::from_secs(90)).await;
        assert_eq!(signs(&manager), 2, "at once, and after a minute");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(signs(&manager), 1, "two minutes are not too long");
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(signs(&manager), 0, "nothing turns");
        pulse.turn();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(signs(&manager), 1);
        watchdog.abort();
    }
}
