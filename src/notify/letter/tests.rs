//! What every letter keeps to, in every language.

mod hostile;
mod own;

use chrono::{DateTime, TimeDelta, Utc};

use super::preview::Preview;
use super::*;

fn house() -> House {
    House {
        product: "Acme ERP".to_owned(),
        support: Some("support@erp.example".to_owned()),
        accent: [31, 79, 216],
        provider: "Pleo".to_owned(),
        place: Some("Settings → API Keys".to_owned()),
        keys_url: Some("https://app.pleo.example/settings/api-keys".parse().unwrap()),
        own_pages: true,
    }
}

fn letters() -> Letters {
    Letters::new(house(), None, &Words::built_in()).unwrap()
}

fn tongue(tag: &str) -> Tongue {
    Words::built_in().choose(Some(tag), None)
}

fn facts() -> Facts<'static> {
    let since = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_774) + TimeDelta::hours(23);
    Facts {
        occasion: Occasion::First,
        matter: Some(Matter::Rejected),
        customer: "Fjord A/S",
        company_id: "bd97c2b1-18e9-4df7-9ea7-034642645342",
        since: Some(since),
        zone: Some("Europe/Copenhagen"),
        masked: Some("…f6c2"),
        standalone: false,
        scopes: &[],
        link: Some("https://connect.erp.example/l/AbCd"),
        link_until: Some(since + TimeDelta::days(14)),
        reference: "1a2b3c4d",
    }
}

fn english(facts: &Facts<'_>) -> Letter {
    letters().write(facts, &tongue("en")).unwrap()
}

/// Every letter of every language, with the language.
fn every() -> Vec<(String, Preview)> {
    let words = Words::built_in();
    let letters = letters();
    let tags = words.languages().into_iter();
    tags.flat_map(|tag| {
        let all = preview::all(&letters, &tongue(tag)).unwrap();
        all.into_iter().map(move |one| (tag.to_owned(), one))
    })
    .collect()
}

/// What a reader sees of a page.
fn seen(html: &str) -> String {
    let body = html.split_once("</head>").unwrap().1;
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[test]
fn the_letters_in_english() {
    let all = preview::all(&letters(), &tongue("en")).unwrap();
    let all = all.iter().map(|Preview { name, letter }| {
        format!("==== {name}\nSubject: {}\n\n{}", letter.subject, letter.text)
    });
    insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"));
}

#[test]
fn one_letter_in_each_language() {
    let first = every().into_iter().filter(|(_, one)| one.name == "first-rejected");
    let all = first.map(|(tag, Preview { letter, .. })| {
        format!("==== {tag}\nSubject: {}\n\n{}", letter.subject, letter.text)
    });
    insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"));
}

#[test]
fn no_letter_speaks_of_our_work_or_shouts() {
    for (tag, Preview { name, letter }) in every() {
        let Letter { subject, text, html } = &letter;
        for part in [subject, text, &seen(html)] {
            let low = part.to_lowercase();
            for word in ["tenant", "401", "403", "credential", "api error", "authentication", "!"] {
                assert!(!low.contains(word), "{tag} {name}: {word}: {part}");
            }
            assert!(!part.contains(['{', '}', '\u{fffd}']), "{tag} {name}: {part}");
        }
    }
}

#[test]
fn subjects_name_product_and_customer_and_are_short() {
    for (tag, Preview { name, letter }) in every() {
        let subject = &letter.subject;
        assert!(subject.starts_with("Acme ERP"), "{tag} {name}: {subject}");
        assert!(subject.contains("Fjord A/S"), "{tag} {name}: {subject}");
        let most = if name.starts_with("last") || name.starts_with("reminder") { 90 } else { 70 };
        assert!(subject.chars().count() <= most, "{tag} {name}: {subject}");
    }
}

#[test]
fn a_page_for_mail_readers_loads_nothing_and_leads_to_one_place_whose_host_is_seen() {
    for (tag, Preview { name, letter }) in every() {
        let html = &letter.html;
        let asks = !name.ends_with("-no-link") && name != "resolved";
        let wanted = usize::from(asks);
        assert_eq!(html.matches("http").count(), wanted, "{tag} {name}: {html}");
        assert_eq!(
            html.matches("href=\"https://connect.example/l/").count(),
            wanted,
            "{tag} {name}"
        );
        assert_eq!(letter.text.matches("http").count(), wanted, "{tag} {name}: {}", letter.text);
        assert_eq!(seen(html).matches("connect.example").count(), wanted, "{tag} {name}");
        assert_eq!(inline::loads(html), None, "{tag} {name}");
        assert!(html.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\"")), "{tag} {name}");
        assert!(html.contains("prefers-color-scheme: dark"), "{tag} {name}");
        assert!(!html.contains("var("), "{tag} {name}");
    }
}

