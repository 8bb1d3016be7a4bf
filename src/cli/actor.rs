//! Who types: the user of the operating system, as the audit chain names whoever runs a command.

use std::fs;
use std::process;

use crate::store::Actor;

/// Where names of users stand. Those of a directory service are found in no file, and only their
/// number is known.
const USERS: &str = "/etc/passwd";
/// More of that file than this is not read.
const MOST_USERS: usize = 100_000;

/// The user of this process. The number is kept for ever; the name, the name that `sudo` was called
/// by and the machine can be erased.
pub fn command() -> Actor {
    let uid = rustix::process::getuid().as_raw();
    let mut actor = Actor::new("command", &format!("uid {uid}")).with("host", &host());
    let users = fs::read_to_string(USERS).unwrap_or_default();
    if let Some(name) = name_of(uid, &users) {
        actor = actor.with("user", name);
    }
    if let Some(name) = std::env::var_os("SUDO_USER").and_then(|name| name.into_string().ok()) {
        actor = actor.with("sudo_user", &name);
    }
    actor
}

/// This process as the daemon.
pub fn daemon() -> Actor {
    Actor::daemon(&format!("{}/{}", host(), process::id()))
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn name_of(uid: u32, users: &str) -> Option<&str> {
    users.lines().take(MOST_USERS).find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_number_and_not_by_the_place() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbad\nanna:x:1000:0::/:/bin/sh\n";
        assert_eq!(name_of(1_000, users), Some("anna"));
        assert_eq!(name_of(0, users), Some("root"));
        assert_eq!(name_of(7, users), None);
    }
}
