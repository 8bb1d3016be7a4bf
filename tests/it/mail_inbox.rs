//! A mail in the inbox of a real server.

use std::time::Duration;

use chrono::DateTime;
use keypulse::notify::Mailer;
use keypulse::notify::mail::{
    Address, Failed, Outcome, Parcel, RelaySettings, Road, Settings, Step, Tls, Why,
};
use serde_json::Value;

use super::mail_steps::PATIENT;
use super::maildev::Maildev;

fn mailer(maildev: &Maildev, password: &str, ca: Option<Vec<u8>>) -> Mailer {
    let read = |text| Address::read(text).unwrap();
    Mailer::new(Settings {
        road: Road::Relay(RelaySettings {
            host: "localhost".to_owned(),
            port: maildev.port(),
            tls: Tls::Required,
            ca,
            login: Some(("keys".to_owned(), password.to_owned().into())),
            timeout: PATIENT,
        }),
        from: (Some("Acmé ERP".to_owned()), read("keys@acme.example")),
        reply_to: Some((None, read("support@acme.example"))),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_at_a_real_server_with_both_parts_and_its_headers() {
    let maildev = Maildev::start();
    let trusted = || Some(maildev.certificate().into_bytes());
    let parcel = Parcel {
        id: "0c1d2e3f",
        to: "anna@fjord.example",
        subject: "Acmé ERP når ikke Pleo – nøglen virker ikke længere",
        text: "Kære Anna\n.\nÆndringer venter.\n",
        html: "<p>Kære Anna</p>\n.\n<p>Ændringer venter.</p>",
        at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        language: "da",
    };
    let fails = async |mailer: Mailer| match mailer.send(&parcel, || async { true }).await {
        Outcome::Failed(Failed { step, why }) => (step, why),
        other => panic!("{other:?}"),
    };
    // A certificate that is not believed is tried elsewhere: maildev ends itself when somebody
    // breaks off in TLS.
    let (step, why) = fails(mailer(&maildev, "hunter3", trusted())).await;
    assert!(step == Step::Auth && matches!(why, Why::Reply(_)), "{step:?} {why:?}");
    assert!(maildev.mails().is_empty());

    let outcome = mailer(&maildev, "hunter2", trusted()).send(&parcel, || async { true }).await;
    assert_eq!(outcome, Outcome::Sent);
    // It parses a mail after it took it.
    let mut mails = maildev.mails();
    for _ in 0..250 {
        if !mails.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        mails = maildev.mails();
    }
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(mail["subject"], parcel.subject);
    assert_eq!(mail["text"], "Kære Anna\n.\nÆndringer venter.\n");
    assert_eq!(mail["html"].as_str().map(str::trim_end), Some(parcel.html));
    assert_eq!(mail["from"][0]["name"], "Acmé ERP");
    assert_eq!(mail["from"][0]["address"], "keys@acme.example");
    assert_eq!(mail["replyTo"][0]["address"], "support@acme.example");
    let to: Vec<_> = mail["envelope"]["to"].as_array().unwrap().iter().collect();
    assert_eq!(to.len(), 1);
    assert_eq!(to[0]["address"], "anna@fjord.example");
    assert_eq!(header("message-id"), "<0c1d2e3f@acme.example>");
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(header("x-auto-response-suppress"), "All");
    assert_eq!(header("content-language"), "da");
    assert_eq!(mail["headers"].get("list-unsubscribe"), None::<&Value>);
    let date = DateTime::parse_from_rfc2822(&header("date")).or_else(|_| {
        // maildev may show it as a moment.
        DateTime::parse_from_rfc3339(mail["date"].as_str().unwrap_or_default())
    });
    assert_eq!(date.unwrap(), parcel.at);
}
