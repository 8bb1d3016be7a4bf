//! The root of the image, as the Dockerfile has it made: enough for keypulse, and no more. Needs root, for
//! `chroot`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{PROGRAM, file, run, said, text};

const USER: u32 = 65532;

/// Killed when the test ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The entry point of the image, in this root, as its user.
fn keypulse(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command.arg(format!("--userspec={USER}:{USER}")).arg(root);
    command.args(["/usr/bin/keypulse", "--config", "/etc/keypulse/keypulse.toml"]);
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null());
    command
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// A secret as orchestrators hand it over: root's, to be read through the group.
fn hand_over(path: &Path) {
    chown(path, Some(0), Some(USER)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o440)).unwrap();
}

#[test]
fn the_root_of_the_image_carries_a_daemon_that_is_ready_and_no_shell() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = folder.path().join("root");
    let script = file("packaging/container/root.sh");
    let made = run(Command::new("sh").arg(script).arg(PROGRAM).arg(&root));
    assert!(made.status.success(), "{}", said(&made));
    let programs: Vec<_> = fs::read_dir(root.join("usr/bin")).unwrap().collect();
    assert_eq!(programs.len(), 1, "{programs:?}");
    assert!(!root.join("bin").exists() && !root.join("usr/sbin").exists());

    let version = keypulse(&root, &["--version"]).output().unwrap();
    assert!(version.status.success(), "as root? {}", said(&version));
    // What the Dockerfile and compose.yaml add.
    chown(root.join("var/lib/keypulse"), Some(USER), Some(USER)).unwrap();
    let secrets = root.join("run/secrets");
    fs::create_dir_all(&secrets).unwrap();
    let key = secrets.join("master-key");
    let made = run(Command::new(PROGRAM).args(["keyring", "new", "--out"]).arg(&key));
    assert!(made.status.success(), "{}", said(&made));
    fs::write(secrets.join("store-url"), "sqlite:///var/lib/keypulse/keypulse.db\n").unwrap();
    hand_over(&key);
    hand_over(&secrets.join("store-url"));
    let config = text("packaging/container/keypulse.toml");
    let config = config.replace("9464", &free_port()).replace("9465", &free_port());
    fs::write(root.join("etc/keypulse/keypulse.toml"), config).unwrap();

    let log = folder.path().join("log");
    let mut command = keypulse(&root, &["run"]);
    command.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    let mut daemon = Daemon(command.spawn().unwrap());
    let mut tries = 0;
    // As the image's HEALTHCHECK asks.
    while !run(&mut keypulse(&root, &["healthcheck"])).status.success() {
        let log = fs::read_to_string(&log).unwrap();
        assert!(daemon.0.try_wait().unwrap().is_none(), "it ended: {log}");
        tries += 1;
        assert!(tries < 600, "it is not healthy: {log}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let database = fs::metadata(root.join("var/lib/keypulse/keypulse.db")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&database), USER);
}
