//! What an outcome means for a mail: a pure function, with its table.

use std::time::Duration;

use super::outcome::{Failed, Outcome, Why};
use super::reply::Reply;
use super::step::Step;

/// How long after a first, second, … try that failed the next one is made. Together 27 hours and 50
/// minutes: a relay that is down for a night or a day loses nobody a mail, and greylisting is over at
/// the second or third try.
///
/// | failed try | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |
/// |---|---|---|---|---|---|---|---|---|
/// | next after | 5 min | 15 min | 30 min | 1 h | 2 h | 4 h | 8 h | 12 h |
pub const PAUSES: [Duration; 8] = [
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_hours(12),
];

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFate {
    /// It was taken.
    Sent,
    /// It was not to be sent any more.
    Withheld,
    /// Surely not taken; after this time once more.
    TryAgainIn(Duration),
    /// Surely not taken, and never will be for this recipient: the next one is written to.
    NextContact {
        /// Whether the address is at fault, and is to be marked.
        mark: bool,
    },
    /// Surely not taken, and tried often enough. It is kept.
    Dead,
    /// Nobody knows: never again.
    Unknown,
}

/// What follows from an outcome of a mail that was tried so often before without success. `jitter` is
/// between 0 and 1 and makes a pause longer by up to a tenth.
///
/// | what happened | what follows |
/// |---|---|
/// | taken | sent |
/// | held back right before the body | withheld |
/// | the answer to the whole mail is lost, or is neither yes nor no | unknown |
/// | network, TLS, silence, nonsense, 4xx, at any step before that | try again, at last dead |
/// | 5xx to anything but the recipient and the whole mail | try again: it is our own configuration, which a person puts right |
/// | 5xx to the recipient | next contact, this one marked if an enhanced code says that it is at fault |
/// | but x.1.7, x.1.8, x.3.x, x.5.x, x.7.x, or without such a code 500, 502–504, 521, 530–538 | try again: our address, the relay's system, our words to it, its policy |
/// | 5xx to the whole mail | next contact, this one not marked: it is the mail that was refused |
/// | the address is none | next contact, marked |
/// | the relay cannot carry an address like this one | next contact, not marked |
pub fn mail_fate(outcome: &Outcome, tried: u32, jitter: f64) -> MailFate {
    match outcome {
        Outcome::Sent => MailFate::Sent,
        Outcome::Withheld => MailFate::Withheld,
        Outcome::Unknown(_) => MailFate::Unknown,
        Outcome::Failed(Failed { step, why }) => match (step, why) {
            (_, Why::NoAddress) => MailFate::NextContact { mark: true },
            (Step::Recipient, Why::Reply(reply)) if is_of_the_recipient(*reply) => {
                // Without such a code, what it refuses may be us as well.
                MailFate::NextContact { mark: reply.enhanced.is_some() }
            }
            (Step::Recipient, Why::NotOffered) => MailFate::NextContact { mark: false },
            (Step::End, Why::Reply(reply)) if reply.is_permanent() => {
                MailFate::NextContact { mark: false }
            }
            _ => again(tried, jitter),
        },
    }
}

/// Whether a refusal of a recipient is about the recipient, and for good.
fn is_of_the_recipient(reply: Reply) -> bool {
    reply.is_permanent()
        && match reply.enhanced {
            // Of the sender's address, which many relays look at only here (RFC 3463, 3.2).
            Some([_, 1, 7 | 8]) => false,
            Some([_, subject, _]) => !matches!(subject, 3 | 5 | 7),
            None => !matches!(reply.code, 500 | 502..=504 | 521 | 530..=538),
        }
}

