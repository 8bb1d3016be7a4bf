//! The conversation about a mail, one step after the other, each of them bounded in time. A failure
//! before the end of the body, and a refusal at any time, is surely no mail; only an answer that is
//! lost after the end leaves it open. How it comes to a conversation is in `opening.rs`.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::answer::wanted;
use super::opening::own_name;
use super::outcome::{Failed, Outcome, Unknown, Why};
use super::step::Step;
use super::trust::{self, NoTrust};
use super::{RelaySettings, Tls};

/// How much longer than a step the answer to a whole mail may take. A relay looks at a mail before it
/// takes it, and nobody knows what became of one whose answer was not waited for.
const END: u32 = 4;

/// A goodbye is said, and its answer not waited for any longer than this.
const GOODBYE: Duration = Duration::from_secs(2);

/// The body goes out in pieces of so many bytes.
const PIECE: usize = 4096;

/// A relay.
pub struct Relay {
    host: String,
    pub(super) port: u16,
    pub(super) cover: Cover,
    pub(super) login: Option<(String, SecretString)>,
    pub(super) patience: Duration,
    pub(super) hello: ClientId,
}

/// How the conversation is kept from others.
pub enum Cover {
    /// By TLS; `asked_for` in clear, or from the first byte.
    Tls { connector: TlsConnector, name: ServerName<'static>, asked_for: bool },
    /// Not at all.
    None,
}

impl Relay {
    /// The relay of these settings.
    pub fn new(settings: RelaySettings) -> Result<Self, NoTrust> {
        let RelaySettings { host, port, tls, ca, login, timeout: patience } = settings;
        let cover = match tls {
            Tls::None => Cover::None,
            Tls::Required | Tls::StartTls => Cover::Tls {
                connector: trust::connector(ca.as_deref())?,
                name: ServerName::try_from(host.clone()).map_err(|_| NoTrust::BadHost)?,
                asked_for: tls == Tls::StartTls,
            },
        };
        Ok(Self { host, port, cover, login, patience, hello: own_name() })
    }

    /// Its name, for people.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// No conversation takes longer, beside what is awaited before the body.
    pub fn longest(&self) -> Duration {
        // Connection, TLS, greeting, twice who we are, signing in, sender, recipient, data, body.
        self.patience * (10 + END) + GOODBYE
    }

    /// Everything that comes before a mail.
    pub async fn knock(&self, taken: &mut Vec<Step>) -> Result<(), Failed> {
        let mut line = self.open(taken).await?;
        goodbye(&mut line).await;
        Ok(())
    }

    /// One mail.
    pub async fn send<F, Fut>(
        &self,
        from: &Address,
        to: &Address,
        letter: &[u8],
        before_body: F,
        taken: &mut Vec<Step>,
    ) -> Outcome
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = bool> + Send,
    {
        let mut line = match self.open(taken).await {
            Ok(line) => line,
            Err(failed) => return Outcome::Failed(failed),
        };
        if let Err(failed) = self.address(&mut line, from, to, taken).await {
            return Outcome::Failed(self.left(&mut line, failed).await);
        }
        if !before_body().await {
            goodbye(&mut line).await;
            return Outcome::Withheld;
        }
        let data = self.step(Step::Data, taken, async { wanted(line.command(Data).await, &[354]) });
        if let Err(failed) = data.await {
            return Outcome::Failed(self.left(&mut line, failed).await);
        }
        let outcome = self.body(&mut line, letter, taken).await;
        match outcome {
            Outcome::Failed(failed) => Outcome::Failed(self.left(&mut line, failed).await),
            Outcome::Sent => {
                goodbye(&mut line).await;
                outcome
            }
            Outcome::Withheld | Outcome::Unknown(_) => outcome,
        }
    }

