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

/// What in it would be loaded or run when it is opened.
pub(super) fn loads(html: &str) -> Option<&'static str> {
    let html = html.to_ascii_lowercase();
    [
        ("<script", "a script"),
        ("<link", "a `<link>`"),
        ("<iframe", "a frame"),
        ("<form", "a form"),
        ("@import", "an `@import`"),
        ("url(", "a `url()`"),
        (" src=", "a `src`"),
        (" srcset=", "a `srcset`"),
        (" background=", "a `background`"),
    ]
    .into_iter()
    .find_map(|(sign, what)| html.contains(sign).then_some(what))
}

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
        ] {
            assert!(loads(page).is_some(), "{page}");
        }
        assert_eq!(loads("<a href=\"https://connect.example/\">src</a>"), None);
    }
}
