//! The client over real sockets: bounded in time and size, to one host only, trusting nobody.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use keypulse::health::Inconclusive;
use keypulse::provider::{Answer, Body, Call, CallKind, Client, Limits, Profile, Reply};
use keypulse::redact::ApiKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

const TOTAL: Duration = Duration::from_millis(700);

fn client(base: &str) -> Client {
    // Two tests of one process may want it; the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limits = Limits { connect: TOTAL, total: TOTAL, idle: 4 };
    Client::new(&Profile::load("pleo").unwrap(), &Url::parse(base).unwrap(), limits).unwrap()
}

async fn call(base: &str, path: &str) -> Reply {
    let key = ApiKey::new("pls_00_11".to_owned());
    let call = Call { kind: CallKind::Identity, path: path.into() };
    client(base).call(&call, &key, DateTime::UNIX_EPOCH).await
}

/// Answers each connection with these bytes once a request has arrived, and gives back what was
/// asked on the first of them.
async fn server(answer: Vec<u8>) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = read_head(&mut stream).await;
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
        asked
    });
    (address, serving)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the client went away in the middle of a request");
        head.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(head).unwrap()
}

fn answered(reply: Reply) -> Answer {
    match reply {
        Reply::Answered(answer) => answer,
        Reply::Lost(why) => panic!("lost: {why:?}"),
    }
}

#[tokio::test]
async fn the_key_travels_as_the_user_name_of_basic_authentication_and_nowhere_else() {
    let body = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let (address, asked) = server(body).await;
    let reply = call(&format!("http://{address}/base/"), "/v1/introspect?limit=1").await;
    assert!(matches!(answered(reply), Answer { status: 200, body: Body::Json(_), .. }));
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /base/v1/introspect?limit=1 HTTP/1.1\r\n"), "{asked}");
    // base64 of `pls_00_11:`
    assert!(asked.contains("authorization: Basic cGxzXzAwXzExOg==\r\n"), "{asked}");
    assert_eq!(asked.matches("cGxzXzAwXzExOg").count(), 1);
    assert!(!asked.contains("pls_00_11"), "{asked}");
    assert!(asked.contains("accept-encoding: identity\r\n"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_is_asked_elsewhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = elsewhere.local_addr().unwrap();
    let body = format!("HTTP/1.1 307 x\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _asked) = server(body.into_bytes()).await;
    assert_eq!(answered(call(&format!("http://{address}"), "/").await).status, 307);
    let met = tokio::time::timeout(Duration::from_millis(300), elsewhere.accept()).await;
    assert!(met.is_err(), "the other host was asked");
}

#[tokio::test]
async fn a_body_longer_than_any_answer_is_not_read_to_its_end() {
    let mut body = b"HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n".to_vec();
    body.extend(std::iter::repeat_n(b' ', 70_000));
    let (address, _asked) = server(body).await;
    let answer = answered(call(&format!("http://{address}"), "/").await);
    assert!(matches!(answer, Answer { status: 200, body: Body::Other, .. }), "{answer:?}");
}

#[tokio::test]
async fn a_body_of_200_that_breaks_off_is_lost_and_one_of_401_still_says_401() {
    let cut =
        |status: u16| format!("HTTP/1.1 {status} x\r\ncontent-length: 50\r\n\r\n{{").into_bytes();
    let (address, _asked) = server(cut(200)).await;
    let reply = call(&format!("http://{address}"), "/").await;
    assert!(matches!(reply, Reply::Lost(Inconclusive::Disconnected)), "{reply:?}");
    let (address, _asked) = server(cut(401)).await;
    assert_eq!(answered(call(&format!("http://{address}"), "/").await).status, 401);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reply = call(&format!("http://{address}"), "/").await;
    assert!(matches!(reply, Reply::Lost(Inconclusive::TimedOut)), "{reply:?}");
}

#[tokio::test]
async fn nobody_listening_is_a_broken_path() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let reply = call(&format!("http://{address}"), "/").await;
    assert!(matches!(reply, Reply::Lost(Inconclusive::Disconnected)), "{reply:?}");
}

#[tokio::test]
async fn a_retry_after_is_read_from_the_answer_and_capped() {
    let body = b"HTTP/1.1 429 x\r\nretry-after: 99999\r\ncontent-length: 0\r\n\r\n".to_vec();
    let (address, _asked) = server(body).await;
    let answer = answered(call(&format!("http://{address}"), "/").await);
    assert_eq!((answer.status, answer.retry_after), (429, Some(TimeDelta::hours(1))));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_ends_the_call_before_the_key_is_sent() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_ok()
    });
    let reply = call(&format!("https://localhost:{port}"), "/").await;
    assert!(matches!(reply, Reply::Lost(Inconclusive::Tls)), "{reply:?}");
    assert!(!serving.await.unwrap(), "the handshake was completed");
}

#[test]
fn a_client_that_would_send_keys_in_clear_cannot_be_made() {
    let limits = Limits { connect: TOTAL, total: TOTAL, idle: 4 };
    let base = Url::parse("http://api.example").unwrap();
    let error = Client::new(&Profile::load("pleo").unwrap(), &base, limits).unwrap_err();
    assert!(error.to_string().contains("never travels in clear"), "{error}");
}
