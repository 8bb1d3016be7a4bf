//! The steps of a conversation, in the order in which they are taken.

use std::fmt;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The name is looked up and the connection made.
    Connect,
    /// TLS; with STARTTLS, the asking for it as well.
    Tls,
    /// The relay says who it is.
    Greeting,
    /// We say who we are, and it says what it can.
    Ehlo,
    /// We sign in.
    Auth,
    /// We name the sender.
    Sender,
    /// We name the recipient.
    Recipient,
    /// We ask to send the body.
    Data,
    /// The body is sent.
    Body,
    /// The body is ended, and the relay says that it has taken the mail.
    End,
}

impl Step {
    /// Its name, for logs and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Body => "body",
            Self::End => "end",
        }
    }

    /// What happens in it, for people; to be read after "while" and after a check mark.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Tls => "agreeing on TLS",
            Self::Greeting => "waiting for its greeting",
            Self::Ehlo => "greeting it",
            Self::Auth => "signing in",
            Self::Sender => "naming the sender",
            Self::Recipient => "naming the recipient",
            Self::Data => "asking to send the body",
            Self::Body => "sending the body",
            Self::End => "ending the mail",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
