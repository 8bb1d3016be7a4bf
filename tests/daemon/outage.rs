//! The database is gone for a while: the daemon says so, waits, condemns nobody and goes on.

use crate::daemon::{Daemon, a_while};
use crate::database::number_at;
use crate::page;
use crate::rig::{FLEET, Rig};
use crate::server::Server;

#[test]
fn a_database_that_is_gone_for_a_while_costs_no_check_and_no_tenant_its_status() {
    let server = Server::start_new();
    let rig = on(&server);
    let mut daemon = rig.healthy_daemon();
    let address = daemon.address();
    assert_eq!(daemon.page("/readyz").status, 200);

    server.stop();
    daemon.until("it is not ready", |daemon| daemon.page("/readyz").status == 503);
    let said = daemon.page("/readyz").body;
    assert!(said.contains("database"), "{said}");
    assert!(said.trim().split(' ').count() > 3, "no sentence: {said}");
    a_while();
    assert!(daemon.is_alive(), "{}", daemon.tail());
    assert_eq!(page::get(&address, "/livez").unwrap().status, 200);
    assert_ne!(page::get(&address, "/checkz").unwrap().status, 200);
    assert!(daemon.metric("keypulse_store_errors_total{kind=\"passing\"}") > 0);
    // It cannot charge the budget, so it asks nobody.
    rig.world().reset_counts();
    a_while();
    assert_eq!(rig.world().counts().total, 0);

    server.start();
    goes_on(&rig, &daemon);
    assert_eq!(daemon.page("/readyz").status, 200);
    assert!(daemon.changes().iter().all(|one| one.to == "healthy"), "{:?}", daemon.changes());
    assert_eq!(daemon.metric("keypulse_store_errors_total{kind=\"lasting\"}"), 0);
    let open = "SELECT COUNT(*) FROM tenant_state WHERE status <> 'healthy'";
    assert_eq!(number_at(&server.url(), open), 0);
    daemon.stop();
    let leased = "SELECT COUNT(*) FROM tenant_state WHERE lease IS NOT NULL";
    assert_eq!(number_at(&server.url(), leased), 0);
}

#[test]
fn a_daemon_that_starts_before_its_database_waits_for_it() {
    let server = Server::start_new();
    let rig = on(&server);
    server.stop();
    let mut daemon = rig.daemon();
    daemon.until("it says that it waits", |daemon| {
        daemon.log().iter().any(|line| {
            let text = line["message"].as_str().unwrap_or_default();
            text.contains("cannot be reached") && text.contains("trying again")
        })
    });
    assert!(daemon.is_alive(), "{}", daemon.tail());
    server.start();
    goes_on(&rig, &daemon);
    daemon.stop();
}

#[test]
fn a_daemon_that_waits_for_its_database_can_be_stopped() {
    let server = Server::start_new();
    let rig = on(&server);
    server.stop();
    let mut daemon = rig.daemon();
    daemon.until("it waits", |daemon| !daemon.log().is_empty());
    daemon.stop();
}

#[test]
fn a_server_without_a_schema_is_refused_with_the_command_that_makes_it() {
    let server = Server::start_new();
    let rig = Rig::new(1).set("store.url", &server.url());
    for args in [&["run"][..], &["tenant", "list"]] {
        let refusal = rig.run(args).refusal();
        assert!(refusal.contains("keypulse migrate up"), "{refusal}");
    }
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(number_at(&server.url(), tables), 0);
}

/// An installation on that server, with its schema and its fleet.
fn on(server: &Server) -> Rig {
    let rig = Rig::new(FLEET).set("store.url", &server.url());
    rig.run(&["migrate", "up"]).well();
    rig.add(1..=FLEET);
    rig
}

/// Everybody is asked again, several times.
fn goes_on(rig: &Rig, daemon: &Daemon) {
    rig.world().reset_counts();
    daemon.until("everybody is asked again", |_| (1..=FLEET).all(|number| rig.asked(number) > 2));
}
