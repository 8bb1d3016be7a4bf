//! A small disk of one test's own, which can be filled and emptied: a `tmpfs`. Mounting needs root;
//! without it the test runs itself again as the root of a user namespace.

use std::fs::{File, remove_file};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Tells a test that it runs in the namespace that was made for it.
const INSIDE: &str = "KEYPULSE_TEST_INSIDE";

/// A disk. Dropped, it is gone, with all that it held.
pub struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts a disk of so many MiB; `None` where only root may.
    pub fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        let options = format!("size={mebibytes}m,mode=700");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "keypulse-test"])
            .arg(at)
            .output();
        let mounted = matches!(&mount, Ok(output) if output.status.success());
        let inside = std::env::var_os(INSIDE).is_some();
        assert!(mounted || !inside, "no tmpfs can be mounted, not even in a namespace: {mount:?}");
        mounted.then(|| Self { at: at.to_owned() })
    }

    /// Runs a test of this program again where it may mount.
    pub fn run_where_one_may_mount(test: &str) {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--"]);
        command.arg(std::env::current_exe().unwrap()).args([test, "--exact", "--nocapture"]);
        let ran = command.env(INSIDE, "yes").output();
        let passed = matches!(&ran, Ok(Output { status, stdout, .. })
            if status.success() && String::from_utf8_lossy(stdout).contains("1 passed"));
        assert!(
            passed,
            "this test must be run as root, or where user namespaces are allowed: {ran:?}"
        );
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut file = File::create(self.filling()).unwrap();
        for length in [65_536, 4_096] {
            let block = vec![1; length];
            let error = loop {
                if let Err(error) = file.write_all(&block) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    /// Makes room again.
    pub fn empty(&self) {
        remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.at.join("filling")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Even while a daemon that is being killed has files open there.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}
