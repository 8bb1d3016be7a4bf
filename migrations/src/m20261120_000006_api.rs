//! Who may use the private API, and which requests were answered already.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum ApiToken {
    Table,
    Id,
    Hash,
    Role,
    Name,
    CreatedAt,
    ExpiresAt,
    RevokedAt,
    UsedAt,
}

#[derive(DeriveIden)]
enum ApiAnswer {
    Table,
    Name,
    Request,
    Claim,
    ClaimedAt,
    ExpiresAt,
    Status,
    Body,
}

fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

/// The token itself is nowhere.
fn token() -> TableCreateStatement {
    Table::create()
        .table(ApiToken::Table)
        .col(text(ApiToken::Id).primary_key())
        .col(ColumnDef::new(ApiToken::Hash).blob().not_null())
        .col(text(ApiToken::Role))
        .col(text(ApiToken::Name))
        .col(number(ApiToken::CreatedAt))
        .col(number(ApiToken::ExpiresAt))
        .col(ColumnDef::new(ApiToken::RevokedAt).big_integer().null())
        .col(ColumnDef::new(ApiToken::UsedAt).big_integer().null())
        .take()
}

/// Without a status it is under way.
fn answer() -> TableCreateStatement {
    Table::create()
        .table(ApiAnswer::Table)
        .col(ColumnDef::new(ApiAnswer::Name).blob().not_null().primary_key())
        .col(ColumnDef::new(ApiAnswer::Request).blob().not_null())
        .col(text(ApiAnswer::Claim))
        .col(number(ApiAnswer::ClaimedAt))
        .col(number(ApiAnswer::ExpiresAt))
        .col(ColumnDef::new(ApiAnswer::Status).big_integer().null())
        .col(ColumnDef::new(ApiAnswer::Body).text().null())
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(token()).await?;
        manager.create_table(answer()).await?;
        manager
            .create_index(
                Index::create()
                    .name("api_answer_expires_at")
                    .table(ApiAnswer::Table)
                    .col(ApiAnswer::ExpiresAt)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [ApiAnswer::Table.into_iden(), ApiToken::Table.into_iden()] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
