//! Faults of the provider, met by a real daemon on a whole fleet: nobody is blamed for them, they are
//! told once, and a key that really dies meanwhile is found after them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::Duration;

use keypulse::sandbox::{Change, Fault, FaultKind};

use crate::daemon::Daemon;
use crate::database::Kind;
use crate::rig::Rig;

/// Minutes become half seconds, so that a confirmation takes five and a half: then a span of it is long
/// enough for everybody to be asked, however busy the machine is.
const TIMES: [(&str, &str); 5] = [
    ("policy.confirm_after", r#"["500ms","2s","5500ms"]"#),
    ("policy.span", "5s"),
    ("policy.alone_span", "30s"),
    ("policy.dead_interval", "60s"),
    ("policy.flap_window", "0s"),
];
const INTERVAL: u32 = 7;

/// A fleet that is well, and the daemon that watches it.
fn well(kind: Kind, tenants: u32, settings: &[(&str, &str)]) -> (Rig, Daemon) {
    let mut rig = Rig::new(kind, tenants, INTERVAL, 60_000).one_call_a_check();
    for (key, value) in TIMES.iter().chain(settings) {
        rig = rig.set(key, value);
    }
    let mails = rig.folder().join("mails");
    std::fs::create_dir(&mails).unwrap();
    rig = rig
        .set("notify.mode", "live")
        .set("mail.dir", mails.to_str().unwrap())
        .set("mail.from", "keys@acme.example")
        .set("mail.most_per_hour", "1000000");
    rig.add(1..=tenants);
    rig.database.execute(
        "INSERT INTO contact (tenant_id, ordinal, address, role) \
         SELECT id, 1, ref || '@customer.example', 'finance' FROM tenant",
    );
    let daemon = rig.daemon();
    is_healthy(&rig, &daemon, tenants);
    (rig, daemon)
}

fn is_healthy(rig: &Rig, daemon: &Daemon, tenants: u32) {
    daemon.until("everybody is healthy", |_| {
        rig.database.count("status = 'healthy' AND doubt_kind IS NULL AND silent_since IS NULL")
            == i64::from(tenants)
    });
}

fn fault(rig: &Rig, fault: Fault) {
    rig.world().apply(Change::Fault(fault)).unwrap();
}

fn state(rig: &Rig, class: &str) -> String {
    let sql = format!("SELECT state, 0 FROM weather WHERE class = '{class}'");
    rig.database.rows::<(String, i32)>(&sql)[0].0.clone()
}

/// How many incidents began, and how many are over.
fn incidents(rig: &Rig) -> (i64, i64) {
    let of = |state: &str| {
        let sql = format!(
            "SELECT COUNT(*), 0 FROM message WHERE stage = 'incident' \
             AND dedup_key LIKE '%/{state}'"
        );
        rig.database.rows::<(i64, i32)>(&sql)[0].0
    };
    (of("opened"), of("closed"))
}

/// The tenants whose customers were written to, one for each mail that was sent.
fn mailed(rig: &Rig) -> Vec<String> {
    let files = std::fs::read_dir(rig.folder().join("mails")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mails = files.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    let mut whom: Vec<String> = mails
        .map(|path| {
            let mail = std::fs::read_to_string(path).unwrap();
            let to = mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap();
            to.trim_matches(['<', '>']).split('@').next().unwrap().to_owned()
        })
        .collect();
    whom.sort();
    whom
}

/// Who was ever told to be dead: a first message to the customer.
fn condemned(rig: &Rig) -> BTreeSet<String> {
    let sql = "SELECT t.ref, 0 FROM message m JOIN tenant t ON t.id = m.tenant_id \
               WHERE m.audience = 'customer' AND m.stage = 'first'";
    rig.database.rows::<(String, i32)>(sql).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn five_keys_that_die_in_a_401_for_everybody_are_all_that_is_found_though_the_daemon_is_killed() {
    for kind in [Kind::File, Kind::Server] {
        five_of_a_thousand(kind);
    }
}

fn five_of_a_thousand(kind: Kind) {
    let (rig, daemon) = well(kind, 1_000, &[]);
    fault(&rig, Fault::new(FaultKind::Status(401)));
    daemon.until("it is an incident", |_| state(&rig, "refused") == "incident");
    let dead = [13, 200, 457, 700, 998];
    for tenant in dead {
        rig.world().apply(Change::Revoke { tenant }).unwrap();
    }
    sleep(Duration::from_secs(2));
    daemon.kill();
    // What the row says holds before anything is judged anew.
    let daemon = rig.daemon();
    let before = rig.world().counts().total;
    daemon.until("it asks again", |_| rig.world().counts().total > before);
    // Several confirmations long.
    sleep(Duration::from_secs(8));
    assert_eq!(state(&rig, "refused"), "incident");
    assert_eq!(condemned(&rig), BTreeSet::new());
    rig.world().apply(Change::ClearFaults {}).unwrap();
    daemon.until("it is over", |_| !matches!(state(&rig, "refused").as_str(), "incident"));
    let expected: BTreeSet<String> =
        dead.iter().map(|n| rig.world().tenant(*n).unwrap().reference.to_string()).collect();
    daemon.until("those five are found", |_| condemned(&rig).len() >= dead.len());
    daemon.until("all others are healthy", |_| {
        rig.database.count("status = 'healthy' AND doubt_kind IS NULL") == 995
    });
    assert_eq!(condemned(&rig), expected, "{kind:?}");
    assert_eq!(rig.database.count("status = 'needs_reconnection'"), 5, "{kind:?}");
    assert_eq!(incidents(&rig), (1, 1), "{kind:?}");
    daemon.until("five mails", |_| mailed(&rig).len() >= dead.len());
    sleep(Duration::from_secs(2));
    assert_eq!(mailed(&rig), expected.into_iter().collect::<Vec<_>>(), "{kind:?}");
    daemon.stop();
}

#[test]
fn a_fault_that_ends_before_it_is_suspected_is_told_nobody() {
    let (rig, daemon) = well(Kind::File, 200, &[]);
    // A fortieth of them is met, as by half a minute of a quarter of an hour.
    let few: Vec<u32> = (1..=5).collect();
    for kind in [FaultKind::Status(401), FaultKind::Status(500)] {
        fault(&rig, Fault::new(kind).tenants(few.clone()).for_ms(3_500));
        sleep(Duration::from_millis(3_500));
        is_healthy(&rig, &daemon, 200);
    }
    assert_eq!(condemned(&rig), BTreeSet::new());
    assert_eq!(incidents(&rig), (0, 0));
    daemon.stop();
}

#[test]
fn silence_and_refusal_for_everybody_are_one_incident_each_and_blamed_on_nobody() {
    let (rig, daemon) = well(Kind::File, 200, &[("provider.timeout", "300ms")]);
    for (class, kind) in [
        ("silent", FaultKind::Status(500)),
        ("silent", FaultKind::Hang),
        ("refused", FaultKind::Status(401)),
    ] {
        let (opened, _) = incidents(&rig);
        fault(&rig, Fault::new(kind.clone()));
        daemon.until("it is an incident", |_| state(&rig, class) == "incident");
        sleep(Duration::from_secs(3));
        rig.world().apply(Change::ClearFaults {}).unwrap();
        daemon.until("it is over", |_| incidents(&rig) == (opened + 1, opened + 1));
        is_healthy(&rig, &daemon, 200);
        assert_eq!(incidents(&rig), (opened + 1, opened + 1), "{kind:?}");
    }
    assert_eq!(condemned(&rig), BTreeSet::new());
    assert_eq!(mailed(&rig), Vec::<String>::new());
    let degraded = "SELECT COUNT(*), 0 FROM message WHERE audience <> 'integration'";
    assert_eq!(rig.database.rows::<(i64, i32)>(degraded)[0].0, 0);
    daemon.stop();
}

#[test]
fn a_401_for_a_part_of_the_fleet_condemns_none_of_them() {
    for share in [20, 30] {
        let (rig, daemon) = well(Kind::File, 200, &[]);
        // Every fifth, or three of ten: spread, because neighbours are asked together.
        let met = (1..=200).filter(|n| (n * 37) % 100 < share).collect();
        fault(&rig, Fault::new(FaultKind::Status(401)).tenants(met));
        // Three confirmations long.
        sleep(Duration::from_secs(17));
        assert_eq!(condemned(&rig), BTreeSet::new(), "{share} %");
        rig.world().apply(Change::ClearFaults {}).unwrap();
        is_healthy(&rig, &daemon, 200);
        assert_eq!(condemned(&rig), BTreeSet::new(), "{share} %");
        let (opened, closed) = incidents(&rig);
        assert!(opened <= 1 && opened == closed, "{share} %: {opened} and {closed}");
        daemon.stop();
    }
}

/// A fleet of six, and the seventh key as a canary.
fn with_a_canary() -> (Rig, Daemon) {
    let mut rig = Rig::new(Kind::File, 7, INTERVAL, 60_000).one_call_a_check();
    for (key, value) in TIMES {
        rig = rig.set(key, value);
    }
    let canary = rig.world().tenant(7).unwrap();
    let company = canary.company_id.clone();
    let file = rig.folder().join("canary");
    std::fs::write(&file, canary.into_key().expose()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let rig = rig.set("canary.key_file", file.to_str().unwrap()).set("canary.company_id", &company);
    rig.add(1..=6);
    let daemon = rig.daemon();
    is_healthy(&rig, &daemon, 6);
    (rig, daemon)
}

#[test]
fn a_fleet_of_six_with_a_canary_finds_a_dead_key_soon_and_knows_a_fault_of_the_provider() {
    let (rig, daemon) = with_a_canary();
    daemon.until("the canary lets it be judged", |_| {
        rig.world().tenant_counts(7).unwrap().introspect > 0
    });
    fault(&rig, Fault::new(FaultKind::Status(401)));
    daemon.until("it is an incident", |_| state(&rig, "refused") == "incident");
    // Longer than both bounds' times for a fleet that can be judged.
    sleep(Duration::from_secs(8));
    assert_eq!(condemned(&rig), BTreeSet::new());
    rig.world().apply(Change::ClearFaults {}).unwrap();
    is_healthy(&rig, &daemon, 6);
    daemon.until("it is over", |_| incidents(&rig) == (1, 1));
    rig.world().apply(Change::Revoke { tenant: 3 }).unwrap();
    daemon.until("the dead key is found", |_| condemned(&rig).len() == 1);
    let alone = "SELECT reason, 0 FROM (SELECT body AS reason FROM message \
                 WHERE audience = 'customer') AS v";
    let told = rig.database.rows::<(String, i32)>(alone);
    assert!(!told[0].0.contains("too few"), "{told:?}");
    daemon.stop();
}

#[test]
fn a_canary_that_is_refused_alone_is_no_weather() {
    let (rig, daemon) = with_a_canary();
    rig.world().apply(Change::Revoke { tenant: 7 }).unwrap();
    daemon.until("the canary is refused", |_| {
        let sql = "SELECT finding, 0 FROM canary WHERE finding = 'refused'";
        !rig.database.rows::<(String, i32)>(sql).is_empty()
    });
    sleep(Duration::from_secs(3));
    assert_eq!(state(&rig, "refused"), "unknown");
    assert_eq!(incidents(&rig), (0, 0));
    daemon.stop();
}

#[test]
fn a_fleet_of_six_without_a_canary_waits_for_the_longer_bound() {
    let (rig, daemon) = well(Kind::File, 6, &[]);
    rig.world().apply(Change::Revoke { tenant: 3 }).unwrap();
    daemon.until("it is degraded", |_| rig.database.count("status = 'degraded'") == 1);
    sleep(Duration::from_secs(10));
    assert_eq!(condemned(&rig), BTreeSet::new());
    assert_eq!(state(&rig, "refused"), "unknown");
    daemon.stop();
}

#[test]
fn keys_that_die_one_by_one_are_all_found() {
    let (rig, daemon) = well(Kind::File, 200, &[]);
    // Fewer than a tenth at any time.
    for tenant in (1..=200).step_by(10) {
        rig.world().apply(Change::Revoke { tenant }).unwrap();
        sleep(Duration::from_millis(1_200));
    }
    daemon.until("all of them are found", |_| condemned(&rig).len() == 20);
    assert_eq!(rig.database.count("status = 'needs_reconnection'"), 20);
    assert_eq!(incidents(&rig), (0, 0));
    daemon.stop();
}

#[test]
fn a_thousand_customers_whose_keys_die_one_after_the_other_get_one_mail_each() {
    const TENANTS: u32 = 2_500;
    // Far fewer at a time than a fault of the provider would meet, also on a machine so busy that only a
    // part of the fleet is asked within the time that is looked at.
    const AT_ONCE: usize = 100;
    let (rig, daemon) = well(Kind::File, TENANTS, &[]);
    let all: Vec<u32> = (1..=1_000).collect();
    for some in all.chunks(AT_ONCE) {
        for tenant in some {
            rig.world().apply(Change::Revoke { tenant: *tenant }).unwrap();
        }
        let told = usize::try_from(some[some.len() - 1]).unwrap();
        daemon.until("they are told", |_| mailed(&rig).len() >= told);
    }
    let whom = mailed(&rig);
    let distinct: BTreeSet<&String> = whom.iter().collect();
    assert_eq!((whom.len(), distinct.len()), (1_000, 1_000));
    assert_eq!(incidents(&rig), (0, 0));
    daemon.stop();
}
