//! The configurations that are shipped: each is accepted by the program that is shipped with it.

use std::path::Path;
use std::process::Command;

use crate::{PROGRAM, run, said, text};

/// Checks a configuration with what it names made in a folder, in the place of the machine's own.
fn checked(config: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let key = place("master-key");
    let made = run(Command::new(PROGRAM).args(["keyring", "new", "--out", &key]));
    assert!(made.status.success(), "{}", said(&made));
    let url = place("store-url");
    std::fs::write(&url, format!("sqlite://{}", place("keypulse.db"))).unwrap();
    only_mine(Path::new(&url));
    let pair = rcgen::generate_simple_self_signed(["keypulse.test".to_owned()]).unwrap();
    std::fs::write(place("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(place("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    only_mine(Path::new(&place("tls.key")));
    let mut config = config.to_owned();
    for secrets in [
        "/run/credentials/keypulse.service",
        "/run/secrets/keypulse-tls",
        "/run/secrets/keypulse",
        "/run/secrets",
    ] {
        config = config.replace(secrets, &folder.path().display().to_string());
    }
    config = config.replace("/var/lib/keypulse", &folder.path().display().to_string());
    let path = place("keypulse.toml");
    std::fs::write(&path, config).unwrap();
    let output =
        run(Command::new(PROGRAM).args(["--config", &path, "config", "check"]).env_clear());
    (output.status.success(), said(&output))
}

fn only_mine(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).unwrap();
}

/// The file within the map of Kubernetes.
fn in_kubernetes() -> String {
    let map = text("packaging/kubernetes/config.yaml");
    let (_, inner) = map.split_once("keypulse.toml: |\n").unwrap();
    inner.lines().flat_map(|line| [line.strip_prefix("    ").unwrap_or(line), "\n"]).collect()
}

#[test]
fn every_configuration_that_is_shipped_is_accepted_and_tells_nobody_anything() {
    let shipped = [
        text("packaging/keypulse.toml"),
        text("packaging/container/keypulse.toml"),
        in_kubernetes(),
    ];
    for config in &shipped {
        let (accepted, says) = checked(config);
        assert!(accepted && says.contains("the configuration is valid"), "{says}\n{config}");
        assert!(config.contains("mode = \"shadow\""), "{config}");
    }
    // That it would say so.
    let open = in_kubernetes().replace("tls_", "#tls_");
    let (accepted, says) = checked(&open);
    assert!(!accepted && says.contains("private.listen"), "{says}");
}
