//! A relay that takes mail, or fails where and how it is told to. It keeps every command and every
//! mail that it took.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An answer that is longer is meant to be broken off.
const FLOOD: usize = 1_000_000;

/// What stands among the commands once such an answer was heard to its end.
pub const HEARD_OUT: &str = "(an endless answer was heard out)";

/// Where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Sender,
    Recipient,
    Data,
    /// After a few bytes of the body.
    Body,
    /// In the place of the answer to a whole mail, which it has.
    End,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// By this answer.
    Say(&'static str),
    Close,
    /// With a reset.
    Reset,
    /// It keeps the connection and says nothing any more.
    Silence,
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    None,
    Implicit,
    StartTls,
}

/// What it does.
#[derive(Clone, Debug)]
pub struct Script {
    pub cover: Cover,
    pub fault: Option<(Stage, Fault)>,
    /// What it says to EHLO, after its name.
    pub offers: Vec<&'static str>,
    /// What somebody adds in clear behind the yes to STARTTLS, and how much later.
    pub injects: Option<(&'static str, Duration)>,
    /// The names in its certificate.
    pub names: Vec<String>,
}

impl Script {
    /// A relay that takes everything.
    pub fn good(cover: Cover) -> Self {
        let offers = match cover {
            Cover::StartTls => vec!["STARTTLS", "AUTH PLAIN LOGIN"],
            Cover::None | Cover::Implicit => vec!["AUTH PLAIN LOGIN"],
        };
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        Self { cover, fault: None, offers, injects: None, names }
    }

    pub fn failing(cover: Cover, stage: Stage, fault: Fault) -> Self {
        Self { fault: Some((stage, fault)), ..Self::good(cover) }
    }
}

/// A mail that it took.
#[derive(Clone, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// Without the dots of SMTP.
    pub body: String,
}

/// The relay; cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    script: Script,
    acceptor: TlsAcceptor,
    certificate: String,
    taken: Mutex<Vec<Taken>>,
    said: Mutex<Vec<String>>,
}

