//! Texts of the operator's: judged before anything is watched, and reviewed for whoever writes them.

use std::fs;
use std::path::PathBuf;

use crate::files;
use crate::program;
use crate::rig::Rig;

/// A folder of texts with this file in it.
fn texts(rig: &Rig, path: &str, text: &str) -> PathBuf {
    let dir = rig.path().join("texts");
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    dir
}

#[test]
fn bad_syntax_is_refused_with_file_and_line_before_anything_is_touched() {
    let rig = Rig::new(1);
    let dir = texts(&rig, "fi/refusals.ftl", "good = x\nbad = { $\n");
    rig.add(1..=1);
    let before = files::content(&rig.data());
    let rig = rig.set("words.dir", dir.to_str().unwrap());
    for args in [&["run"][..], &["config", "check"], &["words", "check"]] {
        let refusal = rig.run(args).refusal();
        assert!(refusal.contains("fi/refusals.ftl, line 2: "), "{args:?}: {refusal}");
    }
    assert_eq!(files::content(&rig.data()), before);
    // What stops a leaked key does not wait for a translator.
    let disable = ["tenant", "disable", "erp-0001", "--compromised", "--yes", "--reason", "leaked"];
    rig.run(&disable).well();
}

#[test]
fn a_review_names_what_a_language_lacks_and_ends_with_a_code_of_its_own() {
    let rig = Rig::new(1);
    let none = rig.run(&["words", "check"]).well().stdout;
    assert!(none.contains("no folder of texts"), "{none}");
    let text = "words-missing = Tekstiä ei voi näyttää.\nmine = x\ntaken-same-next = { $nobody }\n";
    let dir = texts(&rig, "fi/words.ftl", text);
    let args = ["words", "check", "--dir", dir.to_str().unwrap()];
    let ran = rig.run(&args);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for line in [
        "fi/refusals.ftl: lacks `refusal-key-empty`\n",
        "fi/words.ftl: `mine` is never shown; give it a name behind a `-`\n",
        "fi/words.ftl: `taken-same-next` is never told $nobody\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("lacks `words-missing`"), "{}", ran.stdout);

    let mut command = rig.command(&[&args[..], &["--json"]].concat());
    let ran = program::run(&mut command, b"");
    assert_eq!(ran.code, Some(3));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&document["complete"], &document["languages"][0]["language"]),
        (&false.into(), &"fi".into())
    );
    let files = document["languages"][0]["files"].as_array().unwrap();
    let words = files.iter().find(|one| one["file"] == "words.ftl").unwrap();
    assert_eq!(words["extra"][0], "mine");

    let mut doctor = rig.command(&["doctor"]);
    let doctor = program::run(doctor.env("KEYPULSE__WORDS__DIR", &dir), b"").stdout;
    assert!(doctor.contains("other words are shown in places in: fi"), "{doctor}");

    let dir = texts(&rig, "fi/words.ftl", "");
    for file in ["mails.ftl", "pages.ftl", "refusals.ftl", "words.ftl"] {
        let english = format!("{}/config/locales/en/{file}", env!("CARGO_MANIFEST_DIR"));
        fs::copy(english, dir.join("fi").join(file)).unwrap();
    }
    assert_eq!(rig.run(&args).well().stdout, "fi: complete\n");
}
