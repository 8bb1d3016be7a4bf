//! Everything that can go wrong with a provider, held for several intervals: nobody's key is
//! blamed, the memory stays bounded, and afterwards all goes on.

use std::io::ErrorKind;
use std::net::TcpListener;

use keypulse::sandbox::{Fault, FaultKind, RetryAfter};

use crate::daemon::{Daemon, a_while};
use crate::database;
use crate::rig::{FLEET, Rig};

/// How often every tenant is asked while a fault holds.
const ROUNDS: u64 = 3;
/// The program in its debug form, its TLS and two pools of database connections.
const MOST_KIB: u64 = 128 * 1024;

#[test]
fn no_status_that_says_nothing_of_a_key_is_held_against_one() {
    at_once([
        (FaultKind::Status(500), "server_error"),
        (FaultKind::Status(503), "server_error"),
        (FaultKind::Status(403), "forbidden"),
        (FaultKind::Status(400), "our_request"),
        (FaultKind::Status(404), "unknown_resource"),
        (FaultKind::Status(418), "unexpected_status"),
    ]);
}

#[test]
fn a_200_in_another_shape_than_documented_is_nonsense_and_fills_no_memory() {
    let kinds = [FaultKind::Html, FaultKind::Empty, FaultKind::Endless, FaultKind::Compressed];
    at_once(kinds.map(|kind| (kind, "nonsense")));
}

#[test]
fn an_answer_that_does_not_come_is_held_against_nobody() {
    at_once([
        (FaultKind::Hang, "timed_out"),
        (FaultKind::Slow, "timed_out"),
        (FaultKind::Reset, "disconnected_path"),
    ]);
}

#[test]
fn a_provider_that_asks_for_fewer_calls_blames_nobody() {
    std::thread::scope(|scope| {
        for retry_after in [RetryAfter::None, RetryAfter::Nonsense, RetryAfter::Seconds(1)] {
            scope.spawn(move || {
                let rig = Rig::fleet();
                let daemon = rig.healthy_daemon();
                rig.fault(Fault::new(FaultKind::RateLimited { retry_after }));
                // All are slowed, so not everybody meets it.
                daemon.until("it has asked several times", |daemon| {
                    daemon.checks("rate_limited") > ROUNDS
                });
                rig.clear_faults();
                accepts_again(&rig, &daemon);
                nobody_was_blamed(&rig, &daemon);
            });
        }
    });
}

#[test]
fn a_provider_that_names_a_time_is_left_alone_by_all_until_then() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    // A minute from now, said once and to one of them.
    let kind = FaultKind::RateLimited { retry_after: RetryAfter::Date };
    rig.fault(Fault::new(kind).tenants(vec![1]));
    daemon.until("one is asked to wait", |daemon| daemon.checks("rate_limited") > 0);
    // Whoever was on the way arrives.
    a_while();
    let asked = rig.world().counts().total;
    a_while();
    assert_eq!(rig.world().counts().total, asked);
    nobody_was_blamed(&rig, &daemon);
}

#[test]
fn a_provider_that_is_not_there_is_waited_for() {
    let mut rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    rig.provider_goes();
    daemon.until("nobody is there for several intervals", |daemon| {
        daemon.checks("disconnected_path") >= ROUNDS * u64::from(FLEET)
    });
    rig.provider_returns();
    accepts_again(&rig, &daemon);
    nobody_was_blamed(&rig, &daemon);
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let rig = Rig::fleet();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let to = format!("http://{}", elsewhere.local_addr().unwrap());
    let daemon = rig.healthy_daemon();
    endures(&rig, &daemon, FaultKind::Redirect { to }, "redirected");
    let connection = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(connection.unwrap_err().kind(), ErrorKind::WouldBlock);
    nobody_was_blamed(&rig, &daemon);
}

/// Each fault in an installation of its own.
fn at_once<const N: usize>(cases: [(FaultKind, &str); N]) {
    std::thread::scope(|scope| {
        for (kind, evidence) in cases {
            scope.spawn(move || {
                let rig = Rig::new(FLEET).set("provider.timeout", "700ms");
                rig.add(1..=FLEET);
                let daemon = rig.healthy_daemon();
                endures(&rig, &daemon, kind, evidence);
                nobody_was_blamed(&rig, &daemon);
            });
        }
    });
}

/// Holds a fault until everybody has met it several times, then ends it.
fn endures(rig: &Rig, daemon: &Daemon, kind: FaultKind, evidence: &str) {
    let what = format!("{kind:?} for several intervals");
    let before = daemon.checks(evidence);
    rig.world().reset_counts();
    rig.fault(Fault::new(kind));
    daemon.until(&what, |daemon| {
        let met = (1..=FLEET).all(|number| rig.asked(number) > ROUNDS);
        met && daemon.checks(evidence) >= before + ROUNDS * u64::from(FLEET)
    });
    rig.clear_faults();
    accepts_again(rig, daemon);
}

fn accepts_again(rig: &Rig, daemon: &Daemon) {
    rig.world().reset_counts();
    let before = daemon.checks("accepted");
    daemon.until("everybody is accepted again", |daemon| {
        let asked = (1..=FLEET).all(|number| rig.asked(number) > 0);
        asked && daemon.checks("accepted") >= before + u64::from(FLEET)
    });
}

fn nobody_was_blamed(rig: &Rig, daemon: &Daemon) {
    let changes = daemon.changes();
    let blamed: Vec<_> = changes.iter().filter(|one| one.to != "healthy").collect();
    assert!(blamed.is_empty(), "{blamed:?}");
    let statuses = rig.statuses();
    assert!(statuses.values().all(|(status, _)| status == "healthy"), "{statuses:?}");
    assert_eq!(database::messages(rig), []);
    let peak = daemon.peak_kib();
    assert!(peak < MOST_KIB, "{peak} KiB");
}
