//! What operators and their machines ask the daemon.

use keypulse::health::Status;

use crate::database::execute;
use crate::page::{ask, samples};
use crate::rig::{FLEET, Rig};

#[test]
fn a_daemon_that_is_well_says_so_on_every_page() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    for path in ["/livez", "/readyz", "/checkz"] {
        let page = daemon.page(path);
        assert_eq!((page.status, page.body.as_str()), (200, "ok\n"), "{path}");
    }
    let address = daemon.address();
    assert_eq!(ask(&address, "GET", "/nothing").unwrap().status, 404);
    assert_eq!(ask(&address, "POST", "/metrics").unwrap().status, 405);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
}

#[test]
fn checks_that_are_overdue_are_told_of_until_they_are_made() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let late = "UPDATE tenant_state SET due_at = due_at - 120000000, lease = 'other', \
                lease_until = due_at + 600000000 WHERE tenant_id = \
                (SELECT id FROM tenant WHERE ref = 'erp-0003')";
    daemon.until("somebody else holds one of the tenants and does not ask", |daemon| {
        // Saved by the daemon in between, it has to be done again.
        execute(&rig, late);
        daemon.page("/checkz").status == 503
    });
    let said = daemon.page("/checkz").body;
    assert!(said.contains("seconds overdue"), "{said}");
    // Able to serve it is all the same.
    assert_eq!(daemon.page("/readyz").status, 200);
    execute(&rig, "UPDATE tenant_state SET lease = NULL, lease_until = NULL");
    daemon.until("they are made", |daemon| daemon.page("/checkz").status == 200);
}

#[test]
fn the_metrics_can_be_read_and_tell_what_happened() {
    let rig = Rig::fleet();
    let daemon = rig.healthy_daemon();
    let page = daemon.page("/metrics");
    assert_eq!(page.status, 200);
    let form = &page.headers["content-type"];
    assert!(form.starts_with("text/plain; version=0.0.4"), "{form}");
    for line in page.body.lines() {
        let comment = line.starts_with("# HELP ") || line.starts_with("# TYPE ");
        assert!(comment || !line.starts_with('#'), "{line}");
    }
    let samples = samples(&page.body);
    let value = |series: &str| samples.get(series).copied();
    // Born at zero, before anything of the kind was seen.
    for evidence in ["rejected", "server_error", "wrong_company", "tls", "key_unavailable"] {
        let series = format!("keypulse_checks_total{{evidence=\"{evidence}\"}}");
        assert_eq!(value(&series), Some(0.0), "{series}");
    }
    for (status, cause) in Status::CAUSES.into_iter().filter(|(status, _)| *status != "healthy") {
        let series = format!("keypulse_tenants{{cause=\"{cause}\",status=\"{status}\"}}");
        assert_eq!(value(&series), Some(0.0), "{series}");
    }
    let healthy = value("keypulse_tenants{cause=\"\",status=\"healthy\"}");
    assert_eq!(healthy, Some(f64::from(FLEET)));
    let changed = value("keypulse_status_changes_total{status=\"healthy\"}");
    assert_eq!(changed, Some(f64::from(FLEET)));
    let accepted = value("keypulse_checks_total{evidence=\"accepted\"}").unwrap();
    let saved = value("keypulse_decisions_saved_total").unwrap();
    let timed = value("keypulse_check_duration_seconds_count").unwrap();
    assert!(accepted >= f64::from(FLEET) && saved >= f64::from(FLEET), "{accepted} {saved}");
    assert!(timed >= accepted, "{timed} {accepted}");
    let version = format!("keypulse_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&version), Some(1.0));
    // No tenant is a label.
    assert!(!page.body.contains("erp-"), "{}", page.body);
}
