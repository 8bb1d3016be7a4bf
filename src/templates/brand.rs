//! The operator's brand, as templates need it: a colour with what can be read on it, and where a person
//! helps.

use minijinja::{Value, context};

/// A colour as CSS.
pub fn css(colour: [u8; 3]) -> String {
    let [red, green, blue] = colour;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Black or white, whichever can be read better on that colour. One of the two always has a contrast
/// of more than 4.5 (WCAG 2.2, 1.4.3).
pub fn ink(colour: [u8; 3]) -> &'static str {
    if luminance(colour) > 0.179 { "#000" } else { "#fff" }
}

/// Where a person helps: a text, and an address where it is one.
pub fn help(text: &str) -> Value {
    let is_mail = text.contains('@') && !text.contains(char::is_whitespace);
    let href = if is_mail {
        Some(format!("mailto:{text}"))
    } else {
        text.starts_with("https://").then(|| text.to_owned())
    };
    context! { text, href }
}

/// Relative luminance, as WCAG 2.2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_text_on_the_button_can_be_read_on_every_colour(accent in any::<[u8; 3]>()) {
            let ink = if ink(accent) == "#000" { 0.0 } else { 1.0 };
            let (one, two) = (luminance(accent), ink);
            let contrast = (f64::max(one, two) + 0.05) / (f64::min(one, two) + 0.05);
            prop_assert!(contrast >= 4.5, "{contrast}");
        }
    }

    #[test]
    fn a_colour_is_written_as_css() {
        assert_eq!(css([31, 79, 216]), "#1f4fd8");
    }

    #[test]
    fn help_leads_to_an_address_only_where_it_is_one() {
        let href = |text| help(text).get_attr("href").unwrap();
        assert_eq!(href("help@erp.example").to_string(), "mailto:help@erp.example");
        assert_eq!(href("https://erp.example/help").to_string(), "https://erp.example/help");
        assert!(href("+45 12 34 56 78").is_none());
        assert!(href("javascript:alert(1)").is_none());
    }
}
