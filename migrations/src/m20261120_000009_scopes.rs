//! What a tenant's key was last seen to be allowed to do, so that it can be said beforehand whom a new
//! requirement would touch.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Tenant {
    Table,
    GrantedScopes,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = &mut ColumnDef::new(Tenant::GrantedScopes).text().null().take();
        manager.alter_table(Table::alter().table(Tenant::Table).add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Tenant::GrantedScopes;
        manager.alter_table(Table::alter().table(Tenant::Table).drop_column(column).take()).await
    }
}
