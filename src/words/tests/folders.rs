//! The folder of an operator: what is refused in it, and what is said of it.

use super::*;

#[test]
fn bad_syntax_names_file_line_and_fault() {
    let good = "a = b\n\n# a remark\n";
    let said = refused(&[("fi/x.ftl", &format!("{good}broken = {{ $\n"))]);
    assert!(said.starts_with("/fi/x.ftl, line 4: "), "{said}");
    let said = refused(&[("fi/x.ftl", &format!("{good}g@Rb@ge = b\n"))]);
    assert_eq!(said, "/fi/x.ftl, line 4: Expected a token starting with \"=\"");
    let said = refused(&[("fi/x.ftl", "a = b\nc = d\na = e\n")]);
    assert!(said.starts_with("/fi/x.ftl, line 3: `a` is written twice"), "{said}");
    let said = refused(&[("fi/x.ftl", "a = b\n"), ("fi/y.ftl", "\na = e\n")]);
    assert!(said.starts_with("/fi/y.ftl, line 2: `a` is written twice"), "{said}");
}

#[test]
fn a_folder_is_bounded_and_nothing_outside_it_is_read() {
    let deep = format!("a = {}\n", "{ ".repeat(100_000));
    assert!(refused(&[("fi/x.ftl", &deep)]).contains("line 1: this nests deeper"));
    let deep = format!("a = {{ {}\n", "NUMBER(".repeat(10_000));
    assert!(refused(&[("fi/x.ftl", &deep)]).contains("line 1: this nests deeper"));
    let long = format!("a = {}\n", "b".repeat(600_000));
    assert!(refused(&[("fi/x.ftl", &long)]).ends_with("holds more than 512 KiB"));
    assert!(refused(&[("not a language/x.ftl", "")]).contains("is not named like a language"));
    assert!(refused(&[("da/x.ftl", ""), ("DA/y.ftl", "")]).contains("another folder"));

    let dir = folder(&[("fi/x.ftl", "a = b\n")]);
    fs::write(dir.path().join("fi/bad.ftl"), b"a = b\nc = \xff\n").unwrap();
    let error = Words::load(Some(dir.path())).unwrap_err().to_string();
    assert!(error.ends_with("bad.ftl, line 2: this is not UTF-8"), "{error}");

    let many: Vec<_> = (0..101).map(|n| format!("fi/{n}.ftl")).collect();
    let many: Vec<_> = many.iter().map(|path| (path.as_str(), "")).collect();
    assert!(refused(&many).ends_with("holds more than 100 entries"));
    assert!(Words::load(Some(Path::new("/nowhere/at/all"))).is_err());
}

#[test]
fn a_link_is_followed_within_the_folder_and_not_out_of_it() {
    use std::os::unix::fs::symlink;

    let outside = folder(&[("secret.ftl", "taken-same-next = from outside\n")]);
    let dir = folder(&[("..data/fi/x.ftl", "taken-same-next = from within\n")]);
    symlink("..data/fi", dir.path().join("fi")).unwrap();
    let words = Words::load(Some(dir.path())).unwrap();
    assert_eq!(tongue(&words, "fi").say("taken-same-next", &[]), "from within");

    symlink(outside.path().join("secret.ftl"), dir.path().join("fi/y.ftl")).unwrap();
    let error = Words::load(Some(dir.path())).unwrap_err();
    assert!(matches!(error, WordsError::Outside { .. }), "{error}");
    fs::remove_file(dir.path().join("fi/y.ftl")).unwrap();
    symlink(outside.path(), dir.path().join("sv")).unwrap();
    let error = Words::load(Some(dir.path())).unwrap_err();
    assert!(matches!(error, WordsError::Outside { .. }), "{error}");
}

#[test]
fn a_review_names_what_is_lacking_too_much_and_wrong_by_file() {
    let dir = folder(&[
        (
            "fi/refusals.ftl",
            "-kone = kone\nrefusal-key-empty = { -none }\ntaken-same = { $nobody }\n\
             taken-same-next = { -kone }\nmine = x\n\
             refusal-not-an-api-key = Ei avain.\n",
        ),
        ("de-AT/refusals.ftl", "taken-same-next = Fertig.\n"),
    ]);
    let reviews = Words::review(dir.path()).unwrap();
    assert_eq!(reviews.len(), 2);
    // What a regional form leaves out, its language has.
    assert_eq!(reviews[0], Review { language: "de-AT".to_owned(), files: Vec::new() });
    let finnish = &reviews[1];
    let of = |name| finnish.files.iter().find(|one| one.file == name).unwrap();
    let (refusals, words) = (of("refusals.ftl"), of("words.ftl"));
    assert!(of("pages.ftl").lacks.contains(&"page-connected".to_owned()));
    assert_eq!(words.lacks, ["words-missing"]);
    assert!(refusals.lacks.contains(&"refusal-key-colon".to_owned()));
    assert!(!refusals.lacks.contains(&"taken-same".to_owned()));
    assert_eq!(refusals.extra, ["mine"]);
    let wrong: Vec<_> =
        refusals.wrong.iter().map(|one| (one.id.as_str(), one.why.as_str())).collect();
    assert_eq!(
        wrong,
        [
            ("refusal-key-empty", "refers to something that is not there"),
            ("taken-same", "is never told $nobody"),
            ("refusal-not-an-api-key", "does not say $provider"),
        ]
    );
}
