//! Asks a listener on this machine one question over plain HTTP: bounded in time and size, and
//! unable to reach any other machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::output;

/// The longest that anybody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Our answers are one line; more than this is not read.
const MOST: u64 = 4 * 1024;

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The first line of the body, fit to be printed.
    pub says: String,
}

/// Asks for `path` at `address`, which must be a loopback address, or stand for all addresses of this
/// machine.
pub async fn ask(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let address = near(address);
    if !address.ip().is_loopback() {
        bail!("{address} is not on this machine");
    }
    match timeout(PATIENCE, converse(address, path)).await {
        Ok(answer) => answer,
        Err(_) => bail!("http://{address}{path} did not answer within 3 seconds"),
    }
}

/// Where this machine itself reaches a listener: who listens on all addresses (in a container, for all
/// that is outside) listens on loopback too.
fn near(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

async fn converse(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nobody answers at http://{address}{path}"))?;
    let question = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await.context("the question could not be sent")?;
    let mut bytes = Vec::new();
    stream.take(MOST).read_to_end(&mut bytes).await.context("the answer broke off")?;
    parse(&String::from_utf8_lossy(&bytes))
        .with_context(|| format!("what listens at {address} does not speak HTTP"))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let says = output::printable(body.lines().next().unwrap_or_default());
    Some(Answer { status, says })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_first_line() {
        let text = "HTTP/1.1 503 Service Unavailable\r\nx: y\r\n\r\nlate\u{1b}[2J\nmore\n";
        let late = Answer { status: 503, says: "late\u{fffd}[2J".to_owned() };
        assert_eq!(parse(text), Some(late));
        assert_eq!(parse("SSH-2.0-x\r\n\r\n"), None);
    }

    #[tokio::test]
    async fn no_other_machine_is_asked() {
        let error = ask("192.0.2.1:80".parse().unwrap(), "/livez").await.unwrap_err();
        assert_eq!(error.to_string(), "192.0.2.1:80 is not on this machine");
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_this_machine() {
        for (listens, asked) in [
            ("0.0.0.0:9465", "127.0.0.1:9465"),
            ("[::]:9465", "[::1]:9465"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(near(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let error = ask(address, "/checkz").await.unwrap_err();
        assert!(error.to_string().contains("within 3 seconds"), "{error}");
    }
}
