//! What arrives of a mail, whatever people wrote into it; and mails that become files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keypulse::notify::Mailer;
use keypulse::notify::mail::{Address, Failed, Outcome, Parcel, Road, Settings, Step, Why};

use super::mail_steps::{PATIENT, mailer, parcel};
use super::relay::{Cover, Relay, Script, Taken};

async fn arrives(parcel: &Parcel<'_>) -> Taken {
    let relay = Relay::start(Script::good(Cover::None)).await;
    let mailer = mailer(&relay, Cover::None, PATIENT);
    assert_eq!(mailer.send(parcel, || async { true }).await, Outcome::Sent);
    let mut taken = relay.taken();
    assert_eq!(taken.len(), 1, "one mail is one mail");
    taken.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_dots_is_a_line_and_not_the_end() {
    let text = "before\n.\n..\n...\n.hidden\n\n.\n\nRCPT TO:<eve@evil.example>\nafter\n";
    let taken = arrives(&Parcel { text, ..parcel() }).await;
    let expected = text.replace('\n', "\r\n");
    assert!(taken.body.contains(&expected), "{}", taken.body);
    assert!(taken.body.contains("<p>Hello Anna</p>"), "the part behind it is there as well");
    assert_eq!(taken.to.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_line_ends_do_not_end_a_mail_for_a_relay_that_takes_them_for_one() {
    for text in ["a\n.\nMAIL FROM:<eve@evil.example>\n", "a\r.\rb", "a\n.\r\nb", "a\r\n.\nb"] {
        let taken = arrives(&Parcel { text, html: text, ..parcel() }).await;
        let bytes = taken.body.as_bytes();
        for at in 0..bytes.len() {
            match bytes[at] {
                b'\n' => assert_eq!(bytes[at - 1], b'\r', "a bare LF in {text:?}"),
                b'\r' => assert_eq!(bytes[at + 1], b'\n', "a bare CR in {text:?}"),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_subject_adds_a_header_or_a_recipient() {
    let taken = arrives(&Parcel {
        subject: "Acme\r\nBcc: eve@evil.example\r\n\r\nbody\u{202e}",
        language: "da\r\nX-Evil: yes",
        ..parcel()
    })
    .await;
    let head = taken.body.split("\r\n\r\n").next().unwrap();
    let names: Vec<_> = head
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    for evil in ["bcc", "x-evil"] {
        assert!(!names.contains(&evil.to_owned()), "{head}");
    }
    assert_eq!(taken.to, ["RCPT TO:<anna@fjord.example>"]);
    assert!(head.contains("Subject: Acme Bcc: eve@evil.example body\r\n"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_adds_a_command() {
    let relay = Relay::start(Script::good(Cover::None)).await;
    let mailer = mailer(&relay, Cover::None, PATIENT);
    for to in [
        "anna@fjord.example>\r\nRCPT TO:<eve@evil.example",
        "anna@fjord.example\r\nBcc: eve@evil.example",
        "anna@fjord.example, eve@evil.example",
        "Anna <anna@fjord.example>",
        "anna",
        "",
    ] {
        let outcome = mailer.send(&Parcel { to, ..parcel() }, || async { true }).await;
        let none = Failed { step: Step::Recipient, why: Why::NoAddress };
        assert_eq!(outcome, Outcome::Failed(none), "{to:?}");
    }
    assert!(relay.said().is_empty(), "{:?}", relay.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_other_letters_goes_only_where_it_can_be_carried() {
    let to = "søren@fjord.example";
    for offers in [vec!["8BITMIME", "AUTH PLAIN"], vec!["SMTPUTF8", "AUTH PLAIN"]] {
        let relay = Relay::start(Script { offers, ..Script::good(Cover::None) }).await;
        let outcome = mailer(&relay, Cover::None, PATIENT)
            .send(&Parcel { to, ..parcel() }, || async { true })
            .await;
        let not = Failed { step: Step::Recipient, why: Why::NotOffered };
        assert_eq!(outcome, Outcome::Failed(not));
        assert!(relay.said().iter().all(|line| !line.starts_with("MAIL")), "{:?}", relay.said());
    }

    let offers = vec!["8BITMIME", "SMTPUTF8", "AUTH PLAIN"];
    let relay = Relay::start(Script { offers, ..Script::good(Cover::None) }).await;
    let outcome = mailer(&relay, Cover::None, PATIENT)
        .send(&Parcel { to, ..parcel() }, || async { true })
        .await;
    assert_eq!(outcome, Outcome::Sent);
    let taken = relay.taken().remove(0);
    assert_eq!(taken.from, "MAIL FROM:<keys@acme.example> SMTPUTF8 BODY=8BITMIME");
    assert_eq!(taken.to, ["RCPT TO:<søren@fjord.example>"]);
}

fn to_folder(folder: &Path) -> Mailer {
    let from = (None, Address::read("keys@acme.example").unwrap());
    Mailer::new(Settings { road: Road::Folder(folder.to_owned()), from, reply_to: None }).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_in_a_folder_is_one_whole_file_of_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = to_folder(folder.path());
    assert_eq!(mailer.send(&parcel(), || async { false }).await, Outcome::Withheld);
    assert!(names(folder.path()).is_empty());
    // A second try of the same mail is the same mail.
    for _ in 0..2 {
        assert_eq!(mailer.send(&parcel(), || async { true }).await, Outcome::Sent);
        assert_eq!(names(folder.path()), ["m-1.eml"]);
    }
    let file = folder.path().join("m-1.eml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("To: anna@fjord.example\r\n") && text.contains("<p>Hello Anna</p>"));

    let outcome = mailer.send(&Parcel { id: "../m-2", ..parcel() }, || async { true }).await;
    let not = Failed { step: Step::Body, why: Why::NotWritten };
    assert_eq!(outcome, Outcome::Failed(not), "an id is no path");
    let nowhere = to_folder(&folder.path().join("nowhere"));
    let outcome = nowhere.send(&parcel(), || async { true }).await;
    assert!(matches!(outcome, Outcome::Failed(Failed { why: Why::NoFolder, .. })), "{outcome:?}");
}
