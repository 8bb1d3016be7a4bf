//! Hands one mail to one relay for one recipient, step by step, so that it is known of each try
//! whether the mail may have been taken. It knows neither who is owed a mail nor what it says.
//!
//! `relay.rs` is the conversation, `opening.rs` the way to it, `wire.rs` what it runs over, `plain.rs`
//! the few words before TLS, `letter.rs` the mail as it is written down, `outcome.rs` what became of
//! it, `fate.rs` what follows. `domain.rs` judges what the sender's domain publishes, for which
//! `dns.rs` asks.

mod address;
mod answer;
mod dns;
mod domain;
mod fate;
mod folder;
mod letter;
mod opening;
mod outcome;
mod plain;
mod relay;
mod reply;
mod step;
mod trust;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

pub use address::{Address, NoAddress};
pub use dns::{Names, NoNames, Texts};
pub use domain::{Finding, Level, look, related};
pub use fate::{MailFate, PAUSES, mail_fate};
pub use outcome::{Failed, Outcome, Unknown, Why};
pub use reply::Reply;
pub use step::Step;
pub use trust::NoTrust;

use folder::Folder;
use letter::Letter;
use relay::Relay;

/// Where mail goes, and in whose name.
#[derive(Debug)]
pub struct Settings {
    /// By what road.
    pub road: Road,
    /// The name of whoever writes, and the address.
    pub from: (Option<String>, Address),
    /// Who is answered, where that is somebody else.
    pub reply_to: Option<(Option<String>, Address)>,
}

/// By what road mail goes.
#[derive(Debug)]
pub enum Road {
    /// Over a relay.
    Relay(RelaySettings),
    /// As files into a folder.
    Folder(PathBuf),
}

/// A relay, and how it is spoken to.
#[derive(Debug)]
pub struct RelaySettings {
    /// Its name or address, without a port.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// How the conversation is kept from others.
    pub tls: Tls,
    /// Certificates of authorities (PEM) that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// A user name and its password.
    pub login: Option<(String, SecretString)>,
    /// The most that a step may take.
    pub timeout: Duration,
}

/// How the conversation is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Required,
    /// Asked for in clear, before anything of ours is said.
    StartTls,
    /// Not at all, and only to this machine.
    None,
}

/// One mail to one recipient.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// What it is the same mail by: its `Message-ID`, at every try.
    pub id: &'a str,
    /// The address of the recipient.
    pub to: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// What is said, as plain text.
    pub text: &'a str,
    /// What is said, as HTML.
    pub html: &'a str,
    /// When it was decided: its `Date`.
    pub at: DateTime<Utc>,
    /// The language, such as `da`.
    pub language: &'a str,
}

/// Sends mail.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    letter: Letter,
    transport: Transport,
}

enum Transport {
    Relay(Relay),
    Folder(Folder),
}

impl Mailer {
    /// A mailer of these settings. Nobody is spoken to yet.
    pub fn new(settings: Settings) -> Result<Self, NoTrust> {
        let letter = Letter::new(settings.from, settings.reply_to);
        let transport = match settings.road {
            Road::Relay(relay) => Transport::Relay(Relay::new(relay)?),
            Road::Folder(folder) => Transport::Folder(Folder::new(folder)),
        };
        Ok(Self(Arc::new(Inner { letter, transport })))
    }

    /// Where mail goes, for people: the relay, or the folder.
    pub fn host(&self) -> &str {
        match &self.0.transport {
            Transport::Relay(relay) => relay.host(),
            Transport::Folder(folder) => folder.name(),
        }
    }

    /// No try takes longer than this: what a lease has to outlast.
    pub fn longest(&self) -> Duration {
        match &self.0.transport {
            Transport::Relay(relay) => relay.longest(),
            Transport::Folder(_) => folder::LONGEST,
        }
    }

    /// Sends one mail to one recipient. `before_body` is awaited once, after the recipient was
    /// accepted and right before the body: `false` ends the conversation without sending.
    ///
    /// Whoever drops this before it ends does not know what became of the mail.
    pub async fn send<F, Fut>(&self, parcel: &Parcel<'_>, before_body: F) -> Outcome
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = bool> + Send,
    {
        self.send_watched(parcel, before_body, &mut Vec::new()).await
    }

    /// The same; the steps that were taken without a fault are added to `taken`.
    pub async fn send_watched<F, Fut>(
        &self,
        parcel: &Parcel<'_>,
        before_body: F,
        taken: &mut Vec<Step>,
    ) -> Outcome
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = bool> + Send,
    {
        let Ok(to) = Address::read(parcel.to) else {
            return Outcome::Failed(Failed { step: Step::Recipient, why: Why::NoAddress });
        };
        let Some(letter) = self.0.letter.write(parcel, &to) else {
            return Outcome::Failed(Failed { step: Step::Body, why: Why::NotWritten });
        };
        match &self.0.transport {
            Transport::Relay(relay) => {
                let from = self.0.letter.from();
                Box::pin(relay.send(from, &to, &letter, before_body, taken)).await
            }
            Transport::Folder(folder) => folder.send(parcel.id, letter, before_body, taken).await,
        }
    }

    /// Tries everything that comes before a mail: connection, TLS, greeting, signing in. The steps
    /// that were taken without a fault are added to `taken`.
    pub async fn knock(&self, taken: &mut Vec<Step>) -> Result<(), Failed> {
        match &self.0.transport {
            Transport::Relay(relay) => Box::pin(relay.knock(taken)).await,
            Transport::Folder(folder) => folder.knock(taken).await,
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({})", self.host())
    }
}

impl fmt::Debug for Parcel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel({}, the rest hidden)", self.id)
    }
}
