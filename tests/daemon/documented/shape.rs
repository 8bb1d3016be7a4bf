//! Whether what a document shows is what comes: names, dates, digests and numbers may be others, and
//! what it leaves out by `…` may be anything.

/// Every line that is shown and does not come, in any order.
pub fn missing<'a>(shown: &'a str, came: &str) -> Vec<&'a str> {
    let came: Vec<_> = came.lines().map(shape).collect();
    let comes = |line: &&str| {
        let shown = shape(line);
        let parts: Vec<_> = shown.split('…').map(str::trim).collect();
        !came.iter().any(|line| in_order(line, &parts))
    };
    shown.lines().filter(|line| !line.trim().is_empty()).filter(comes).collect()
}

fn in_order(line: &str, parts: &[&str]) -> bool {
    let mut rest = line;
    parts.iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The line with `#` for whatever has a digit in it, `=` for company ids and the like.
fn shape(line: &str) -> String {
    let mut shaped = String::new();
    let mut word = String::new();
    for one in line.chars().chain(['\n']) {
        // What holds the parts of a date, an address or an id together is one of them.
        if one.is_alphanumeric() || (!word.is_empty() && "-:._".contains(one)) {
            word.push(one);
            continue;
        }
        // The end of a key may have no digit.
        let is_end_of_key = shaped.ends_with('…') && word.trim_end_matches(':').len() == 4;
        let kept = word.trim_end_matches([':', '.']);
        if kept.contains(|one: char| one.is_ascii_digit()) || is_end_of_key {
            shaped.push('#');
            shaped.push_str(&word[kept.len()..]);
        } else {
            shaped.push_str(&word);
        }
        word.clear();
        shaped.push(one);
    }
    shaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn only_names_dates_and_numbers_may_be_others() {
    let shown = "key   …f6c2 (integrated)\nsince 2026-11-20 10:56:46 UTC, company bd97c2b1-18e9\nasked … then …";
    let came = "key …abcd (integrated)\nsince 2027-01-02 1:2:3 UTC, company 0b7c-1\nasked twice then no more\n";
    assert_eq!(missing(shown, came), [""; 0]);
    assert_eq!(missing("key …f6c2 (standalone)", came), ["key …f6c2 (standalone)"]);
    assert_eq!(missing("since 2026-11-20 10:56:46 CET", came).len(), 1);
    assert_eq!(missing("then … asked", came).len(), 1);
}
