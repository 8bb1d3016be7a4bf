//! A real SMTP server with an inbox: maildev, with TLS and signing in, on loopback.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// One that runs. Dropped, it is gone.
pub struct Maildev {
    child: Child,
    port: u16,
    inbox: u16,
    certificate: String,
    _folder: TempDir,
}

impl Maildev {
    /// Starts one that takes mail only from `keys` with the password `hunter2`, in TLS, and waits
    /// until it serves.
    pub fn start() -> Self {
        let Some(program) = std::env::var_os("KEYPULSE_TEST_MAILDEV") else {
            panic!("KEYPULSE_TEST_MAILDEV does not name maildev: run scripts/test");
        };
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let [port, inbox] = [free_port(), free_port()];
        let child = Command::new("node")
            .arg(program)
            .args(["--ip", "127.0.0.1", "--web-ip", "127.0.0.1"])
            .args(["--smtp", &port.to_string(), "--web", &inbox.to_string()])
            .args(["--incoming-user", "keys", "--incoming-pass", "hunter2", "--incoming-secure"])
            .arg("--incoming-cert")
            .arg(&cert)
            .arg("--incoming-key")
            .arg(&key)
            .arg("--mail-directory")
            .arg(folder.path().join("mail"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("node does not start: {error}"));
        let said = BufReader::new(child.stdout.take().unwrap());
        let one = Self { child, port, inbox, certificate: made.cert.pem(), _folder: folder };
        let (tell, told) = channel();
        // It is read to its end, so that what it says later does not hold it up.
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                if line.contains("SMTP Server running") {
                    let _ = tell.send(());
                }
            }
        });
        assert!(told.recv_timeout(Duration::from_mins(1)).is_ok(), "maildev does not serve");
        one
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its certificate, in PEM, for the name `localhost`.
    pub fn certificate(&self) -> String {
        self.certificate.clone()
    }

    /// The mails in the inbox, as maildev reads them.
    pub fn mails(&self) -> Vec<Value> {
        serde_json::from_str(&self.ask("/email").unwrap()).unwrap()
    }

    /// A page of it, where it is served.
    fn ask(&self, path: &str) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.inbox)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        head.split_whitespace().nth(1).filter(|status| *status == "200")?;
        Some(body.to_owned())
    }
}

impl Drop for Maildev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
