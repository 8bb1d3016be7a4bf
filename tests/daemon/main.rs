//! The program as a user meets it: run as a process, in a folder of its own, against the sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows only the test functions as tests, not their helpers"
)]

#[path = "../it/age.rs"]
mod age;
#[path = "../it/alertmanager.rs"]
mod alertmanager;
mod console;
mod daemon;
mod database;
mod files;
mod handing_over;
#[expect(dead_code, reason = "some of it is for other tests")]
#[path = "../it/integration.rs"]
mod integration;
mod moto;
mod names;
mod page;
mod program;
#[expect(dead_code, reason = "some of it is for other tests")]
#[path = "../it/receiver.rs"]
mod receiver;
#[expect(dead_code, reason = "some of it is for other tests")]
#[path = "../it/relay.rs"]
mod relay;
mod replacing;
mod rig;
mod scraper;
mod server;
mod taking_over;
mod wait;

mod adding;
mod adopting;
mod api;
mod audit;
mod blame;
mod calls;
mod chain;
mod dashboards;
mod database_file;
mod documented;
mod documents;
mod elsewhere;
mod ending;
mod erasing;
mod evidence;
mod faults;
mod key_file;
mod listener;
mod mail;
mod mailing;
mod mails;
mod manual;
mod master_key;
mod metrics;
mod mirroring;
mod outage;
mod pages;
mod paging;
mod pending;
mod rebinding;
mod restoring;
mod runbook;
mod schema;
mod scopes;
mod secrecy;
mod settings;
mod snippets;
mod story;
mod telling;
mod tls;
mod withdrawn;
mod wording;
