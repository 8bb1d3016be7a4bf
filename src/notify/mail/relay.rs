//! The conversation with a relay, one step after the other, each of them bounded in time. A failure
//! before the end of the body, and a refusal at any time, is surely no mail; only an answer that is
//! lost after the end leaves it open.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Address;
use super::outcome::{Failed, Outcome, Unknown, Why};
use super::plain::Plain;
use super::reply::Reply;
use super::step::Step;
use super::trust::{self, NoTrust};
use super::wire::Wire;
use super::{RelaySettings, Tls};

/// How much longer than a step the answer to a whole mail may take. A relay looks at a mail before it
/// takes it, and nobody knows what became of one whose answer was not waited for.
const END: u32 = 4;

/// A goodbye is said, and its answer not waited for any longer than this.
const GOODBYE: Duration = Duration::from_secs(2);

/// The body goes out in pieces of so many bytes.
const PIECE: usize = 4096;

/// How keypulse signs in, the first that is offered.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// A relay.
pub struct Relay {
    host: String,
    port: u16,
    cover: Cover,
    login: Option<(String, SecretString)>,
    patience: Duration,
    hello: ClientId,
}

/// How the conversation is kept from others.
enum Cover {
    Tls { connector: TlsConnector, name: ServerName<'static>, asked_for: bool },
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

    /// A connection on which a mail may be handed in.
    async fn open(&self, taken: &mut Vec<Step>) -> Result<AsyncSmtpConnection, Failed> {
        let stream = self.step(Step::Connect, taken, self.dial()).await?;
        let wire = match &self.cover {
            Cover::None => Wire::plain(stream),
            Cover::Tls { connector, name, asked_for: false } => {
                let tls = covered(connector, name, stream);
                Wire::tls(self.step(Step::Tls, taken, tls).await?, false)
            }
            Cover::Tls { connector, name, asked_for: true } => {
                Wire::tls(self.start_tls(connector, name, stream, taken).await?, true)
            }
        };
        let mut line = self.greet(wire, taken).await?;
        if let Some((username, password)) = &self.login {
            let signed_in = self.step(Step::Auth, taken, sign_in(&mut line, username, password));
            if let Err(failed) = signed_in.await {
                return Err(self.left(&mut line, failed).await);
            }
        }
        Ok(line)
    }

    /// The first address that answers; each has its share of the time. What goes in clear stays on
    /// this machine, wherever the name leads.
    async fn dial(&self) -> Result<TcpStream, Why> {
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<_> = found
            .map_err(|_| Why::NoSuchHost)?
            .filter(|address| !matches!(self.cover, Cover::None) || address.ip().is_loopback())
            .collect();
        let share = self.patience / u32::try_from(found.len().max(1)).unwrap_or(u32::MAX);
        let mut why = Why::NoSuchHost;
        for address in found {
            why = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(_)) => Why::Broken,
                Err(_) => Why::Silence,
            };
        }
        Err(why)
    }

    /// TLS that has to be asked for; without an offer there is no mail.
    async fn start_tls(
        &self,
        connector: &TlsConnector,
        name: &ServerName<'static>,
        stream: TcpStream,
        taken: &mut Vec<Step>,
    ) -> Result<TlsStream<TcpStream>, Failed> {
        let mut plain = Plain::on(stream);
        self.step(Step::Greeting, taken, plain.greeting()).await?;
        let hello = self.hello.to_string();
        let offered = self.step(Step::Ehlo, taken, plain.hello(&hello)).await?;
        let tls = async {
            if !offered {
                return Err(Why::NotOffered);
            }
            covered(connector, name, plain.start_tls().await?).await
        };
        self.step(Step::Tls, taken, tls).await
    }

    /// lettre waits for the greeting and asks what the relay can in one.
    async fn greet(
        &self,
        wire: Wire,
        taken: &mut Vec<Step>,
    ) -> Result<AsyncSmtpConnection, Failed> {
        let seen = wire.seen();
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &self.hello);
        let why = match timeout(self.patience * 2, greeting).await {
            Ok(Ok(line)) => {
                for step in [Step::Greeting, Step::Ehlo] {
                    if !taken.contains(&step) {
                        taken.push(step);
                    }
                }
                return Ok(line);
            }
            Ok(Err(error)) => why(&error),
            Err(_) => Why::Silence,
        };
        let step = if seen.spoken() { Step::Ehlo } else { Step::Greeting };
        if step == Step::Ehlo && !taken.contains(&Step::Greeting) {
            taken.push(Step::Greeting);
        }
        Err(Failed { step, why })
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
    async fn step<T>(
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
    async fn left(&self, line: &mut AsyncSmtpConnection, failed: Failed) -> Failed {
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

async fn covered(
    connector: &TlsConnector,
    name: &ServerName<'static>,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Why> {
    connector.connect(name.clone(), stream).await.map_err(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(_)) => Why::NotTrusted,
            _ => Why::Broken,
        }
    })
}

async fn sign_in(
    line: &mut AsyncSmtpConnection,
    username: &str,
    password: &SecretString,
) -> Result<(), Why> {
    if line.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
        return Err(Why::NotOffered);
    }
    let login = Credentials::new(username.to_owned(), password.expose_secret().to_owned());
    wanted(line.auth(&MECHANISMS, &login).await, &[235])
}

/// An answer is a yes only by its code: lettre takes 3xx for one as well.
fn wanted(
    answer: Result<Response, lettre::transport::smtp::Error>,
    codes: &[u16],
) -> Result<(), Why> {
    match answer {
        Ok(answer) if codes.iter().any(|code| answer.has_code(*code)) => Ok(()),
        Ok(_) => Err(Why::Nonsense),
        Err(error) => Err(why(&error)),
    }
}

/// What lettre's error means. Of its words only a code at their beginning is looked at.
fn why(error: &lettre::transport::smtp::Error) -> Why {
    use std::error::Error;
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return Why::Reply(Reply::new(code.into(), &text));
    }
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    match text.as_str() {
        // The connection ended where an answer was to come.
        "incomplete response" => Why::Broken,
        _ if error.is_response() => Why::Nonsense,
        _ => Why::Broken,
    }
}

async fn goodbye(line: &mut AsyncSmtpConnection) {
    let _ = timeout(GOODBYE, line.quit()).await;
}

/// Who we say we are: the machine's name, where it can be said.
fn own_name() -> ClientId {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !name.is_empty() && name.len() <= 253 && name.chars().all(fits) {
        return ClientId::Domain(name.to_owned());
    }
    ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST)
}
