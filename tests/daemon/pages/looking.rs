//! The pages for whoever sees badly, has a small screen, no mouse, or a slow connection.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keypulse::sandbox::{Change, Scope};
use serde_json::{Value, json};

use super::browser::{Browser, Visitor};
use super::place::{self, ONE, SUPPORT, text};
use crate::program::Ran;
use crate::rig::{FLEET, Rig};

/// The most that a page and all that it loads may weigh.
const LIGHT: u64 = 50 * 1024;

/// A second one whose connection breaks, and one who is invited.
const TWO: u32 = 5;
const THREE: u32 = 7;
const NEW: u32 = FLEET + 1;

#[test]
fn every_page_can_be_used_by_anybody_on_any_screen() {
    let rig = Rig::new(NEW).set("policy.dead_interval", "1h");
    rig.add(1..=FLEET);
    let logo = "<svg xmlns='http://www.w3.org/2000/svg' width='96' height='32'><rect \
                width='96' height='32' fill='#1f4fd8'/></svg>";
    let logo = rig.file("logo.svg", logo);
    let rig = place::with_pages(rig).set("brand.logo_file", logo.to_str().unwrap());
    let daemon = rig.healthy_daemon();
    rig.apply(Change::Revoke { tenant: ONE });
    rig.apply(Change::RemoveScope { tenant: TWO, scope: Scope::parse("users:read").unwrap() });
    rig.apply(Change::Revoke { tenant: THREE });
    for number in [ONE, TWO, THREE] {
        place::until_status(&rig, &daemon, number, "needs_reconnection");
    }
    let mut browser = Browser::start();
    let mut visitor = browser.visitor("anybody");
    let to_paste = "(secret)";

    let page = visitor.open(&mut browser, &place::link(&rig, ONE));
    inspected(&mut browser, &visitor, "ask", &page, &["key", "Save and test"]);
    assert_light(&mut browser, &visitor, &rig);
    let new = place::new_key(&rig, ONE);
    visitor.paste(&mut browser, &place::wrong(&new));
    let page = visitor.press(&mut browser, "Save and test");
    assert_eq!(page["focus"], "said", "what is new is read first");
    inspected(&mut browser, &visitor, "ask after an error", &page, &["key", "Save and test"]);
    visitor.paste(&mut browser, &new);
    let page = visitor.press(&mut browser, "Save and test");
    inspected(&mut browser, &visitor, "connected", &page, &["Back to Pleo"]);

    let page = visitor.open(&mut browser, &place::link(&rig, TWO));
    inspected(&mut browser, &visitor, "permission", &page, &["Test again", "key"]);

    let page = visitor.open(&mut browser, &place::link(&rig, THREE));
    assert!(text(&page["key"], "label").contains(to_paste), "{}", page["key"]);
    visitor.unfold(&mut browser, "We no longer use");
    let page = visitor.press(&mut browser, "Stop for");
    inspected(&mut browser, &visitor, "declined", &page, &[SUPPORT]);

    let invited = rig.reference(NEW);
    visitor.open(&mut browser, &place::invite(&rig, &invited, &["--locale", "en-GB"]));
    visitor.paste(&mut browser, &rig.key(NEW));
    let page = visitor.press(&mut browser, "Save and test");
    let answers = ["Yes, connect it", "No, it is another one"];
    inspected(&mut browser, &visitor, "confirm", &page, &answers);

    let revoked = place::link(&rig, TWO);
    rig.run(&["tenant", "link", &rig.reference(TWO), "--revoke"]).well();
    let page = visitor.open(&mut browser, &revoked);
    inspected(&mut browser, &visitor, "ended", &page, &["Send a new link"]);
    let page = visitor.open(&mut browser, &format!("{}/l/nothing", place::home(&rig)));
    inspected(&mut browser, &visitor, "missing", &page, &[SUPPORT]);
    assert_light(&mut browser, &visitor, &rig);
}