impl Relay {
    /// Listens anywhere on this machine.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let made = rcgen::generate_simple_self_signed(script.names.clone()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let relay = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            script,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate: made.cert.pem(),
            taken: Mutex::default(),
            said: Mutex::default(),
        }));
        let one = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let one = one.clone();
                tokio::spawn(async move { one.meets(stream).await });
            }
        });
        relay
    }

    pub fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> Vec<u8> {
        self.0.certificate.clone().into_bytes()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Taken> {
        self.0.taken.lock().unwrap().clone()
    }

    /// Every command that was said to it, in clear or not.
    pub fn said(&self) -> Vec<String> {
        self.0.said.lock().unwrap().clone()
    }

    async fn meets(self, stream: TcpStream) {
        if matches!(self.0.script.fault, Some((_, Fault::Reset))) {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        if matches!(self.0.script.fault, Some((Stage::Body, _))) {
            // What is not read fills little, so a sender notices.
            socket2::SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
        }
        if self.0.script.cover == Cover::Implicit {
            if let Ok(stream) = self.0.acceptor.accept(stream).await {
                self.talks(BufReader::new(stream), true).await;
            }
            return;
        }
        let Some(mut stream) = self.talks(BufReader::new(stream), true).await else { return };
        if let Some((text, later)) = self.0.script.injects {
            tokio::time::sleep(later).await;
            stream.get_mut().write_all(text.as_bytes()).await.unwrap();
        }
        if let Ok(stream) = self.0.acceptor.accept(stream.into_inner()).await {
            self.talks(BufReader::new(stream), false).await;
        }
    }

    /// Talks until the connection ends; or gives it back where TLS is to begin.
    async fn talks<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut line: BufReader<S>,
        greets: bool,
    ) -> Option<BufReader<S>> {
        if greets && !self.answers(&mut line, Stage::Greeting, "220 relay.test ESMTP").await {
            return None;
        }
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut text = String::new();
            if line.read_line(&mut text).await.ok()? == 0 {
                return None;
            }
            let command = text.trim_end().to_owned();
            self.0.said.lock().unwrap().push(command.clone());
            let upper = command.to_ascii_uppercase();
            let goes_on = if upper.starts_with("EHLO") {
                let mut offers = self.0.script.offers.clone();
                offers.retain(|offer| greets || *offer != "STARTTLS");
                let mut lines = vec!["relay.test"];
                lines.extend(offers);
                // All but the last say that there is more.
                let text = format!("250-{}", lines.join("\r\n250-"));
                let at = text.rfind("250-").unwrap();
                let text = format!("{}250 {}", &text[..at], &text[at + 4..]);
                self.answers(&mut line, Stage::Ehlo, &text).await
            } else if upper == "STARTTLS" {
                let now = self.0.script.injects.filter(|(_, later)| later.is_zero());
                let yes = now.map_or_else(
                    || "220 go ahead".to_owned(),
                    |(text, _)| format!("220 go ahead\r\n{}", text.trim_end()),
                );
                if !self.answers(&mut line, Stage::StartTls, &yes).await {
                    return None;
                }
                if !matches!(self.0.script.fault, Some((Stage::StartTls, _))) {
                    return Some(line);
                }
                true
            } else if upper.starts_with("AUTH LOGIN") {
                for ask in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    line.write_all(format!("{ask}\r\n").as_bytes()).await.ok()?;
                    line.read_line(&mut text).await.ok()?;
                }
                self.answers(&mut line, Stage::Auth, "235 2.7.0 welcome").await
            } else if upper.starts_with("AUTH") {
                self.answers(&mut line, Stage::Auth, "235 2.7.0 welcome").await
            } else if upper.starts_with("MAIL FROM:") {
                from = command;
                self.answers(&mut line, Stage::Sender, "250 2.1.0 ok").await
            } else if upper.starts_with("RCPT TO:") {
                to.push(command);
                self.answers(&mut line, Stage::Recipient, "250 2.1.5 ok").await
            } else if upper == "DATA" {
                if !self.answers(&mut line, Stage::Data, "354 go ahead").await {
                    return None;
                }
                if matches!(self.0.script.fault, Some((Stage::Data, _))) {
                    continue;
                }
                let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                self.receives(&mut line, from, to).await
            } else if upper == "QUIT" {
                let _ = line.write_all(b"221 bye\r\n").await;
                return None;
            } else {
                line.write_all(b"500 what?\r\n").await.is_ok()
            };
            if !goes_on {
                return None;
            }
        }
    }

    /// A body, to its end.
    async fn receives<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        line: &mut BufReader<S>,
        from: String,
        to: Vec<String>,
    ) -> bool {
        if let Some((Stage::Body, _)) = self.0.script.fault {
            let mut few = [0; 10];
            let _ = line.read_exact(&mut few).await;
            return self.answers(line, Stage::Body, "").await;
        }
        let mut body = String::new();
        loop {
            let mut text = String::new();
            match line.read_line(&mut text).await {
                Ok(0) | Err(_) => return false,
                Ok(_) if text == ".\r\n" => break,
                Ok(_) => body.push_str(text.strip_prefix('.').unwrap_or(&text)),
            }
        }
        let refuses = matches!(
            self.0.script.fault,
            Some((Stage::End, Fault::Say(text))) if text.starts_with(['4', '5'])
        );
        if !refuses {
            self.0.taken.lock().unwrap().push(Taken { from, to, body });
        }
        self.answers(line, Stage::End, "250 2.0.0 taken").await
    }

    /// Answers as it should, or fails as it was told to. Whether the conversation goes on.
    async fn answers<S: AsyncWrite + Unpin>(&self, line: &mut S, stage: Stage, good: &str) -> bool {
        let text = match self.0.script.fault {
            Some((at, fault)) if at == stage => match fault {
                Fault::Say(text) => text,
                Fault::Close => {
                    let _ = line.shutdown().await;
                    return false;
                }
                Fault::Reset => return false,
                Fault::Silence => {
                    tokio::time::sleep(Duration::from_mins(1)).await;
                    return false;
                }
            },
            _ => good,
        };
        let whole = line.write_all(format!("{text}\r\n").as_bytes()).await.is_ok()
            && line.flush().await.is_ok();
        if whole && text.len() > FLOOD {
            self.0.said.lock().unwrap().push(HEARD_OUT.to_owned());
        }
        whole
    }
}
