//! Whoever else follows a link or sends a form, and what every answer forbids.

use std::collections::BTreeSet;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use super::browser::Browser;
use super::place::{self, ONE, text};
use super::plain::{self, Answer};

#[test]
fn a_mail_scanner_or_another_page_neither_spends_a_link_nor_counts_a_try() {
    let rig = place::rig();
    let _daemon = place::broken(&rig);
    let (home, link) = (place::home(&rig), place::link(&rig, ONE));
    let untouched = ("open".to_owned(), 0);
    // Looked at in every way, also many times.
    let mut followed = plain::ask(&link, &[]);
    for more in [
        &["--head"][..],
        &["--header", "Sec-Purpose: prefetch"],
        &["--header", "Purpose: prefetch", "--header", "Sec-Fetch-Site: none"],
        &["--user-agent", "Mozilla/5.0 (compatible; SafeLinks)"],
    ] {
        followed = plain::ask(&link, more);
        assert_eq!(followed.status, 303, "{more:?}");
    }
    let page =
        format!("http://{}{}", home.trim_start_matches("http://"), followed.header("location"));
    assert_eq!(plain::ask(&page, &[]).status, 404, "nobody without the cookie");
    let cookie = followed.cookie();
    let cookie = ["--cookie", &cookie];
    assert_eq!(plain::ask(&page, &cookie).status, 200);

    // A form that nobody pressed a button of, though the cookie is there.
    let new = place::new_key(&rig, ONE);
    let key = format!("key={new}");
    let form = ["--data", "do=try", "--data-urlencode", &key];
    for origin in [
        &[][..],
        &["--header", "Sec-Fetch-Site: cross-site"],
        &["--header", "Sec-Fetch-Site: same-site"],
        &["--header", "Sec-Fetch-Site: none"],
        &["--header", "Origin: https://elsewhere.example"],
        &["--header", "Origin: null"],
        &["--header", "Origin: http://127.0.0.1"],
        &["--header", "Sec-Fetch-Site: same-origin", "--header", "Origin: null"],
    ] {
        let answer = plain::ask(&page, &[&cookie[..], &form, origin].concat());
        assert_eq!(answer.status, 403, "{origin:?}");
        assert!(!answer.body.contains(&new), "the key is repeated to {origin:?}");
    }
    let ours = ["--header", "Sec-Fetch-Site: same-origin"];
    assert_eq!(plain::ask(&page, &[&form[..], &ours].concat()).status, 404, "without the cookie");
    assert_eq!(plain::ask(&link, &[&form[..], &ours].concat()).status, 404, "the link itself");

    // Another page in the very browser of the customer, which sends the form by itself.
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("lured");
    visitor.open(&mut browser, &link);
    let other = place::free_port();
    // The same site with another port even gets the cookie sent; another site does not.
    for host in ["127.0.0.1", "localhost"] {
        let html = format!(
            "<form method=post action='{page}'><input name=key value='{new}'>\
             <button name=do value=try>Win</button></form>"
        );
        let url = format!("http://{host}:{other}/");
        visitor.act(&mut browser, "forge", &json!({"url": url, "html": html}));
        visitor.open(&mut browser, &url);
        let answer = visitor.press(&mut browser, "Win");
        assert_eq!(text(&answer, "heading"), "This page could not be used", "{host}");
    }
    assert_eq!(place::links(&rig, ONE), [untouched]);
    assert_eq!((place::generation(&rig, ONE)), 1);

    // The same form from the page itself is taken.
    let answer = plain::ask(&page, &[&cookie[..], &form, &ours].concat());
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(place::links(&rig, ONE)[0].0, "spent");
}

#[test]
fn every_answer_is_kept_nowhere_framed_by_nobody_and_allows_only_its_own() {
    let rig = place::rig();
    let (cert, key) = {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let (cert, key) = (rig.file("public.crt", cert), rig.file("public.key", key));
    let port = place::free_port();
    let home = format!("https://localhost:{port}/pleo");
    // Below a path, as one of several things at an address.
    let rig = rig
        .set("public.url", &home)
        .set("public.listen", &format!("127.0.0.1:{port}"))
        .set("public.tls_cert", cert.to_str().unwrap())
        .set("public.tls_key", key.to_str().unwrap());
    let _daemon = place::broken(&rig);
    let link = place::link(&rig, ONE);
    assert!(link.starts_with(&home), "{link}");
    let followed = plain::ask(&link, &[]);
    let cookie = followed.cookie();
    let set = followed.header("set-cookie").to_owned();
    for part in ["__Host-", "; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part), "no {part}: {set}");
    }
    let page = format!("https://localhost:{port}{}", followed.header("location"));
    let cookie = ["--cookie", &cookie];
    let ours = [&cookie[..], &["--header", "Sec-Fetch-Site: same-origin"]].concat();
    let long = format!("key={}", "a".repeat(20_000));
    let send = |more: &[&str]| plain::ask(&page, &[&ours[..], more].concat());
    let first = plain::ask(&page, &cookie);
    let answers = [
        (303, followed),
        (200, plain::ask(&page, &cookie)),
        (303, send(&["--data", "do=try", "--data", "key=pls_nonsense"])),
        (403, plain::ask(&page, &[&cookie[..], &["--data", "do=try"]].concat())),
        (404, plain::ask(&page, &[])),
        (404, plain::ask(&format!("{home}/l/nothing"), &[])),
        (404, plain::ask(&format!("{home}/nothing"), &[])),
        (404, plain::ask(&format!("https://localhost:{port}/"), &[])),
        (404, plain::ask(&page, &["--request", "DELETE"])),
        (404, plain::ask(&format!("{home}/logo"), &[])),
        (204, plain::ask(&format!("{home}/favicon.ico"), &[])),
        (413, send(&["--data", &long])),
        (422, send(&["--data", "do=try&do=yes"])),
        (422, send(&["--json", "{}"])),
    ];
    let mut nonces = BTreeSet::new();
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{answer:#?}");
        assert_guarded(answer);
        nonces.extend(nonce(answer));
    }
    assert_eq!(nonces.len(), answers.iter().filter(|(_, one)| nonce(one).is_some()).count());
    assert!(!nonces.contains(&nonce(&first).unwrap()), "a nonce came twice");

    // And a browser finds all of it in order.
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("by TLS");
    let page = visitor.open(&mut browser, &link);
    assert_eq!(page["status"], 200);
    visitor.paste(&mut browser, &place::new_key(&rig, ONE));
    let page = visitor.press(&mut browser, "Save and test");
    assert_eq!(text(&page, "heading"), "Connected", "{}", page["text"]);
    assert_eq!(visitor.complaints(&mut browser), json!([]));
}

fn nonce(answer: &Answer) -> Option<String> {
    let policy = answer.header("content-security-policy");
    let (_, rest) = policy.split_once("script-src 'nonce-")?;
    Some(rest.split_once('\'')?.0.to_owned())
}

fn assert_guarded(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {answer:#?}");
    }
    let referrer = answer.header("referrer-policy");
    assert!(["same-origin", "no-referrer"].contains(&referrer), "{answer:#?}");
    assert!(answer.header("strict-transport-security").starts_with("max-age="), "{answer:#?}");
    let policy = answer.header("content-security-policy");
    for rule in
        ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.split("; ").any(|one| one == rule), "no {rule}: {answer:#?}");
    }
    for word in ["unsafe", "*", "http:", "https:", "data:"] {
        assert!(!policy.contains(word), "{policy}");
    }
}
