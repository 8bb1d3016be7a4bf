//! A mail to a relay that fails at each step in each way: what is said of it, and what it took.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::DateTime;
use keypulse::notify::mail::{
    Address, Failed, Outcome, Parcel, RelaySettings, Reply, Road, Settings, Step, Tls, Unknown, Why,
};
use keypulse::notify::{MailFate, Mailer, mail_fate};
use tokio::task::JoinSet;

use super::relay::{Cover, Fault, HEARD_OUT, Relay, Script, Stage};

/// More than any step takes on a busy machine, where none is meant to be silent.
pub const PATIENT: Duration = Duration::from_secs(20);

/// Where silence is waited for.
const IMPATIENT: Duration = Duration::from_secs(2);

/// A mailer to that relay, which signs in.
pub fn mailer(relay: &Relay, cover: Cover, timeout: Duration) -> Mailer {
    mailer_to("127.0.0.1", relay, cover, timeout, Some(relay.certificate()))
}

pub fn mailer_to(
    host: &str,
    relay: &Relay,
    cover: Cover,
    timeout: Duration,
    ca: Option<Vec<u8>>,
) -> Mailer {
    let relay = RelaySettings {
        host: host.to_owned(),
        port: relay.port(),
        tls: match cover {
            Cover::None => Tls::None,
            Cover::Implicit => Tls::Required,
            Cover::StartTls => Tls::StartTls,
        },
        ca,
        login: Some(("keys".to_owned(), "hunter2".to_owned().into())),
        timeout,
    };
    let from = Address::read("keys@acme.example").unwrap();
    let settings = Settings {
        road: Road::Relay(relay),
        from: (Some("Acme ERP".to_owned()), from),
        reply_to: None,
    };
    Mailer::new(settings).unwrap()
}

pub fn parcel<'a>() -> Parcel<'a> {
    Parcel {
        id: "m-1",
        to: "anna@fjord.example",
        subject: "Acme ERP cannot reach Pleo",
        text: "Hello Anna",
        html: "<p>Hello Anna</p>",
        at: DateTime::UNIX_EPOCH,
        language: "en",
    }
}

/// What becomes of a mail, and how often it was asked whether it still is to be sent.
async fn sent(mailer: &Mailer, parcel: &Parcel<'_>) -> (Outcome, u32) {
    let asked = AtomicU32::new(0);
    let outcome = mailer.send(parcel, || async {
        asked.fetch_add(1, Ordering::SeqCst);
        true
    });
    (outcome.await, asked.load(Ordering::SeqCst))
}

fn failed(step: Step, why: Why) -> Outcome {
    Outcome::Failed(Failed { step, why })
}

fn reply(code: u16, enhanced: Option<[u16; 3]>) -> Why {
    Why::Reply(Reply { code, enhanced })
}

const COVERS: [Cover; 3] = [Cover::None, Cover::Implicit, Cover::StartTls];

/// The stages before the body, and the step that each of them is.
const BEFORE: [(Stage, Step); 6] = [
    (Stage::Greeting, Step::Greeting),
    (Stage::Ehlo, Step::Ehlo),
    (Stage::Auth, Step::Auth),
    (Stage::Sender, Step::Sender),
    (Stage::Recipient, Step::Recipient),
    (Stage::Data, Step::Data),
];

/// The faults, and what is said of them before the body has ended.
const FAULTS: [(Fault, Why); 9] = [
    (
        Fault::Say("421 4.3.2 anna@fjord.example: later"),
        Why::Reply(Reply { code: 421, enhanced: Some([4, 3, 2]) }),
    ),
    (Fault::Say("451 later"), Why::Reply(Reply { code: 451, enhanced: None })),
    (Fault::Say("550 5.1.1 no"), Why::Reply(Reply { code: 550, enhanced: Some([5, 1, 1]) })),
    (Fault::Say("554-no\r\n554 really"), Why::Reply(Reply { code: 554, enhanced: None })),
    (Fault::Say("hello"), Why::Nonsense),
    (Fault::Say("650 what"), Why::Nonsense),
    (Fault::Close, Why::Broken),
    (Fault::Reset, Why::Broken),
    (Fault::Silence, Why::Silence),
];