/// Nothing that a rule finds, in light and dark, narrow and wide; all of it by keyboard, in order.
fn inspected(browser: &mut Browser, visitor: &Visitor, name: &str, page: &Value, wanted: &[&str]) {
    let found = visitor.act(browser, "inspect", &json!({}));
    assert_eq!(found["violations"], json!([]), "{name}: {found:#}");
    assert!(found["rules"].as_u64().unwrap() > 20, "{name}: few rules were applied: {found:#}");
    assert_eq!(found["wider"], json!([0, 0]), "{name}: scrolls sideways");
    assert_eq!(found["small"], json!([]), "{name}: hard to hit");
    assert_eq!(found["order"], found["reachable"], "{name}: by keyboard");
    assert_eq!(found["unseen"], json!([]), "{name}: the focus is not seen");
    let mut reached = found["order"].as_array().unwrap().iter();
    for one in wanted {
        assert!(reached.any(|name| name == one), "{name}: no {one} in this order: {found:#}");
    }
    assert!(text(page, "lang").starts_with("en"), "{name}");
}

/// Everything comes from the page's own address, and it is not much.
fn assert_light(browser: &mut Browser, visitor: &Visitor, rig: &Rig) {
    let seen = visitor.act(browser, "seen", &json!({}));
    let home = place::home(rig);
    let mut sum = 0;
    for answer in seen["answers"].as_array().unwrap() {
        let url = text(answer, "url");
        assert!(url.starts_with(&home), "{url} was loaded");
        let headers = answer["headers"].as_object().unwrap().iter();
        let headers: usize =
            headers.map(|(name, value)| name.len() + value.to_string().len()).sum();
        let weight = answer["bytes"].as_u64().unwrap() + u64::try_from(headers).unwrap();
        assert!(weight < LIGHT, "{url}: {weight} bytes");
        sum += weight;
    }
    let pages = seen["answers"].as_array().unwrap().iter();
    let pages = pages.filter(|one| one["kind"] == "document" && one["status"] != 303).count();
    assert!(pages > 0 && sum / u64::try_from(pages).unwrap() < LIGHT, "{sum} in {pages} pages");
    for request in seen["requests"].as_array().unwrap() {
        assert!(text(request, "url").starts_with(&home), "{request}");
    }
}

#[test]
fn every_page_of_every_language_is_written_for_a_look_and_nothing_is_wrong_with_it() {
    let rig = place::with_pages(Rig::new(1));
    let out = rig.path().join("preview");
    let Ran { stdout, .. } = rig.run(&["page", "preview", "--out", out.to_str().unwrap()]).well();
    assert!(stdout.starts_with("wrote "), "{stdout}");
    let mut browser = Browser::start();
    let visitor = browser.visitor("of all languages");
    let mut looked = 0;
    for language in entries(&out).into_iter().filter(|path| path.is_dir()) {
        let tag = language.file_name().unwrap().to_str().unwrap().to_owned();
        let paths = entries(&language);
        // Colours are the same in all of them.
        let leaf = json!({"paths": paths, "contrast": tag == "en"});
        for page in visitor.act(&mut browser, "leaf", &leaf).as_array().unwrap() {
            let name = text(page, "path");
            assert_eq!(text(page, "lang"), tag, "{name}");
            assert!(!text(page, "heading").is_empty(), "{name}");
            assert!(text(page, "title").ends_with(place::PRODUCT), "{name}: {}", page["title"]);
            assert_eq!(page["violations"], json!([]), "{name}: {page:#}");
            assert!(page["rules"].as_u64().unwrap() > 20, "{name}: {page:#}");
            assert_eq!(page["wider"], 0, "{name}: scrolls sideways");
            assert_eq!(page["small"], json!([]), "{name}: hard to hit");
            looked += 1;
        }
    }
    assert!(looked >= 4 * 25, "{looked} pages");
    assert!(stdout.contains(&format!("wrote {looked} pages")), "{looked}: {stdout}");
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.collect::<BTreeSet<_>>().into_iter().collect()
}
