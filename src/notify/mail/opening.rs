//! The way to a conversation: connection, TLS, greeting, signing in. Before TLS nothing of ours is
//! said but who we are and that TLS is wanted.

use std::net::Ipv4Addr;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::answer::{wanted, why};
use super::outcome::{Failed, Why};
use super::plain::Plain;
use super::relay::{Cover, Relay};
use super::step::Step;
use super::wire::Wire;

/// How keypulse signs in, the first that is offered.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

impl Relay {
    /// A connection on which a mail may be handed in.
    pub(super) async fn open(&self, taken: &mut Vec<Step>) -> Result<AsyncSmtpConnection, Failed> {
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
        let found = lookup_host((self.host(), self.port)).await;
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

/// Who we say we are: the machine's name, where it can be said.
pub fn own_name() -> ClientId {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !name.is_empty() && name.len() <= 253 && name.chars().all(fits) {
        return ClientId::Domain(name.to_owned());
    }
    ClientId::Ipv4(Ipv4Addr::LOCALHOST)
}
