//! `keypulse backup` and `restore` with a real daemon and a real relay: a database is lost and comes
//! back, and nobody is written to twice, asked about what was taken out of use, or let in by what was
//! revoked.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;

use keypulse::vault::MasterKey;
use serde_json::Value;
use tokio::time::Instant;

use crate::daemon::{Daemon, a_while};
use crate::mailing::{contacts, dies, relay, writing};
use crate::pages::{place, plain};
use crate::program::{self, Running};
use crate::rig::{FLEET, Rig};
use crate::server::Server;
use crate::telling::psql;

fn back_up(rig: &Rig, name: &str) -> PathBuf {
    let path = rig.path().join(name);
    rig.run(&["backup", path.to_str().unwrap()]).well();
    path
}

/// Restores as somebody who means it.
fn restore(rig: &Rig, file: &Path, more: &[&str]) -> Value {
    let args = [&["restore", file.to_str().unwrap(), "--yes", "--json"], more].concat();
    rig.run(&args).json()
}

fn refused(rig: &Rig, file: &Path, more: &[&str]) -> String {
    let args = [&["restore", file.to_str().unwrap(), "--yes"], more].concat();
    rig.run(&args).refusal()
}

fn status(rig: &Rig) -> Value {
    rig.run(&["mail", "status", "--json"]).json()
}

/// Waits until everybody was asked since the restoring.
fn all_asked(rig: &Rig, daemon: &Daemon) {
    daemon.until("everybody was asked", |_| status(rig)["restored"]["to_ask"] == 0);
}

/// Whether a link leads to a page on which a key can be given.
fn takes_a_key(rig: &Rig, link: &str) -> bool {
    let followed = plain::ask(link, &[]);
    let page = format!("{}{}", place::home(rig), followed.header("location"));
    plain::ask(&page, &["--cookie", &followed.cookie()]).body.contains("name=\"key\"")
}

/// A fleet lives, is backed up, lives on, is lost and comes back.
fn comes_back(rig: Rig, wreck: impl Fn(&Rig)) -> Value {
    let relay = relay(None);
    let rig = writing(place::with_pages(rig), &relay);
    contacts(&rig);
    let mut daemon = rig.healthy_daemon();
    dies(&rig, &daemon, 3);
    daemon.until("the mail to 3", |_| relay.taken().len() == 1);
    rig.run(&["mail", "hold", "--reason", "a test"]).well();
    dies(&rig, &daemon, 4);
    let token = rig.run(&["token", "new", "--role", "reader", "--name", "r", "--json"]).json();
    let link = place::link(&rig, 3);
    assert!(takes_a_key(&rig, &link));

    // Beside the daemon, while a mail to 4 waits.
    let file = back_up(&rig, "monday.backup");

    rig.run(&["mail", "release"]).well();
    daemon.until("the mail to 4", |_| relay.taken().len() == 2);
    dies(&rig, &daemon, 5);
    daemon.until("the mail to 5", |_| relay.taken().len() == 3);
    rig.run(&["tenant", "disable", "erp-0006", "--compromised", "--yes"]).well();
    daemon.until("the mail to 6", |_| relay.taken().len() == 4);
    rig.run(&["tenant", "erase", "erp-0007", "--yes"]).well();
    rig.run(&["token", "revoke", token["id"].as_str().unwrap()]).well();
    daemon.stop();
    let untouched = [6, 7].map(|number| rig.asked(number));

    wreck(&rig);
    let done = restore(&rig, &file, &["--replace"]);
    let again = ["disabled_again", "erased_again", "tokens_revoked_again"];
    assert_eq!(again.map(|one| done[one].as_i64()), [Some(1); 3], "{done}");
    assert_eq!((&done["mails_unknown"], &done["remarks"]), (&1.into(), &serde_json::json!([])));
    let to_ask = i64::from(FLEET) - 2;
    let said = rig.run(&["mail", "release"]).refusal();
    assert!(said.contains(&format!("{to_ask} tenants are still to be asked")), "{said}");
    assert!(said.contains("monday.backup"), "{said}");

    let daemon = rig.daemon();
    all_asked(&rig, &daemon);
    assert!(daemon.stderr().contains("restored from monday.backup"));
    a_while();
    let held = status(&rig);
    assert!(held["held"]["reason"].as_str().unwrap().contains("monday.backup"), "{held}");
    assert_eq!(relay.taken().len(), 4, "somebody was written to while mail is held");
    // 5 is found dead again, and may have been told.
    place::until_status(&rig, &daemon, 5, "needs_reconnection");
    rig.run(&["mail", "release"]).well();
    a_while();
    assert_eq!(relay.taken().len(), 4, "somebody was written to twice");

    assert_eq!([6, 7].map(|number| rig.asked(number)), untouched, "a withdrawn key was used");
    let statuses = rig.statuses();
    assert_eq!(statuses["erp-0006"].0, "disabled");
    assert!(!statuses.contains_key("erp-0007") && statuses.len() == FLEET as usize - 1);
    assert!(place::links(&rig, 3).iter().all(|(state, _)| state == "revoked"));
    assert!(!takes_a_key(&rig, &link), "a link of then is good");
    let address = format!("http://{}/api/v1/tenants", daemon.address());
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    assert_eq!(plain::ask(&address, &["--header", &bearer]).status, 401);
    rig.run(&["audit", "verify"]).well();

    // And life goes on.
    dies(&rig, &daemon, 9);
    daemon.until("the mail to 9", |_| relay.taken().len() == 5);
    crate::handing_over::replace(&rig, 6, &[]).well();
    assert_eq!(rig.statuses()["erp-0006"].0, "healthy");
    done
}

