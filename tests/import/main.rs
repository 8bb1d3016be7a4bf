//! `keypulse tenant import` as it is run: good files, hostile files, and how much memory they take.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const HEADER: &str = "ref,company_id,key\n";
/// No import may take more memory than this, in KiB, however long a line is.
const MOST_MEMORY: u64 = 200 * 1024;

/// A folder with a master key and a database of its own.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let made = home.command(&["keyring", "new", "--out", "master.key"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        home
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keypulse"));
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("KEYPULSE__STORE__URL", "sqlite://keypulse.db")
            .env("KEYPULSE__KEYRING__MASTER_KEY_FILE", "master.key")
            .env("LENT_KEY", "pls_lent0a1b2c3d4e")
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Imports a file and gives back what was printed, and whether it ended well.
    fn import(&self, bytes: impl AsRef<[u8]>, more: &[&str]) -> (Value, bool) {
        self.file("tenants", bytes);
        let output = self.run(&[&["tenant", "import", "tenants", "--json"], more].concat());
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (json, output.status.success())
    }

    /// Imports a file that is refused as a whole, and gives back why.
    fn refused(&self, bytes: impl AsRef<[u8]>) -> String {
        self.file("tenants", bytes);
        let output = self.run(&["tenant", "import", "tenants"]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn listed(&self, more: &[&str]) -> Vec<Value> {
        let output = self.run(&[&["tenant", "list", "--json"], more].concat());
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn counts(report: &Value) -> [u64; 4] {
    ["added", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

fn reasons(report: &Value) -> Vec<(u64, String)> {
    let one =
        |one: &Value| (one["line"].as_u64().unwrap(), one["reason"].as_str().unwrap().to_owned());
    report["refusals"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn ten_thousand_lines_are_taken_in_spread_over_the_interval_and_the_second_time_change_nothing() {
    let home = Home::new();
    let mut file = String::from("key,company_id,ref,contact,labels\n");
    for n in 0..10_000 {
        writeln!(file, "pls_key{n:06}abcdef,c-{n},erp-{n:05},a{n}@firm.example,tier=gold").unwrap();
    }
    let (report, well) = home.import(&file, &[]);
    assert_eq!((counts(&report), well), ([10_000, 0, 0, 0], true), "{report}");
    let (report, well) = home.import(&file, &[]);
    assert_eq!((counts(&report), well), ([0, 0, 10_000, 0], true), "{report}");
    let listed = home.listed(&["--status", "pending", "--label", "tier=gold"]);
    assert_eq!(listed.len(), 10_000);
    let mut minutes: Vec<&str> =
        listed.iter().map(|one| &one["next_check_at"].as_str().unwrap()[..16]).collect();
    minutes.sort_unstable();
    minutes.dedup();
    assert!(minutes.len() >= 15, "they are due in {} minutes", minutes.len());
}

#[test]
fn every_bad_line_is_named_with_its_reason_and_every_good_one_is_taken() {
    let home = Home::new();
    let mut file = b"\xef\xbb\xbfref,company_id,key,name\n".to_vec();
    file.extend(b"erp-1,c-1,pls_one0a1b2c3d,\"One, A/S\"\r\n");
    file.extend(b"erp-2,c-2,pls_two0a1b2c3d,\xe6ble\n");
    file.extend(b"erp-3,c-3,pls_three0a1b2c,a\0b\n");
    file.extend(b"erp-4,c-4,pls_four0a1b2c3,\"open\n");
    file.extend(b"\n");
    file.extend(b"erp-1,c-1,pls_one0a1b2c3d,again\n");
    file.extend(b"erp-8,c-8,pls_one0a1b2c3d,thief\n");
    file.extend([b"erp-9,c-9,pls_nine0a1b2c3,".as_slice(), &vec![b'x'; 70_000], b"\n"].concat());
    file.extend(b"pls_wrong0column,c-10,pls_ten0a1b2c3d,Ten\n");
    file.extend(b"erp-11,c-11,pls_last0a1b2c3,Last");
    let (report, well) = home.import(&file, &["--report", "report.jsonl"]);
    assert_eq!((counts(&report), well), ([2, 0, 0, 7], false), "{report}");
    let reasons = reasons(&report);
    let expected = [
        (3, "UTF-8"),
        (4, "NUL"),
        (5, "quote"),
        (7, "`ref` stands in line 2"),
        (8, "key stands in line 2"),
        (9, "64 KiB"),
        (10, "looks like a key"),
    ];
    for ((line, reason), (number, part)) in reasons.iter().zip(expected) {
        assert!(*line == number && reason.contains(part), "{line}: {reason}");
    }
    let written = fs::read_to_string(home.0.path().join("report.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 7);
    assert!(!format!("{report}{written}").contains("pls_"), "{report}{written}");
    let refs: Vec<Value> = home.listed(&[]).iter().map(|one| one["ref"].clone()).collect();
    assert_eq!(refs, ["erp-1", "erp-11"]);
}

#[test]
fn json_lines_may_name_where_a_key_lies_and_a_name_may_be_brought_up_to_date() {
    let home = Home::new();
    home.file("lent.key", "pls_file0a1b2c3d4e\n");
    let line = |name: &str| {
        format!(
            "{{\"ref\":\"erp-1\",\"company_id\":\"c-1\",\"key_ref\":\"env:LENT_KEY\",\
             \"name\":\"{name}\",\"kind\":\"standalone\",\"expires_at\":\"2099-01-31\"}}\n\
             {{\"ref\":\"erp-2\",\"company_id\":\"c-2\",\"key_ref\":\"file:lent.key\"}}\n"
        )
    };
    assert_eq!(counts(&home.import(line("One"), &[]).0), [2, 0, 0, 0]);
    assert_eq!(counts(&home.import(line("Two"), &[]).0), [0, 1, 1, 0]);
    let other = line("Two").replace("env:LENT_KEY", "file:lent.key").replace("c-2", "c-3");
    let (report, _) = home.import(other, &[]);
    let reasons = reasons(&report);
    assert!(reasons[0].1.contains("replacing a key"), "{reasons:?}");
}

#[test]
fn a_dry_run_judges_everything_and_writes_nothing() {
    let home = Home::new();
    home.import("ref,company_id,key\nerp-1,c-1,pls_one0a1b2c3d\n", &[]);
    let file = "ref,company_id,key\nerp-2,c-2,pls_two0a1b2c3d\nerp-3,c-3,pls_one0a1b2c3d\n";
    let (report, well) = home.import(file, &["--dry-run"]);
    assert_eq!((counts(&report), well), ([1, 0, 0, 1], false));
    assert!(reasons(&report)[0].1.contains("another tenant"), "{report}");
    assert_eq!(home.listed(&[]).len(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let home = Home::new();
    let path = home.file("tenants", format!("{HEADER}erp-1,c-1,pls_one0a1b2c3d\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    let output = home.run(&["tenant", "import", "tenants"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 600"), "{output:?}");
}

#[test]
fn a_file_that_is_none_of_ours_is_refused_whole_and_nothing_of_it_is_said() {
    let home = Home::new();
    let long = vec![b'x'; 100_000];
    for (bytes, part) in [
        (b"".as_slice(), "nothing"),
        (b"erp-1,c-1,pls_secret0a1b2c3d\n", "column 1 is not known"),
        (b"ref,company,key\n", "did you mean `company_id`"),
        (b"\xff\xfer\0e\0f\0", "UTF-16"),
        (b"r\0e\0f\0", "NUL"),
        (&long, "64 KiB"),
    ] {
        let error = home.refused(bytes);
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_line_of_a_gigabyte_is_passed_over_without_being_held_in_memory() {
    let home = Home::new();
    let mut child = home
        .command(&["tenant", "import", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{HEADER}erp-1,c-1,").as_bytes()).unwrap();
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..1024 {
        input.write_all(&piece).unwrap();
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < MOST_MEMORY, "{peak} KiB");
    input.write_all(b"\nerp-2,c-2,pls_two0a1b2c3d\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 1], "{report}");
    assert!(reasons(&report)[0].1.contains("64 KiB"), "{report}");
}

#[test]
fn a_tenant_is_paused_labelled_found_and_resumed() {
    let home = Home::new();
    home.import(format!("{HEADER}erp-1,c-1,pls_one0a1b2c3d\nerp-2,c-2,pls_two0a1b2c3d\n"), &[]);
    let done = |arguments: &[&str]| {
        let output = home.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    done(&["tenant", "pause", "erp-1", "--for", "2h"]);
    done(&["tenant", "label", "erp-1", "tier=gold", "beta"]);
    let found = home.listed(&["--status", "paused", "--label", "beta", "--search", "ERP"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["ref"], "erp-1");
    assert_eq!(home.listed(&["--limit", "1"]).len(), 1);
    done(&["tenant", "label", "erp-1", "--remove", "beta"]);
    done(&["tenant", "resume", "erp-1"]);
    assert!(home.listed(&["--status", "paused"]).is_empty());
    assert!(done(&["tenant", "resume", "erp-1"]).contains("not paused"));
    let past = home.run(&["tenant", "pause", "erp-1", "--until", "2001-01-01"]);
    assert!(!past.status.success());
}
