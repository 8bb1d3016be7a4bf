//! An endpoint of the integration, which keeps what comes and answers as it is told. It verifies with
//! the reference library of Standard Webhooks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;
use standardwebhooks::Webhook;

/// How it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    Status(u16),
    /// 429, to come back after so many seconds.
    NotNow(u64),
    /// Elsewhere.
    Redirect(String),
    /// With 204, after so many milliseconds.
    Slow(u64),
}

/// What came.
#[derive(Clone, Debug)]
pub struct Came {
    pub id: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Came {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The same, whenever it was sent: the library takes nothing that is minutes old.
    pub fn was_signed_by(&self, secret: &str) -> bool {
        let header = |name: &str| self.headers[name].to_str().unwrap();
        let second = header("webhook-timestamp").parse().unwrap();
        let secret = Webhook::new(secret).unwrap();
        let signature = secret.sign(header("webhook-id"), second, self.body.as_bytes()).unwrap();
        header("webhook-signature") == signature
    }

    /// Whether the reference library takes it for signed by this secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &self.headers).is_ok()
    }
}

/// The endpoint; cheap to clone.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    came: Mutex<Vec<Came>>,
    manner: Mutex<Manner>,
}

impl Receiver {
    /// Listens anywhere on this machine, and takes everything.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let one = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            came: Mutex::default(),
            manner: Mutex::new(Manner::Status(204)),
        }));
        let router = Router::new().route("/hooks", any(answer)).with_state(one.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        one
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.0.address)
    }

    pub fn answers(&self, manner: Manner) {
        *self.0.manner.lock().unwrap() = manner;
    }

    pub fn came(&self) -> Vec<Came> {
        self.0.came.lock().unwrap().clone()
    }
}

/// Somebody who takes a connection and ends it at once; gives back where.
pub async fn resetting() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    format!("http://{address}/hooks")
}

async fn answer(State(one): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    one.0.came.lock().unwrap().push(Came { id: id.to_owned(), headers: headers.clone(), body });
    let manner = one.0.manner.lock().unwrap().clone();
    match manner {
        Manner::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::NotNow(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        Manner::Redirect(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Manner::Slow(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
