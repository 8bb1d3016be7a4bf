//! Where a key could be found afterwards: in the browser, on its disk, in the daemon's files.

use std::path::Path;

use serde_json::{Value, json};

use super::browser::Browser;
use super::place::{self, ONE, text};

#[test]
fn a_key_that_was_pasted_is_nowhere_afterwards() {
    let rig = place::rig();
    let daemon = rig.daemon_with(&[("RUST_LOG", "trace")]);
    rig.apply(keypulse::sandbox::Change::Revoke { tenant: ONE });
    place::until_status(&rig, &daemon, ONE, "needs_reconnection");
    let new = place::new_key(&rig, ONE);
    let keys = [place::wrong(&new), new];

    let profile = rig.path().join("profile");
    let mut browser = Browser::start();
    let more = json!({"profile": profile.to_str().unwrap()});
    let mut visitor = browser.visitor_with("of a lasting browser", &more);
    let link = place::link(&rig, ONE);
    visitor.open(&mut browser, &link);
    let mut pages = Vec::new();
    for key in &keys {
        visitor.paste(&mut browser, key);
        pages.push(visitor.press(&mut browser, "Save and test"));
        // Away and back again, as after a look at the provider's page, and once round.
        pages.push(visitor.open(&mut browser, "about:blank"));
        pages.push(visitor.act(&mut browser, "back", &json!({})));
        pages.push(visitor.act(&mut browser, "back", &json!({})));
        pages.push(visitor.act(&mut browser, "back", &json!({"forward": true})));
        pages.push(visitor.act(&mut browser, "reload", &json!({})));
        let fields = pages.iter().filter(|page| !page["key"].is_null());
        for page in fields {
            assert_eq!(page["key"]["value"], "", "the field is filled in again");
        }
    }
    assert_eq!(text(pages.last().unwrap(), "heading"), "Connected");
    let stored = visitor.act(&mut browser, "stored", &json!({}));
    for place in ["local", "session"] {
        assert_eq!(stored[place], json!({}), "{place}");
    }
    for place in ["databases", "caches"] {
        assert_eq!(stored[place], json!([]), "{place}");
    }
    assert_eq!(stored["cookie"], "", "a script can read the cookie");
    let seen = visitor.act(&mut browser, "seen", &json!({}));
    visitor.act(&mut browser, "close", &json!({}));
    drop(browser);
    drop(daemon);

    let mut places = vec![
        ("pages".to_owned(), Value::from(pages).to_string().into_bytes()),
        ("storage".to_owned(), stored.to_string().into_bytes()),
        ("requests".to_owned(), seen.to_string().into_bytes()),
    ];
    files(rig.path(), &mut places);
    let found = |what: &str| -> Vec<&str> {
        let holds = |bytes: &[u8]| bytes.windows(what.len()).any(|part| part == what.as_bytes());
        places.iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place.as_str()).collect()
    };
    for key in &keys {
        assert_eq!(found(key), Vec::<&str>::new());
    }
    // The search does find what the browser and the daemon keep.
    let page = link.split('/').nth(2).unwrap();
    for part in ["profile/Default/History", "output/stderr-", "pages"] {
        let what = if part.starts_with("output") { "needs reconnection" } else { page };
        assert!(found(what).iter().any(|place| place.contains(part)), "{part}: {:?}", found(what));
    }
}

/// Every file below a folder, by its name.
fn files(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Chromium leaves links that lead nowhere.
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            files(&path, places);
        } else {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}