#[test]
fn a_lost_file_comes_back_and_nobody_is_written_to_twice() {
    let rig = Rig::fleet();
    let database = rig.database();
    let done = comes_back(rig, |rig| {
        std::fs::write(
            rig.database(),
            b"a disk has gone mad, and more than a hundred bytes of it are \
            what it says now, so that nobody takes it for a database",
        )
        .unwrap();
        let file = rig.path().join("monday.backup");
        let said = refused(rig, &file, &[]);
        assert!(said.contains("cannot be read") && said.contains("--replace"), "{said}");
    });
    let aside = done["kept_aside"].as_str().unwrap();
    assert!(aside.starts_with(&format!("{}.before-restore-", database.display())), "{aside}");
}

#[test]
fn a_lost_server_comes_back_and_nobody_is_written_to_twice() {
    let server = Server::start_new();
    let rig = Rig::new(FLEET).set("store.url", &server.url());
    let noted = rig.path().join("withdrawn").display().to_string();
    let rig = rig.set("store.withdrawn_file", &noted);
    rig.run(&["migrate", "up"]).well();
    rig.add(1..=FLEET);
    comes_back(rig, |_| {
        psql(&server.url(), "DROP SCHEMA public CASCADE");
        psql(&server.url(), "CREATE SCHEMA public");
    });
}

#[test]
fn what_a_server_knows_to_be_withdrawn_stays_so_though_it_is_noted_in_no_file() {
    let server = Server::start_new();
    let rig = Rig::new(3).set("store.url", &server.url());
    rig.run(&["migrate", "up"]).well();
    rig.add(1..=3);
    let file = back_up(&rig, "monday.backup");
    rig.run(&["tenant", "disable", "erp-0002", "--compromised", "--yes"]).well();
    rig.run(&["tenant", "erase", "erp-0003", "--yes"]).well();
    let done = restore(&rig, &file, &["--replace"]);
    assert_eq!((&done["disabled_again"], &done["erased_again"]), (&1.into(), &1.into()), "{done}");
    let statuses = rig.statuses();
    assert_eq!(statuses["erp-0002"].0, "disabled");
    assert!(!statuses.contains_key("erp-0003"));
}

#[test]
fn a_fleet_moves_from_a_file_to_a_server_and_back() {
    let rig = Rig::fleet();
    let mut daemon = rig.healthy_daemon();
    rig.run(&["tenant", "disable", "erp-0002", "--compromised", "--yes"]).well();
    daemon.stop();
    let before = rig.statuses();
    let audited = |rig: &Rig| rig.run(&["audit", "verify"]).well().stdout;
    audited(&rig);
    let file = back_up(&rig, "file.backup");
    let server = Server::start_new();
    let url = format!("sqlite://{}", rig.database().display());
    let noted = rig.path().join("withdrawn").display().to_string();
    let rig = rig.set("store.url", &server.url()).set("store.withdrawn_file", &noted);
    let moved = restore(&rig, &file, &[]);
    // The file of the old place was left there, and the database itself knows what was disabled.
    assert!(moved["remarks"][0].as_str().unwrap().contains("there is no file"), "{moved}");
    assert_eq!(rig.statuses(), before);
    audited(&rig);
    let mut daemon = rig.daemon();
    all_asked(&rig, &daemon);
    rig.run(&["mail", "release"]).well();
    let said = refused(&rig, &file, &["--replace"]);
    assert!(said.contains("another keypulse is connected"), "{said}");
    daemon.stop();
    let said = refused(&rig, &file, &[]);
    assert!(said.contains("not empty") && said.contains("--replace"), "{said}");

    let back = back_up(&rig, "server.backup");
    let rig = rig.set("store.url", &url.replace("keypulse.db", "second.db"));
    let returned = restore(&rig, &back, &[]);
    assert_eq!(returned["tenants"], i64::from(FLEET));
    assert_eq!(returned["remarks"], serde_json::json!([]));
    assert_eq!(rig.statuses(), before);
    audited(&rig);
    all_asked(&rig, &rig.daemon());
}

