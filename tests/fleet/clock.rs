//! The machine's clock is set back under a running daemon: checks go on, and it is said once.

use std::fs;
use std::path::PathBuf;

use crate::daemon::Daemon;
use crate::database::Kind;
use crate::rig::Rig;

const FLEET: u32 = 25;
const BACK: &str = "the machine's clock was set back";

#[test]
fn a_clock_that_is_set_back_by_an_hour_stops_no_check_and_is_said_once() {
    let rig = Rig::new(Kind::File, FLEET, 1, 60_000);
    rig.add(1..=FLEET);
    let offset = rig.folder().join("offset");
    // Replaced as a whole: the library looks at it at any moment.
    let set = |text: &str| {
        let new = rig.folder().join("offset.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &offset).unwrap();
    };
    set("+0");
    let mut command = rig.command(&["run"]);
    command
        .env("LD_PRELOAD", libfaketime())
        .env("FAKETIME_TIMESTAMP_FILE", &offset)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let daemon = Daemon::start(command, &rig.logs());
    all_are_asked_again(&rig, &daemon);
    assert_eq!(daemon.said("WARN", BACK), Vec::<String>::new());
    set("-1h");
    daemon.until("it says so", |daemon| !daemon.said("WARN", BACK).is_empty());
    for _ in 0..3 {
        all_are_asked_again(&rig, &daemon);
    }
    daemon.until("it is counted", |daemon| {
        (3_500.0..3_700.0).contains(&daemon.metric("keypulse_clock_ahead_seconds"))
    });
    assert_eq!(daemon.said("WARN", BACK).len(), 1, "{:?}", daemon.said("WARN", BACK));
    assert_eq!(daemon.entered(), vec!["healthy"; FLEET as usize]);
    daemon.stop();
}

fn all_are_asked_again(rig: &Rig, daemon: &Daemon) {
    let before = rig.asked(1..=FLEET);
    daemon.until("everybody is asked again", |_| {
        rig.asked(1..=FLEET).iter().zip(&before).all(|(now, before)| now > before)
    });
}

/// The library that tells a program another time than the machine's. Debian puts it into a folder
/// named after the machine's kind.
fn libfaketime() -> PathBuf {
    let kinds = fs::read_dir("/usr/lib").unwrap().map(|kind| kind.unwrap().path());
    let folders = ["/usr/lib", "/usr/lib64"].map(PathBuf::from).into_iter().chain(kinds);
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.exists()).unwrap_or_else(|| {
        panic!("libfaketime is not installed: run scripts/test, or apt-get install libfaketime")
    })
}
