//! What the system gives: room on the disk, permissions, files that may be open, core dumps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use crate::store::Place;

use super::Check;

/// Below this the write-ahead log may not find room.
const LEAST_ROOM: u64 = 64 << 20;
/// Below this somebody should look soon.
const LITTLE_ROOM: u64 = 1 << 30;
/// Files beside the calls in flight: listeners and their callers, the database, the log.
const OTHER_FILES: u64 = 320;
/// Permissions of group and others.
const OF_OTHERS: u32 = 0o077;

/// The file's permissions, and the room that is left beside it.
pub fn disk(place: &Place) -> Vec<Check> {
    let Place::File(path) = place else { return Vec::new() };
    let mut checks = Vec::new();
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & OF_OTHERS != 0 => {
            let shown = path.display();
            checks.push(Check::warning(
                "permissions",
                format!("{shown} can be used by others"),
                format!("chmod 600 {shown}"),
            ));
        }
        Ok(_) => checks.push(Check::ok("permissions", "the database is its owner's alone")),
        // Whoever opens it says why it cannot be.
        Err(_) => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    checks.push(match rustix::fs::statvfs(folder) {
        Ok(found) => room(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Check::problem(
            "disk",
            format!("{} cannot be looked at: {error}", folder.display()),
            "make the folder, or name another file in `store.url`",
        ),
    });
    checks
}

fn room(free: u64) -> Check {
    let says = format!("{} MiB are free beside the database", free >> 20);
    let to_do = "make room: a full disk stops every check";
    match free {
        0..LEAST_ROOM => Check::problem("disk", says, to_do),
        LEAST_ROOM..LITTLE_ROOM => Check::warning("disk", says, to_do),
        _ => Check::ok("disk", says),
    }
}

/// Whether so many calls may be in flight.
pub fn files(concurrency: u32) -> Check {
    open_files(getrlimit(Resource::Nofile).current, concurrency)
}

fn open_files(limit: Option<u64>, concurrency: u32) -> Check {
    let Some(limit) = limit else { return Check::ok("open files", "no limit") };
    let needed = u64::from(concurrency) + OTHER_FILES;
    let says = format!("{limit} may be open here, {needed} may be needed");
    let to_do = format!(
        "raise the limit (`ulimit -n {needed}`, `LimitNOFILE={needed}` in a unit) or lower \
         `watch.concurrency`"
    );
    if limit <= u64::from(concurrency) {
        Check::problem("open files", says, to_do)
    } else if limit < needed {
        Check::warning("open files", says, to_do)
    } else {
        Check::ok("open files", says)
    }
}

/// A core dump would hold keys in clear.
pub fn core_dumps() -> Check {
    match getrlimit(Resource::Core).current {
        Some(0) => Check::ok("core dumps", "off, here"),
        Some(_) | None => Check::warning(
            "core dumps",
            "on, here: the dump of a crash would hold keys in clear",
            "turn them off for keypulse: `ulimit -c 0`, `LimitCORE=0` in a unit",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Level;

    #[test]
    fn a_disk_is_a_warning_before_it_is_a_problem() {
        assert_eq!(room(LITTLE_ROOM).level, Level::Ok);
        assert_eq!(room(LITTLE_ROOM - 1).level, Level::Warning);
        assert_eq!(room(LEAST_ROOM - 1).level, Level::Problem);
    }

    #[test]
    fn as_many_files_as_calls_are_not_enough() {
        assert_eq!(open_files(Some(64), 64).level, Level::Problem);
        assert_eq!(open_files(Some(256), 64).level, Level::Warning);
        assert_eq!(open_files(Some(1024), 64).level, Level::Ok);
        assert_eq!(open_files(None, 4096).level, Level::Ok);
    }
}