#[test]
fn who_has_a_new_key_in_the_backup_keeps_it_and_who_was_disabled_with_a_later_one_has_none() {
    let rig = Rig::new(3);
    rig.add(1..=3);
    let disable = |reference: &str| {
        rig.run(&["tenant", "disable", reference, "--compromised", "--yes"]).well();
    };
    disable("erp-0001");
    crate::handing_over::replace(&rig, 1, &[]).well();
    let file = back_up(&rig, "monday.backup");
    let first = rig.key(2);
    crate::handing_over::replace(&rig, 2, &[]).well();
    let second = rig.key(2);
    disable("erp-0002");
    rig.run(&["tenant", "confirm-deleted", "erp-0002"]).well();

    let done = restore(&rig, &file, &["--replace"]);
    assert_eq!((&done["disabled_again"], &done["to_ask"]), (&1.into(), &1.into()), "{done}");
    let statuses = rig.statuses();
    assert_eq!(statuses["erp-0001"].0, "healthy");
    assert_eq!(statuses["erp-0002"], ("disabled".to_owned(), Some("compromised".to_owned())));
    let sql = "SELECT COUNT(*) FROM tenant_key WHERE tenant_id = \
               (SELECT id FROM tenant WHERE ref = 'erp-0002')";
    assert_eq!(crate::database::number(&rig, sql), 0, "its sealed key is there");
    for withdrawn in [first, second] {
        let mut replace = rig.command(&["tenant", "replace", "erp-0002"]);
        let ran = program::run(&mut replace, withdrawn.as_bytes());
        assert!(ran.code == Some(3) && ran.stderr.contains("(withdrawn-key)"), "{ran:?}");
    }
    // Its next key is not taken for the second by a later restoring.
    crate::handing_over::replace(&rig, 2, &[]).well();
    assert_eq!(place::generation(&rig, 2), 3);
    let later = back_up(&rig, "tuesday.backup");
    assert_eq!(restore(&rig, &later, &["--replace"])["disabled_again"], 0);
    assert_eq!(rig.statuses()["erp-0002"].0, "healthy");
}

#[test]
fn what_is_no_backup_or_not_a_whole_one_is_refused_and_changes_nothing() {
    let rig = Rig::new(2);
    rig.add(1..=2);
    let file = back_up(&rig, "whole.backup");
    let whole = std::fs::read(&file).unwrap();
    let before = std::fs::read(rig.database()).unwrap();
    let mut turned = whole.clone();
    let middle = turned.len() / 2;
    turned[middle] ^= 1;
    for (name, content, says) in [
        (
            "text",
            b"not a backup, though it is long enough to be one: it goes on and on and on and on \
            and on"
                .to_vec(),
            "it is no backup",
        ),
        ("short", b"short".to_vec(), "too short"),
        ("cut", whole[..whole.len() - 4_096].to_vec(), "cut off"),
        ("turned", turned, "does not fit its checksum"),
        ("database", before.clone(), "a database of keypulse and no backup"),
    ] {
        let path = rig.file(name, content);
        let said = refused(&rig, &path, &["--replace"]);
        assert!(said.contains(says), "{name}: {said}");
    }
    let said = refused(&rig, &rig.path().join("nowhere"), &["--replace"]);
    assert!(said.contains("nowhere cannot be read"), "{said}");
    let said = refused(&rig, &rig.data(), &["--replace"]);
    assert!(said.contains("no regular file"), "{said}");
    let said = refused(&rig, &file, &[]);
    assert!(said.contains("not empty"), "{said}");
    let asked = rig.run(&["restore", file.to_str().unwrap(), "--replace"]).refusal();
    assert!(asked.contains("--yes"), "{asked}");

    let other = rig.path().join("other.key");
    MasterKey::generate().unwrap().write_new_file(&other).unwrap();
    let rig = rig.set("keyring.master_key_file", other.to_str().unwrap());
    let said = refused(&rig, &file, &["--replace"]);
    assert!(said.contains("nothing was changed") && said.contains("master key"), "{said}");
    assert_eq!(std::fs::read(rig.database()).unwrap(), before);
    let left = names(&rig.data());
    let expected = ["keypulse.db", "keypulse.db.lock"];
    assert_eq!(left, expected, "something was left behind");
}

