//! The road of mail, tried by hand.

use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::names;
use crate::receiver::Receiver;
use crate::relay::{Cover, Fault, Relay, Script, Stage};
use crate::rig::{RUNTIME, Rig};

/// An installation that sends by a relay that does this.
fn mailing(script: Script) -> (Rig, Relay) {
    let relay = RUNTIME.block_on(Relay::start(script));
    let rig = Rig::new(1);
    let password = rig.file("mail.password", "hunter2\n");
    let ca = rig.file("relay.pem", relay.certificate());
    let rig = rig
        .set("mail.host", "127.0.0.1")
        .set("mail.port", &relay.port().to_string())
        .set("mail.ca_file", ca.to_str().unwrap())
        .set("mail.username", "keys")
        .set("mail.password_file", password.to_str().unwrap())
        .set("mail.from", "Acme ERP <keys@mail.acme.example>");
    (rig, relay)
}

/// The levels of what was looked at, by name.
fn levels(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().map(|one| (text(&one["name"]), text(&one["level"]))).collect()
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
}

#[test]
fn a_test_mail_says_each_step_and_fails_where_the_relay_does() {
    let (rig, relay) = mailing(Script::good(Cover::Implicit));
    let said = rig.run(&["mail", "test", "--to", "anna@fjord.example"]).well().stdout;
    for step in ["● agreeing on TLS", "● signing in", "● ending the mail", "it was taken"] {
        assert!(said.contains(step), "{step} is not in {said}");
    }
    let taken = relay.taken();
    assert_eq!((taken.len(), &*taken[0].to[0]), (1, "RCPT TO:<anna@fjord.example>"));
    assert!(taken[0].body.contains("From: \"Acme ERP\" <keys@mail.acme.example>"));

    let refused = Script::failing(Cover::Implicit, Stage::Recipient, Fault::Say("550 5.1.1 anna"));
    let (rig, relay) = mailing(refused);
    let ran = rig.run(&["mail", "test", "--to", "anna@fjord.example"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("✖ naming the recipient\n"), "{ran:?}");
    assert!(ran.stdout.contains("the relay answered 550 5.1.1"), "{ran:?}");
    let printed = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!printed.contains("anna") && !printed.contains("hunter2"), "{printed}");
    assert!(relay.taken().is_empty());

    let lost = Script::failing(Cover::Implicit, Stage::End, Fault::Close);
    let ran = mailing(lost).0.run(&["mail", "test", "--to", "anna@fjord.example"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("nobody knows whether it was taken"), "{ran:?}");

    let said = rig.run(&["mail", "test", "--to", "anna"]).refusal();
    assert!(said.contains("`--to` cannot be used"), "{said}");
    let said = Rig::new(1).run(&["mail", "test", "--to", "anna@fjord.example"]).refusal();
    assert!(said.contains("neither `mail.host` nor `mail.dir` is set"), "{said}");
}

#[test]
fn a_test_mail_into_a_folder_is_a_file_there() {
    let rig = Rig::new(1);
    let folder = rig.path().join("output");
    let rig = rig.set("mail.dir", folder.to_str().unwrap()).set("mail.from", "keys@acme.example");
    rig.run(&["mail", "test", "--to", "anna@fjord.example"]).well();
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().into_string().unwrap();
    assert!(name.starts_with("test-") && name.strip_suffix(".eml").is_some(), "{name}");
}

#[test]
fn the_mail_doctor_says_of_relay_and_sender_what_is_wrong_and_what_to_do() {
    let (rig, relay) = mailing(Script::good(Cover::Implicit));
    let key = format!("v=DKIM1; k=rsa; p={}", "A".repeat(392));
    let server = names::publishing(&[
        ("mail.acme.example", "v=spf1 include:relay.example -all"),
        ("mail.acme.example", "something else"),
        ("s1._domainkey.mail.acme.example", &key),
        ("_dmarc.acme.example", "v=DMARC1; p=quarantine"),
    ]);
    let rig = rig
        .set("mail.dns", &server.to_string())
        .set("mail.dkim_selector", "s1")
        .set("brand.product", "Acme ERP")
        .set("public.url", "https://keys.acme.example");
    let good = rig.run(&["mail", "doctor", "--json"]).json();
    let all = ["mail", "SPF", "DKIM", "DMARC", "link"].map(|name| (name, "ok"));
    assert_eq!(levels(&good), expected(&all), "{good}");
    assert!(
        good["checks"][0]["says"].as_str().unwrap().contains("in TLS and lets keypulse sign in")
    );
    assert!(relay.said().iter().all(|line| !line.starts_with("MAIL")), "no mail is sent");

    let server = names::publishing(&[("_dmarc.mail.acme.example", "v=DMARC1; q=none")]);
    let rig =
        rig.set("mail.dns", &server.to_string()).set("public.url", "https://keys.other.example");
    let ran = rig.run(&["mail", "doctor", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let bad: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found = [
        ("mail", "ok"),
        ("SPF", "problem"),
        ("DKIM", "problem"),
        ("DMARC", "problem"),
        ("link", "warning"),
    ];
    assert_eq!(levels(&bad), expected(&found), "{bad}");
    for check in bad["checks"].as_array().unwrap().iter().filter(|one| one["level"] != "ok") {
        assert!(check["do"].as_str().is_some_and(|text| !text.is_empty()), "{check}");
    }

    let refused = Script::failing(Cover::Implicit, Stage::Auth, Fault::Say("535 5.7.8 hunter2"));
    let (rig, _relay) = mailing(refused);
    // Nobody answers there.
    let rig = rig.set("mail.dns", "127.0.0.1:1");
    let ran = rig.run(&["mail", "doctor"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for said in [
        "the relay answered 535 5.7.8 while signing in",
        "`mail.password_file`",
        "nobody answered what mail.acme.example publishes",
        "`mail.dkim_selector`",
        "mails have no link",
    ] {
        assert!(ran.stdout.contains(said), "{said} is not in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
}

#[test]
fn a_live_check_knocks_at_every_channel_and_tells_nobody_anything() {
    let (rig, relay) = mailing(Script::good(Cover::Implicit));
    let alertmanager = Alertmanager::start();
    let receiver = RUNTIME.block_on(Receiver::start());
    let secret = rig.path().join("webhook.secret");
    rig.run(&["webhook", "secret", "--out", secret.to_str().unwrap()]).well();
    let rig = rig
        .set("alertmanager.urls", &json!([alertmanager.url()]).to_string())
        .set("webhook.endpoints", &json!([receiver.url()]).to_string())
        .set("webhook.allow_hosts", r#"["127.0.0.1"]"#)
        .set("webhook.secret_file", secret.to_str().unwrap());
    let good = rig.run(&["config", "check", "--live", "--json"]).json();
    let all = ["configuration", "mail", "alertmanager", "webhook"].map(|name| (name, "ok"));
    assert_eq!(levels(&good), expected(&all), "{good}");
    assert!(alertmanager.holds().is_empty());
    let came = receiver.came();
    assert!(came.iter().all(|one| one.body.is_empty() && one.id.is_empty()), "{came:?}");
    assert!(relay.taken().is_empty());

    drop(alertmanager);
    let rig = rig.set("webhook.allow_hosts", "[]").set("mail.tls", "starttls");
    let ran = rig.run(&["config", "check", "--live"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("3 problems"), "{}", ran.stdout);
    let nobody = Rig::new(1).run(&["config", "check", "--live"]).well().stdout;
    assert!(nobody.contains("none is configured"), "{nobody}");
}
