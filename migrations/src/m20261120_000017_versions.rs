//! Which version brought each step of the schema, and the oldest that can still work with it; and
//! that the database was restored from a backup, until mail is let go again.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum SchemaStep {
    Table,
    Name,
    BroughtBy,
    WorksWith,
}

#[derive(DeriveIden)]
enum Restored {
    Table,
    Id,
    At,
    Backup,
    MadeAt,
    ReleasedAt,
}

/// All that the first release brings. Later steps write a row of their own.
const FIRST: [&str; 17] = [
    "m20261120_000001_spine",
    "m20261120_000002_care",
    "m20261120_000003_withdrawal",
    "m20261120_000004_audit",
    "m20261120_000005_handover",
    "m20261120_000006_api",
    "m20261120_000007_reference",
    "m20261120_000008_reconcile",
    "m20261120_000009_scopes",
    "m20261120_000010_links",
    "m20261120_000011_outbox",
    "m20261120_000012_weather",
    "m20261120_000013_mail",
    "m20261120_000014_page",
    "m20261120_000015_opened",
    "m20261120_000016_console",
    "m20261120_000017_versions",
];
const FIRST_VERSION: &str = "0.1.0";

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

/// A program that finds a step which it does not know reads here whether it may work all the same.
fn schema_step() -> TableCreateStatement {
    Table::create()
        .table(SchemaStep::Table)
        .col(text(SchemaStep::Name).primary_key())
        .col(text(SchemaStep::BroughtBy))
        .col(text(SchemaStep::WorksWith))
        .take()
}

/// One row at most: the last restoring. Mail is let go again once everybody was asked since.
fn restored() -> TableCreateStatement {
    Table::create()
        .table(Restored::Table)
        .col(number(Restored::Id).primary_key())
        .col(number(Restored::At))
        .col(text(Restored::Backup))
        .col(number(Restored::MadeAt))
        .col(ColumnDef::new(Restored::ReleasedAt).big_integer().null())
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [schema_step(), restored()] {
            manager.create_table(table).await?;
        }
        let mut rows = Query::insert();
        rows.into_table(SchemaStep::Table).columns([
            SchemaStep::Name,
            SchemaStep::BroughtBy,
            SchemaStep::WorksWith,
        ]);
        for name in FIRST {
            rows.values_panic([name.into(), FIRST_VERSION.into(), FIRST_VERSION.into()]);
        }
        manager.execute(rows.take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [Restored::Table.into_iden(), SchemaStep::Table.into_iden()] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
