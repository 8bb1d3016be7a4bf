//! What became of one try to send a mail. Of the relay's words only the codes are kept.

use super::reply::Reply;
use super::step::Step;

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has taken it.
    Sent,
    /// It was not to be sent any more, and was not.
    Withheld,
    /// It was surely not taken.
    Failed(Failed),
    /// Nobody knows whether it was taken: it must not be sent again.
    Unknown(Unknown),
}

/// A mail that was surely not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {}", why.words(), ending(*step))]
pub struct Failed {
    /// How far the conversation had come.
    pub step: Step,
    /// What happened then.
    pub why: Why,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The relay said no.
    Reply(Reply),
    /// It said something that is no answer to what was said.
    Nonsense,
    /// It did not answer in time.
    Silence,
    /// It cannot be reached, or the connection broke.
    Broken,
    /// Its name leads nowhere, or, where there is no TLS, away from this machine.
    NoSuchHost,
    /// Its certificate is not one that is trusted for its name.
    NotTrusted,
    /// It does not offer what is needed: STARTTLS, a way to sign in, or addresses like this one.
    NotOffered,
    /// It had more to say than it was asked, where somebody on the way could have said it.
    Injected,
    /// The recipient's address is none.
    NoAddress,
    /// The mail could not be written down.
    NotWritten,
    /// The folder cannot be written to.
    NoFolder,
}

/// How the answer to a whole mail was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// None came in time.
    Silence,
    /// The connection broke before it came.
    Broken,
    /// What came was neither yes nor no.
    Nonsense,
}

impl Failed {
    /// Whether the same will happen tomorrow unless somebody changes something.
    pub fn is_permanent(&self) -> bool {
        match self.why {
            Why::Reply(reply) => reply.is_permanent(),
            Why::NotTrusted
            | Why::NotOffered
            | Why::NoAddress
            | Why::NotWritten
            | Why::NoFolder => true,
            Why::Nonsense | Why::Silence | Why::Broken | Why::NoSuchHost | Why::Injected => false,
        }
    }
}

impl Outcome {
    /// In words, for people and logs, without any value but the relay's codes.
    pub fn words(&self) -> String {
        match self {
            Self::Sent => "it was taken".to_owned(),
            Self::Withheld => "it was held back at the last moment, and not sent".to_owned(),
            Self::Failed(failed) => format!("{failed}; it was not sent"),
            Self::Unknown(how) => format!(
                "{}: nobody knows whether it was taken, so it is not sent again",
                how.words()
            ),
        }
    }
}

impl Unknown {
    fn words(self) -> &'static str {
        match self {
            Self::Silence => "the mail was sent whole and no answer came in time",
            Self::Broken => "the mail was sent whole and the connection broke before the answer",
            Self::Nonsense => "the mail was sent whole and what came was neither yes nor no",
        }
    }
}

impl Why {
    fn words(self) -> String {
        let text = match self {
            Self::Reply(reply) => return format!("the relay answered {reply}"),
            Self::Nonsense => "the relay's answer made no sense",
            Self::Silence => "the relay did not answer in time",
            Self::Broken => "the relay could not be reached, or the connection broke",
            Self::NoSuchHost => "the relay's name leads nowhere that it may lead",
            Self::NotTrusted => "the relay's certificate is not trusted for its name",
            Self::NotOffered => "the relay does not offer what is needed",
            Self::Injected => "somebody may have spoken in the relay's place before TLS",
            Self::NoAddress => "the address of the recipient is none",
            Self::NotWritten => "the mail could not be written down",
            Self::NoFolder => "the folder for mail cannot be written to",
        };
        text.to_owned()
    }
}

fn ending(step: Step) -> String {
    format!("while {}", step.doing())
}
