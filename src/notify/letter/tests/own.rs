//! Templates of an operator's own.

use super::*;

fn with(name: &str, text: &str) -> Result<Letters, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    Letters::new(house(), Some(folder.path()), &Words::built_in())
        .map_err(|error| crate::redact::chain(&error))
}

fn built_in(name: &str) -> &'static str {
    BUILT_IN.iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn a_template_of_ones_own_is_used_and_the_other_stays() {
    let text = "{{ title }}\n{% if button %}{{ button.href }}\n{% endif %}{{ reference }}\n";
    let letter = with("letter.txt", text).unwrap().write(&facts(), &tongue("en")).unwrap();
    assert_eq!(
        letter.text,
        "Pleo no longer accepts the key of Fjord A/S\nhttps://connect.erp.example/l/AbCd\n1a2b3c4d\n"
    );
    assert!(letter.html.contains("Connect again"));
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    for (name, text, line) in [
        ("letter.html", "<p>\n\n{% if %}", "line 3"),
        ("letter.txt", "{{ reference }}\n{{ titel }}", "line 2"),
        ("letter.html", "<p>{{ title|safe }}", "line 1"),
        ("letter.html", "<p>\n{% include 'letter.txt' %}", "line 2"),
    ] {
        let error = with(name, text).unwrap_err();
        assert!(error.contains(name) || error.contains("letter.txt"), "{error}");
        assert!(error.contains(line), "{error}");
    }
}

#[test]
fn a_template_without_the_link_or_the_reference_is_refused() {
    for name in ["letter.html", "letter.txt"] {
        for (place, what) in [("{{ button.href }}", "the link"), ("reference=reference", "the ref")]
        {
            let text = built_in(name).replace(place, "reference='none'");
            let error = with(name, &text).unwrap_err();
            assert!(error.contains(name) && error.contains(what), "{error}");
        }
    }
}

#[test]
fn a_template_that_would_tell_somebody_that_it_was_opened_is_refused() {
    for tracker in [
        "<img src=\"https://t.example/a.gif\">",
        "<p style=\"background: url(https://t.example)\">",
    ] {
        let text = built_in("letter.html").replace("</body>", &format!("{tracker}</body>"));
        let error = with("letter.html", &text).unwrap_err();
        assert!(error.contains("letter.html has a"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_template_of_a_letter_is_named() {
    let error = with("first.html", "").unwrap_err();
    assert!(error.contains("first.html") && error.contains("letter.html, letter.txt"), "{error}");
}