#[test]
fn every_letter_says_whom_it_is_for_who_helps_and_by_which_reference() {
    for (tag, Preview { name, letter }) in every() {
        for part in [letter.text.replace('\n', " "), seen(&letter.html)] {
            for needed in
                ["Fjord A/S", "bd97c2b1-18e9", "support@erp.example", "1a2b3c4d", "Acme ERP"]
            {
                assert!(part.contains(needed), "{tag} {name}: {needed}");
            }
            // Whoever is to do something is told where, with the link and without.
            let place = "Settings → API Keys";
            let by_switch = name.contains("disconnected") || name == "resolved";
            assert!(part.contains(place) || by_switch, "{tag} {name}: {part}");
        }
    }
}

#[test]
fn lines_of_plain_text_are_short() {
    for (tag, Preview { name, letter }) in every() {
        for line in letter.text.lines() {
            let fits = line.chars().count() <= 78 || line.starts_with("https://");
            assert!(fits, "{tag} {name}: {line}");
        }
    }
}

#[test]
fn since_when_is_told_with_weekday_and_zone_in_the_reader_s_language() {
    let danish = letters().write(&facts(), &tongue("da")).unwrap();
    let one_line = danish.text.replace('\n', " ");
    let since = "siden onsdag 18. november kl. 00.00 (Europe/Copenhagen)";
    assert!(one_line.contains(since), "{one_line}");
}

#[test]
fn a_reminder_says_so_and_the_last_one_that_it_is_the_last() {
    let said = |number, last| {
        let occasion = Occasion::Reminder { number, last };
        english(&Facts { occasion, ..facts() })
    };
    let (second, last) = (said(2, false), said(4, true));
    for part in [&second.text, &second.html] {
        assert!(part.contains("This is a reminder"), "{part}");
        assert!(!part.contains("last reminder"), "{part}");
    }
    for part in [&last.text, &last.html] {
        assert!(part.contains("This is the last reminder"), "{part}");
    }
    assert!(second.subject.contains("reminder") && last.subject.contains("last reminder"));
}

#[test]
fn a_key_that_may_be_known_to_others_is_to_be_deleted_at_the_provider_and_where_is_said() {
    for link in [None, facts().link] {
        let matter = Some(Matter::Compromised);
        let letter = english(&Facts { matter, link, ..facts() });
        let text = letter.text.replace('\n', " ");
        assert!(text.contains("Only deleting the key in Pleo ends its power"), "{text}");
        assert!(text.contains("Pleo (app.pleo.example)"), "{text}");
        assert!(text.contains("Settings → API Keys"), "{text}");
    }
}

#[test]
fn missing_permissions_are_named_and_no_new_key_is_asked_for() {
    let missing = vec!["exports:read".to_owned(), "users:read".to_owned()];
    let matter = Some(Matter::PermissionLost(missing));
    let letter = english(&Facts { matter, ..facts() });
    for part in [&letter.text, &seen(&letter.html)] {
        assert!(part.contains("exports:read") && part.contains("users:read"), "{part}");
        assert!(part.contains("Test the connection") && !part.contains("Make a new key"), "{part}");
    }
}

#[test]
fn where_no_page_is_served_there_is_no_button_and_the_product_is_named_instead() {
    let letter = english(&Facts { link: None, link_until: None, ..facts() });
    assert!(!letter.html.contains("<a class=\"button\""), "{}", letter.html);
    let text = letter.text.replace('\n', " ");
    assert!(text.contains("sign in to Acme ERP and enter it in the settings"), "{text}");
    assert!(!text.contains("our page") && !text.contains("Without the link"), "{text}");
}

#[test]
fn that_the_product_is_no_longer_used_can_be_said_only_on_a_page_of_ours() {
    assert!(english(&facts()).text.contains("no longer use"));
    let elsewhere = House { own_pages: false, ..house() };
    let letters = Letters::new(elsewhere, None, &Words::built_in()).unwrap();
    assert!(!letters.write(&facts(), &tongue("en")).unwrap().text.contains("no longer use"));
}
