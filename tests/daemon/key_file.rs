//! `keypulse tenant add` with what is no key, or not this tenant's: refused with a reason, and
//! nothing is stored.

use crate::files;
use crate::program::{self, Ran};
use crate::rig::{self, Rig};

const COMPANY: &str = "0b7c1f3e-0000-4000-8000-000000000000";
const GOOD: &str = "pls_0123456789abcdef";

#[test]
fn what_cannot_be_a_key_is_refused_with_its_reason_and_nothing_is_stored() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    let (megabyte, long) = ("x".repeat(1 << 20), "x".repeat(600));
    let cases: [(&[u8], &str); 13] = [
        (b"", "no key was given"),
        (b" \n", "no key was given"),
        (b"pls_0123 456789abcdef", "one word"),
        (b"pls_0123456789\nabcdef", "one word"),
        (b"key:pls_0123456789abcdef", "colon"),
        (b"Bearer pls_0123456789abcdef", "whole header"),
        (b"eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "sign-in token"),
        (b"https://app.example/keys/pls_0123456789", "address"),
        (b"pls_0123\x07456789abcdef", "control character"),
        ("pls_0123456789äbcdef".as_bytes(), "letters that no key has"),
        (b"\xff\xfe\x00\x80binary", "not text"),
        (long.as_bytes(), "longer than any key"),
        (megabyte.as_bytes(), "longer than any key"),
    ];
    for (input, reason) in cases {
        let file = rig.file("key.txt", input);
        let by_file = add(&rig, "erp-9999", COMPANY, Some(file.to_str().unwrap()), b"").refusal();
        let by_input = add(&rig, "erp-9999", COMPANY, None, input).refusal();
        for refusal in [by_file, by_input] {
            assert!(refusal.contains(reason), "{reason}: {refusal}");
            assert!(!refusal.contains("0123"), "it repeats the input: {refusal}");
        }
    }
    assert_eq!(files::content(&rig.data()), before);
    // The form is the only thing that was wrong.
    add(&rig, "erp-9999", COMPANY, None, GOOD.as_bytes()).well();
    assert_eq!(rig.statuses().len(), 2);
}

#[test]
fn a_reference_that_is_taken_is_refused_before_a_key_is_asked_for() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    let refusal = add(&rig, "erp-0001", COMPANY, None, b"").refusal();
    assert!(refusal.contains("already a tenant `erp-0001`"), "{refusal}");
    assert_eq!(files::content(&rig.data()), before);
}

#[test]
fn one_key_is_never_taken_for_two_tenants() {
    let rig = Rig::new(2);
    rig.add(1..=1);
    let key = rig.key(1);
    // However it is pasted.
    for pasted in [key.clone(), format!("\"{key}\"\r\n")] {
        let refusal = add(&rig, "erp-0002", COMPANY, None, pasted.as_bytes()).refusal();
        assert!(refusal.contains("belongs to another tenant"), "{refusal}");
        assert!(!refusal.contains("erp-0001"), "{refusal}");
    }
    assert_eq!(rig.statuses().len(), 1);
}

#[test]
fn a_bad_name_or_company_is_refused_by_name_and_nothing_is_stored() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    for company in ["", "..", "a/b", "a b", "urn:pleo:company:1", "ä"] {
        let refusal = add(&rig, "erp-0002", company, None, GOOD.as_bytes()).refusal();
        assert!(refusal.contains("--company"), "{company}: {refusal}");
    }
    for reference in ["", "a b", "ä", "a\nb", &"x".repeat(129)] {
        let refusal = add(&rig, reference, COMPANY, None, GOOD.as_bytes()).refusal();
        assert!(refusal.contains("a tenant reference"), "{reference}: {refusal}");
    }
    assert_eq!(files::content(&rig.data()), before);
}

#[test]
fn a_key_file_that_others_can_read_or_that_is_missing_is_refused() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    let file = rig.file("key.txt", GOOD);
    rig::open_to_others(&file);
    let path = file.to_str().unwrap();
    let refusal = add(&rig, "erp-0002", COMPANY, Some(path), b"").refusal();
    assert!(refusal.contains(&format!("chmod 600 {path}")), "{refusal}");
    let refusal = add(&rig, "erp-0002", COMPANY, Some("nowhere.txt"), b"").refusal();
    assert!(refusal.contains("nowhere.txt"), "{refusal}");
    let refusal = add(&rig, "erp-0002", COMPANY, Some("."), b"").refusal();
    assert!(refusal.contains("cannot be used") || refusal.contains("can be read"), "{refusal}");
    assert_eq!(files::content(&rig.data()), before);
}

#[test]
fn a_tenant_that_does_not_exist_is_said_not_to() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    for command in ["show", "check"] {
        let refusal = rig.run(&["tenant", command, "erp-0002"]).refusal();
        assert!(refusal.contains("no tenant `erp-0002`"), "{refusal}");
        let refusal = rig.run(&["tenant", command, "a\u{1b}[2Jb"]).refusal();
        assert!(!refusal.contains('\u{1b}'), "{refusal:?}");
    }
    assert_eq!(rig.world().counts().total, 0);
}

#[test]
fn a_key_is_never_taken_from_the_command_line() {
    let rig = Rig::new(1);
    let option = format!("--key={GOOD}");
    for last in [GOOD, &option] {
        let args = ["tenant", "add", "erp-0001", "--company", COMPANY, last];
        let ran = rig.run(&args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    assert!(files::of(&rig.data()).is_empty());
}

fn add(rig: &Rig, reference: &str, company: &str, file: Option<&str>, input: &[u8]) -> Ran {
    let mut command = rig.command(&["tenant", "add", reference, "--company", company]);
    if let Some(file) = file {
        command.args(["--key-file", file]);
    }
    program::run(&mut command, input)
}
