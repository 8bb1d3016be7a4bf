//! Settings that cannot be meant: refused by name, with the way out, before anything is touched.

use std::net::TcpListener;

use crate::files;
use crate::program;
use crate::rig::Rig;

#[test]
fn a_setting_that_does_not_exist_or_cannot_be_meant_is_refused_by_name_and_changes_nothing() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    for (variable, value, named) in [
        ("KEYPULSE__WATCH__INTERVALL", "1s", "`KEYPULSE__WATCH__INTERVAL`"),
        ("KEYPULSE__NOTIFY__MODE", "live", "`notify.mode`"),
        ("KEYPULSE__NOTIFY__MODE", "on_call", "`notify.mode`"),
        ("KEYPULSE__POLICY__REJECTIONS", "1", "`policy.rejections`"),
        ("KEYPULSE__POLICY__ALONE_SPAN", "1ms", "`policy.alone_span`"),
        ("KEYPULSE__WATCH__INTERVAL", "soon", "`watch.interval`"),
        ("KEYPULSE__WATCH__INTERVAL", "5", "`watch.interval`"),
        ("KEYPULSE__BUDGET__PER_MINUTE", "0", "`budget.per_minute`"),
        ("KEYPULSE__PROVIDER__BASE_URL", "http://provider.example", "`provider.base_url`"),
        ("KEYPULSE__PROVIDER__PROFILE", "pleoo", "provider.profile"),
        ("KEYPULSE__PRIVATE__LISTEN", "localhost", "`private.listen`"),
        ("KEYPULSE__STORE__URL", "mysql://here/keypulse", "`store.url`"),
    ] {
        for args in [&["run"][..], &["tenant", "list"], &["config", "check"]] {
            let mut command = rig.command(args);
            let refusal = program::run(command.env(variable, value), b"").refusal();
            assert!(refusal.contains(named), "{variable}={value}: {refusal}");
        }
    }
    assert_eq!(files::content(&rig.data()), before);
}

#[test]
fn a_key_misspelt_in_the_file_is_refused_with_its_line_and_the_nearest_one() {
    let rig = Rig::new(1);
    for (text, said) in [
        ("[watch]\nintervall = \"5m\"\n", &["line 2", "`watch.intervall`", "`watch.interval`"]),
        ("[polizy]\nspan = \"5m\"\n", &["polizy", "did you mean", "policy"]),
        ("[watch\ninterval = \"5m\"\n", &["own.toml", "line 1", "column"]),
    ] {
        let file = rig.file("own.toml", text);
        for args in [&["run"][..], &["tenant", "list"], &["config", "show"]] {
            let refusal =
                rig.run(&[args, &["--config", file.to_str().unwrap()]].concat()).refusal();
            assert!(said.iter().all(|part| refusal.contains(part)), "{text}: {refusal}");
        }
    }
    let refusal = rig.run(&["run", "--config", "nowhere.toml"]).refusal();
    assert!(refusal.contains("nowhere.toml"), "{refusal}");
    assert!(files::of(&rig.data()).is_empty());
}

#[test]
fn a_listener_that_other_machines_could_reach_is_refused_and_changes_nothing() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let mut command = rig.command(&["run"]);
        let refusal =
            program::run(command.env("KEYPULSE__PRIVATE__LISTEN", address), b"").refusal();
        assert!(refusal.contains("`private.listen`"), "{refusal}");
        assert!(refusal.contains("127.0.0.1") && refusal.contains("TLS"), "{refusal}");
    }
    assert_eq!(files::content(&rig.data()), before);
}

#[test]
fn an_address_in_use_is_refused_and_changes_nothing() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let before = files::content(&rig.data());
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let mut command = rig.command(&["run"]);
    let refusal = program::run(command.env("KEYPULSE__PRIVATE__LISTEN", &address), b"").refusal();
    assert!(refusal.contains("`private.listen`") && refusal.contains(&address), "{refusal}");
    assert!(refusal.contains("in use"), "{refusal}");
    assert_eq!(files::content(&rig.data()), before);
    assert_eq!(rig.world().counts().total, 0);
}
