//! The disk under an SQLite file fills up: it is said in plain words, nobody is blamed, and all
//! goes on by itself once there is room. So does the disk for a backup, of which nothing is left.

use crate::database::Kind;
use crate::disk::Disk;
use crate::rig::Rig;

const FLEET: u32 = 30;
const FULL: &str = "the disk that holds the database is full";

#[test]
fn a_daemon_on_a_full_disk_says_so_asks_nobody_blames_nobody_and_goes_on_once_there_is_room() {
    let folder = tempfile::Builder::new().prefix("keypulse-disk-").tempdir().unwrap();
    for name in ["data", "logs"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let Some(disk) = Disk::mount(&folder.path().join("data"), 8) else {
        return Disk::run_where_one_may_mount(
            "full_disk::a_daemon_on_a_full_disk_says_so_asks_nobody_blames_nobody_and_goes_on_\
             once_there_is_room",
        );
    };
    let rig = Rig::within(folder, Kind::File, FLEET, 1, 60_000);
    rig.add(1..=FLEET);
    let daemon = rig.daemon();
    let accepted = |daemon: &crate::daemon::Daemon| daemon.entered().len() == FLEET as usize;
    daemon.until("every key is accepted", accepted);

    disk.fill();
    daemon.until("it says that the disk is full", |daemon| !daemon.said("WARN", FULL).is_empty());
    daemon.until("it is counted", |daemon| {
        daemon.metric("keypulse_store_errors_total{kind=\"passing\"}") > 0.0
    });
    // Whoever cannot charge the budget asks nobody.
    daemon.until("the last calls have ended", |daemon| {
        let (asked, said) = (rig.world().counts().total, daemon.said("WARN", FULL).len());
        // Seconds in which it says so again, several times.
        daemon.until("it says so again", |daemon| daemon.said("WARN", FULL).len() > said + 3);
        rig.world().counts().total == asked
    });
    let saved = daemon.metric("keypulse_decisions_saved_total");
    let before = rig.asked(1..=FLEET);

    disk.empty();
    daemon.until("everybody is asked again, several times, and saved", |daemon| {
        let again = rig.asked(1..=FLEET).iter().zip(&before).all(|(now, before)| *now > before + 2);
        again && daemon.metric("keypulse_decisions_saved_total") >= saved + f64::from(2 * FLEET)
    });
    assert_eq!(daemon.entered(), vec!["healthy"; FLEET as usize], "somebody's status changed");
    assert!(daemon.metric("keypulse_store_errors_total{kind=\"lasting\"}") < 1.0);
    daemon.stop();
    assert_eq!(rig.database.count("lease IS NOT NULL OR status <> 'healthy'"), 0);
    let check = "SELECT integrity_check, 0 FROM pragma_integrity_check";
    assert_eq!(rig.database.rows::<(String, i32)>(check)[0].0, "ok");
    drop(disk);
}

#[test]
fn a_backup_for_which_there_is_no_room_says_so_and_leaves_nothing_behind() {
    let folder = tempfile::Builder::new().prefix("keypulse-disk-").tempdir().unwrap();
    for name in ["data", "logs", "backups"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let backups = folder.path().join("backups");
    let Some(disk) = Disk::mount(&backups, 16) else {
        return Disk::run_where_one_may_mount(
            "full_disk::a_backup_for_which_there_is_no_room_says_so_and_leaves_nothing_behind",
        );
    };
    for kind in [Kind::File, Kind::Server] {
        let own = tempfile::Builder::new().prefix("keypulse-disk-").tempdir().unwrap();
        for name in ["data", "logs"] {
            std::fs::create_dir(own.path().join(name)).unwrap();
        }
        let rig = Rig::within(own, kind, FLEET, 1, 60_000);
        rig.add(1..=FLEET);
        let file = backups.join("one.backup");
        disk.fill();
        let made = rig.run(&["backup", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert_eq!(made.status.code(), Some(1), "{said}");
        assert!(
            said.contains("there is no room in") && said.contains("nothing was left"),
            "{said}"
        );
        disk.empty();
        assert_eq!(std::fs::read_dir(&backups).unwrap().count(), 0);
        let made = rig.run(&["backup", file.to_str().unwrap()]);
        assert!(made.status.success(), "{made:?}");
        std::fs::remove_file(&file).unwrap();
    }
}
