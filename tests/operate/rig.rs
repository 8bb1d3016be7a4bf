//! A folder with a configuration, a sandbox to ask, and the program to run.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keypulse::clock::SystemClock;
use keypulse::sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// A program that does not end by itself is given up after this.
const PATIENCE: Duration = Duration::from_mins(1);

/// One installation.
pub struct Rig {
    pub sandbox: Sandbox,
    pub port: u16,
    folder: TempDir,
}

/// A daemon, killed when the test ends.
pub struct Daemon(pub Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Daemon {
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Its exit code, once it has ended.
    pub async fn ended(&mut self) -> Option<i32> {
        until("the daemon ends", async || self.0.try_wait().unwrap().is_some()).await;
        self.0.wait().unwrap().code()
    }
}

impl Rig {
    /// A configuration in seconds, and a master key.
    pub async fn new(tenants: u32) -> Self {
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let options = Options { listen: anywhere, control: anywhere, tenants, seed: 11 };
        let sandbox = Sandbox::start(options, Arc::new(SystemClock::default())).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Free a moment ago; nobody else is given it soon.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let rig = Self { sandbox, port, folder };
        fs::write(
            rig.file("keypulse.toml"),
            format!(
                "[store]\nurl = \"sqlite://{}\"\n[provider]\nbase_url = \"{}\"\n\
                 [keyring]\nmaster_key_file = \"{}\"\n[private]\nlisten = \"127.0.0.1:{port}\"\n\
                 [watch]\ninterval = \"2s\"\n[budget]\nper_minute = 6000\n",
                rig.file("keypulse.db").display(),
                rig.sandbox.base_url(),
                rig.file("master.key").display(),
            ),
        )
        .unwrap();
        let made = rig.file("master.key").display().to_string();
        assert!(rig.run(&["keyring", "new", "--out", &made]).await.status.success());
        for number in 1..=tenants {
            rig.add(number).await;
        }
        rig
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this installation's configuration, and nothing of the tester's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keypulse"));
        command
            .arg("--config")
            .arg(self.file("keypulse.toml"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let ended = timeout(PATIENCE, spawn_blocking(move || command.output().unwrap()));
        ended.await.unwrap().unwrap()
    }

    async fn add(&self, number: u32) {
        let tenant = self.sandbox.world().tenant(number).unwrap();
        let (reference, company) = (tenant.reference.to_string(), tenant.company_id.clone());
        let key = self.file("key");
        let mut options = fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.write(true).create(true).truncate(true).open(&key).unwrap();
        std::io::Write::write_all(&mut file, tenant.into_key().expose().as_bytes()).unwrap();
        let file = key.display().to_string();
        let add = ["tenant", "add", &reference, "--company", &company, "--key-file", &file];
        let added = self.run(&add).await;
        assert!(added.status.success(), "{}", said(&added));
    }

    /// A daemon that has made checks in time at least once.
    pub async fn daemon(&self) -> Daemon {
        let mut command = self.command(&["run"]);
        let daemon = Daemon(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        until("the daemon makes checks in time", async || {
            self.run(&["healthcheck"]).await.status.success()
        })
        .await;
        daemon
    }
}

/// Standard output and standard error.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Waits for something to become true, but not for ever.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
}