#[test]
fn a_backup_takes_no_files_place_and_leaves_nothing_behind_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::new(1);
    rig.add(1..=1);
    let file = back_up(&rig, "one.backup");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let made = std::fs::read(&file).unwrap();
    let said = rig.run(&["backup", file.to_str().unwrap()]).refusal();
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), made);
    let key = rig.key(1);
    assert!(!made.windows(key.len()).any(|part| part == key.as_bytes()), "a key in clear");
    let said = rig.run(&["backup", "no/such/folder/b"]).refusal();
    assert!(said.contains("nothing can be written in no/such/folder"), "{said}");
    assert!(names(rig.path()).iter().all(|name| !name.contains("partial")));
    // It needs no master key.
    let rig = rig.set("keyring.master_key_file", "/nowhere");
    let second = rig.path().join("two.backup");
    let made = rig.run(&["backup", second.to_str().unwrap(), "--json"]).json();
    assert_eq!((&made["tenants"], &made["kind"]), (&1.into(), &"sqlite".into()));
    let bytes = std::fs::metadata(&second).unwrap().len();
    assert_eq!(made["bytes"], bytes);
    let used = rig.set("store.url", &format!("sqlite://{}", second.display()));
    let said = used.run(&["tenant", "list"]).refusal();
    assert!(said.contains("is not a keypulse database"), "{said}");
}

#[test]
fn nothing_is_restored_beside_a_daemon_that_runs() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let file = back_up(&rig, "one.backup");
    let daemon = rig.daemon();
    daemon.until("the daemon serves", |daemon| daemon.stderr().contains("watches"));
    let said = refused(&rig, &file, &["--replace"]);
    assert!(said.contains("another keypulse is running"), "{said}");
}

#[test]
fn whoever_is_killed_while_restoring_leaves_the_database_as_it_was_or_as_it_shall_be() {
    let rig = Rig::fleet();
    let file = back_up(&rig, "fleet.backup");
    rig.run(&["tenant", "erase", "erp-0001", "--yes"]).well();
    let restored = || status(&rig)["restored"].is_object();
    let args = ["restore", file.to_str().unwrap(), "--yes", "--replace"];
    let begun = Instant::now();
    restore(&rig, &file, &["--replace"]);
    let took = begun.elapsed();
    rig.run(&["mail", "release", "--unasked"]).well();
    let (mut before, mut after) = (0, 0);
    // From the very beginning to where it is over.
    for turn in 0..30 {
        let mut command = rig.command(&args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut restoring = Running::start(&mut command);
        sleep(took * turn / 24);
        program::signal("KILL", restoring.id());
        restoring.ended();
        // The erased one is erased in the restored database as well.
        assert_eq!(rig.statuses().len(), FLEET as usize - 1);
        rig.run(&["audit", "verify"]).well();
        if restored() {
            after += 1;
            rig.run(&["mail", "release", "--unasked"]).well();
        } else {
            before += 1;
        }
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    restore(&rig, &file, &["--replace"]);
    assert!(restored());
    let left = names(&rig.data());
    assert!(left.iter().all(|name| !name.contains("keypulse-restore")), "{left:?}");
}

#[test]
fn a_backup_of_a_newer_schema_is_refused_with_the_version_that_made_it() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    for sql in [
        "INSERT INTO schema_migration (version, applied_at) VALUES ('m99999999_future', 1)",
        "INSERT INTO schema_step (name, brought_by, works_with) \
         VALUES ('m99999999_future', '9.3.0', '0.1.0')",
    ] {
        crate::database::execute(&rig, sql);
    }
    let file = back_up(&rig, "newer.backup");
    let said = refused(&rig, &file, &["--replace"]);
    assert!(said.contains("m99999999_future") && said.contains("does not know"), "{said}");
}

/// What is in a folder, but for what SQLite keeps beside its file.
fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> =
        names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    names.sort();
    names
}