fn patience(fault: Fault) -> Duration {
    if fault == Fault::Silence { IMPATIENT } else { PATIENT }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_relay_takes_one_mail_from_and_to_whom_it_should() {
    for cover in COVERS {
        let relay = Relay::start(Script::good(cover)).await;
        let (outcome, asked) = sent(&mailer(&relay, cover, PATIENT), &parcel()).await;
        assert_eq!((outcome, asked), (Outcome::Sent, 1), "{cover:?}");
        let taken = relay.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].from, "MAIL FROM:<keys@acme.example>");
        assert_eq!(taken[0].to, ["RCPT TO:<anna@fjord.example>"]);
        assert_eq!(relay.said().last().map(String::as_str), Some("QUIT"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_body_is_surely_no_mail() {
    let mut all = JoinSet::new();
    for cover in COVERS {
        for (stage, step) in BEFORE {
            for (fault, why) in FAULTS {
                all.spawn(async move {
                    let relay = Relay::start(Script::failing(cover, stage, fault)).await;
                    let mailer = mailer(&relay, cover, patience(fault));
                    let (outcome, asked) = sent(&mailer, &parcel()).await;
                    let told = format!("{cover:?} {stage:?} {fault:?}");
                    if (stage, fault) == (Stage::Greeting, Fault::Reset) {
                        // It may come before the connection is seen to stand.
                        let early = failed(Step::Connect, Why::Broken);
                        let early = outcome == early || outcome == failed(Step::Tls, Why::Broken);
                        assert!(early || outcome == failed(step, why), "{told}: {outcome:?}");
                    } else {
                        assert_eq!(outcome, failed(step, why), "{told}");
                    }
                    assert_eq!(relay.taken().len(), 0, "{told}");
                    assert_eq!(asked, u32::from(stage == Stage::Data), "{told}");
                    assert!(!outcome.words().contains("anna"), "{}", outcome.words());
                });
            }
        }
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_one_only_by_its_code() {
    for (stage, step, answer) in [
        (Stage::Sender, Step::Sender, "354 go ahead"),
        (Stage::Recipient, Step::Recipient, "354 go ahead"),
        (Stage::Recipient, Step::Recipient, "252 perhaps"),
        (Stage::Data, Step::Data, "250 ok"),
        (Stage::Auth, Step::Auth, "250 ok"),
    ] {
        let script = Script::failing(Cover::None, stage, Fault::Say(answer));
        let relay = Relay::start(script).await;
        let (outcome, _) = sent(&mailer(&relay, Cover::None, PATIENT), &parcel()).await;
        assert_eq!(outcome, failed(step, Why::Nonsense), "{stage:?} {answer}");
        assert_eq!(relay.taken().len(), 0);
    }
    let script = Script::failing(Cover::None, Stage::Recipient, Fault::Say("251 will forward"));
    let relay = Relay::start(script).await;
    let (outcome, _) = sent(&mailer(&relay, Cover::None, PATIENT), &parcel()).await;
    assert_eq!(outcome, Outcome::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_to_its_end_is_surely_no_mail() {
    // More than what lies between the two can hold.
    let long = "a line that is long enough to fill what lies between the two\n".repeat(80_000);
    let mut all = JoinSet::new();
    for (cover, fault, why) in [
        (Cover::None, Fault::Close, Why::Broken),
        (Cover::None, Fault::Silence, Why::Silence),
        (Cover::Implicit, Fault::Reset, Why::Broken),
    ] {
        let long = long.clone();
        all.spawn(async move {
            let relay = Relay::start(Script::failing(cover, Stage::Body, fault)).await;
            let mailer = mailer(&relay, cover, patience(fault));
            let (outcome, _) = sent(&mailer, &Parcel { text: &long, ..parcel() }).await;
            assert_eq!(outcome, failed(Step::Body, why), "{cover:?} {fault:?}");
            assert_eq!(relay.taken().len(), 0);
        });
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_mail_that_is_refused_was_surely_not_taken() {
    let mut all = JoinSet::new();
    for cover in COVERS {
        for (answer, why) in [
            ("451 4.7.1 greylisted", reply(451, Some([4, 7, 1]))),
            ("421 bye", reply(421, None)),
            ("552 5.3.4 too large", reply(552, Some([5, 3, 4]))),
            ("554 5.6.0 not like this", reply(554, Some([5, 6, 0]))),
        ] {
            all.spawn(async move {
                let script = Script::failing(cover, Stage::End, Fault::Say(answer));
                let relay = Relay::start(script).await;
                let (outcome, _) = sent(&mailer(&relay, cover, PATIENT), &parcel()).await;
                assert_eq!(outcome, failed(Step::End, why), "{cover:?} {answer}");
                assert_eq!(relay.taken().len(), 0);
                assert_ne!(mail_fate(&outcome, 0, 0.0), MailFate::Unknown);
            });
        }
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_mail_whose_answer_is_lost_may_have_been_taken_and_is_not_sent_again() {
    let mut all = JoinSet::new();
    for cover in COVERS {
        for (fault, how) in [
            (Fault::Close, Unknown::Broken),
            (Fault::Reset, Unknown::Broken),
            (Fault::Silence, Unknown::Silence),
            (Fault::Say("hello"), Unknown::Nonsense),
            (Fault::Say("354 go ahead"), Unknown::Nonsense),
            (Fault::Say("252 perhaps"), Unknown::Nonsense),
        ] {
            all.spawn(async move {
                let relay = Relay::start(Script::failing(cover, Stage::End, fault)).await;
                let mailer = mailer(&relay, cover, patience(fault));
                let (outcome, _) = sent(&mailer, &parcel()).await;
                assert_eq!(outcome, Outcome::Unknown(how), "{cover:?} {fault:?}");
                assert_eq!(relay.taken().len(), 1, "the relay has it, and nobody was told");
                assert_eq!(mail_fate(&outcome, 0, 0.0), MailFate::Unknown);
            });
        }
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_at_the_last_moment_has_no_body() {
    for cover in COVERS {
        let relay = Relay::start(Script::good(cover)).await;
        let outcome = mailer(&relay, cover, PATIENT).send(&parcel(), || async { false }).await;
        assert_eq!(outcome, Outcome::Withheld);
        let said = relay.said();
        assert!(said.iter().any(|line| line.starts_with("RCPT TO")), "{said:?}");
        assert!(!said.contains(&"DATA".to_owned()), "{said:?}");
        assert_eq!(relay.taken().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_not_there_is_surely_no_mail() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start(Script::good(Cover::None)).await;
    let mailer = mailer(&relay, Cover::None, PATIENT);
    drop(nobody);
    assert_eq!(sent(&mailer, &parcel()).await.0, Outcome::Sent);
    for (host, step, why) in [
        ("nobody.invalid", Step::Connect, Why::NoSuchHost),
        // In clear only this machine is spoken to, whatever the name means.
        ("192.0.2.1", Step::Connect, Why::NoSuchHost),
    ] {
        let mailer = mailer_to(host, &relay, Cover::None, PATIENT, None);
        assert_eq!(sent(&mailer, &parcel()).await, (failed(step, why), 0), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_talks_without_end_fills_nothing() {
    // More than what lies between the two would swallow.
    let endless: &'static str = Box::leak("220-hello\r\n".repeat(3_000_000).into_boxed_str());
    let line: &'static str = Box::leak("2".repeat(32_000_000).into_boxed_str());
    for text in [endless, line] {
        for cover in [Cover::None, Cover::Implicit] {
            let script = Script::failing(cover, Stage::Greeting, Fault::Say(text));
            let relay = Relay::start(script).await;
            let (outcome, _) = sent(&mailer(&relay, cover, PATIENT), &parcel()).await;
            let Outcome::Failed(Failed { step: Step::Greeting, why }) = outcome else {
                panic!("{outcome:?}");
            };
            assert!(matches!(why, Why::Broken | Why::Nonsense), "{why:?}");
            assert!(!relay.said().contains(&HEARD_OUT.to_owned()), "{cover:?}");
        }
    }
}
