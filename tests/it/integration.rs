//! The back end of an integration that is the master of its keys: a table of them, and an address at
//! which it says by keyed fingerprint which one it uses. It shares no code with keypulse.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path as Part, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ring::hmac;

/// What it is asked with.
pub const TOKEN: &str = "a-token-of-the-integration";

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Well,
    /// With this status.
    Status(u16),
    /// With 200 and nothing that means anything.
    Nonsense,
    /// With more than anybody should read.
    Endless,
    /// Elsewhere.
    Redirect,
}

/// The back end; cheap to clone.
#[derive(Clone)]
pub struct Integration(Arc<Inner>);

struct Inner {
    keys: Mutex<BTreeMap<String, String>>,
    comparison: Mutex<Option<hmac::Key>>,
    manner: Mutex<Manner>,
    calls: AtomicU64,
}

impl Integration {
    /// Listens anywhere on this machine.
    pub async fn start() -> (Self, SocketAddr) {
        let one = Self(Arc::new(Inner {
            keys: Mutex::default(),
            comparison: Mutex::default(),
            manner: Mutex::new(Manner::Well),
            calls: AtomicU64::new(0),
        }));
        let router =
            Router::new().route("/keys/{ref}/fingerprint", get(answer)).with_state(one.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (one, address)
    }

    /// Where it is asked.
    pub fn url(address: SocketAddr) -> String {
        format!("http://{address}/keys/{{ref}}/fingerprint")
    }

    /// Takes the comparison key from the file that `keypulse reconcile key` wrote.
    pub fn learn(&self, file: &Path) {
        let line = std::fs::read_to_string(file).unwrap();
        let digits = line.trim();
        assert_eq!(digits.len(), 64);
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..64).step_by(2).map(byte).collect();
        *self.0.comparison.lock().unwrap() = Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    }

    pub fn uses(&self, reference: &str, key: &str) {
        self.0.keys.lock().unwrap().insert(reference.to_owned(), key.to_owned());
    }

    pub fn forgets(&self, reference: &str) {
        self.0.keys.lock().unwrap().remove(reference);
    }

    pub fn key(&self, reference: &str) -> Option<String> {
        self.0.keys.lock().unwrap().get(reference).cloned()
    }

    pub fn answers(&self, manner: Manner) {
        *self.0.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    pub fn fingerprint(&self, reference: &str) -> Option<String> {
        let key = self.key(reference)?;
        let comparison = self.0.comparison.lock().unwrap();
        let tag = hmac::sign(comparison.as_ref().unwrap(), key.as_bytes());
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap();
        let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
        Some(tag.as_ref().iter().flat_map(digits).collect())
    }

    /// Its whole list, as it pushes it.
    pub fn list(&self) -> String {
        let refs: Vec<String> = self.0.keys.lock().unwrap().keys().cloned().collect();
        let line = |one: String| format!("{one},{}\n", self.fingerprint(&one).unwrap());
        std::iter::once("ref,fingerprint\n".to_owned()).chain(refs.into_iter().map(line)).collect()
    }
}

async fn answer(
    State(one): State<Integration>,
    Part(reference): Part<String>,
    headers: HeaderMap,
) -> Response {
    one.0.calls.fetch_add(1, Ordering::Relaxed);
    let asked = headers.get("authorization").and_then(|value| value.to_str().ok());
    if asked != Some(&format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let manner = *one.0.manner.lock().unwrap();
    match manner {
        Manner::Well => match one.fingerprint(&reference) {
            Some(print) => format!(r#"{{"fingerprint":"{print}"}}"#).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Manner::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::Nonsense => r#"{"fingerprint":"pls_0123456789"}"#.into_response(),
        Manner::Endless => {
            let print = one.fingerprint(&reference).unwrap();
            format!(r#"{{"fingerprint":"{print}"{}}}"#, " ".repeat(1 << 20)).into_response()
        }
        Manner::Redirect => {
            let to = format!("/keys/{reference}/fingerprint");
            (StatusCode::FOUND, [("location", to)]).into_response()
        }
    }
}
