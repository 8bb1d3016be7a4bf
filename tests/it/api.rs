//! The private API over real HTTP: the real router on a real socket, a real store, and the sandbox as
//! the provider.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use http::Method;
use keypulse::app::console;
use keypulse::http::api::role::Role;
use keypulse::http::listener::{self, Cover};
use keypulse::http::private;
use keypulse::shutdown::Shutdown;
use keypulse::store::NewToken;
use keypulse::task::Checker;
use keypulse::telemetry::Metrics;
use keypulse::vault::Token;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::rig::Rig;
use crate::road::Road;

/// A keypulse that serves its API.
pub struct Served {
    pub road: Road,
    pub address: String,
    pub metrics: Metrics,
    heard: Heard,
    serving: JoinHandle<()>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    /// What a browser would keep.
    pub cookies: Vec<String>,
    pub body: Value,
}

impl Answer {
    /// The word at the end of the problem's `type`.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap()
    }

    /// Status and problem at once.
    pub fn refused(&self) -> (u16, &str) {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        for field in ["title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        (self.status, self.kind())
    }
}

impl Served {
    /// Serves `tenants` tenants of the sandbox.
    pub async fn on(rig: &Rig, tenants: u32) -> Self {
        Self::again(Box::pin(Road::on(rig, tenants)).await).await
    }

    /// Knows a sandbox with so many tenants and none of them.
    pub async fn beside(rig: &Rig, tenants: u32) -> Self {
        Self::again(Box::pin(Road::with(rig, tenants, 0)).await).await
    }

    /// Serves what is there.
    pub async fn again(road: Road) -> Self {
        let Road { sandbox, app, checker } = road;
        let checker: Arc<Checker> = Arc::new(checker);
        let metrics = checker.metrics.clone();
        let api = app.api(&checker, &Shutdown::new()).unwrap();
        let console = console::of(&app, &checker, api.clone()).unwrap();
        let here: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = listener::bind("private.listen", here, &Cover::None).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let gate = checker.gate.keep_reading();
        let serving = tokio::spawn(async move {
            let _gate = gate;
            listener::serve(listener, private::router(&api, &console, None), Cover::None).await;
        });
        let checker = Road::checker_of(&app).await;
        let road = Road { sandbox, app, checker };
        Self { road, address, metrics, heard: Heard::default(), serving }
    }

    /// Stops serving.
    pub fn stop(self) {
        self.serving.abort();
    }

    /// A token of this role, good for so long.
    pub async fn token_for(&self, role: &str, span: TimeDelta) -> String {
        let token = Token::draw().unwrap();
        let (hash, now) = (token.hash(), self.road.app.clock.now());
        let new = NewToken {
            id: hash.id(),
            hash: hash.as_bytes().to_vec(),
            role: role.to_owned(),
            name: "a test".to_owned(),
            expires_at: now + span,
        };
        self.road.app.store.add_token(&new, now).await.unwrap();
        token.shown_once().to_owned()
    }

    pub async fn token(&self, role: Role) -> String {
        self.token_for(role.word(), TimeDelta::days(1)).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(&Method::GET, path, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// A request with a JSON body.
    pub async fn send(&self, method: Method, token: &str, path: &str, body: &Value) -> Answer {
        self.send_as(method, token, path, body, &[]).await
    }

    /// The same with further headers.
    pub async fn send_as(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.heard.sent(token);
        self.heard.sent(body["key"].as_str().unwrap_or_default());
        let all: Vec<_> = [("authorization", &*bearer), ("content-type", "application/json")]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(&method, path, &all, &body).await
    }

    pub async fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !body.is_empty() {
            write!(head, "content-length: {}\r\n", body.len()).unwrap();
        }
        self.raw(format!("{head}\r\n{body}").as_bytes()).await
    }

    /// Sends bytes as they are.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        // It may be answered and closed before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        let text = String::from_utf8(text).unwrap();
        self.heard.said.lock().unwrap().push_str(&text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            body.split("\r\n").skip(1).step_by(2).collect()
        } else {
            body.to_owned()
        };
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        let cookies = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let cookies = cookies.map(str::to_owned).collect();
        Answer { status, head: head.to_ascii_lowercase(), cookies, body }
    }
}

/// Everything that was answered, and every secret that was sent. At the end none of these has come out,
/// whatever the test was about.
#[derive(Default)]
pub struct Heard {
    said: Mutex<String>,
    secrets: Mutex<Vec<String>>,
}

impl Heard {
    fn sent(&self, secret: &str) {
        // Shorter ones are not keys, and may be words of an answer.
        if secret.len() >= 20 && !secret.contains(' ') {
            self.secrets.lock().unwrap().push(secret.to_owned());
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let said = self.said.lock().unwrap();
            for secret in self.secrets.lock().unwrap().iter() {
                assert!(!said.contains(secret.as_str()), "a secret was answered");
            }
        }
    }
}
