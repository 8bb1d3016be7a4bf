//! A server that answers as AWS Secrets Manager does, of one test's own: moto, which `scripts/test`
//! installs into target/tools.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::Running;
use crate::wait::{self, PATIENCE};

/// Where its program is.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/moto/bin/moto_server");

/// What AWS's SDKs find credentials in.
pub const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "made-up"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// A server. Dropped, it ends.
pub struct Moto {
    _process: Running,
    address: String,
}

impl Moto {
    pub fn start() -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is not there: run scripts/test");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(PROGRAM);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Running::start(&mut command);
        wait::until("moto", || TcpStream::connect(&address).ok(), String::new);
        Self { _process: process, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a secret and gives back its ARN.
    pub fn create(&self, name: &str, text: &str) -> String {
        let made = self.ask("CreateSecret", &json!({"Name": name, "SecretString": text}));
        made["ARN"].as_str().unwrap().to_owned()
    }

    /// Changes it as somebody else would.
    pub fn put(&self, arn: &str, text: &str) {
        self.ask("PutSecretValue", &json!({"SecretId": arn, "SecretString": text}));
    }

    /// Its present text.
    pub fn text(&self, arn: &str) -> String {
        // AWS takes this label where none is given; moto takes the version that was put last.
        let which = json!({"SecretId": arn, "VersionStage": "AWSCURRENT"});
        let secret = self.ask("GetSecretValue", &which);
        secret["SecretString"].as_str().unwrap().to_owned()
    }

    /// The versions that have the label.
    pub fn labelled(&self, arn: &str, label: &str) -> usize {
        let all = self.ask("ListSecretVersionIds", &json!({"SecretId": arn}));
        let versions = all["Versions"].as_array().unwrap();
        let has = |one: &&Value| {
            one["VersionStages"].as_array().is_some_and(|all| all.contains(&label.into()))
        };
        versions.iter().filter(has).count()
    }

    fn ask(&self, operation: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "POST / HTTP/1.0\r\nHost: secretsmanager.eu-west-1.amazonaws.com\r\n\
             X-Amz-Target: secretsmanager.{operation}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/\
             secretsmanager/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().next().unwrap().contains(" 200 "), "{operation}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}
