//! Tells the service manager how this process is, by the protocol of `sd_notify(3)`: one line of
//! text to the datagram socket that the environment names. Without such a socket nothing happens.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

/// The way to the service manager. A clone is the same way.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    way: Option<Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `process` is our own number.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
        process: u32,
    ) -> io::Result<Self> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let socket = UnixDatagram::unbound()?;
        // Whoever does not read must not hold us up.
        socket.set_nonblocking(true)?;
        let way = Some(Arc::new((socket, address(&name)?)));
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|wanted| wanted == u64::from(process));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| ours && *micros > 0);
        Ok(Self { way, watchdog: watchdog.map(Duration::from_micros) })
    }

    /// How often a sign of life is to be given: twice as often as the manager wants to see one.
    /// `None` where none is wanted.
    pub fn beat(&self) -> Option<Duration> {
        self.watchdog.map(|wanted| wanted / 2)
    }

    /// All is open, and this is what is done.
    pub fn ready(&self, doing: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(doing)));
    }

    /// Something takes its time before all is open.
    pub fn status(&self, doing: &str) {
        self.send(&format!("STATUS={}", one_line(doing)));
    }

    /// Nothing new is begun any more.
    pub fn stopping(&self, doing: &str) {
        self.send(&format!("STOPPING=1\nSTATUS={}", one_line(doing)));
    }

    /// A sign of life.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = self.way.as_deref() else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            warn!("the service manager could not be told how keypulse is: {error}");
        }
    }
}

/// A path, or after `@` a name that is no file.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(rest) => SocketAddr::from_abstract_name(rest),
        None => SocketAddr::from_pathname(name),
    }
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &OsStr)]) -> Supervisor {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Supervisor::from_environment(find, 7).unwrap()
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn what_is_said_arrives_as_one_datagram_of_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor = with(&[("NOTIFY_SOCKET", path.as_os_str())]);
        supervisor.ready("watching\nREADY=0");
        assert_eq!(heard(&manager), "READY=1\nSTATUS=watching READY=0");
        supervisor.stopping("ending");
        assert_eq!(heard(&manager), "STOPPING=1\nSTATUS=ending");
    }

    #[test]
    fn a_name_that_begins_with_an_at_sign_is_no_file() {
        let name = format!("keypulse-test-{}", std::process::id());
        let bound = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let manager = UnixDatagram::bind_addr(&bound).unwrap();
        with(&[("NOTIFY_SOCKET", OsStr::new(&format!("@{name}")))]).alive();
        assert_eq!(heard(&manager), "WATCHDOG=1");
    }

    #[test]
    fn a_sign_of_life_is_given_twice_as_often_as_wanted_and_only_by_the_process_that_is_meant() {
        let socket = ("NOTIFY_SOCKET", OsStr::new("/nowhere"));
        let wanted = ("WATCHDOG_USEC", OsStr::new("30000000"));
        assert_eq!(with(&[socket, wanted]).beat(), Some(Duration::from_secs(15)));
        let other = ("WATCHDOG_PID", OsStr::new("8"));
        assert_eq!(with(&[socket, wanted, other]).beat(), None);
        assert_eq!(with(&[wanted]).beat(), None);
    }

    #[test]
    fn where_nobody_listens_nothing_happens() {
        with(&[]).ready("alone");
        with(&[("NOTIFY_SOCKET", OsStr::new("/nowhere/notify"))]).ready("unheard");
    }
}
