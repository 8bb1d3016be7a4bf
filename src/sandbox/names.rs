//! Company names: fictional, and as varied as those of real customers.

use super::mix::mix;

const DANISH: [&str; 24] = [
    "Nordlys",
    "Havneby",
    "Bøgeskov",
    "Klitgaard",
    "Fjordvang",
    "Lærkedal",
    "Strandmølle",
    "Egelund",
    "Kystvej",
    "Solbakke",
    "Vindrose",
    "Rugmark",
    "Åbrink",
    "Hedelyng",
    "Stenhøj",
    "Mosegaard",
    "Østerled",
    "Ravnholm",
    "Skovfryd",
    "Torveby",
    "Ankerbro",
    "Morgenstjerne",
    "Vestervang",
    "Kildemark",
];
const SWEDISH: [&str; 24] = [
    "Björkdal",
    "Granlund",
    "Skärgård",
    "Norrsken",
    "Älvdal",
    "Lingonhed",
    "Stenvik",
    "Sjöglimt",
    "Kvarnbacka",
    "Höstlöv",
    "Fyrskär",
    "Ängsmark",
    "Tallvik",
    "Rönnbär",
    "Isfjäll",
    "Blåklint",
    "Vinterhamn",
    "Ekbacken",
    "Mälarglans",
    "Snöflinga",
    "Hallonås",
    "Forsnäs",
    "Lövsta",
    "Trädgren",
];
const ENGLISH: [&str; 24] = [
    "Hartwell",
    "Oakmere",
    "Thornbury",
    "Larkfield",
    "Millstone",
    "Ashcombe",
    "Redwater",
    "Foxley",
    "Copperfell",
    "Brambledown",
    "Westerby",
    "Silverbeck",
    "Kingsmoor",
    "Elmstead",
    "Harrowgate Lane",
    "Stonecroft",
    "Wrenford",
    "Marlow Bay",
    "Highfern",
    "Quillham",
    "Saltmarsh",
    "Dunmore Hill",
    "Pinehurst",
    "Lockbridge",
];
const DANISH_TRADE: [&str; 16] = [
    "",
    "Byg",
    "Logistik",
    "Tømrer",
    "Bageri",
    "Rådgivning",
    "Teknik",
    "Design",
    "Handel",
    "Energi",
    "Marine",
    "Tandklinik",
    "Revision",
    "Catering",
    "Møbler",
    "Software",
];
const SWEDISH_TRADE: [&str; 16] = [
    "",
    "Bygg",
    "Logistik",
    "Snickeri",
    "Bageri",
    "Konsult",
    "Teknik",
    "Design",
    "Handel",
    "Energi",
    "Marin",
    "Redovisning",
    "Fastigheter",
    "Måleri",
    "Möbler",
    "Mjukvara",
];
const ENGLISH_TRADE: [&str; 16] = [
    "",
    "Builders",
    "Logistics",
    "Joinery",
    "Bakery",
    "Advisory",
    "Engineering",
    "Studio",
    "Trading",
    "Energy",
    "Marine",
    "Dental",
    "Accounting",
    "Catering",
    "Interiors",
    "Software",
];

/// The name that belongs to a number drawn by lot. Names may repeat, as real ones do.
pub(super) fn company(lot: u64) -> String {
    let lot = mix(lot);
    let pick = |shift: u32, of: usize| (lot >> shift & 0xffff) as usize % of;
    let (firsts, trades, forms): (_, _, &[&str]) = match pick(0, 5) {
        0 | 1 => (&DANISH, &DANISH_TRADE, &["ApS", "A/S", "ApS", "I/S"]),
        2 | 3 => (&SWEDISH, &SWEDISH_TRADE, &["AB", "AB", "HB"]),
        _ => (&ENGLISH, &ENGLISH_TRADE, &["Ltd", "Ltd", "LLP", "& Sons Ltd"]),
    };
    let first = firsts[pick(16, firsts.len())];
    let trade = trades[pick(32, trades.len())];
    let form = forms[pick(48, forms.len())];
    if trade.is_empty() { format!("{first} {form}") } else { format!("{first} {trade} {form}") }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_varied_and_need_no_escaping_in_json() {
        let names: HashSet<_> = (0..2_000).map(company).collect();
        assert!(names.len() > 1_000, "only {} names", names.len());
        for name in names {
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{name}\""));
        }
    }

    #[test]
    fn the_same_lot_gives_the_same_name() {
        assert_eq!(company(7), company(7));
    }
}
