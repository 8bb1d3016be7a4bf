//! What no template can do, whoever wrote it.

use minijinja::context;

use super::*;

const BUILT_IN: [Named; 3] =
    [("ask.html", "{{ name }}"), ("ended.html", "ended"), ("notice.html", "notice")];

fn with(files: &[(&str, &str)]) -> Result<Environment<'static>, TemplateError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    environment(Channel::Html, read(&BUILT_IN, Some(folder.path()))?)
}

fn rendered(channel: Channel, text: &str) -> Result<String, Error> {
    let all = environment(channel, vec![("notice", text.to_owned())]).unwrap();
    all.get_template("notice").unwrap().render(context! { name => "<b>\u{202e}", none => () })
}

#[test]
fn a_name_is_never_markup_whatever_a_template_says() {
    assert_eq!(rendered(Channel::Html, "{{ name }}").unwrap(), "&lt;b&gt;\u{202e}");
    for trick in ["{% autoescape false %}{{ name }}{% endautoescape %}", "{{ name|safe }}"] {
        assert!(rendered(Channel::Html, trick).is_err(), "{trick}");
    }
}

#[test]
fn in_plain_text_a_name_is_as_it_is_but_cannot_turn_the_line_round() {
    for text in ["{{ name }}", "{% autoescape true %}{{ name }}{% endautoescape %}"] {
        assert_eq!(rendered(Channel::Text, text).unwrap(), "<b>\u{fffd}");
    }
    assert_eq!(rendered(Channel::Text, "a{{ none }}b").unwrap(), "ab");
}

#[test]
fn for_a_program_a_name_is_one_value_whatever_a_template_says() {
    let said = rendered(Channel::Json, "[{{ name }}, {{ none }}]").unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, serde_json::json!(["<b>\u{202e}", null]));
    for trick in ["{% autoescape false %}{{ name }}{% endautoescape %}", "{{ name|safe }}"] {
        assert!(rendered(Channel::Json, trick).is_err(), "{trick}");
    }
}

#[test]
fn what_a_template_misspells_is_an_error_and_no_empty_place() {
    for channel in [Channel::Html, Channel::Text, Channel::Json] {
        assert!(rendered(channel, "{{ nmae }}").is_err());
    }
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let text = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(rendered(Channel::Html, text).is_err());
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    let error = with(&[("ended.html", "\n\n{% if %}")]).unwrap_err();
    assert!(error.to_string().contains("ended.html") && error.to_string().contains("line 3"));
}

#[test]
fn a_file_that_takes_the_place_of_nothing_is_named_and_a_link_is_not_followed() {
    let error = with(&[("asks.html", "")]).unwrap_err().to_string();
    assert!(error.contains("asks.html") && error.contains("ask.html"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("ask.html")).unwrap();
    let refused = read(&BUILT_IN, Some(folder.path()));
    assert!(matches!(refused, Err(TemplateError::Form { .. })));
    assert!(with(&[(".ask.html.swp", "{%"), ("ask.html~", "{%")]).is_ok());
}

#[test]
fn a_template_cannot_read_a_file() {
    let text = "{% include '../../Cargo.toml' %}";
    assert!(rendered(Channel::Html, text).is_err());
}
