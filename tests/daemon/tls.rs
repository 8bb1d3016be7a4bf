//! The private listener beyond this machine: TLS or a proxy, or nothing at all; and the metrics on a
//! listener of their own.

use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};

use crate::daemon::Daemon;
use crate::program::{self, Ran};
use crate::rig::{Rig, open_to_others};
use crate::wait;

/// A certificate for this machine that signs itself, and its key.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let cert = params.unwrap().self_signed(&key).unwrap();
    (cert.pem(), key.serialize_pem())
}

/// An installation whose private listener is open to others, by TLS.
fn covered() -> Rig {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let (cert, key) = pair();
    let (cert, key) = (rig.file("tls.crt", cert), rig.file("tls.key", key));
    rig.set("private.listen", "0.0.0.0:0")
        .set("private.tls_cert", cert.to_str().unwrap())
        .set("private.tls_key", key.to_str().unwrap())
        .set("metrics.listen", "127.0.0.1:0")
}

/// The port of the API, as the log tells it.
fn port(daemon: &Daemon, scheme: &str) -> u16 {
    let mark = format!("API on {scheme}://0.0.0.0:");
    let ask = || {
        let text = daemon.stderr();
        let (_, rest) = text.split_once(&mark)?;
        rest.split_once(';')?.0.parse().ok()
    };
    wait::until("the line that names the API", ask, || daemon.tail())
}

fn curl(ca: &Path, url: &str, more: &[&str]) -> Ran {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--cacert"])
        .arg(ca)
        .args(more)
        .arg(url);
    program::run(&mut command, b"")
}

#[test]
fn a_listener_for_other_machines_speaks_tls_and_leaves_the_metrics_to_one_of_their_own() {
    let rig = covered();
    let mut daemon = rig.daemon();
    let (port, ca) = (port(&daemon, "https"), rig.path().join("tls.crt"));
    let described = format!("https://localhost:{port}/api/openapi.json");
    for version in ["--http1.1", "--http2"] {
        let ran = curl(&ca, &described, &[version]).well();
        assert!(ran.stdout.contains("\"openapi\": \"3.1.0\""), "{ran:?}");
    }
    let plain = curl(&ca, &format!("http://127.0.0.1:{port}/livez"), &[]);
    assert!(plain.code != Some(0) && plain.stdout.is_empty(), "{plain:?}");
    let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    let here = curl(&ca, &format!("https://localhost:{port}/metrics"), &status).well();
    assert_eq!(here.stdout, "404");
    // On this machine the metrics and checks are in clear, and nothing else is there.
    assert_eq!(daemon.page("/livez").body, "ok\n");
    assert!(daemon.page("/metrics").body.contains("keypulse_build_info"));
    assert_eq!(daemon.page("/api/v1/tenants").status, 404);
    daemon.stop();
}

#[test]
fn a_changed_certificate_is_used_and_one_that_does_not_fit_its_key_is_not() {
    let rig = covered();
    let daemon = rig.daemon();
    let (port, first) = (port(&daemon, "https"), rig.path().join("tls.crt"));
    let url = format!("https://localhost:{port}/api/openapi.json");
    let trusted = rig.file("first.crt", std::fs::read(&first).unwrap());
    curl(&trusted, &url, &[]).well();

    let ((cert, key), (other, _)) = (pair(), pair());
    rig.file("tls.crt", other);
    daemon.until("the bad pair is complained of", |daemon| {
        daemon.stderr().contains("the changed TLS certificate is not used")
    });
    curl(&trusted, &url, &[]).well();

    let next = rig.file("next.crt", &cert);
    rig.file("tls.key", key);
    rig.file("tls.crt", cert);
    daemon.until("the new pair is served", |_| curl(&next, &url, &[]).code == Some(0));
    assert_ne!(curl(&trusted, &url, &[]).code, Some(0));
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start_by_name() {
    let rig = covered();
    let run = |rig: &Rig| rig.run(&["run"]).refusal();
    open_to_others(&rig.path().join("tls.key"));
    assert!(run(&rig).contains("chmod o-rwx"), "{}", run(&rig));
    let (cert, other) = (pair().0, pair().1);
    rig.file("tls.crt", cert);
    std::fs::remove_file(rig.path().join("tls.key")).unwrap();
    assert!(run(&rig).contains("cannot be read"), "{}", run(&rig));
    rig.file("tls.key", other);
    assert!(run(&rig).contains("is it the key of that certificate"), "{}", run(&rig));
    rig.file("tls.crt", "nothing");
    assert!(run(&rig).contains("holds no certificate"), "{}", run(&rig));
    let rig = rig.set("private.behind_tls_proxy", "true");
    assert!(run(&rig).contains("`private.behind_tls_proxy`"), "{}", run(&rig));
    let rig = Rig::new(1).set("private.tls_cert", "tls.crt");
    assert!(run(&rig).contains("`private.tls_key`"), "{}", run(&rig));
    let rig = Rig::new(1).set("private.behind_tls_proxy", "yes");
    assert!(run(&rig).contains("`true` or `false`"), "{}", run(&rig));
}

#[test]
fn a_stated_proxy_opens_the_listener_and_metrics_for_others_need_the_same() {
    let rig = Rig::new(1);
    rig.add(1..=1);
    let rig = rig.set("metrics.listen", "0.0.0.0:0");
    let refusal = rig.run(&["run"]).refusal();
    assert!(refusal.contains("`metrics.listen`") && refusal.contains("TLS"), "{refusal}");
    let rig = rig.set("private.listen", "0.0.0.0:0").set("private.behind_tls_proxy", "true");
    rig.run(&["config", "check"]).well();
    let mut daemon = rig.daemon();
    let url = format!("http://127.0.0.1:{}/api/openapi.json", port(&daemon, "http"));
    curl(&rig.path().join("none"), &url, &[]).well();
    daemon.stop();
}

#[test]
fn whoever_asks_whether_it_is_well_finds_the_checks_where_they_are() {
    let rig = covered();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = rig.set("metrics.listen", &free.to_string());
    let daemon = rig.daemon();
    daemon.until("it is well", |_| rig.run(&["healthcheck"]).code == Some(0));
    let mut alone = rig.command(&["healthcheck"]);
    alone.env_remove("KEYPULSE__METRICS__LISTEN");
    let refusal = program::run(&mut alone, b"").refusal();
    assert!(refusal.contains("metrics.listen"), "{refusal}");
}
