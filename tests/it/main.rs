//! The store, the vault and the road of one check, on a real SQLite file and a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may end the test as the test itself may"
)]

mod age;
mod alarm;
mod alertmanager;
mod api;
mod api_audit;
mod api_guide;
mod api_handover;
mod api_hostile;
mod api_keys;
mod api_lasting;
mod api_links;
mod api_measured;
mod api_once;
mod api_reconcile;
mod api_roles;
mod api_tenants;
mod audit;
mod backing_up;
mod browsing;
mod budget;
mod claiming;
mod client;
mod console;
mod delivering;
mod entering;
mod entering_at_once;
mod erasing;
mod explaining;
mod gate;
mod handover;
mod intake;
mod integration;
mod keyring;
mod links;
mod mail_cover;
mod mail_inbox;
mod mail_letters;
mod mail_steps;
mod maildev;
mod mailing;
mod mirroring;
mod operating;
mod outbox;
mod paging;
mod rebinding;
mod receiver;
mod referring;
mod relay;
mod repairs;
mod restoring;
mod rig;
mod road;
mod rotation;
mod rules;
mod saving;
mod schema;
mod scopes;
mod sealed;
mod searching;
mod signing_in;
mod tenants;
mod weather;
mod whose;
mod withdrawn;
