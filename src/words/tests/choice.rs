//! Which language is chosen.

use proptest::prelude::*;

use super::*;

#[test]
fn people_get_their_own_language_and_programs_the_one_they_ask_for() {
    let words = Words::built_in();
    for (tenant, header, chosen) in [
        (None, None, "en"),
        (Some("da"), Some("sv"), "da"),
        (Some("da-DK"), None, "da"),
        (Some("DE_at"), None, "de"),
        (Some("fi"), Some("sv"), "sv"),
        (Some(""), Some("*"), "en"),
        (None, Some("fi, sv;q=0.1, de;q=0.9"), "de"),
        (None, Some("de;q=0, sv;q=0.000, fi"), "en"),
        (None, Some("da;q=1.001, sv;q=0.5"), "sv"),
        (None, Some("da;q=2, sv ; Q=0.5"), "sv"),
        (None, Some("sv-FI-x-a;q=0.3,en;q=0.2"), "sv"),
        (None, Some("da;q=0.5,sv;q=0.5"), "da"),
        (None, Some("*;q=0.1, de;q=0.05"), "en"),
        (None, Some("en;q=0, *"), "da"),
    ] {
        assert_eq!(words.choose(tenant, header).tag(), chosen, "{tenant:?} {header:?}");
    }
    for (asked, header, tenant, chosen) in [
        (Some("de"), Some("sv"), Some("da"), "de"),
        (None, Some("sv"), Some("da"), "sv"),
        (Some("fi"), Some("fi"), Some("da"), "da"),
        (None, None, None, "en"),
    ] {
        assert_eq!(words.choose_for_program(asked, header, tenant).tag(), chosen);
    }
    let regional = loaded(&[("pt-BR/a.ftl", "a = b\n")]);
    assert_eq!(regional.choose(None, Some("pt")).tag(), "pt-BR");
}

#[test]
fn a_header_of_16_kib_is_read_to_its_bound_and_no_further() {
    let words = Words::built_in();
    let mut header = "fi,".repeat(20);
    header.push_str("da,");
    header.push_str(&"x;q=0.9,".repeat(2_000));
    assert!(header.len() > 16_000);
    assert_eq!(words.choose(None, Some(&header)).tag(), "da");
    let late = format!("{},da", "fi,".repeat(6_000));
    assert_eq!(words.choose(None, Some(&late)).tag(), "en");
    for junk in [";q=".repeat(6_000), "é".repeat(9_000), "-".repeat(16_384), ",".repeat(16_384)] {
        assert_eq!(words.choose(Some(&junk), Some(&junk)).tag(), "en");
    }
}

proptest! {
    #[test]
    fn whatever_is_wished_for_a_language_that_is_there_is_chosen(
        tenant in prop::option::of("\\PC{0,40}"),
        header in prop::option::of("[a-zA-Z0-9*;=q.,_ -]{0,200}|\\PC{0,100}"),
    ) {
        let words = Words::built_in();
        let chosen = words.choose(tenant.as_deref(), header.as_deref());
        prop_assert!(words.languages().contains(&chosen.tag()));
        prop_assert_eq!(chosen.say("words-missing", &[]).is_empty(), false);
    }

    #[test]
    fn the_heaviest_language_that_is_there_is_chosen(
        weights in prop::collection::vec(1_u16..=1_000, 4),
    ) {
        let words = Words::built_in();
        let tags = ["sv", "de", "da", "en"];
        let header: Vec<_> = tags
            .iter()
            .zip(&weights)
            .map(|(tag, weight)| format!("{tag};q={}.{:03}", weight / 1_000, weight % 1_000))
            .collect();
        let most = weights.iter().max().unwrap();
        let first = weights.iter().position(|weight| weight == most).unwrap();
        let chosen = words.choose(None, Some(&header.join(", ")));
        prop_assert_eq!(chosen.tag(), tags[first]);
    }
}
