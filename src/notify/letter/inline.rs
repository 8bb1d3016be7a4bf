//! Styles at each element: many mail readers look at no others. It happens after the template was
//! filled in, and nothing is read from a disk or the network for it.

use css_inline::CSSInliner;

/// The same page with its styles at each element. Rules that depend on the reader, such as a dark
/// screen, stay in the head.
pub(super) fn inlined(html: &str) -> Result<String, String> {
    let inliner = CSSInliner::options()
        .keep_at_rules(true)
        .keep_style_tags(false)
        .load_remote_stylesheets(false)
        .build();
    inliner.inline(html).map_err(|error| {
        let said: String = error.to_string().chars().take(200).collect();
        format!("its styles cannot be used ({said})")
    })
}

/// What in it would be loaded or run when it is opened. What is only text, such as a name, is none of it.
pub(super) fn loads(html: &str) -> Option<&'static str> {
    let html = html.to_ascii_lowercase();
    html.split('<').skip(1).find_map(|piece| {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let by_name = ELEMENTS.iter().find(|(element, _)| *element == name);
        let by_sign = SIGNS
            .iter()
            .find(|(sign, _)| tag.contains(sign) || name == "style" && text.contains(sign));
        by_name.or(by_sign).map(|(_, what)| *what)
    })
}

const ELEMENTS: [(&str, &str); 4] =
    [("script", "a script"), ("link", "a `<link>`"), ("iframe", "a frame"), ("form", "a form")];

const SIGNS: [(&str, &str); 5] = [
    ("@import", "an `@import`"),
    ("url(", "a `url()`"),
    (" src=", "a `src`"),
    (" srcset=", "a `srcset`"),
    (" background=", "a `background`"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_moved_and_those_for_a_dark_screen_stay() {
        let page = "<html><head><style>p{color:red}@media (prefers-color-scheme: dark){p{color:blue !important}}</style></head><body><p>&lt;b&gt; &amp;amp;</p></body></html>";
        let made = inlined(page).unwrap();
        assert!(made.contains("<p style=\"color: red;\">&lt;b&gt; &amp;amp;</p>"), "{made}");
        assert!(made.contains("prefers-color-scheme: dark"), "{made}");
    }

    #[test]
    fn no_style_is_fetched_from_elsewhere() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let address = server.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.css");
        std::fs::write(&file, "p { color: green }").unwrap();
        for href in [format!("http://{address}/a.css"), file.display().to_string()] {
            let page = format!(
                "<html><head><link rel=\"stylesheet\" href=\"{href}\"></head><body><p>a</p></body></html>"
            );
            let made = inlined(&page).unwrap_or_default();
            assert!(!made.contains("green"), "{made}");
        }
        assert!(server.accept().is_err(), "somebody was asked");
    }

    #[test]
    fn whatever_would_be_loaded_is_seen() {
        for page in [
            "<img src=\"https://tracker.example/1.gif\">",
            "<p style=\"background: url(//tracker.example)\">",
            "<LINK rel=stylesheet href=x>",
            "<style>p { background: url(//tracker.example) }</style>",
            "<p>a</p><script>1</script>",
        ] {
            assert!(loads(page).is_some(), "{page}");
        }
        for page in
            ["<a href=\"https://connect.example/\">a src= b</a>", "<p>&lt;script&gt; url(a)</p>"]
        {
            assert_eq!(loads(page), None, "{page}");
        }
    }
}
