//! A PostgreSQL server of one test's own, which it may stop and start.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A server. Dropped, it ends.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    user: String,
    port: u16,
}

impl Server {
    /// A new server with an empty database, running.
    pub fn start_new() -> Self {
        let programs = PathBuf::from(variable("KEYPULSE_TEST_PG_BIN"));
        let user = variable("KEYPULSE_TEST_PG_USER");
        let folder = TempDir::new().unwrap();
        if !user.is_empty() {
            well(Command::new("chown").arg(&user).arg(folder.path()));
        }
        let mut server = Self { folder, programs, user, port: 0 };
        let data = server.data();
        let made = server.program("initdb").arg("-D").arg(&data).args(INITDB).output();
        assert!(made.as_ref().unwrap().status.success(), "{made:?}");
        // Somebody else may take the port between the look and the start.
        for _ in 0..5 {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if server.try_start().status.success() {
                return server;
            }
        }
        panic!("the server does not start: {}", server.log());
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        format!("postgres://keypulse@127.0.0.1:{}/postgres", self.port)
    }

    pub fn start(&self) {
        let started = self.try_start();
        assert!(started.status.success(), "{started:?}\n{}", self.log());
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&self) {
        well(&mut self.control(&["stop", "-m", "immediate"]));
    }

    fn try_start(&self) -> Output {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let mut command = self.control(&["start", "-o", &options, "-l", log.to_str().unwrap()]);
        command.output().unwrap()
    }

    fn control(&self, args: &[&str]) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(["-w", "-t", "60", "-s"]).args(args);
        command
    }

    /// One of its programs, as the user that it may run as.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if self.user.is_empty() {
            Command::new(path)
        } else {
            let group = well(Command::new("id").args(["-g", &self.user]));
            let group = String::from_utf8(group.stdout).unwrap();
            let mut command = Command::new("setpriv");
            let who = ["--reuid", &self.user, "--regid", group.trim(), "--clear-groups", "--"];
            command.args(who).arg(path);
            command
        };
        command.current_dir(self.folder.path());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").exists() {
            let _ = self.control(&["stop", "-m", "immediate"]).output();
        }
    }
}

const INITDB: [&str; 6] = ["-U", "keypulse", "-A", "trust", "--encoding=UTF8", "--no-sync"];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}

fn well(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}