fn again(tried: u32, jitter: f64) -> MailFate {
    let pause = usize::try_from(tried).ok().and_then(|tried| PAUSES.get(tried));
    pause.map_or(MailFate::Dead, |pause| {
        MailFate::TryAgainIn(pause.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0))
    })
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Unknown;
    use super::*;

    const STEPS: [Step; 10] = [
        Step::Connect,
        Step::Tls,
        Step::Greeting,
        Step::Ehlo,
        Step::Auth,
        Step::Sender,
        Step::Recipient,
        Step::Data,
        Step::Body,
        Step::End,
    ];

    fn failed(step: Step, why: Why) -> Outcome {
        Outcome::Failed(Failed { step, why })
    }

    fn refused(step: Step, code: u16, text: &str) -> MailFate {
        mail_fate(&failed(step, Why::Reply(Reply::new(code, text))), 0, 0.0)
    }

    const AGAIN: MailFate = MailFate::TryAgainIn(PAUSES[0]);

    #[test]
    fn what_may_have_been_taken_is_never_sent_again() {
        for how in [Unknown::Silence, Unknown::Broken, Unknown::Nonsense] {
            for tried in [0, 3, u32::MAX] {
                assert_eq!(mail_fate(&Outcome::Unknown(how), tried, 1.0), MailFate::Unknown);
            }
        }
        assert_eq!(mail_fate(&Outcome::Sent, 9, 0.0), MailFate::Sent);
        assert_eq!(mail_fate(&Outcome::Withheld, 9, 0.0), MailFate::Withheld);
    }

    #[test]
    fn not_now_is_asked_again_whoever_said_it_and_when() {
        for step in STEPS {
            assert_eq!(refused(step, 421, ""), AGAIN, "{step}");
            assert_eq!(refused(step, 450, "4.2.1 greylisted"), AGAIN, "{step}");
            for why in [Why::Silence, Why::Broken, Why::Nonsense, Why::NotTrusted, Why::NoSuchHost]
            {
                assert_eq!(mail_fate(&failed(step, why), 0, 0.0), AGAIN, "{step} {why:?}");
            }
        }
    }

    #[test]
    fn only_a_refusal_of_the_recipient_marks_the_recipient() {
        for step in STEPS {
            let marks = refused(step, 550, "5.1.1") == MailFate::NextContact { mark: true };
            assert_eq!(marks, step == Step::Recipient, "{step}");
        }
        for step in STEPS.into_iter().filter(|one| !matches!(one, Step::Recipient | Step::End)) {
            assert_eq!(refused(step, 550, "5.1.1"), AGAIN, "{step}: a person puts that right");
        }
        assert_eq!(refused(Step::End, 554, "5.6.0"), MailFate::NextContact { mark: false });
        let carried = mail_fate(&failed(Step::Recipient, Why::NotOffered), 0, 0.0);
        assert_eq!(carried, MailFate::NextContact { mark: false });
        let none = mail_fate(&failed(Step::Recipient, Why::NoAddress), 0, 0.0);
        assert_eq!(none, MailFate::NextContact { mark: true });
    }

    #[test]
    fn policy_and_the_relays_own_faults_are_not_the_recipients() {
        let marked = MailFate::NextContact { mark: true };
        let passed = MailFate::NextContact { mark: false };
        for (code, text, fate) in [
            (550, "", passed),
            (550, "5.1.1", marked),
            (551, "5.1.6", marked),
            (552, "5.2.2", marked),
            (553, "", passed),
            (550, "5.1.7", AGAIN),
            (550, "5.1.8", AGAIN),
            (550, "5.4.1", marked),
            (550, "5.7.1 relaying denied", AGAIN),
            (554, "5.7.26", AGAIN),
            (550, "5.3.0", AGAIN),
            (503, "5.5.1", AGAIN),
            (503, "", AGAIN),
            (530, "", AGAIN),
            (535, "", AGAIN),
        ] {
            assert_eq!(refused(Step::Recipient, code, text), fate, "{code} {text}");
        }
    }

    #[test]
    fn tries_grow_apart_over_more_than_a_day_and_then_end() {
        let broken = failed(Step::Connect, Why::Broken);
        let (mut whole, mut before) = (Duration::ZERO, Duration::ZERO);
        for tried in 0..8 {
            let MailFate::TryAgainIn(pause) = mail_fate(&broken, tried, 0.0) else {
                panic!("{tried} tries were too many");
            };
            assert!(pause > before);
            (whole, before) = (whole + pause, pause);
        }
        assert!(whole >= Duration::from_hours(27) && whole < Duration::from_hours(28));
        for tried in [8, 9, u32::MAX] {
            assert_eq!(mail_fate(&broken, tried, 1.0), MailFate::Dead);
        }
        for jitter in [-1.0, 0.5, 1.0, 7.0] {
            let MailFate::TryAgainIn(pause) = mail_fate(&broken, 0, jitter) else { panic!() };
            assert!(pause >= PAUSES[0] && pause <= PAUSES[0].mul_f64(1.1));
        }
    }
}
