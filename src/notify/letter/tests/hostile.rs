//! Names and links that would do harm.

use super::*;

const NAMES: [&str; 6] = [
    "<img src=https://evil.example/1.gif><script>alert(1)</script>",
    "\"><a href=\"https://evil.example\">Pleo</a>",
    "Fjord\r\nBcc: all@evil.example\r\n\r\n<h1>",
    "\u{202e}S/A drojF\u{2066}\u{200f}",
    "{{ 7 * 7 }}{% include 'letter.txt' %}{ $product }&lt;b&gt;",
    "</title></style><style>p{display:none}</style><!-- ",
];

#[test]
fn a_name_is_never_markup_nor_a_line_of_its_own() {
    for name in NAMES {
        let hostile = Facts { customer: name, company_id: name, reference: name, ..facts() };
        let letter = english(&hostile);
        let plain = english(&facts());
        for tag in ["<img", "<script", "<h1", "<a ", "<style", "<!--", "<b>"] {
            let count = |html: &str| html.matches(tag).count();
            assert_eq!(count(&letter.html), count(&plain.html), "{name:?} {tag}: {}", letter.html);
        }
        assert!(!letter.text.lines().any(|line| line.starts_with("Bcc:")), "{}", letter.text);
        assert!(!letter.text.contains("49"), "{}", letter.text);
    }
}

#[test]
fn a_subject_is_one_bounded_line_whatever_the_names_are() {
    let long = "Sehr lange Firma ".repeat(400);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        let product = line(name, 60);
        let house = House { product: product.clone(), ..house() };
        let letters = Letters::new(house, None, &Words::built_in()).unwrap();
        let letter = letters.write(&Facts { customer: name, ..facts() }, &tongue("de")).unwrap();
        let subject = &letter.subject;
        assert!(subject.chars().count() <= SUBJECT, "{subject}");
        let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let bad = |c: char| c.is_control() || turns(c);
        assert!(!subject.contains(bad), "{subject:?}");
        assert!(!letter.text.contains(|c| bad(c) && c != '\n'), "{:?}", letter.text);
        assert!(!letter.html.contains(turns), "{:?}", letter.html);
        assert!(letter.html.len() < 20_000 && letter.text.len() < 6_000, "{}", letter.html.len());
    }
}

#[test]
fn no_more_of_a_key_is_shown_than_its_last_four_characters() {
    let key = "pls_0123456789abcdefghijklmnop";
    let letter = english(&Facts { masked: Some(key), ..facts() });
    for part in [&letter.text, &letter.html] {
        assert!(part.contains("…mnop"), "{part}");
        assert!(!part.contains("lmnop") && !part.contains("pls_"), "{part}");
    }
    let letter = english(&Facts { masked: Some("…"), ..facts() });
    assert!(!letter.text.contains("Key: "), "{}", letter.text);
}

#[test]
fn a_link_is_an_address_of_a_page_or_no_letter_is_written() {
    for link in [
        "javascript:alert(1)",
        "javascript://connect.example/%0aalert(1)",
        "connect.example",
        "mailto:a@b.example",
        "https://connect.example/ a",
        "",
    ] {
        let hostile = Facts { link: Some(link), ..facts() };
        let error = letters().write(&hostile, &tongue("en")).unwrap_err();
        assert!(matches!(error, LetterError::Link), "{link}: {error}");
        assert!(link.is_empty() || !error.to_string().contains(link), "{error}");
    }
    let quoted = "https://connect.example/l/a\"><b>&c=1";
    let letter = english(&Facts { link: Some(quoted), ..facts() });
    assert!(!letter.html.contains("\"><b>"), "{}", letter.html);
}
