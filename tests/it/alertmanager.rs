//! A real Alertmanager, alone and on loopback.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// One that runs. Dropped, it is gone.
pub struct Alertmanager {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts one that tells nobody, and waits until it serves.
    pub fn start() -> Self {
        Self::start_with("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    }

    /// The same with that configuration.
    pub fn start_with(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, configuration).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("prometheus-alertmanager does not start ({error}): run scripts/test")
        });
        let one = Self { child, port, _folder: folder };
        for _ in 0..500 {
            if one.ask("/-/ready").is_some() {
                return one;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("prometheus-alertmanager does not serve");
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts that stand there, by name.
    pub fn holds(&self) -> Vec<Value> {
        let text = self.ask("/api/v2/alerts?active=true").unwrap();
        let mut alerts: Vec<Value> = serde_json::from_str(&text).unwrap();
        alerts.sort_by_key(|one| one["labels"].to_string());
        alerts
    }

    /// The name, the cause and the number of each.
    pub fn told(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let holds = self.holds();
        let each = holds.iter().map(|one| {
            let (labels, said) = (&one["labels"], &one["annotations"]);
            (text(&labels["alertname"]), text(&labels["cause"]), text(&said["count"]))
        });
        each.collect()
    }

    /// A page of it, where it is served.
    fn ask(&self, path: &str) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        head.split_whitespace().nth(1).filter(|status| *status == "200")?;
        Some(body.to_owned())
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
