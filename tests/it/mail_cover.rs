//! What a relay is told, and what is believed of it, when the conversation is not what it seems.

use std::time::Duration;

use keypulse::notify::mail::{Failed, Outcome, Step, Why};

use super::mail_steps::{PATIENT, mailer, mailer_to, parcel};
use super::relay::{Cover, Fault, Relay, Script, Stage};

/// Sends one mail there and gives back why it failed.
async fn fails(relay: &Relay, host: &str, cover: Cover, ca: Option<Vec<u8>>) -> (Step, Why) {
    let mailer = mailer_to(host, relay, cover, PATIENT, ca);
    match mailer.send(&parcel(), || async { true }).await {
        Outcome::Failed(Failed { step, why }) => (step, why),
        other => panic!("{other:?}"),
    }
}

/// Nobody signed in there, and nothing was taken.
fn heard_nothing(relay: &Relay) {
    let said = relay.said();
    assert!(
        said.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")),
        "{said:?}"
    );
    assert_eq!(relay.taken().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_or_for_another_name_is_not_believed() {
    for cover in [Cover::Implicit, Cover::StartTls] {
        let relay = Relay::start(Script::good(cover)).await;
        let found = fails(&relay, "127.0.0.1", cover, None).await;
        assert_eq!(found, (Step::Tls, Why::NotTrusted), "{cover:?}");
        heard_nothing(&relay);

        let other = vec!["elsewhere.example".to_owned()];
        let relay = Relay::start(Script { names: other, ..Script::good(cover) }).await;
        let found = fails(&relay, "127.0.0.1", cover, Some(relay.certificate())).await;
        assert_eq!(found, (Step::Tls, Why::NotTrusted), "{cover:?}");
        heard_nothing(&relay);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_nobody_signs_in_and_nothing_is_sent() {
    // STARTTLS is not offered, though signing in is.
    let script = Script { offers: vec!["AUTH PLAIN LOGIN"], ..Script::good(Cover::StartTls) };
    let relay = Relay::start(script).await;
    let found = fails(&relay, "127.0.0.1", Cover::StartTls, Some(relay.certificate())).await;
    assert_eq!(found, (Step::Tls, Why::NotOffered));
    heard_nothing(&relay);
    // It is refused.
    for answer in ["454 4.7.0 not now", "554 5.7.0 no", "502 what", "250 ok"] {
        let script = Script::failing(Cover::StartTls, Stage::StartTls, Fault::Say(answer));
        let relay = Relay::start(script).await;
        let (step, _) =
            fails(&relay, "127.0.0.1", Cover::StartTls, Some(relay.certificate())).await;
        assert_eq!(step, Step::Tls, "{answer}");
        heard_nothing(&relay);
    }
    // The relay speaks in clear where TLS was to be.
    let relay = Relay::start(Script::good(Cover::None)).await;
    let found = fails(&relay, "127.0.0.1", Cover::Implicit, Some(relay.certificate())).await;
    assert_eq!(found.0, Step::Tls);
    heard_nothing(&relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_put_behind_the_yes_to_starttls_is_not_taken_for_one_inside_tls() {
    let forged = "250-relay.test\r\n250 AUTH PLAIN LOGIN\r\n";
    for (later, whys) in [
        (Duration::ZERO, vec![Why::Injected]),
        // What comes a little later is no TLS.
        (Duration::from_millis(100), vec![Why::Injected, Why::Broken]),
    ] {
        let script = Script { injects: Some((forged, later)), ..Script::good(Cover::StartTls) };
        let relay = Relay::start(script).await;
        let (step, why) =
            fails(&relay, "127.0.0.1", Cover::StartTls, Some(relay.certificate())).await;
        assert_eq!(step, Step::Tls, "{later:?}");
        assert!(whys.contains(&why), "{later:?}: {why:?}");
        heard_nothing(&relay);
    }
    // Nor one before the question.
    let script =
        Script::failing(Cover::StartTls, Stage::Greeting, Fault::Say("220 hello\r\n250 STARTTLS"));
    let relay = Relay::start(script).await;
    let found = fails(&relay, "127.0.0.1", Cover::StartTls, Some(relay.certificate())).await;
    assert_eq!(found, (Step::Ehlo, Why::Injected));
    heard_nothing(&relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_offers_no_way_to_sign_in_gets_no_password() {
    for offers in [vec!["SIZE 1000"], vec!["AUTH CRAM-MD5 XOAUTH2"]] {
        let relay = Relay::start(Script { offers, ..Script::good(Cover::Implicit) }).await;
        let found = fails(&relay, "127.0.0.1", Cover::Implicit, Some(relay.certificate())).await;
        assert_eq!(found, (Step::Auth, Why::NotOffered));
        heard_nothing(&relay);
    }
    let script = Script { offers: vec!["AUTH LOGIN"], ..Script::good(Cover::Implicit) };
    let relay = Relay::start(script).await;
    let mailer = mailer(&relay, Cover::Implicit, PATIENT);
    assert_eq!(mailer.send(&parcel(), || async { true }).await, Outcome::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_printed_holds_a_password_or_an_address() {
    let script = Script::failing(Cover::Implicit, Stage::Auth, Fault::Say("535 hunter2 of anna"));
    let relay = Relay::start(script).await;
    let mailer = mailer(&relay, Cover::Implicit, PATIENT);
    let outcome = mailer.send(&parcel(), || async { true }).await;
    let printed = format!("{mailer:?} {:?} {outcome:?} {}", parcel(), outcome.words());
    for hidden in ["hunter2", "anna", "fjord", "acme.example", "Hello"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    assert!(printed.contains("the relay answered 535 while signing in"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_knock_comes_as_far_as_a_mail_would_and_sends_none() {
    for cover in [Cover::None, Cover::Implicit, Cover::StartTls] {
        let relay = Relay::start(Script::good(cover)).await;
        let mut taken = Vec::new();
        mailer(&relay, cover, PATIENT).knock(&mut taken).await.unwrap();
        let mut expected = vec![Step::Connect, Step::Greeting, Step::Ehlo, Step::Auth];
        match cover {
            Cover::None => {}
            Cover::Implicit => expected.insert(1, Step::Tls),
            Cover::StartTls => expected.insert(3, Step::Tls),
        }
        assert_eq!(taken, expected);
        assert!(relay.said().iter().all(|line| !line.starts_with("MAIL")));
    }
    let script = Script::failing(Cover::Implicit, Stage::Auth, Fault::Say("535 5.7.8 no"));
    let relay = Relay::start(script).await;
    let mut taken = Vec::new();
    let failed = mailer(&relay, Cover::Implicit, PATIENT).knock(&mut taken).await.unwrap_err();
    assert_eq!(failed.step, Step::Auth);
    assert_eq!(taken, [Step::Connect, Step::Tls, Step::Greeting, Step::Ehlo]);
}
