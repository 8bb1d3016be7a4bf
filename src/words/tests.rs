use super::*;

#[test]
fn show() {
    use chrono::TimeZone as _;
    let words = Words::built_in();
    let at = Utc.with_ymd_and_hms(2026, 11, 17, 8, 12, 0).unwrap();
    for tag in ["en", "da", "sv", "de"] {
        let tongue = words.choose(Some(tag), None);
        eprintln!(
            "{} | {} | {} | {}",
            tongue.day(at, Some("Europe/Copenhagen")),
            tongue.moment(at, Some("Europe/Copenhagen")),
            tongue.moment(at, None),
            tongue.list(&["a", "b", "c"])
        );
        eprintln!(
            "{}",
            tongue.say(
                "refusal-key-empty-next",
                &[
                    ("named", Arg::Text("yes")),
                    ("provider", Arg::Text("Pleo")),
                    ("place", Arg::Text("Settings"))
                ]
            )
        );
    }
}