    /// Who writes to whom.
    async fn address(
        &self,
        line: &mut AsyncSmtpConnection,
        from: &Address,
        to: &Address,
        taken: &mut Vec<Step>,
    ) -> Result<(), Failed> {
        let mut options = Vec::new();
        for (address, step) in [(from, Step::Sender), (to, Step::Recipient)] {
            if address.is_ascii() {
                continue;
            }
            let can = |what| line.server_info().supports_feature(what);
            if !can(Extension::SmtpUtfEight) || !can(Extension::EightBitMime) {
                return Err(Failed { step, why: Why::NotOffered });
            }
            if options.is_empty() {
                options.push(MailParameter::SmtpUtfEight);
                options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
            }
        }
        let sender = Mail::new(Some(from.inner()), options);
        let sender = async { wanted(line.command(sender).await, &[250]) };
        self.step(Step::Sender, taken, sender).await?;
        let recipient = Rcpt::new(to.inner(), Vec::new());
        let recipient = async { wanted(line.command(recipient).await, &[250, 251]) };
        self.step(Step::Recipient, taken, recipient).await
    }

    /// The body, its end, and the answer to it. From the moment the end may have gone out, only an
    /// answer can say what became of the mail.
    async fn body(
        &self,
        line: &mut AsyncSmtpConnection,
        letter: &[u8],
        taken: &mut Vec<Step>,
    ) -> Outcome {
        let ended = OnceLock::new();
        let pieces = Pieces { rest: letter, ended: &ended };
        let mut sending = pin!(line.message_iter(pieces));
        let mut until = Instant::now() + self.patience;
        let answer = loop {
            match timeout_at(until, sending.as_mut()).await {
                Ok(answer) => break Some(answer),
                Err(_) => match ended.get().map(|at| *at + self.patience * END) {
                    Some(later) if later > until => until = later,
                    _ => break None,
                },
            }
        };
        let whole = ended.get().is_some();
        if whole {
            taken.push(Step::Body);
        }
        let why = match answer {
            Some(answer) => wanted(answer, &[250]),
            None => Err(Why::Silence),
        };
        match why {
            Ok(()) => {
                taken.push(Step::End);
                Outcome::Sent
            }
            Err(why @ Why::Reply(_)) => Outcome::Failed(Failed { step: Step::End, why }),
            Err(why) if !whole => Outcome::Failed(Failed { step: Step::Body, why }),
            Err(Why::Silence) => Outcome::Unknown(Unknown::Silence),
            Err(Why::Broken) => Outcome::Unknown(Unknown::Broken),
            Err(_) => Outcome::Unknown(Unknown::Nonsense),
        }
    }

    /// One step, in its time.
    pub(super) async fn step<T>(
        &self,
        step: Step,
        taken: &mut Vec<Step>,
        what: impl Future<Output = Result<T, Why>>,
    ) -> Result<T, Failed> {
        match timeout(self.patience, what).await {
            Ok(Ok(done)) => {
                taken.push(step);
                Ok(done)
            }
            Ok(Err(why)) => Err(Failed { step, why }),
            Err(_) => Err(Failed { step, why: Why::Silence }),
        }
    }

    /// Takes leave of a relay that said no; one that is silent or gone is left as it is.
    pub(super) async fn left(&self, line: &mut AsyncSmtpConnection, failed: Failed) -> Failed {
        if matches!(failed.why, Why::Reply(_) | Why::NotOffered) {
            goodbye(line).await;
        }
        failed
    }
}

/// A letter in pieces; notes when there is no more, which is when its end goes out.
struct Pieces<'a> {
    rest: &'a [u8],
    ended: &'a OnceLock<Instant>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            let _ = self.ended.set(Instant::now());
            return None;
        }
        let (piece, rest) = self.rest.split_at(self.rest.len().min(PIECE));
        self.rest = rest;
        Some(piece)
    }
}

async fn goodbye(line: &mut AsyncSmtpConnection) {
    let _ = timeout(GOODBYE, line.quit()).await;
}
