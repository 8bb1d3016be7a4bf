//! One member of an Alertmanager, by its API v2. It is told all alerts that stand, again and again:
//! what it is not told for long it takes for over.

use std::fmt;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use tokio::time::timeout;
use url::Url;

use crate::edge::{self, Bounds};

use super::alert::Alert;
use super::fate::Answer;
use super::webhook::NoClient;

/// How long a push may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A member.
#[derive(Clone)]
pub struct Member {
    http: reqwest::Client,
    address: Url,
}

impl Member {
    /// The member at that address, which may end in a path.
    pub fn at(base: &Url) -> Result<Self, NoClient> {
        let bounds = Bounds { connect: PATIENCE, answer: PATIENCE, idle: 1 };
        let http = edge::builder(base.scheme() == "https", bounds).build().map_err(|_| NoClient)?;
        let mut address = base.clone();
        address.set_path(&format!("{}/api/v2/alerts", base.path().trim_end_matches('/')));
        Ok(Self { http, address })
    }

    /// Where it is, for people.
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Asks how it is, and tells it nothing.
    pub async fn knock(&self) -> Answer {
        let mut address = self.address.clone();
        let path = address.path().trim_end_matches("alerts").to_owned();
        address.set_path(&format!("{path}status"));
        answered(timeout(PATIENCE, self.http.get(address).send()).await)
    }

    /// Tells it once.
    pub async fn push(&self, alerts: &[Alert]) -> Answer {
        let Ok(body) = serde_json::to_string(alerts) else { return Answer::Broken };
        let request = self.http.post(self.address.clone()).header(CONTENT_TYPE, "application/json");
        answered(timeout(PATIENCE, request.body(body).send()).await)
    }
}

fn answered<E>(result: Result<reqwest::Result<reqwest::Response>, E>) -> Answer {
    match result {
        Ok(Ok(answer)) => Answer::Status(answer.status().as_u16(), None),
        Ok(Err(error)) if !error.is_timeout() => Answer::Broken,
        Ok(Err(_)) | Err(_) => Answer::Silence,
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.host())
    }
}
