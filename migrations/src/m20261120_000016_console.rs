//! What the console needs: who is signed in, mails as they were sent, and ways to find a tenant by the
//! beginning of what people know of it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum ConsoleSession {
    Table,
    Hash,
    TokenId,
    Person,
    CreatedAt,
    SeenAt,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Letter {
    Table,
    MessageId,
    Language,
    Subject,
    Text,
    WrittenAt,
}

#[derive(DeriveIden)]
enum Message {
    Table,
    Id,
}

fn session() -> TableCreateStatement {
    let text = |column| ColumnDef::new(column).text().null().take();
    let moment = |column| ColumnDef::new(column).big_integer().not_null().take();
    Table::create()
        .table(ConsoleSession::Table)
        .col(ColumnDef::new(ConsoleSession::Hash).binary().not_null().primary_key())
        .col(text(ConsoleSession::TokenId))
        .col(text(ConsoleSession::Person))
        .col(moment(ConsoleSession::CreatedAt))
        .col(moment(ConsoleSession::SeenAt))
        .col(moment(ConsoleSession::ExpiresAt))
        .take()
}

fn letter() -> TableCreateStatement {
    let text = |column| ColumnDef::new(column).text().not_null().take();
    Table::create()
        .table(Letter::Table)
        .col(text(Letter::MessageId).primary_key())
        .col(text(Letter::Language))
        .col(text(Letter::Subject))
        .col(text(Letter::Text))
        .col(ColumnDef::new(Letter::WrittenAt).big_integer().not_null())
        .foreign_key(
            ForeignKey::create()
                .from(Letter::Table, Letter::MessageId)
                .to(Message::Table, Message::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// Small letters of ASCII only, compared byte by byte: the same on both databases.
fn indexes(backend: DbBackend) -> Vec<String> {
    let small = |column: &str| match backend {
        DbBackend::Postgres => format!("lower({column} COLLATE \"C\")"),
        _ => format!("lower({column})"),
    };
    vec![
        format!("CREATE INDEX tenant_ref_small ON tenant ({})", small("ref")),
        format!("CREATE INDEX tenant_name_small ON tenant ({})", small("name")),
        format!("CREATE INDEX tenant_company_small ON tenant ({})", small("company_id")),
        format!("CREATE INDEX contact_address_small ON contact ({})", small("address")),
        "CREATE INDEX console_session_expires_at ON console_session (expires_at)".to_owned(),
        // How many are in which state, without reading what else is known of each.
        "CREATE INDEX tenant_state_counted ON tenant_state (status, cause, paused_at)".to_owned(),
    ]
}

const INDEXES: [&str; 5] = [
    "tenant_ref_small",
    "tenant_name_small",
    "tenant_company_small",
    "contact_address_small",
    "tenant_state_counted",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All or nothing, also on SQLite: a process that is killed in the middle leaves no half schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(session()).await?;
        manager.create_table(letter()).await?;
        for sql in indexes(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in INDEXES {
            let sql = format!("DROP INDEX {name}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        manager.drop_table(Table::drop().table(Letter::Table).take()).await?;
        manager.drop_table(Table::drop().table(ConsoleSession::Table).take()).await
    }
}
