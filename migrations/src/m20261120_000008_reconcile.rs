//! Lists of the keys that the integration uses, by keyed fingerprint, and how each tenant's key was
//! found to stand to the one at its source.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum ReconcileList {
    Table,
    Id,
    PushedAt,
    Complete,
    Entries,
    Same,
    Differs,
    OnlyHere,
    OnlyThere,
}

#[derive(DeriveIden)]
enum ReconcileEntry {
    Table,
    ListId,
    Ref,
    Fingerprint,
}

#[derive(DeriveIden)]
enum Comparison {
    Table,
    TenantId,
    Generation,
    Standing,
    ComparedAt,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn maybe(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().null().take()
}

/// The newest complete one counts; what came of comparing it is there once that is done.
fn list() -> TableCreateStatement {
    Table::create()
        .table(ReconcileList::Table)
        .col(number(ReconcileList::Id).auto_increment().primary_key())
        .col(number(ReconcileList::PushedAt))
        .col(number(ReconcileList::Complete))
        .col(number(ReconcileList::Entries))
        .col(maybe(ReconcileList::Same))
        .col(maybe(ReconcileList::Differs))
        .col(maybe(ReconcileList::OnlyHere))
        .col(maybe(ReconcileList::OnlyThere))
        .take()
}

fn entry() -> TableCreateStatement {
    Table::create()
        .table(ReconcileEntry::Table)
        .col(number(ReconcileEntry::ListId))
        .col(ColumnDef::new(ReconcileEntry::Ref).text().not_null())
        .col(ColumnDef::new(ReconcileEntry::Fingerprint).blob().not_null())
        .primary_key(Index::create().col(ReconcileEntry::ListId).col(ReconcileEntry::Ref))
        .take()
}

fn comparison() -> TableCreateStatement {
    Table::create()
        .table(Comparison::Table)
        .col(number(Comparison::TenantId).primary_key())
        .col(number(Comparison::Generation))
        .col(ColumnDef::new(Comparison::Standing).text().not_null())
        .col(number(Comparison::ComparedAt))
        .foreign_key(
            ForeignKey::create()
                .from(Comparison::Table, Comparison::TenantId)
                .to(Tenant::Table, Tenant::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [list(), entry(), comparison()] {
            manager.create_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            Comparison::Table.into_iden(),
            ReconcileEntry::Table.into_iden(),
            ReconcileList::Table.into_iden(),
        ];
        for table in tables {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
