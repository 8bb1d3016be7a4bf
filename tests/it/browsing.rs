//! A browser for the console, without a picture: cookies, and forms as our own pages send them.

use std::collections::BTreeMap;

use http::Method;
use keypulse::http::api::role::Role;

use crate::api::{Answer, Served};

/// A browser as it appears to a server: it keeps cookies, and says that its forms come from here.
#[derive(Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub async fn ask(
        &mut self,
        served: &Served,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Answer {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers: Vec<(&str, &str)> = vec![("cookie", &cookies)];
        if *method == Method::POST {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let answer = served.ask(method, path, &headers, body).await;
        for cookie in &answer.cookies {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            assert!(attributes.contains("HttpOnly; SameSite="), "{cookie}");
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub async fn get(&mut self, served: &Served, path: &str) -> Answer {
        self.ask(served, &Method::GET, path, "").await
    }

    /// A form as our own page sends it.
    pub async fn send(&mut self, served: &Served, path: &str, fields: &str) -> Answer {
        self.headers.push(("sec-fetch-site", "same-origin".to_owned()));
        let answer = self.ask(served, &Method::POST, path, fields).await;
        self.headers.pop();
        answer
    }

    pub async fn sign_in(&mut self, served: &Served, token: &str) -> Answer {
        self.send(served, "/console/sign-in", &format!("token={token}")).await
    }

    /// What the forms of this browser's session carry.
    pub async fn form(&mut self, served: &Served) -> String {
        let page = text(&self.get(served, "/console").await);
        let (_, rest) =
            page.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("{page}"));
        rest.split('"').next().unwrap().to_owned()
    }
}

pub async fn signed_in(served: &Served, role: Role) -> Browser {
    let mut browser = Browser::default();
    let token = served.token(role).await;
    let answer = browser.sign_in(served, &token).await;
    assert_eq!((answer.status, location(&answer)), (303, "/console"), "{answer:?}");
    browser
}

pub fn text(answer: &Answer) -> String {
    answer.body.as_str().unwrap_or_default().to_owned()
}

pub fn location(answer: &Answer) -> &str {
    answer.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default()
}
