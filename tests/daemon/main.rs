//! The program as a user meets it: run as a process, in a folder of its own, against the sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows only the test functions as tests, not their helpers"
)]

#[path = "../it/age.rs"]
mod age;
mod daemon;
mod database;
mod files;
mod handing_over;
mod moto;
mod page;
mod program;
mod replacing;
mod rig;
mod server;
mod wait;

mod api;
mod audit;
mod blame;
mod calls;
mod database_file;
mod documents;
mod elsewhere;
mod ending;
mod evidence;
mod faults;
mod key_file;
mod listener;
mod manual;
mod master_key;
mod metrics;
mod outage;
mod pending;
mod schema;
mod secrecy;
mod settings;
mod story;
mod tls;
mod withdrawn;
