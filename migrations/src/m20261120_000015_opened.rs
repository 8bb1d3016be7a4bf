//! When the page of a link was first looked at, so that the time until a customer opens it can be told.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Link {
    Table,
    OpenedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = &mut ColumnDef::new(Link::OpenedAt).big_integer().null().take();
        manager.alter_table(Table::alter().table(Link::Table).add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Link::OpenedAt;
        manager.alter_table(Table::alter().table(Link::Table).drop_column(column).take()).await
    }
}
