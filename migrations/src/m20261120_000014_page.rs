//! What a pager or a chat was told of each alert, which keep no levels themselves; the age of
//! messages, by which old ones are found; and since when anybody is told, whatever the mode was since.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Message {
    Table,
    OwedAt,
}

#[derive(DeriveIden)]
enum Notify {
    Table,
    Mode,
    Since,
    TellingSince,
}

#[derive(DeriveIden)]
enum Page {
    Table,
    Channel,
    Name,
    BeganAt,
    Count,
    ToldAt,
    Version,
    DueAt,
    Attempts,
    Lease,
    LeaseUntil,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

/// `told_at` is null as long as nothing was heard; `began_at` and `count` are of what was heard last.
fn page() -> TableCreateStatement {
    Table::create()
        .table(Page::Table)
        .col(ColumnDef::new(Page::Channel).text().not_null())
        .col(ColumnDef::new(Page::Name).text().not_null())
        .col(number(Page::BeganAt))
        .col(number(Page::Count))
        .col(ColumnDef::new(Page::ToldAt).big_integer().null())
        .col(number(Page::Version))
        .col(number(Page::DueAt))
        .col(number(Page::Attempts))
        .col(ColumnDef::new(Page::Lease).text().null())
        .col(ColumnDef::new(Page::LeaseUntil).big_integer().null())
        .primary_key(Index::create().col(Page::Channel).col(Page::Name))
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // First, as whoever changes the mode does.
        let mut column = ColumnDef::new(Notify::TellingSince).big_integer().null().take();
        let notify = Table::alter().table(Notify::Table).add_column(&mut column).take();
        manager.alter_table(notify).await?;
        let since = Query::update()
            .table(Notify::Table)
            .value(Notify::TellingSince, Expr::col(Notify::Since))
            .and_where(Expr::col(Notify::Mode).ne("shadow"))
            .take();
        manager.exec_stmt(since).await?;
        manager.create_table(page()).await?;
        let age = Index::create()
            .name("message_owed_at")
            .table(Message::Table)
            .col(Message::OwedAt)
            .take();
        manager.create_index(age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Notify::TellingSince;
        let notify = Table::alter().table(Notify::Table).drop_column(column).take();
        manager.alter_table(notify).await?;
        let mut index = Index::drop();
        let index = index.name("message_owed_at").table(Message::Table).to_owned();
        manager.drop_index(index).await?;
        manager.drop_table(Table::drop().table(Page::Table).take()).await
    }
}
