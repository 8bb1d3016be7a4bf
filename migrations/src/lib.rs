//! The steps of keypulse's database schema, oldest first. A released step is frozen: it has names
//! of its own, imports nothing of keypulse, and the release before it must still run.

use sea_orm_migration::prelude::*;

mod m20261120_000001_spine;
mod m20261120_000002_care;
mod m20261120_000003_withdrawal;
mod m20261120_000004_audit;
mod m20261120_000005_handover;
mod m20261120_000006_api;
mod m20261120_000007_reference;
mod m20261120_000008_reconcile;
mod m20261120_000009_scopes;
mod m20261120_000010_links;
mod m20261120_000011_outbox;
mod m20261120_000012_weather;
mod m20261120_000013_mail;
mod m20261120_000014_page;
mod m20261120_000015_opened;
mod m20261120_000016_console;
mod m20261120_000017_versions;

/// Brings a database from any released schema to the newest, and back.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_spine::Migration),
            Box::new(m20261120_000002_care::Migration),
            Box::new(m20261120_000003_withdrawal::Migration),
            Box::new(m20261120_000004_audit::Migration),
            Box::new(m20261120_000005_handover::Migration),
            Box::new(m20261120_000006_api::Migration),
            Box::new(m20261120_000007_reference::Migration),
            Box::new(m20261120_000008_reconcile::Migration),
            Box::new(m20261120_000009_scopes::Migration),
            Box::new(m20261120_000010_links::Migration),
            Box::new(m20261120_000011_outbox::Migration),
            Box::new(m20261120_000012_weather::Migration),
            Box::new(m20261120_000013_mail::Migration),
            Box::new(m20261120_000014_page::Migration),
            Box::new(m20261120_000015_opened::Migration),
            Box::new(m20261120_000016_console::Migration),
            Box::new(m20261120_000017_versions::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "schema_migration".into_iden()
    }
}
