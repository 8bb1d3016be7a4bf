//! What a service manager hears.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{Daemon, Rig, until};

/// All that lies in the socket, one datagram after the other.
fn hear(manager: &UnixDatagram, heard: &mut Vec<String>) {
    let mut buffer = [0; 1024];
    while let Ok(length) = manager.recv(&mut buffer) {
        heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
}

#[tokio::test]
async fn the_service_manager_hears_ready_then_signs_of_life_then_stopping() {
    let rig = Rig::new(1).await;
    let path = rig.folder().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut command = rig.command(&["run"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut daemon = Daemon(command.stderr(Stdio::null()).spawn().unwrap());
    let mut heard = Vec::new();
    until("it is ready and gives signs of life", async || {
        hear(&manager, &mut heard);
        let ready = heard.iter().position(|line| line.starts_with("READY=1\nSTATUS=watching Pleo"));
        ready.is_some_and(|at| heard[at..].iter().any(|line| line == "WATCHDOG=1"))
    })
    .await;
    // Ready means that the listener answers.
    let ready = rig.run(&["healthcheck", "--ready"]).await;
    assert!(ready.status.success(), "{}", crate::rig::said(&ready));
    daemon.signal("-TERM");
    assert_eq!(daemon.ended().await, Some(0));
    hear(&manager, &mut heard);
    let last = heard.last().unwrap();
    assert!(last.starts_with("STOPPING=1\nSTATUS="), "{heard:?}");
}

#[tokio::test]
async fn the_dead_man_address_is_asked_while_checks_are_made_and_is_never_shown() {
    let rig = Rig::new(1).await;
    let watcher = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping/hunter2", watcher.local_addr().unwrap());
    let log = rig.folder().join("log");
    let mut command = rig.command(&["run"]);
    command.env("KEYPULSE__HEARTBEAT__URL", url).env("KEYPULSE__HEARTBEAT__INTERVAL", "100ms");
    let mut daemon = Daemon(command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap());
    let mut asked = 0;
    until("it was asked three times", async || {
        let (mut caller, _) = watcher.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let length = caller.read(&mut head).await.unwrap();
        assert!(head[..length].starts_with(b"GET /ping/hunter2 HTTP/1.1\r\n"));
        let refused = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        caller.write_all(refused).await.unwrap();
        asked += 1;
        asked == 3
    })
    .await;
    daemon.signal("-TERM");
    assert_eq!(daemon.ended().await, Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("a sign of life was not heard: it was answered 500"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
