//! Where the keys of tenants lie that do not lie here.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum KeyReference {
    Table,
    TenantId,
    Reference,
}

/// The key of such a tenant has a row in `tenant_key` with nothing sealed in it.
fn key_reference() -> TableCreateStatement {
    Table::create()
        .table(KeyReference::Table)
        .col(ColumnDef::new(KeyReference::TenantId).big_integer().not_null().primary_key())
        .col(ColumnDef::new(KeyReference::Reference).text().not_null())
        .foreign_key(
            ForeignKey::create()
                .from(KeyReference::Table, KeyReference::TenantId)
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
        manager.create_table(key_reference()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(KeyReference::Table).take()).await
    }
}
