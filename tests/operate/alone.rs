//! One daemon per file, and how it ends.

use keypulse::sandbox::{Change, Fault, FaultKind};
use sea_orm::{ConnectionTrait, Database};

use crate::rig::{Rig, said, until};

#[tokio::test]
async fn a_second_run_is_refused_with_a_sentence_while_other_commands_work_beside_the_first() {
    let rig = Rig::new(1).await;
    let daemon = rig.daemon().await;
    let second = rig.run(&["run"]).await;
    assert_eq!(second.status.code(), Some(1));
    let told = said(&second);
    let who = format!("keypulse.db (process {}, since ", daemon.0.id());
    assert!(told.contains("another keypulse is running on "), "{told}");
    assert!(told.contains(&who), "{told}");
    assert!(told.contains("stop it first; other commands work beside it"), "{told}");
    for beside in [&["tenant", "list"][..], &["tenant", "check", "erp-0001"], &["status"]] {
        let output = rig.run(beside).await;
        // The daemon may hold the tenant at this very moment, and says so.
        let busy = said(&output).contains("is being checked at this moment");
        assert!(output.status.success() || busy, "{beside:?}: {}", said(&output));
    }
}

#[tokio::test]
async fn a_daemon_that_was_killed_leaves_nothing_that_keeps_the_next_one_away() {
    let rig = Rig::new(1).await;
    let mut first = rig.daemon().await;
    first.signal("-KILL");
    first.ended().await;
    assert!(rig.file("keypulse.db.lock").exists());
    let mut second = rig.daemon().await;
    second.signal("-TERM");
    assert_eq!(second.ended().await, Some(0));
}

#[tokio::test]
async fn the_second_signal_does_not_wait_for_the_calls_under_way() {
    let rig = Rig::new(1).await;
    rig.sandbox.world().apply(Change::Fault(Fault::new(FaultKind::Hang))).unwrap();
    let mut command = rig.command(&["run"]);
    // Longer than this test has patience.
    command.env("KEYPULSE__PROVIDER__TIMEOUT", "5m").stderr(std::process::Stdio::null());
    let mut daemon = crate::rig::Daemon(command.spawn().unwrap());
    until("a call is under way", async || rig.sandbox.world().counts().total > 0).await;
    daemon.signal("-TERM");
    daemon.signal("-INT");
    assert_eq!(daemon.ended().await, Some(0));
}

#[tokio::test]
async fn the_third_signal_does_not_even_wait_for_the_database() {
    let rig = Rig::new(1).await;
    let mut daemon = rig.daemon().await;
    let url = format!("sqlite://{}?mode=rw", rig.file("keypulse.db").display());
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1);
    let other = Database::connect(options).await.unwrap();
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    // Two of a kind that are sent at once may arrive as one.
    until("it was told often enough", async || {
        let ended = daemon.0.try_wait().unwrap().is_some();
        if !ended {
            daemon.signal("-TERM");
        }
        ended
    })
    .await;
    assert_eq!(daemon.ended().await, Some(130));
}
